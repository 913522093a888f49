/**
 * Anthropic's dialect: `POST /v1/messages`, `/v1/messages/count_tokens` and `/v1/models`.
 *
 * What the wire of `anthropic` read is written as it was read, fields without a word of ours included. What the format
 * cannot say, and what stands in its place:
 *
 * - an unknown count of tokens: 0; an unknown reason for the end, an error, or another service's own word: `end_turn`;
 *   a missing id or model: those of the call; a thought without signature: an empty one
 * - warnings, files, further choices, when the answer was made, what other services' tools did, and their raw blocks:
 *   left out
 * - a source that follows no text: left out; of another service: a citation of the kind `search_result_location`
 * - arguments of a call that are no object: `{"invalid_json": …}` in a whole answer, in a stream as they were written
 * - in a stream: counts that are `null`; what is said of a block after it has begun, besides citations and signatures;
 *   unknown events about a block that has not said a word
 * - in a whole answer: events of a stream that nobody knows
 *
 * @module
 */
import { anthropic as service } from "@plugline/providers/anthropic"
import { type JsonObject, type JsonValue, LlmError, type Model, type Result } from "plugline"
import type { Call, Dialect } from "../../Dialect.ts"
import { event } from "../shared/sse.ts"
import { encoder } from "./encoder.ts"
import { encodeError } from "./error.ts"
import { message } from "./message.ts"
import { model, models } from "./models.ts"
import { provider } from "./words.ts"

const encode = (result: Result, call: Call): JsonValue => {
  switch (result.type) {
    case "chat":
    case "completion":
      return message(result, call)
    case "list_models":
      return models(result)
    default:
      throw LlmError.make({ _tag: "Unsupported", message: `Anthropic's format has no answer for ${result.type}` })
  }
}

/** The dialect. */
export const anthropic: Dialect = {
  name: "anthropic",
  provider,
  wires: { chat: service.wires.chat!, stream: service.wires.stream! },
  streamType: "text/event-stream; charset=utf-8",
  encode,
  encoder,
  encodeError,
  showsThoughts: true,
  keepAlive: event(`{"type":"ping"}`, "ping")
}

/** The answer to `count_tokens`. */
export const encodeCount = (tokens: number): JsonObject => ({ input_tokens: tokens })

/** One model, as `/v1/models/{id}` answers. */
export const encodeModel = (one: Model): JsonObject => model(one)
