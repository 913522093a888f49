/**
 * The exchange through the vendor's own package, `openai`.
 *
 * @module
 */
import OpenAI from "openai"
import { body, chunks, text } from "../exchange.ts"
import { inTurn, together, type Upstream } from "../repeat.ts"
import type { Contenders } from "../worker.ts"

const clientOf = ({ how, origin }: Upstream): OpenAI =>
  new OpenAI({ apiKey: "sk-bench", baseURL: `${origin}/${how}/v1`, maxRetries: 0 })

const asked = { model: body.model, messages: body.messages.map((message) => ({ ...message })) }

const askedStreamed = { ...asked, stream: true, stream_options: { include_usage: true } } as const

const call = async (client: OpenAI): Promise<string> => {
  const completion = await client.chat.completions.create(asked)
  return completion.choices[0]?.message.content ?? ""
}

/** Reads a stream to its end; `each` hears of every piece of text. */
const stream = async (client: OpenAI, each: (delta: string) => void = () => {}): Promise<number> => {
  let seen = 0
  for await (const chunk of await client.chat.completions.create(askedStreamed)) {
    const delta = chunk.choices[0]?.delta.content ?? ""
    if (delta === "") continue
    seen++
    each(delta)
  }
  return seen
}

export const contenders: Contenders<Upstream> = {
  call: (upstream) => {
    const client = clientOf(upstream)
    return inTurn(() => call(client), text)
  },
  calls: (upstream) => {
    const client = clientOf(upstream)
    return together(() => call(client), text)
  },
  stream: (upstream) => {
    const client = clientOf(upstream)
    return inTurn(() => stream(client), chunks)
  },
  streams: (upstream) => {
    const client = clientOf(upstream)
    return together(() => stream(client), chunks)
  }
}

let held: OpenAI | undefined

/** What the memory of a request in flight is made of: begins it, and answers when it stands. */
export const hold = {
  call: (upstream: Upstream): void => void call(held ??= clientOf(upstream)),
  stream: (upstream: Upstream): Promise<void> =>
    new Promise((resolve) => void stream(held ??= clientOf(upstream), () => resolve()))
}
