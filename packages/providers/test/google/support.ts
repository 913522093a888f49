/**
 * What the tests of this wire share: requests, decoding in pieces, and answers written as event streams.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { type Surface, wires } from "../../src/google/index.ts"
import type { Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

export const surfaceOf = (provider: string): Surface => provider === "vertex" ? "vertex" : "gemini"

/** A request of a provider; `google` and one short question by default. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({
    provider: "google",
    messages: "Hello",
    ...init,
    options: { model: "gemini-2.5-flash", ...init.options }
  })

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  return wires(surfaceOf(it.provider))[it.operation as "chat"].prepare(it)
}

/** The body of a chat with these options beside its contents. */
export const options = (options: Options, provider = "google"): object => {
  const { contents: _, ...rest } = prepared({ provider, options }).request.body!
  return rest
}

/** The contents of a chat as they would be sent. */
export const written = (messages: Init["messages"], options: Options = {}, provider = "google"): unknown =>
  prepared({ provider, options, ...(messages !== undefined && { messages }) }).request.body!.contents

/** A successful answer. */
export const response = (body: unknown): WireResponse => ({
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole answer, read. */
export const parsed = (body: unknown, provider = "google"): ChatResult => {
  const result = wires(surfaceOf(provider)).chat.parse(response(body), request({ provider }))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array | string>, provider = "google"): ReadonlyArray<Part> => {
  const decoder = wires(surfaceOf(provider)).chat.parts!(request({ provider, operation: "stream" }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Events as the service writes them: lines end in CR LF, and no mark stands at the end. */
export const sse = (events: ReadonlyArray<unknown>): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\r\n\r\n`).join("")

/** An answer, or one event of it, with one candidate. */
export const answer = (
  parts: ReadonlyArray<unknown>,
  candidate: object = { finishReason: "STOP" },
  more: object = {}
): object => ({
  candidates: [{ content: { parts, role: "model" }, index: 0, ...candidate }],
  modelVersion: "gemini-2.5-flash",
  responseId: "r1",
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
export const cutBytes = (bytes: Buffer, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}
