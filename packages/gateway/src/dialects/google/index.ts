/**
 * Google's dialect: `generateContent`, `streamGenerateContent`, `countTokens`, `embedContent`, `batchEmbedContents` and
 * the list of models. {@link google} streams as server-sent events (`alt=sse`), {@link googleList} as one JSON list.
 *
 * What the wire of `google` read is written as it was read, fields without a word of ours included. What the format
 * cannot say, and what stands in its place:
 *
 * - an unknown reason for the end: `STOP`; an error, a pause or another service's own word: `OTHER`; a missing id or
 *   model: those of the call
 * - warnings, what other services' tools did, and their raw blocks: left out
 * - texts that follow each other are one text, thoughts likewise, unless they are signed; empty ones are left out
 * - documents of other services beside sources that Google named: left out
 * - arguments of a call that are no object: `{"arguments": …}`
 * - of vectors: whose they are
 * - a model's name has `models/` before it
 *
 * @module
 */
import { google as service } from "@plugline/providers/google"
import { type JsonObject, type JsonValue, LlmError, type Model, type Result } from "plugline"
import type { Call, Dialect } from "../../Dialect.ts"
import { encoder, list, sse } from "./encoder.ts"
import { encodeError } from "./error.ts"
import { model, models, vectors } from "./lists.ts"
import { response } from "./response.ts"
import { provider } from "./words.ts"

const encode = (result: Result, call: Call): JsonValue => {
  switch (result.type) {
    case "chat":
    case "completion":
      return response(result, call)
    case "embeddings":
      return vectors(result, call)
    case "list_models":
      return models(result)
    default:
      throw LlmError.make({ _tag: "Unsupported", message: `Google's format has no answer for ${result.type}` })
  }
}

const { chat, embeddings, stream } = service.wires

/** The dialect. */
export const google: Dialect = {
  name: "google",
  provider,
  wires: { chat: chat!, stream: stream!, embeddings: embeddings! },
  streamType: "text/event-stream; charset=utf-8",
  encode,
  encoder: (call) => encoder(call, sse()),
  encodeError,
  // Blank lines: older clients of Google's stumble over comments.
  keepAlive: "\r\n"
}

/** The same for streams without `alt=sse`: one JSON list. The service's own bytes are not in this form. */
export const googleList: Dialect = {
  ...google,
  name: "google-list",
  streamType: "application/json; charset=utf-8",
  encoder: (call) => encoder(call, list())
}

/** The answer to `countTokens`. */
export const encodeCount = (tokens: number): JsonObject => ({ totalTokens: tokens })

/** One model, as `models/{id}` answers. */
export const encodeModel = (one: Model): JsonObject => model(one)

export { refusal } from "./error.ts"
