/**
 * Writes JSON for a stream of lines. Some clients end a line also where Unicode does (U+0085, U+2028, U+2029), so these
 * are escaped; what else could end one, and halves of surrogate pairs, `JSON.stringify` escapes.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "plugline"

/** A value as JSON in one line; what is no JSON is `null`. */
export const json = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "null"
  return breaks.test(text) ? text.replace(everyBreak, escape) : text
}

const breaks = /[\u0085\u2028\u2029]/
const everyBreak = /[\u0085\u2028\u2029]/g
const escape = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`

/** An object while it is written. */
export type Written = { [name: string]: JsonValue }

/** Sets a field, also one named `__proto__`, which stays a field. */
export const put = (target: Written, name: string, value: JsonValue): void => {
  if (name !== "__proto__") target[name] = value
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Puts the fields of one object into another. `except`: those that are left out. */
export const putAll = (target: Written, fields: JsonObject | undefined, except?: ReadonlySet<string>): Written => {
  if (fields === undefined) return target
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value !== undefined && except?.has(name) !== true) put(target, name, value)
  }
  return target
}

/** The fields of an object as they stand inside its braces. */
export const inner = (fields: JsonObject): string => json(fields).slice(1, -1)

/** The value as an object, or `undefined`. */
export const object = (value: unknown): JsonObject | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value as JsonObject : undefined

/** The value as a text that says something, or `undefined`. */
export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined
