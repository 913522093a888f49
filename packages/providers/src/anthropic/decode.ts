/**
 * Reads the body of a request as Anthropic's clients send it: the way back of `body`. Fields that have no word here
 * stand in `providerOptions`, or in the `options` of their message, part or tool, so that they are written again as
 * they were.
 *
 * Read again and written, a body is the same JSON, up to: a text alone for a list of one text, `is_error: false` and
 * `stream: false` left out, `max_tokens` filled in, neighbouring turns of one role joined, and the older
 * `output_format` written as `output_config.format`.
 *
 * @module
 */
import type { JsonObject, JsonValue, Message, SystemMessage } from "@plugline/core"
import type { Asked } from "../Wire.ts"
import { list, object, put } from "../wire/read.ts"
import { output } from "./decodeOutput.ts"
import { toolChoice, tools } from "./decodeTools.ts"
import { type Into, invalid, type Own, ownAs, type Read, textAt } from "./field.ts"
import type { Quirks } from "./quirks.ts"
import { turn } from "./turns.ts"

/** Reads a body. Throws an `LlmError` `InvalidRequest`, naming the field, where a known one is malformed. */
export const asked = (body: JsonObject, provider: string, quirks: Quirks): Asked => {
  const options: Into["options"] = {}
  const own: Own = {}
  const into: Into = { body, options, own, provider }
  for (const name of Object.keys(body)) {
    const value = body[name]
    if (value === undefined || value === null) continue
    if (!Object.hasOwn(fields, name)) put(own, name, value)
    else fields[name]!(value, into)
  }
  if (quirks.bodyVersion !== undefined && own.anthropic_version === quirks.bodyVersion) delete own.anthropic_version
  output(into)
  return {
    operation: streams(body.stream, provider) ? "stream" : "chat",
    messages: [...system(body.system, provider), ...messages(body.messages, provider)],
    options: Object.keys(own).length === 0 ? options : { ...options, providerOptions: { [provider]: own } }
  }
}

// --- the conversation -----------------------------------------------------------------------------------------------

const system = (value: JsonValue | undefined, provider: string): ReadonlyArray<SystemMessage> => {
  if (value === undefined || value === null) return []
  if (typeof value === "string") return [{ role: "system", content: value }]
  const blocks = list(value)
  if (blocks === undefined) throw invalid("system", "a text or a list of text blocks", provider)
  return blocks.map((block, index) => {
    const fields = object(block)
    if (fields?.type !== "text") throw invalid(`system.${index}.type`, `"text"`, provider)
    const { text: _, type: __, ...rest } = fields
    return { role: "system", content: textAt(fields.text, `system.${index}.text`, provider), ...ownAs(rest, provider) }
  })
}

const messages = (value: JsonValue | undefined, provider: string): ReadonlyArray<Message> => {
  const turns = list(value)
  if (turns === undefined || turns.length === 0) throw invalid("messages", "a list of at least one message", provider)
  const out: Array<Message> = []
  // What was called, by the id of the call: a result does not say it.
  const called = new Map<string, string>()
  turns.forEach((value, index) => turn(value, `messages.${index}`, provider, called, out))
  return out
}

// --- the options ----------------------------------------------------------------------------------------------------

const word = (name: "model" | "serviceTier", field: string): Read => (value, { options, provider }) => {
  if (typeof value !== "string" || value === "") throw invalid(field, "a text", provider)
  options[name] = value
}

const number = (name: "temperature" | "topP", field: string, most: number): Read => (value, { options, provider }) => {
  if (typeof value !== "number" || !(value >= 0 && value <= most)) {
    throw invalid(field, `a number from 0 to ${most}`, provider)
  }
  options[name] = value
}

const whole = (name: "maxTokens" | "topK", field: string): Read => (value, { options, own, provider }) => {
  // With 0 tokens the service fills its cache and answers nothing.
  if (value === 0) own[field] = 0
  else if (Number.isSafeInteger(value) && (value as number) > 0) options[name] = value as number
  else throw invalid(field, "a whole number from 0 up", provider)
}

const stop: Read = (value, { options, provider }) => {
  const ends = list(value)
  if (ends === undefined || !ends.every((end) => typeof end === "string")) {
    throw invalid("stop_sequences", "a list of texts", provider)
  }
  options.stop = ends
}

/** Whoever asks has an id; whatever else is said of them stays as it is. */
const metadata: Read = (value, { options, own, provider }) => {
  const fields = object(value)
  if (fields === undefined) throw invalid("metadata", "an object", provider)
  const { user_id: id, ...rest } = fields
  if (typeof id === "string" && isName(id) && Object.keys(rest).length === 0) options.user = id
  else own.metadata = value
}

/** Whether our option takes the id: it travels in logs, so it is short and plain. */
const isName = (value: string): boolean => {
  if (value === "" || value.length > 512) return false
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 32 || code === 127) return false
  }
  return true
}

const elsewhere: Read = () => {}

const fields: { readonly [name: string]: Read } = {
  model: word("model", "model"),
  service_tier: word("serviceTier", "service_tier"),
  temperature: number("temperature", "temperature", 1),
  top_p: number("topP", "top_p", 1),
  max_tokens: whole("maxTokens", "max_tokens"),
  top_k: whole("topK", "top_k"),
  stop_sequences: stop,
  metadata,
  tools,
  tool_choice: toolChoice,
  messages: elsewhere,
  output_config: elsewhere,
  output_format: elsewhere,
  stream: elsewhere,
  system: elsewhere,
  thinking: elsewhere
}

const streams = (value: JsonValue | undefined, provider: string): boolean => {
  if (value === undefined || value === null || typeof value === "boolean") return value === true
  throw invalid("stream", "true or false", provider)
}
