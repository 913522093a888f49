/**
 * The recordings in Ollama's own formats.
 *
 * @module
 */
import { type ChatResult, Message, Request } from "@plugline/core"
import { wires } from "../../src/ollama/index.ts"
import type { Wire } from "../../src/Wire.ts"
import { expect } from "vitest"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

const shipped = wires()

type Body = { [name: string]: unknown } & {
  messages?: ReadonlyArray<Record<string, unknown>>
  input?: string | ReadonlyArray<string>
}

export const ollama: Family = {
  apis: ["ollama-chat", "ollama-generate", "ollama-embed", "ollama-models"],
  wire: (recording): Wire => shipped[operationOf(recording) as "chat"],
  request: (recording) => {
    const { input } = (recording.request.body ?? {}) as Body
    return Request.make({
      provider: recording.provider,
      operation: operationOf(recording),
      messages: input === undefined ? "Hello" : [input].flat().map(Message.user),
      options: { model: "m" },
      // A completion is streamed where the configuration says so.
      config: recording.stream && recording.api === "ollama-generate" ? { stream: true } : {}
    })
  },
  asStream: ({ response: { body } }) => Buffer.from(`${JSON.stringify(body)}\n`),
  usage: (sent) => ({
    inputTokens: sent.input_tokens === undefined ? {} : { total: sent.input_tokens },
    outputTokens: sent.output_tokens === undefined ? {} : { total: sent.output_tokens }
  }),
  also: durations,
  normal: (body, { api }) => {
    if (api === "ollama-embed" || typeof body !== "object" || body === null) return body
    const { messages, ...rest } = body as Body
    return {
      ...rest,
      // A message without a text has an empty one.
      ...(messages !== undefined && {
        messages: messages.map((message) => ({ ...message, content: message.content ?? "" }))
      }),
      // Ollama streams where nothing is said.
      stream: rest.stream ?? true
    }
  }
}

/** Durations stand in the metadata, too, and what an answer goes on from. */
function durations(result: ChatResult, { response, provider }: Recording): void {
  const lines = response.body_text?.trim().split("\n")
  const last: Record<string, unknown> = lines === undefined ? response.body as {} : JSON.parse(lines.at(-1)!)
  expect(result.metadata?.[provider]).toMatchObject({
    total_duration: last.total_duration,
    ...(last.context !== undefined && { context: last.context })
  })
  expect(result.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
}
