/**
 * Reads the fields of a request that a client sent. Google takes every field in two spellings, `inlineData` and
 * `inline_data`, and a single value where a list is meant; both become the usual form here.
 *
 * @module
 */
import { type JsonValue, LlmError } from "@plugline/core"
import { type Fields, put } from "../wire/read.ts"
import { camel } from "./tools.ts"

/** A part of the request is not what it should be. `path` is in the service's spelling. */
export const invalid = (path: string, expected: string, found?: JsonValue): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    parameter: path,
    message: `${path} must be ${expected}${found === undefined ? "" : `, not ${kind(found)}`}`
  })

const kind = (value: JsonValue): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "a list"
  return typeof value === "object" ? "an object" : `a ${typeof value}`
}

/** An object, its fields in the usual spelling, those that are `null` left out. */
export const fieldsOf = (value: JsonValue | undefined, path: string): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(path, "an object", value ?? null)
  }
  const out: { [name: string]: JsonValue } = {}
  for (const [name, field] of Object.entries(value as Fields)) {
    if (field !== undefined && field !== null) put(out, camel(name), field)
  }
  return out
}

/** A list; a single object stands for a list of one. */
export const listOf = (value: JsonValue | undefined, path: string): ReadonlyArray<JsonValue> => {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  if (typeof value === "object" && value !== null) return [value]
  throw invalid(path, "a list", value)
}

/** A text, or `undefined` where there is none. */
export const textOf = (value: JsonValue | undefined, path: string): string | undefined => {
  if (value === undefined || typeof value === "string") return value
  throw invalid(path, "a text", value)
}

/** A text that has to be there. */
export const someText = (value: JsonValue | undefined, path: string): string => {
  const found = textOf(value, path)
  if (found === undefined || found === "") throw invalid(path, "a text", value ?? null)
  return found
}

/** Fields that were not read. */
export const leftOf = (fields: Fields, known: ReadonlySet<string>): { [name: string]: JsonValue } | undefined => {
  let out: { [name: string]: JsonValue } | undefined
  for (const name in fields) if (!known.has(name)) put(out ??= {}, name, fields[name]!)
  return out
}
