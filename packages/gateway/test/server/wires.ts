/**
 * The three services in their own words: small whole answers, the same as events, and errors.
 *
 * @module
 */

/** How a service speaks. */
export type WireName = "openai" | "responses" | "anthropic" | "google"

/** An answer in one of the services' formats. */
export interface Script {
  /** The whole answer's body. */
  readonly whole: string
  /** Its events, framed; the last ones end it. */
  readonly events: ReadonlyArray<string>
  /** How many events say something and do not end it. */
  readonly lead: number
  /** An error's body, with the status that stands in it. */
  readonly error: (status: number) => string
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const named = (value: { readonly type: string; readonly [field: string]: unknown }): string =>
  `event: ${value.type}\n${data(value)}`

const openai = (pieces: ReadonlyArray<string>): Script => {
  const head = { id: "chatcmpl-1", created: 1_760_000_000, model: "model-1" }
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
  const chunk = (delta: object, finish: string | null = null): string =>
    data({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })
  const message = { role: "assistant", content: pieces.join("") }
  return {
    whole: JSON.stringify({
      ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage
    }),
    events: [
      chunk({ role: "assistant", content: "" }),
      ...pieces.map((content) => chunk({ content })),
      chunk({}, "stop"),
      data({ ...head, object: "chat.completion.chunk", choices: [], usage }),
      "data: [DONE]\n\n"
    ],
    lead: pieces.length + 1,
    error: (status) => JSON.stringify({ error: { message: `broken with ${status}`, type: "trouble", code: status } })
  }
}

const responses = (pieces: ReadonlyArray<string>): Script => {
  const text = pieces.join("")
  const part = { type: "output_text", text, annotations: [] }
  const item = { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [part] }
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }
  const head = { id: "resp_1", object: "response", created_at: 1_760_000_000, model: "model-1" }
  const response = { ...head, status: "completed", output: [item], usage }
  const begun = { ...response, status: "in_progress", output: [], usage: null }
  const at = { item_id: "msg_1", output_index: 0, content_index: 0 }
  let number = 0
  const event = (type: string, more: object): string => named({ type, sequence_number: number++, ...more })
  return {
    whole: JSON.stringify(response),
    events: [
      event("response.created", { response: begun }),
      event("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", content: [] } }),
      event("response.content_part.added", { ...at, part: { ...part, text: "" } }),
      ...pieces.map((delta) => event("response.output_text.delta", { ...at, delta })),
      event("response.output_text.done", { ...at, text }),
      event("response.content_part.done", { ...at, part }),
      event("response.output_item.done", { output_index: 0, item }),
      event("response.completed", { response })
    ],
    lead: pieces.length + 3,
    error: openai([]).error
  }
}

const anthropic = (pieces: ReadonlyArray<string>): Script => {
  const message = { id: "msg_1", type: "message", role: "assistant", model: "model-1" }
  const open = { stop_reason: null, stop_sequence: null }
  const end = { ...open, stop_reason: "end_turn" }
  return {
    whole: JSON.stringify({
      ...message, content: [{ type: "text", text: pieces.join("") }], stop_reason: "end_turn", stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 5 }
    }),
    events: [
      named({
        type: "message_start",
        message: { ...message, content: [], ...open, usage: { input_tokens: 10, output_tokens: 1 } }
      }),
      named({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
      ...pieces.map((text) => named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
      named({ type: "content_block_stop", index: 0 }),
      named({ type: "message_delta", delta: end, usage: { output_tokens: 5 } }),
      named({ type: "message_stop" })
    ],
    lead: pieces.length + 2,
    error: (status) => {
      const type = status === 503 ? "overloaded_error" : "trouble"
      return JSON.stringify({ type: "error", error: { type, message: `broken with ${status}` } })
    }
  }
}

const google = (pieces: ReadonlyArray<string>): Script => {
  const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
  const answer = (text: string, last: boolean): object => ({
    candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...(last && { finishReason: "STOP" }) }],
    ...(last && { usageMetadata }),
    modelVersion: "model-1",
    responseId: "r-1"
  })
  return {
    whole: JSON.stringify(answer(pieces.join(""), true)),
    events: pieces.map((text, at) => data(answer(text, at === pieces.length - 1)).replaceAll("\n", "\r\n")),
    lead: pieces.length - 1,
    error: (code) => {
      const status = code === 503 ? "UNAVAILABLE" : "INTERNAL"
      return JSON.stringify({ error: { code, message: `broken with ${code}`, status } })
    }
  }
}

/** What every service says where a test does not care. */
export const usual = ["Fine, ", "thanks. ", "And you?"]

/** An answer of these pieces in each format. */
export const scripts = { openai, responses, anthropic, google } satisfies { readonly [Name in WireName]: unknown }

/** Which format a path of a service is in. */
export const wireOf = (path: string): WireName =>
  path.includes("/messages")
    ? "anthropic"
    : path.includes("/models/")
    ? "google"
    : path.includes("/responses")
    ? "responses"
    : "openai"
