/**
 * What the tests of this wire share: requests, decoding in pieces, answers whole and as event streams.
 *
 * @module
 */
import { type ChatResult, LlmError, type Options, type Part, Request, Result } from "@plugline/core"
import { dialects, type Quirks, responses } from "../../src/responses/index.ts"
import type { Asked, Prepared, WireResponse } from "../../src/Wire.ts"

/** What a request is made from. */
export type Init = Parameters<typeof Request.make>[0]

/** A request of a provider; `openai` and one short question by default. */
export const request = (init: Partial<Init> = {}): Request =>
  Request.make({ provider: "openai", messages: "Hello", ...init, options: { model: "m", ...init.options } })

/** The differences of a provider. */
export const quirksOf = (provider: string): Quirks => (dialects as { readonly [name: string]: Quirks })[provider] ?? {}

/** What would be sent. */
export const prepared = (init: Partial<Init> = {}): Prepared => {
  const it = request(init)
  return responses(quirksOf(it.provider)).prepare(it)
}

/** The body of a chat with these options, beside model and input, and that nothing is stored. */
export const options = (options: Options, provider = "openai"): object => {
  const { input: _, model: __, store: ___, ...rest } = prepared({ provider, options }).request.body!
  return rest
}

/** The items of a conversation as they would be sent. */
export const written = (messages: Init["messages"], provider = "openai", options: Options = {}): unknown =>
  prepared({ provider, options, ...(messages !== undefined && { messages }) }).request.body!.input

/** A request's body, read. */
export const asked = (body: object, provider = "openai"): Asked =>
  responses(quirksOf(provider)).decode!({ url: "/v1/responses", body: body as never }, provider)

/** A successful answer. */
export const response = (body: unknown): WireResponse => ({
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A whole answer, read. */
export const parsed = (body: unknown, provider = "openai"): ChatResult => {
  const result = responses(quirksOf(provider)).parse(response(body), request({ provider }))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** The parts of a streamed answer that arrives in these pieces. */
export const decoded = (pieces: ReadonlyArray<Uint8Array | string>, provider = "openai"): ReadonlyArray<Part> => {
  const decoder = responses(quirksOf(provider)).parts!(request({ provider, operation: "stream" }))
  const out: Array<Part> = []
  for (const piece of pieces) out.push(...decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  out.push(...decoder.end())
  return out
}

/** Events as the service writes them. */
export const sse = (events: ReadonlyArray<object | string>): string =>
  events.map((event) =>
    typeof event === "string"
      ? `data: ${event}\n\n`
      : `event: ${(event as { type?: string }).type ?? "message"}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("")

/** A whole answer with these items. */
export const answer = (output: ReadonlyArray<object>, more: object = {}): { readonly [field: string]: unknown } => ({
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_000,
  status: "completed",
  error: null,
  incomplete_details: null,
  model: "m-1",
  output,
  temperature: 1,
  tools: [],
  metadata: {},
  ...more
})

/** A message that says one text. */
export const says = (text: string, more: object = {}, item: object = {}): object => ({
  id: "msg_1",
  type: "message",
  status: "completed",
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [], ...more }],
  ...item
})

/** The events that frame an answer. */
export const created = { type: "response.created", response: answer([], { status: "in_progress" }) }
export const completed = (output: ReadonlyArray<object>, more: object = {}): object =>
  ({ type: "response.completed", response: answer(output, more) })

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
