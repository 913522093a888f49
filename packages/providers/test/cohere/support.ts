/**
 * What the tests of this wire share: requests, decoding in pieces, and answers written as events.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { wires } from "../../src/cohere/index.ts"
import type { Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** A request of `cohere` with one short question. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({ provider: "cohere", messages: "Hello", ...init, options: { model: "m", ...init.options } })

/** The configuration that asks for the first interface. */
export const v1 = { api: "v1" }

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  return wires()[it.operation as "chat"].prepare(it)
}

/** The body of a chat with these options beside model and what is asked. */
export const options = (options: Options, config = {}): object => {
  const { message: _, messages: __, model: ___, ...rest } = prepared({ options, config }).request.body!
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
export const decoded = (
  pieces: ReadonlyArray<Uint8Array | string>,
  init: Partial<Init> = { operation: "stream" }
): ReadonlyArray<Part> => {
  const it = request(init)
  const decoder = wires()[it.operation as "chat"].parts!(it)
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Events as the second interface writes them. */
export const sse = (events: ReadonlyArray<unknown>, end = "data: [DONE]\n\n"): string =>
  events.map((event) => {
    const name = (event as { readonly type?: unknown } | null)?.type
    const data = typeof event === "string" ? event : JSON.stringify(event)
    return `${typeof name === "string" && /^[a-z-]+$/.test(name) ? `event: ${name}\n` : ""}data: ${data}\n\n`
  }).join("") + end

/** Events as the first interface writes them. */
export const lines = (events: ReadonlyArray<unknown>): string => events.map(
  (event) => `${JSON.stringify(event)}\n`
).join("")

/** An event of the second interface. */
export const event = (type: string, message?: object, more: object = {}): object => ({
  type,
  ...(message !== undefined && { delta: { message } }),
  ...more
})

/** The end of an answer. */
export const end = (more: object = {}): object => ({
  type: "message-end",
  delta: { finish_reason: "COMPLETE", ...more }
})

/** A whole answer of the second interface. */
export const answer = (message: object, more: object = {}): object => ({
  id: "r1",
  message: { role: "assistant", ...message },
  finish_reason: "COMPLETE",
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

/** Bytes cut at some places. */
export const cutBytes = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}
