/**
 * What the readers of a request share: errors that name the field in the service's spelling, and what goes on
 * untouched.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, type Options, type ProviderOptions } from "@plugline/core"
import { defined, type Fields } from "../wire/read.ts"

/** What has no word here, while it is gathered. */
export type Own = { [name: string]: JsonValue }

/** A request while it is read. */
export interface Into {
  readonly body: JsonObject
  readonly options: { -readonly [Name in keyof Options]: Options[Name] }
  readonly own: Own
  readonly provider: string
}

/** Reads one field of a body. */
export type Read = (value: JsonValue, into: Into) => void

/** A field does not fit. `path` is spelt as the service spells it: `messages.0.content.1.text`. */
export const invalid = (path: string, expected: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: path, message: `${path} must be ${expected}` }, { provider })

/** A text, or an error that names the field. */
export const textAt = (value: JsonValue | undefined, path: string, provider: string): string => {
  if (typeof value === "string") return value
  throw invalid(path, "a text", provider)
}

/** What has no word here, as `options`. */
export const ownAs = (rest: Fields, provider: string): { readonly options?: ProviderOptions } => {
  for (const name in rest) if (rest[name] !== undefined) return { options: { [provider]: defined(rest) } }
  return nothing
}

const nothing = {}
