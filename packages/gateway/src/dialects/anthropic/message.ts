/**
 * Writes a finished answer as a message.
 *
 * @module
 */
import { type ChatResult, type JsonObject } from "plugline"
import type { Call } from "../../Dialect.ts"
import { putAll } from "../shared/json.ts"
import { blocks } from "./blocks.ts"
import { ownOf, stopReason, usageOf } from "./words.ts"

/** The message. Of several answers to one prompt it holds the first: the format has no place for more. */
export const message = (result: ChatResult, call: Call): JsonObject => ({
  id: result.id ?? call.id,
  type: "message",
  role: "assistant",
  model: result.model ?? call.model,
  content: blocks(result.content),
  stop_reason: stopReason(result.finishReason, result.rawFinishReason, result.usage),
  stop_sequence: null,
  ...messageFields(ownOf(result.metadata)),
  usage: usageOf(result.usage)
})

/** Fields of a message that have no word of ours: `stop_sequence`, `container` and the like. */
export const messageFields = (own: JsonObject | undefined): JsonObject => putAll({}, own, written)

const written = new Set(["id", "type", "role", "model", "content", "stop_reason", "usage"])
