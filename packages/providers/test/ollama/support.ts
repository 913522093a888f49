/**
 * What the tests of this wire share: requests, decoding in pieces, and answers as lines.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { wires } from "../../src/ollama/index.ts"
import type { Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** A request of `ollama` with one short question. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({ provider: "ollama", messages: "Hello", ...init, options: { model: "m", ...init.options } })

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  return wires()[it.operation as "chat"].prepare(it)
}

/** The body of a chat with these options beside model, messages and stream. */
export const options = (options: Options): object => {
  const { model: _, messages: __, stream: ___, ...rest } = prepared({ options }).request.body!
  return rest
}

/** The messages of a chat as they would be sent. */
export const written = (
  messages: NonNullable<Init["messages"]>
): unknown => prepared({ messages }).request.body!.messages

/** A successful answer. */
export const response = (body: unknown): WireResponse => ({
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole answer, read. */
export const parsed = (body: unknown, init: Partial<Init> = {}): ChatResult => {
  const it = request(init)
  const result = wires()[it.operation as "chat"].parse(response(body), it)
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Part> => {
  const decoder = wires().chat.parts!(request({ operation: "stream" }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Lines as the service writes them. */
export const lines = (events: ReadonlyArray<unknown>, end = "\n"): string =>
  events.map((event) => `${typeof event === "string" ? event : JSON.stringify(event)}${end}`).join("")

/** What every line of an answer says. */
export const head = { model: "m:1b", created_at: "2025-01-02T03:04:05.678901234Z" }

/** A line of an answer. */
export const line = (message: object, more: object = {}): object => ({
  ...head,
  message: { role: "assistant", content: "", ...message },
  done: false,
  ...more
})

/** A whole answer, or the last line of one. */
export const answer = (message: object, more: object = {}): object =>
  line(message, { done: true, done_reason: "stop", ...more })

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

/** Bytes cut at some places. */
export const cutBytes = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}
