/**
 * What clients of OpenAI's Responses API speak: items, whole, or as numbered events.
 *
 * An answer is written so that the wire reads the same answer back, but for what the format has no word for:
 *
 * - choices beyond the first, warnings, and tools that another service ran itself;
 * - documents as sources and files, but for images, which become items of their own;
 * - ids of items that are known only when the item has been streamed: the stream then names them itself, and so do
 *   items of other services; a time is in whole seconds;
 * - a reason to stop beside `completed`, the limit of tokens, the filter of content and failure; the last is read as an
 *   error;
 * - numbers of tokens that nobody knows are 0, because the format demands them;
 * - what other providers sign.
 *
 * @module
 */
import { responses as wire } from "@plugline/providers/responses"
import { type ChatResult, type JsonValue, Result } from "plugline"
import type { Call, Dialect } from "../../Dialect.ts"
import { ownOf } from "../shared/answer.ts"
import { encodeError } from "../openai/error.ts"
import { openai } from "../openai/index.ts"
import { keepAlive } from "../shared/sse.ts"
import { Items } from "./items.ts"
import { ended } from "./response.ts"
import { encoder } from "./stream.ts"

const answer = (result: ChatResult, call: Call): JsonValue => {
  const { choices: _, ...first } = result
  const parts = Result.parts(first)
  const items = new Items(call)
  items.sink.isQuiet = true
  parts.forEach((part, index) => items.add(part, parts, index))
  items.end()
  return ended(result, items.sink.items, {
    reason: result.finishReason,
    rawReason: result.rawFinishReason,
    usage: result.usage,
    own: ownOf(result.metadata, call.provider ?? "openai")
  }, call)
}

const conversation = wire()

/** The dialect `responses`. */
export const responses: Dialect = {
  name: "responses",
  provider: "openai",
  wires: { chat: conversation, stream: conversation },
  streamType: "text/event-stream",
  encode: (result, call) => Result.isChat(result) ? answer(result, call) : openai.encode(result, call),
  encoder,
  encodeError,
  keepAlive
}
