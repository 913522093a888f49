/**
 * Reads the body of a request as a client of this wire sent it, field by field: what has a word here becomes an
 * option, the rest is the service's own and passes on untouched.
 *
 * `null` says of a field that has a word here what leaving it out says.
 *
 * @module
 */
import {
  type JsonObject, type JsonValue, LlmError, type Message, type OptionName, Options, type ProviderOptions, type RawPart,
  type UserMessage
} from "@plugline/core"
import type { Asked } from "../Wire.ts"
import { defined, excerpt, type Fields, list, object, put } from "../wire/read.ts"
import { unsupported } from "./options.ts"
import type { Quirks } from "./quirks.ts"

/** A body while it is read. */
export interface Sent {
  readonly provider: string
  readonly quirks: Quirks
  readonly body: Fields
  /** What has a word here. */
  readonly options: { -readonly [Name in OptionName]?: Options[Name] }
  /** What only the service understands. */
  readonly own: { [name: string]: JsonValue }
}

/** Reads one field that is there and not `null`. */
export type Reader = (value: JsonValue, to: Sent, field: string) => void

/** What a field of JSON is. */
type Kind = "number" | "string" | "boolean" | "object"

/** How the fields of a body are read; what has no reader is the service's own. */
export type Readers = { readonly [field: string]: Reader }

/** Reads every field of a body. */
export const read = (body: unknown, readers: Readers, quirks: Quirks, provider: string): Sent => {
  const fields = object(body)
  if (fields === undefined) throw malformed("body", "a JSON object", body)
  const to: Sent = { provider, quirks, body: fields, options: {}, own: {} }
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value === undefined) continue
    if (!Object.hasOwn(readers, name)) put(to.own, name, value)
    else if (value !== null) readers[name]!(value, to, name)
  }
  return to
}

/** What was asked, once every field is read. */
export const asked = (
  operation: Asked["operation"],
  messages: ReadonlyArray<Message>,
  { options, own, provider }: Sent
): Asked => ({
  operation,
  messages,
  options: Object.keys(own).length === 0 ? options : { ...options, providerOptions: { [provider]: own } }
})

/** Whether a field is there and says something: `null` says what leaving it out says. */
export const isGiven = (value: JsonValue | undefined): value is Exclude<JsonValue, null> =>
  value !== undefined && value !== null

/** Takes a field that is read elsewhere. */
export const apart: Reader = () => {}

/**
 * Takes a field as an option. One that the service does not take by our word stays the service's own, and so does a
 * value of the right kind that is none of ours, such as -1 tokens for "no limit".
 */
export const option = (name: OptionName, kind: Kind): Reader => (value, to, field) => {
  if ((to.quirks.unsupported ?? unsupported).includes(name)) return put(to.own, field, value)
  if (fits(name, value)) Object.assign(to.options, { [name]: value })
  else if (kind !== "object" && typeof value === kind && name !== "model") put(to.own, field, value)
  else throw malformed(field, Options.expected(name), value)
}

/** Whether a value can stand for an option. */
export const fits = (name: OptionName, value: JsonValue): boolean => {
  try {
    Options.check({ [name]: value })
    return true
  } catch {
    return false
  }
}

/** Takes the limit on tokens, under either of its names. */
export const maxTokens: Reader = (value, to, field) => {
  const { maxTokens: before } = to.options
  if (before !== undefined && before !== value) {
    throw invalid(field, "max_tokens and max_completion_tokens are the same limit: send one of them")
  }
  option("maxTokens", "number")(value, to, field)
}

/**
 * Takes the model from an address that names its deployment, as Azure's do. What the body calls it says nothing then,
 * and is the service's own.
 */
export const deployment = (url: string, to: Sent): void => {
  const name = to.quirks.modelInUrl === true ? /\/deployments\/([^/?#]+)\//.exec(url)?.[1] : undefined
  if (name === undefined) return
  let model = name
  try {
    model = decodeURIComponent(name)
  } catch {
    // Not escaped at all, then.
  }
  if (!fits("model", model)) throw malformed("model", Options.expected("model"), model)
  const { model: said } = to.options
  if (said !== undefined && said !== model) put(to.own, "model", said)
  to.options.model = model
}

/** Takes what only goes with a stream, and whether there is one. */
export const streamed = ({ body, own, quirks }: Sent): boolean => {
  const { stream, stream_options: how } = body
  if (isGiven(stream) && typeof stream !== "boolean") throw malformed("stream", "true or false", stream)
  if (isGiven(how)) {
    const fields = object(how)
    if (fields === undefined) throw malformed("stream_options", "an object", how)
    const usual = quirks.streamUsage !== false && fields.include_usage === true && Object.keys(fields).length === 1
    if (stream === true && !usual) put(own, "stream_options", how)
  }
  return stream === true
}

/** What only the service understands, under its name; nothing where that is nothing. */
export const ownOptions = (provider: string, own: Fields): { readonly options?: ProviderOptions } => {
  const fields = defined(own)
  return Object.keys(fields).length === 0 ? {} : { options: { [provider]: fields } }
}

/** A block that has no word here, and goes back to the service as it came. */
export const raw = (provider: string, value: JsonValue): RawPart => ({ type: "raw", provider, value })

/**
 * A message from the person that holds one text or, raw, what the service takes in place of one: tokens, for example.
 *
 * @throws LlmError `InvalidRequest` where the value is neither.
 */
export const input = (value: JsonValue, field: string, { provider }: Sent, own: JsonObject = {}): UserMessage => {
  const options = ownOptions(provider, own)
  if (typeof value === "string") return { role: "user", content: [{ type: "text", text: value }], ...options }
  const items = list(value)
  const fit = items === undefined
    ? object(value) !== undefined
    : items.length > 0 && items.every((item) => typeof item === "number")
  if (!fit) throw malformed(field, "a text or a list of tokens", value)
  return { role: "user", content: [raw(provider, value)], ...options }
}

/** A field that does not fit: which, what would be right, and what it is. */
export const malformed = (field: string, expected: string, value: unknown): LlmError =>
  invalid(
    field,
    value === undefined
      ? `${field} is missing: it must be ${expected}`
      : `${field} must be ${expected}, not ${shown(value)}`
  )

/** A request that cannot be meant. */
export const invalid = (field: string, message: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: field, message })

const shown = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(excerpt(value, 40))
    : Array.isArray(value)
    ? "a list"
    : typeof value === "object" && value !== null
    ? "an object"
    : String(value)
