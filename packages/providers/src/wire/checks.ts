/**
 * Checks the fields of a request from outside, each named as the service spells it.
 *
 * @module
 */
import { type JsonValue, LlmError } from "@plugline/core"
import { type Fields, object } from "./read.ts"

/** A field that does not fit. */
export const misfit = (path: string, expected: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: path, message: `${path} must be ${expected}` }, { provider })

/** The value as an object. */
export const objectAt = (value: JsonValue | undefined, path: string, provider: string): Fields => {
  const fields = object(value)
  if (fields === undefined) throw misfit(path, "an object", provider)
  return fields
}

/** The value as a list. */
export const listAt = (value: JsonValue | undefined, path: string, provider: string): ReadonlyArray<JsonValue> => {
  if (!Array.isArray(value)) throw misfit(path, "a list", provider)
  return value
}

/** The value as a text. */
export const textAt = (value: JsonValue | undefined, path: string, provider: string): string => {
  if (typeof value !== "string") throw misfit(path, "a text", provider)
  return value
}

/** The value as the name of something: a text that says something and holds no control characters. */
export const nameAt = (value: JsonValue | undefined, path: string, provider: string): string => {
  const name = textAt(value, path, provider)
  let plain = name !== "" && name.length <= 512
  for (let index = 0; plain && index < name.length; index++) {
    const code = name.charCodeAt(index)
    plain = code >= 32 && code !== 127
  }
  if (!plain) throw misfit(path, "a text of 1 to 512 characters without control characters", provider)
  return name
}

/** The text of a field that may be left out or `null`. */
export const optionalText = (value: JsonValue | undefined, path: string, provider: string): string | undefined =>
  value === undefined || value === null ? undefined : textAt(value, path, provider)
