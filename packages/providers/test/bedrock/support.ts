/**
 * What the tests of this wire share: requests, Amazon's framing written by hand, answers whole and as events.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { wires } from "../../src/bedrock/index.ts"
import type { Prepared, WireResponse } from "../../src/Wire.ts"

export const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
export const nova = "us.amazon.nova-2-lite-v1:0"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** A request; one short question to Claude by default. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({
    provider: "bedrock",
    messages: "Hello",
    ...init,
    options: { model: claude, ...init.options },
    config: { baseUrl: "https://bedrock-runtime.us-east-1.amazonaws.com", ...init.config }
  })

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  return wires()[it.operation as "chat"].prepare(it)
}

/** The body of a chat with these options, without its messages. */
export const options = (options: Options): object => {
  const { messages: _, ...rest } = prepared({ options }).request.body!
  return rest
}

/** The turns as they would be sent. */
export const turns = (messages: Init["messages"], options: Options = {}): unknown =>
  prepared({ ...(messages !== undefined && { messages }), options }).request.body!.messages

/** A successful answer. */
export const response = (body: unknown, headers: { readonly [name: string]: string } = {}): WireResponse => ({
  status: 200,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole chat answer, read. */
export const parsed = (body: unknown, init: Partial<Init> = {}, headers?: { readonly [name: string]: string }): ChatResult => {
  const result = wires().chat.parse(response(body, headers), request(init))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array>, init: Partial<Init> = {}): ReadonlyArray<Part> => {
  const decoder = wires().chat.parts!(request({ operation: "stream", ...init }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(piece))
  out.push(...decoder.end())
  return out
}

/** An answer of Converse. */
export const answer = (content: ReadonlyArray<unknown>, more: object = {}): object => ({
  output: { message: { role: "assistant", content } },
  stopReason: "end_turn",
  usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
  metrics: { latencyMs: 100 },
  ...more
})

/** Bytes cut at some places. */
export const cut = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}

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

// --- Amazon's framing -------------------------------------------------------------------------------------------------

/** CRC-32 as its definition says it, bit by bit. */
export const crc = (bytes: Uint8Array): number => {
  let crc = 0xFFFFFFFF
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xEDB88320 : crc >>> 1
  }
  return (crc ^ 0xFFFFFFFF) >>> 0
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A header whose value is a text. */
export const header = (name: string, value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([
    Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([7, bytes.length >> 8, bytes.length & 255]), bytes
  ])
}

/** A message of raw headers and payload. */
export const rawFrame = (headers: Uint8Array, payload: Uint8Array): Buffer => {
  const sizes = Buffer.concat([u32(16 + headers.length + payload.length), u32(headers.length)])
  const body = Buffer.concat([sizes, u32(crc(sizes)), headers, payload])
  return Buffer.concat([body, u32(crc(body))])
}

/** A message with these headers. */
export const frame = (headers: { readonly [name: string]: string }, payload: unknown): Buffer =>
  rawFrame(
    Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value))),
    Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload))
  )

/** An event of a stream. */
export const event = (type: string, payload: unknown): Buffer =>
  frame({ ":event-type": type, ":content-type": "application/json", ":message-type": "event" }, payload)

/** An exception that ends a stream. */
export const thrown = (type: string, payload: unknown): Buffer =>
  frame({ ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" }, payload)

/** A stream of Converse: `[type, payload]` each. */
export const stream = (events: ReadonlyArray<readonly [type: string, payload: unknown]>): Buffer =>
  Buffer.concat(events.map(([type, payload]) => event(type, payload)))

/** The events that end an answer. */
export const ending = (stopReason = "end_turn"): ReadonlyArray<readonly [string, unknown]> => [
  ["messageStop", { stopReason }],
  ["metadata", { usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 }, metrics: { latencyMs: 100 } }]
]

/** Pieces of a model's own stream, as InvokeModel wraps them. */
export const chunks = (events: ReadonlyArray<unknown>): Buffer =>
  Buffer.concat(events.map((value) =>
    event("chunk", { bytes: Buffer.from(JSON.stringify(value)).toString("base64"), p: "abc" })
  ))
