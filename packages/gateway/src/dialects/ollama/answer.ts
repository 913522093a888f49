/**
 * Writes what Ollama says of an answer: its message or text, its calls, why it ended, and its numbers.
 *
 * @module
 */
import type { ChatResult, Content, FinishReason, JsonObject, JsonValue, ToolCallPart, Usage } from "plugline"
import type { Call } from "../../Dialect.ts"
import { argumentsOf, ownOf, timeOf } from "../shared/answer.ts"
import { object, put, putAll, text, type Written } from "../shared/json.ts"

/** Whose words of its own an answer is written with. */
export const speaker = (call: Call): string => call.provider ?? "ollama"

/** A finished answer: the one line of it. */
export const answer = (result: ChatResult, call: Call): JsonObject => {
  let said = ""
  let thinking = ""
  const calls: Array<JsonObject> = []
  const images: Array<string> = []
  for (const part of result.content) {
    if (part.type === "text") said += part.text
    else if (part.type === "reasoning") thinking += part.text
    else if (part.type === "tool-call" && part.providerExecuted !== true) calls.push(toolCall(part))
    else if (isImage(part)) images.push(part.data)
  }
  const message: Written = {
    ...(thinking !== "" && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls })
  }
  const own = ownOf(result.metadata, speaker(call))
  const head = headOf(result.model, result.timestamp, call)
  const tail = tailOf(result.finishReason, result.rawFinishReason, result.usage, own, call)
  if (result.type === "completion") return putAll({ ...head, response: said, ...message }, tail)
  if (images.length > 0) message.images = images
  return putAll({ ...head, message: putAll({ role: "assistant", content: said, ...message }, insideOf(own)) }, tail)
}

/** Who answers, and when. */
export const headOf = (model: string | undefined, timestamp: string | undefined, call: Call): Written => ({
  model: text(model) ?? call.model,
  created_at: new Date(timeOf(timestamp, call.now)).toISOString()
})

/** A call, whole. Arguments that are no object stay text. */
export const toolCall = (part: ToolCallPart): JsonObject => {
  const args = part.params === undefined ? {} : object(part.params)
  return { id: part.id, function: { name: part.name, arguments: args ?? argumentsOf(part) } }
}

/** Whether a piece of an answer is an image, the only file there is a place for. */
export const isImage = (part: { readonly type: string }): part is Content & { readonly type: "file" } =>
  part.type === "file" && isPicture(part as Content & { readonly type: "file" })

const isPicture = ({ data, mediaType }: { readonly data: string; readonly mediaType: string }): boolean =>
  mediaType.startsWith("image/") && data !== ""

/** The end of an answer: why it ended, its numbers, and what the service alone says of it. */
export const tailOf = (
  reason: FinishReason,
  raw: string | undefined,
  usage: Usage,
  own: JsonObject | undefined,
  call: Call
): Written => {
  const numbers = metricsOf(usage)
  const tail: Written = { done: true, done_reason: reasonOf(reason, raw, call), ...numbers }
  for (const name of Object.keys(own ?? {})) {
    const value = own![name]
    const isNew = !ofLine.has(name) || (name.endsWith("_duration") && numbers[name] === undefined)
    if (value !== undefined && isNew) put(tail, name, value)
  }
  return tail
}

const words: { readonly [Reason in FinishReason]: string } = {
  stop: "stop",
  length: "length",
  // Ollama stops for a call as for anything.
  "tool-calls": "stop",
  "content-filter": "content_filter",
  error: "error",
  pause: "stop",
  other: "stop",
  unknown: "stop"
}

const reasonOf = (reason: FinishReason, raw: string | undefined, call: Call): string =>
  raw !== undefined && raw !== "" && (call.provider !== undefined || own.has(raw)) ? raw : words[reason]

/** Ollama's own words, some of which mean nothing elsewhere. */
const own: ReadonlySet<string> = new Set(["stop", "length", "load", "unload"])

/** The numbers of an answer. What nobody knows is left out, as Ollama does. */
export const metricsOf = ({ inputTokens, outputTokens, raw }: Usage): Written => {
  const said = object(raw)
  const out: Written = {}
  if (inputTokens.total !== undefined) out.prompt_eval_count = inputTokens.total
  if (outputTokens.total !== undefined) out.eval_count = outputTokens.total
  for (const name of metrics) {
    const value = said !== undefined && Object.hasOwn(said, name) ? said[name] : undefined
    if (value !== undefined && out[name] === undefined) out[name] = value
  }
  return out
}

const metrics = [
  "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"
]

/** Fields of a line that are written from our words. */
const ofLine: ReadonlySet<string> = new Set([
  "model", "created_at", "message", "response", "thinking", "tool_calls", "done", "done_reason", "error", ...metrics
])

/** What the service says in a message under the name of a field of the line. */
export const insideOf = (own: JsonObject | undefined): Written => {
  const out: Written = {}
  for (const name of Object.keys(own ?? {})) {
    const value: JsonValue | undefined = own![name]
    const isInside = ofLine.has(name) && !ofMessage.has(name) && !metrics.includes(name)
    if (value !== undefined && isInside) put(out, name, value)
  }
  return out
}

const ofMessage: ReadonlySet<string> = new Set(["role", "content", "thinking", "tool_calls", "images"])
