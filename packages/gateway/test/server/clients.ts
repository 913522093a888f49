/**
 * Clients of each dialect: how they ask, what a text is to them, and how they tell an end from an error.
 *
 * @module
 */
import { objects } from "../dialects/exchange.ts"

type Fields = ReturnType<typeof objects>[number]

/** A client of one dialect. */
export interface Client {
  readonly name: "openai" | "responses" | "anthropic" | "google" | "ollama"
  readonly path: (model: string, streams: boolean) => string
  readonly body: (model: string, streams: boolean) => Fields
  /** What a whole answer says. */
  readonly text: (body: Fields) => string
  /** The events of a streamed answer, in order; throws where one is none. */
  readonly events: (text: string) => ReadonlyArray<Fields>
  /** What a streamed answer says. */
  readonly streamed: (events: ReadonlyArray<Fields>) => string
  /** How often events say that the answer has ended well. */
  readonly ends: (events: ReadonlyArray<Fields>, text: string) => number
  /** How often they tell what it took. */
  readonly usages: (events: ReadonlyArray<Fields>) => number
  /** What went wrong, of a body or an event; `undefined` where that is no error of the dialect. */
  readonly error: (body: Fields) => { readonly message: string; readonly code: unknown } | undefined
  /** The code that the dialect has for a reason and its status. */
  readonly code: (reason: string, status: number) => unknown
}

const question = "How are you?"
const messages = [{ role: "user", content: question }]
const errorOf = (error: unknown, code: string) => {
  const { [code]: value, message } = (error ?? {}) as Fields
  return typeof message === "string" && message !== "" && value !== undefined ? { message, code: value } : undefined
}
const openaiCodes: { readonly [reason: string]: string } = {
  Network: "network_error", Timeout: "timeout", CutStream: "cut_stream", MalformedResponse: "malformed_response",
  NotAnLlm: "not_an_llm"
}
const anthropicTypes: { readonly [status: number]: string } = {
  400: "invalid_request_error", 404: "not_found_error", 408: "timeout_error", 413: "request_too_large",
  415: "invalid_request_error",
  429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error"
}
const googleWords: { readonly [status: number]: string } = {
  400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED", 413: "INVALID_ARGUMENT", 415: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE"
}

const openai: Client = {
  name: "openai",
  path: () => "/v1/chat/completions",
  body: (model, stream) => ({ model, messages, stream }),
  text: ({ choices }) => choices[0].message.content,
  events: objects,
  streamed: (events) => events.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
  ends: (events, text) =>
    events.filter(({ choices }) => choices?.some((choice: Fields) => typeof choice.finish_reason === "string")).length
    + (text.match(/^data: \[DONE\]$/gm)?.length ?? 0),
  usages: (events) => events.filter(({ usage }) => usage !== undefined && usage !== null).length,
  error: ({ error }) => errorOf(error, "code"),
  code: (reason) => openaiCodes[reason]
}

const responses: Client = {
  name: "responses",
  path: () => "/v1/responses",
  body: (model, stream) => ({ model, input: question, stream }),
  text: ({ output }) => output.flatMap((item: Fields) => item.content ?? []).map((part: Fields) => part.text).join(""),
  events: objects,
  streamed: (events) => events.map(({ delta, type }) => type === "response.output_text.delta" ? delta : "").join(""),
  ends: (events) => events.filter(({ type }) => type === "response.completed").length * 2,
  usages: (events) => events.filter(({ response }) => response?.usage !== undefined && response.usage !== null).length,
  error: ({ error, response }) => errorOf(error ?? response?.error, "code"),
  code: (reason) => openaiCodes[reason]
}

const anthropic: Client = {
  name: "anthropic",
  path: () => "/v1/messages",
  body: (model, stream) => ({ model, max_tokens: 50, messages, stream }),
  text: ({ content }) => content.map(({ text }: Fields) => text ?? "").join(""),
  events: objects,
  streamed: (events) => events.map(({ delta }) => delta?.text ?? "").join(""),
  ends: (events) => events.filter(({ type }) => type === "message_delta" || type === "message_stop").length,
  usages: (events) => events.filter(({ type }) => type === "message_delta").length,
  error: ({ error, type }) => type === "error" ? errorOf(error, "type") : undefined,
  code: (_reason, status) => anthropicTypes[status] ?? "api_error"
}

const google: Client = {
  name: "google",
  path: (model, streams) => `/v1beta/models/${model}:${streams ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  body: () => ({ contents: [{ role: "user", parts: [{ text: question }] }] }),
  text: ({ candidates }) => candidates[0].content.parts.map(({ text }: Fields) => text).join(""),
  events: (text) => objects(text.replaceAll("\r\n", "\n")),
  streamed: (events) =>
    events.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
      .map(({ text }: Fields) => text ?? "").join(""),
  ends: (events) => events.filter(({ candidates }) => candidates?.[0]?.finishReason !== undefined).length * 2,
  usages: (events) => events.filter(({ usageMetadata }) => usageMetadata !== undefined).length,
  error: ({ error }) => errorOf(error, "status"),
  code: (_reason, status) => googleWords[status] ?? "INTERNAL"
}

const ollama: Client = {
  name: "ollama",
  path: () => "/api/chat",
  body: (model, stream) => ({ model, messages, stream }),
  text: ({ message }) => message.content,
  events: (text) => {
    if (!text.endsWith("\n")) throw new Error(`the last line is not closed: ${JSON.stringify(text.slice(-80))}`)
    return text.slice(0, -1).split("\n").map((line) => JSON.parse(line) as Fields)
  },
  streamed: (events) => events.map(({ message }) => message?.content ?? "").join(""),
  ends: (events) => events.filter(({ done }) => done === true).length * 2,
  usages: (events) => events.filter(({ eval_count }) => eval_count !== undefined).length,
  error: ({ error }) => typeof error === "string" && error !== "" ? { message: error, code: undefined } : undefined,
  code: () => undefined
}

/** One client of each dialect. */
export const clients: ReadonlyArray<Client> = [openai, responses, anthropic, google, ollama]
