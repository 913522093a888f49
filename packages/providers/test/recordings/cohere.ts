/**
 * The recordings in Cohere's formats.
 *
 * @module
 */
import { type ChatResult, Message, Request, Result } from "@plugline/core"
import { expect } from "vitest"
import { wires } from "../../src/cohere/index.ts"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

const shipped = wires()

interface Block {
  readonly type?: string
  readonly text?: string
}
interface Inputs {
  readonly texts?: ReadonlyArray<string>
  readonly inputs?: ReadonlyArray<unknown>
}
type Sent = { [name: string]: unknown } & { messages?: ReadonlyArray<{ content?: unknown; tool_calls?: unknown }> }

/** A text is the same as a list of one text, and an empty one beside calls is none. */
const content = ({ content, ...message }: { content?: unknown; tool_calls?: unknown }): object => {
  const blocks = Array.isArray(content) ? content as ReadonlyArray<Block> : undefined
  const only = blocks?.length === 1 && blocks[0]?.type === "text" ? blocks[0].text : content
  return only === "" && message.tool_calls !== undefined ? message : { ...message, content: only }
}

export const cohere: Family = {
  apis: ["cohere-v2-chat", "cohere-v1-chat", "cohere-v1-generate", "cohere-embed", "cohere-models"],
  wire: (recording) => shipped[operationOf(recording) as "chat"],
  request: (recording) => {
    const { inputs, texts } = (recording.request.body ?? {}) as Inputs
    return Request.make({
      provider: recording.provider,
      operation: operationOf(recording),
      messages: texts?.map(Message.user) ?? inputs?.map(() => Message.user("")) ?? "Hello",
      options: { model: "m" },
      config: {
        ...(recording.request.url.includes("/v1/") && recording.api.startsWith("cohere-v1") && { api: "v1" }),
        ...(recording.api === "cohere-v1-generate" && recording.stream && { stream: true })
      }
    })
  },
  asStream: (recording) => {
    const { api, response: { body } } = recording
    if (api === "cohere-v2-chat") return undefined
    const line = { is_finished: true, event_type: "stream-end", response: body }
    return Buffer.from(`${JSON.stringify(line)}\n`)
  },
  usage: (sent, { expect: { usage_raw: raw } }) => {
    const reasoning = (raw as { tokens?: { reasoning_tokens?: number } } | undefined)?.tokens?.reasoning_tokens
    const { cached_input_tokens: cached, input_tokens: input, output_tokens: output } = sent
    return {
      inputTokens: {
        ...(input !== undefined && { total: input }),
        ...(cached !== undefined && { cacheRead: cached, uncached: input! - cached })
      },
      outputTokens: {
        ...(output !== undefined && { total: output }),
        ...(reasoning !== undefined && { reasoning, text: output! - reasoning })
      }
    }
  },
  also: (result, recording) => {
    plan(result, recording)
  },
  normal: (body) => {
    if (typeof body !== "object" || body === null) return body
    const { messages, stream, ...rest } = body as Sent
    return {
      ...rest,
      ...(stream === true && { stream }),
      ...(messages !== undefined && { messages: messages.map(content) })
    }
  }
}

/** What the model plans before it calls tools is reasoning that is marked as such, and goes back as it was. */
const plan = (result: ChatResult, { expect: facts, provider }: Recording): void => {
  const plans = result.content.map((part) =>
    part.type === "reasoning" && part.metadata?.[provider]?.type === "tool_plan" ? part.text : ""
  )
  expect(plans.join("")).toBe(facts.tool_plan ?? "")
  if (facts.tool_plan === undefined) return
  const messages = [Message.user("Hi"), Result.toMessage(result)]
  const request = Request.make({ provider, messages, options: { model: "m" } })
  const sent = shipped.chat.prepare(request).request.body!.messages as ReadonlyArray<object>
  expect(sent[1]).toMatchObject({ tool_plan: facts.tool_plan })
}
