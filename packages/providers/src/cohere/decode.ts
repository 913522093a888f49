/**
 * Reads a request as clients of Cohere's second interface send it into our words: chat and embed.
 *
 * Fields without a word here (documents, citation and safety modes, priority, …) stand in `providerOptions`.
 *
 * @module
 */
import type { JsonObject, JsonValue, Options, Tool } from "@plugline/core"
import type { Asked, Wire } from "../Wire.ts"
import { type Fields, object, put } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, textAt } from "../wire/checks.ts"
import { decodeMessages } from "./decodeMessages.ts"
import { decodeTools } from "./decodeTools.ts"

/** A request as it was sent. */
export type Sent = Parameters<NonNullable<Wire["decode"]>>[0]
/** Fields that have no word here. */
export type Own = { [name: string]: JsonValue }
/** Options while they are read. */
export type Written = { -readonly [Name in keyof Options]: Options[Name] }

/** What a chat asks. */
export const decode = (sent: Sent, provider: string): Asked => {
  const body = bodyOf(sent, provider)
  const own: Own = {}
  const options: Written = { model: nameAt(body.model, "model", provider) }
  const messages = decodeMessages(listAt(body.messages, "messages", provider), provider)
  decodeSampling(body, options, own, provider)
  decodeTooling(body, options, own, provider)
  decodeFormat(body.response_format, "json_schema", options, own, provider)
  decodeThinking(body.thinking, options, own, provider)
  if (body.logprobs === true) options.logprobs = true
  else if (body.logprobs !== undefined) own.logprobs = body.logprobs
  keep(body, ofChat, own)
  return { operation: body.stream === true ? "stream" : "chat", messages, options: withOwn(options, own, provider) }
}

const ofChat = new Set([
  "model", "messages", "stream", "tools", "tool_choice", "strict_tools", "response_format", "thinking", "logprobs",
  "temperature", "max_tokens", "p", "k", "frequency_penalty", "presence_penalty", "seed", "stop_sequences"
])

/** The body of a request, which has to be an object. */
export const bodyOf = (sent: Sent, provider: string): Fields =>
  objectAt(sent.body as JsonValue | undefined, "body", provider)

/** Keeps the fields that were read nowhere. */
export const keep = (body: Fields, known: ReadonlySet<string>, own: Own): void => {
  for (const name in body) {
    const value = body[name]
    if (!known.has(name) && value !== undefined) put(own, name, value)
  }
}

/** The options with what has no word here. */
export const withOwn = (options: Options, own: Own, provider: string): Options =>
  Object.keys(own).length === 0 ? options : { ...options, providerOptions: { [provider]: own as JsonObject } }

type Named = "temperature" | "maxTokens" | "topP" | "topK" | "frequencyPenalty" | "presencePenalty" | "seed"

const whole = (min: number) => (value: number): boolean => Number.isSafeInteger(value) && value >= min
const between = (min: number, max: number) => (value: number): boolean => value >= min && value <= max

const words: ReadonlyArray<readonly [field: string, name: Named, fits: (value: number) => boolean]> = [
  ["temperature", "temperature", between(0, 100)],
  ["max_tokens", "maxTokens", whole(1)],
  ["p", "topP", between(0, 1)],
  // 0 turns it off, and has no word here.
  ["k", "topK", whole(1)],
  ["frequency_penalty", "frequencyPenalty", between(-100, 100)],
  ["presence_penalty", "presencePenalty", between(-100, 100)],
  ["seed", "seed", Number.isSafeInteger]
]

/** What the text interfaces spell the same. A number beyond our vocabulary is left to the service. */
export const decodeSampling = (body: Fields, options: Written, own: Own, provider: string): void => {
  for (const [field, name, fits] of words) {
    const value = body[field]
    if (value === undefined) continue
    if (typeof value === "number" && fits(value)) options[name] = value
    else if (typeof value === "number" || value === null) put(own, field, value)
    else throw misfit(field, "a number", provider)
  }
  const { stop_sequences: stop } = body
  if (stop === null) own.stop_sequences = null
  else if (stop !== undefined) {
    options.stop = listAt(stop, "stop_sequences", provider)
      .map((item, index) => textAt(item, `stop_sequences[${index}]`, provider))
  }
}

const decodeTooling = (body: Fields, options: Written, own: Own, provider: string): void => {
  const { strict_tools: strict, tool_choice: choice, tools: sent } = body
  const tools = sent === undefined || sent === null ? [] : decodeTools(sent, provider)
  if (sent === null) own.tools = null
  const held = strict === true && tools.some((tool) => tool.type !== "provider")
  if (sent !== undefined && sent !== null) {
    options.tools = held ? tools.map(strictly) : tools
  }
  if (strict !== undefined && !held) own.strict_tools = strict
  if (choice === undefined) return
  if (choice !== null && choice !== "REQUIRED" && choice !== "NONE") {
    throw misfit("tool_choice", "REQUIRED or NONE", provider)
  }
  if (choice === null || tools.length === 0) own.tool_choice = choice
  else options.toolChoice = choice === "REQUIRED" ? "required" : "none"
}

const strictly = (tool: Tool): Tool => tool.type === "provider" ? tool : { ...tool, strict: true }

/** The form of the answer; `field` is where its schema stands. */
export const decodeFormat = (
  value: JsonValue | undefined,
  field: string,
  options: Written,
  own: Own,
  provider: string
): void => {
  if (value === undefined) return
  if (value === null) {
    own.response_format = null
    return
  }
  const format = objectAt(value, "response_format", provider)
  const schema = object(format[field])
  const { length } = Object.keys(format)
  if (format.type === "text" && length === 1) options.responseFormat = { type: "text" }
  else if (format.type === "json_object" && length === (schema === undefined ? 1 : 2)) {
    options.responseFormat = { type: "json", ...(schema !== undefined && { schema: schema as JsonObject }) }
  } else if (format.type === "text" || format.type === "json_object") own.response_format = value
  else throw misfit("response_format.type", "text or json_object", provider)
}

const decodeThinking = (value: JsonValue | undefined, options: Written, own: Own, provider: string): void => {
  if (value === undefined) return
  if (value === null) {
    own.thinking = null
    return
  }
  const thinking = objectAt(value, "thinking", provider)
  const { token_budget: budget, type } = thinking
  const { length } = Object.keys(thinking)
  if (type !== "enabled" && type !== "disabled") throw misfit("thinking.type", "enabled or disabled", provider)
  if (type === "disabled" && length === 1) options.reasoning = { effort: "none" }
  else if (type === "enabled" && length === 1) options.reasoning = {}
  else if (type === "enabled" && length === 2 && Number.isSafeInteger(budget) && (budget as number) > 0) {
    options.reasoning = { budgetTokens: budget as number }
  } else own.thinking = value
}
