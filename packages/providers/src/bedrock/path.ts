/**
 * Looks at the fields of a client's request, and says which one does not fit.
 *
 * @module
 */
import { Json, type JsonValue, LlmError } from "@plugline/core"
import type { Fields } from "../wire/read.ts"

/** The value as an object. Throws an `LlmError` `InvalidRequest`, naming the field, where it is none. */
export const fieldsAt = (value: JsonValue | undefined, path: string, provider: string): Fields => {
  if (Json.isRecord(value)) return value as Fields
  throw invalid(path, `must be an object, not ${kind(value)}`, provider)
}

/** The value as a list. Throws as {@link fieldsAt} does. */
export const itemsAt = (value: JsonValue | undefined, path: string, provider: string): ReadonlyArray<JsonValue> => {
  if (Array.isArray(value)) return value as ReadonlyArray<JsonValue>
  throw invalid(path, `must be a list, not ${kind(value)}`, provider)
}

/** The value as a text. Throws as {@link fieldsAt} does. */
export const textAt = (value: JsonValue | undefined, path: string, provider: string): string => {
  if (typeof value === "string") return value
  throw invalid(path, `must be a text, not ${kind(value)}`, provider)
}

/** The value as a number. Throws as {@link fieldsAt} does. */
export const numberAt = (value: JsonValue | undefined, path: string, provider: string): number => {
  if (typeof value === "number" && Number.isFinite(value)) return value
  throw invalid(path, `must be a number, not ${kind(value)}`, provider)
}

/** A field does not fit. */
export const invalid = (path: string, why: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: path, message: `${path} ${why}` }, { provider })

const kind = (value: unknown): string =>
  value === undefined ? "nothing" : value === null ? "null" : Array.isArray(value) ? "a list" : typeof value
