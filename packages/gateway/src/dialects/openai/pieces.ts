/**
 * Writes the pieces of an answer that are the same in a whole message and in a streamed one: calls, images, sound, what
 * an answer is based on, and what has no word of ours.
 *
 * @module
 */
import type { Content, JsonObject, JsonValue, RawPart, SourcePart, ToolCallPart, ToolResultPart } from "plugline"
import type { Call } from "../../Dialect.ts"
import { argumentsOf, ownOf, timeOf } from "../shared/answer.ts"
import { json, object, put, putAll, text, type Written } from "../shared/json.ts"
import { ofCall, ofChoice, ofMessage } from "./words.ts"

type FilePart = Extract<Content, { readonly type: "file" }>

/** Names of the tools that take free text in place of JSON, as the client described them. */
export const customTools = ({ asked }: Call): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const tool of Array.isArray(asked.tools) ? asked.tools as ReadonlyArray<JsonValue> : []) {
    const fields = object(tool)
    const name = fields?.type === "custom" ? text(object(fields.custom)?.name) : undefined
    if (name !== undefined) names.add(name)
  }
  return names
}

/** Whether a call takes free text. */
export const isCustom = (part: ToolCallPart, own: JsonObject | undefined, custom: ReadonlySet<string>): boolean =>
  own?.custom === true || (custom.has(part.name) && typeof part.params === "string")

/** What a call asks for, as text. */
export const inputOf = (part: ToolCallPart): string =>
  typeof part.params === "string" ? part.params : argumentsOf(part)

/** A whole call. */
export const toolCall = (part: ToolCallPart, own: JsonObject | undefined, custom: boolean): Written => {
  const { id, name } = part
  return putAll(
    custom
      ? { id, type: "custom", custom: { name, input: inputOf(part) } }
      : { id, type: "function", function: { name, arguments: argumentsOf(part) } },
    callExtras(own),
    ofCall
  )
}

/** What else the service said of a call. */
export const callExtras = (own: JsonObject | undefined): JsonObject | undefined => {
  const more = object(own?.response)
  const echo = own?.extra_content
  return echo === undefined ? more : { ...more, extra_content: echo }
}

/** An image as a message holds it, or `undefined` where the file is none. */
export const image = ({ data, mediaType }: FilePart): JsonObject | undefined =>
  mediaType.startsWith("image/") && data !== ""
    ? { type: "image_url", image_url: { url: `data:${mediaType};base64,${data}` } }
    : undefined

/** Sound as a message holds it, or `undefined` where the file is none. */
export const sound = (part: FilePart, call: Call, provider: string): JsonObject | undefined => {
  const { data, mediaType, metadata } = part
  const said = object(ownOf(metadata, provider)?.audio)
  if (said !== undefined) return { ...said, data }
  if (!mediaType.startsWith("audio/")) return undefined
  // Nobody keeps it, so it can never go back by its id.
  return { id: `audio_${call.id}`, data, transcript: "", expires_at: Math.floor(timeOf(undefined, call.now) / 1000) }
}

/** A source as a mark on the text; a document only as the service itself marked it. */
export const annotation = (part: SourcePart, provider: string): JsonValue | undefined => {
  const own = ownOf(part.metadata, provider)
  if (part.sourceType === "document") {
    const said = own?.annotation
    return object(object(said)?.file) === undefined ? undefined : said
  }
  const { title, url } = part
  return { type: "url_citation", url_citation: putAll({ url, title }, own, ofCitation) }
}

const ofCitation: ReadonlySet<string> = new Set(["url", "title", "type"])

/** Where something that has no word here belongs. */
export type Place = "images" | "annotations" | "content" | "event"

/** Where something that the service alone understands belongs, or `undefined` where it is of its other interface. */
export const placeOf = ({ metadata, provider, value }: RawPart, speaker: string): Place | undefined => {
  if (provider !== speaker) return undefined
  const own = ownOf(metadata, provider)
  if (own?.event !== undefined || own?.block !== undefined || own?.item !== undefined) return undefined
  const fields = object(value)
  if (fields === undefined) return "annotations"
  const type = text(fields.type)
  if (type === undefined) return isEvent(fields) ? "event" : undefined
  if (type === "image_url") return "images"
  if (/citation$|^file_path$/.test(type)) return "annotations"
  return ofResponses.test(type) ? undefined : "content"
}

/** Whether an object can be an event of its own and would not be read as part of the answer, or as its failure. */
const isEvent = (fields: JsonObject): boolean =>
  !["choices", "error", "usage", "x_groq"].some((name) => Object.hasOwn(fields, name))

/** How the Responses API calls its items. */
const ofResponses =
  /^compaction|^item_reference$|_(call|call_output|list_tools|approval_request|approval_response|search_output)$/

/** A thought that is signed, as a block of content. */
export const thinking = (said: string, own: JsonObject): JsonObject => ({
  type: "thinking",
  thinking: [{ type: "text", text: said }],
  ...(own.signature !== undefined && { signature: own.signature }),
  ...(own.encrypted_content !== undefined && { encrypted_content: own.encrypted_content })
})

/** Whether a thought has to be written as a block: there is nowhere else for its signature. */
export const isSigned = (own: JsonObject | undefined): own is JsonObject =>
  own !== undefined && (own.signature !== undefined || own.encrypted_content !== undefined)

/** What the service thought in its own form, where it did. */
export const detailsOf = (own: JsonObject | undefined): ReadonlyArray<JsonValue> | undefined =>
  Array.isArray(own?.reasoning_details) ? own.reasoning_details as ReadonlyArray<JsonValue> : undefined

/** Log probabilities as chat completions write them, also where the Responses API said them. */
export const logprobsOf = (own: JsonObject | undefined): JsonObject | undefined => {
  const said = own?.logprobs
  return Array.isArray(said) ? { content: said } : object(said)
}

/** Two pieces of log probabilities as one. */
export const joinLogprobs = (a: JsonObject | undefined, b: JsonObject | undefined): JsonObject | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const out: Written = putAll({}, a)
  for (const name of Object.keys(b)) {
    const before = Object.hasOwn(a, name) ? a[name] : undefined
    const more = b[name]!
    put(out, name, Array.isArray(before) && Array.isArray(more) ? [...before, ...more] : more)
  }
  return out
}

/** A tool that the service ran itself, by the wire's number of it, or `undefined` where it is none of this format. */
export const executedIndex = ({ id }: ToolCallPart | ToolResultPart): number | undefined => {
  const index = /^executed_(?:\d+_)?(\d+)$/.exec(id)?.[1]
  return index === undefined ? undefined : Number(index)
}

/** The call of a tool that the service ran itself. */
export const executedCall = (part: ToolCallPart, index: number): Written => ({
  index,
  type: part.name,
  arguments: argumentsOf(part)
})

/** What it answered, and what else was said of it. */
export const executedResult = (part: ToolResultPart, index: number, provider: string): Written =>
  putAll({ index, output: part.result as JsonValue }, object(ownOf(part.metadata, provider)?.response))

/** What else the service said of a choice: beside its message, and in it. */
export const extrasOf = (extra: JsonObject | undefined): { readonly choice: Written; readonly message: Written } => {
  const choice: Written = {}
  const message: Written = {}
  for (const name of Object.keys(extra ?? {})) {
    const value = extra![name]
    if (value === undefined || name === "logprobs") continue
    if (!ofChoice.has(name)) put(choice, name, value)
    else if (!ofMessage.has(name) || object(value) !== undefined) put(message, name, value)
  }
  return { choice, message }
}

/** The fields of an object as they follow others inside braces. */
export const following = (fields: Written): string => {
  const written = json(fields)
  return written === "{}" ? "" : `,${written.slice(1, -1)}`
}
