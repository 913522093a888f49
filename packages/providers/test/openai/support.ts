/**
 * What the tests of this wire share: requests, decoding in pieces, and answers written as event streams.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { type Quirks, wires } from "../../src/openai/index.ts"
import type { Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** A request of a provider; `openai` and one short question by default. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({ provider: "openai", messages: "Hello", ...init, options: { model: "m", ...init.options } })

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}, quirks?: Quirks): Prepared => {
  const it = request(init)
  return wires(quirks)[it.operation].prepare(it)
}

/** The body of a chat with these options beside model and messages. */
export const options = (options: Options, provider = "openai", quirks?: Quirks): object => {
  const { model: _, messages: __, ...rest } = prepared({ provider, options }, quirks).request.body!
  return rest
}

/** The messages of a chat as they would be sent. */
export const written = (messages: Init["messages"], provider = "openai", quirks?: Quirks): unknown =>
  prepared({ provider, ...(messages !== undefined && { messages }) }, quirks).request.body!.messages

/** A successful answer. */
export const response = (body: unknown): WireResponse => ({
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole chat answer, read. */
export const parsed = (body: unknown, provider = "openai"): ChatResult => {
  const result = wires().chat.parse(response(body), request({ provider }))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array | string>, provider = "openai"): ReadonlyArray<Part> => {
  const decoder = wires().chat.parts!(request({ provider, operation: "stream" }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Events as a service writes them, with `[DONE]` at the end. */
export const sse = (events: ReadonlyArray<unknown>, end = "data: [DONE]\n\n"): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("") + end

/** A whole answer with one choice. */
export const answer = (message: object, more: object = {}, choice: object = {}): object => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop", ...choice }],
  ...more
})

/** One event of an answer. */
export const chunk = (delta: object | undefined, choice: object = {}, more: object = {}): object => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "m-1",
  choices: delta === undefined ? [] : [{ index: 0, delta, finish_reason: null, ...choice }],
  ...more
})

/** The error something throws. */
export const failure = (f: () => unknown): LlmError => {
  try {
    f()
  } catch (error) {
    if (LlmError.isLlmError(error)) return error
    throw error
  }
  throw new Error("nothing was thrown")
}
