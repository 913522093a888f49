/**
 * The exchange through Plugline: with the Promise functions, and with a builder run by Effect.
 *
 * @module
 */
import { Effect, ManagedRuntime } from "effect"
import { build, layer, plugline } from "plugline"
import { chunks, question, text } from "../exchange.ts"
import { inTurn, together, type Upstream } from "../repeat.ts"
import type { Contenders } from "../worker.ts"

const runtime = ManagedRuntime.make(layer)

const messages = [{ role: "system", content: question.system }, { role: "user", content: question.user }] as const

const baseUrlOf = ({ how, origin }: Upstream): string => `${origin}/${how}/v1`

const optionsOf = (upstream: Upstream) => ({ model: question.model, apiKey: "sk-bench", baseUrl: baseUrlOf(upstream) })

const call = async (upstream: Upstream): Promise<string> =>
  (await plugline.chat("openai", messages, optionsOf(upstream))).text

const execute = (upstream: Upstream): Promise<string> => {
  const built = build("openai", messages, { model: question.model })
    .withApiKey("sk-bench")
    .withConfig({ baseUrl: baseUrlOf(upstream) })
  return runtime.runPromise(Effect.map(built.execute(), (answer) => answer.text))
}

/** Reads a stream to its end; `each` hears of every piece of text. */
const stream = async (upstream: Upstream, each: (delta: string) => void = () => {}): Promise<number> => {
  let seen = 0
  for await (const part of plugline.stream("openai", messages, optionsOf(upstream))) {
    if (part.type !== "text-delta") continue
    seen++
    each(part.delta)
  }
  return seen
}

export const contenders: Contenders<Upstream> = {
  call: (upstream) => inTurn(() => call(upstream), text),
  calls: (upstream) => together(() => call(upstream), text),
  execute: (upstream) => inTurn(() => execute(upstream), text),
  stream: (upstream) => inTurn(() => stream(upstream), chunks),
  streams: (upstream) => together(() => stream(upstream), chunks)
}

/** What the memory of a request in flight is made of: begins it, and answers when it stands. */
export const hold = {
  call: (upstream: Upstream): void => void call(upstream),
  stream: (upstream: Upstream): Promise<void> => new Promise((resolve) => void stream(upstream, () => resolve()))
}
