/**
 * What the tests of this wire share: requests, reading in pieces, and answers written as event streams.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { wires } from "../../src/anthropic/index.ts"
import type { Asked, Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** Anthropic's own wires. */
export const own = wires()

/** A request of `anthropic`, with one short question by default. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({
    provider: "anthropic",
    messages: "Hello",
    ...init,
    options: { model: "claude-sonnet-5", ...init.options }
  })

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  const { operation } = it
  return (operation === "list_models" || operation === "validate" ? own[operation] : own.chat).prepare(it)
}

/** The body of a chat. */
export const bodyOf = (init: Partial<Init> = {}): { readonly [name: string]: unknown } => prepared(init).request.body!

/** The body of a chat with these options beside messages and `max_tokens`. */
export const options = (options: Options): object => {
  const { max_tokens: _, messages: __, model: ___, ...rest } = bodyOf({ options })
  return rest
}

/** The turns of a chat as they would be sent. */
export const written = (messages: Init["messages"], options: Options = {}): unknown =>
  bodyOf({ ...(messages !== undefined && { messages }), options }).messages

/** What is told of the options that were not sent as they were given. */
export const warnings = (init: Partial<Init>): ReadonlyArray<readonly [type: string, option: string | undefined]> =>
  prepared(init).warnings.map(({ option, type }) => [type, option])

/** A body, read. */
export const asked = (body: object): Asked =>
  own.chat.decode!({ url: "https://api.anthropic.com/v1/messages", body: body as never }, "anthropic")

/** A body, read and written again. */
export const again = (body: object): unknown =>
  own.chat.prepare(Request.make({ provider: "anthropic", ...asked(body) })).request.body

/** A successful answer. */
export const response = (body: unknown): WireResponse => ({
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole answer, read. */
export const parsed = (body: unknown): ChatResult => {
  const result = own.chat.parse(response(body), request())
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Part> => {
  const decoder = own.chat.parts!(request({ operation: "stream" }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Events as the service writes them. */
export const sse = (events: ReadonlyArray<object>): string =>
  events.map(
    (event) => `event: ${String((event as { type?: unknown }).type)}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("")

/** A whole message with these blocks. */
export const message = (content: ReadonlyArray<object>, more: object = {}): object => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5",
  content,
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5 },
  ...more
})

/** The events around some blocks. */
export const stream = (
  blocks: ReadonlyArray<object>,
  end: object = {},
  usage: object = { output_tokens: 5 }
): ReadonlyArray<object> => [
  {
    type: "message_start",
    message: message([], { stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } })
  },
  { type: "ping" },
  ...blocks,
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null, ...end }, usage },
  { type: "message_stop" }
]

/** The events of one block. */
export const block = (index: number, start: object, deltas: ReadonlyArray<object> = []): ReadonlyArray<object> => [
  { type: "content_block_start", index, content_block: start },
  ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
  { type: "content_block_stop", index }
]

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
