/**
 * Looks at JSON from outside one field at a time, without trusting its shape.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, LlmError } from "@plugline/core"

/** A JSON object whose fields may be anything. */
export type Fields = { readonly [name: string]: JsonValue | undefined }

/** The value as an object with fields, or `undefined`. */
export const object = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value as Fields : undefined

/** The value as a list, or `undefined`. */
export const list = (value: unknown): ReadonlyArray<JsonValue> | undefined => Array.isArray(value) ? value : undefined

/** The value as a text that says something, or `undefined`: services write the empty text for "none". */
export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** The value as a number that can be counted with, or `undefined`. */
export const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined

/** Sets a field, also one named `__proto__`, which stays a field. */
export const put = (target: { [name: string]: JsonValue }, name: string, value: JsonValue): void => {
  if (name !== "__proto__") target[name] = value
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Whether a field says anything: `null`, the empty text and the empty list are how services write "none". */
export const says = (value: JsonValue | undefined): value is JsonValue =>
  value !== null && value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)

/** The beginning of a text, for a message. */
export const excerpt = (value: string, length = 200): string => {
  const flat = value.slice(0, length * 4).replace(/\s+/g, " ").trim()
  return flat.length > length ? `${flat.slice(0, length)}…` : flat
}

/**
 * A successful answer's body as an object.
 *
 * @throws LlmError `NotAnLlm` for HTML, `MalformedResponse` for anything else that is no JSON.
 */
export const body = (source: string, provider: string): JsonValue => {
  try {
    return Json.parse(source)
  } catch (cause) {
    const html = source.trimStart().startsWith("<")
    throw LlmError.make({
      _tag: html ? "NotAnLlm" : "MalformedResponse",
      message: source.trim() === ""
        ? "the answer is empty"
        : `the answer is ${html ? "a web page" : "no JSON"}: ${excerpt(source)}`
    }, { provider, cause })
  }
}

/** Seconds since 1970, or ms where only that makes sense, as ISO 8601; `undefined` where there are none or 0. */
export const timestamp = (seconds: unknown): string | undefined => {
  const value = count(seconds)
  if (value === undefined || value === 0) return undefined
  const ms = value < 1e11 ? Math.floor(value) * 1000 : Math.floor(value)
  if (ms === told.ms) return told.text
  if (ms > lastDate) return undefined
  told = { ms, text: new Date(ms).toISOString() }
  return told.text
}

/** The last time that was written: every event of a stream, and most answers of a second, tell the same. */
let told: { readonly ms: number; readonly text: string } = { ms: 0, text: "" }

/** The last moment a date can tell, ms since 1970. */
const lastDate = 8.64e15

/** An object without its fields that are `undefined`. */
export const defined = (fields: Fields): JsonObject => {
  const out: { [name: string]: JsonValue } = {}
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value !== undefined) put(out, name, value)
  }
  return out
}
