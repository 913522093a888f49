/**
 * Opens a credential that is made up of several parts.
 *
 * @module
 */
import { Json } from "@plugline/core"
import { Redacted } from "effect"
import type { Key } from "./rotation.ts"

/** The texts among the fields of a credential. */
export type Parts = { readonly [field: string]: string }

const known = new WeakMap<Key, Parts | "text" | "broken">()

/**
 * The fields of a key whose text is a JSON object, `"text"` for one that is a plain text, `"broken"` for one that begins like
 * an object and is none. Fields that are no texts are left out.
 */
export const fieldsOf = (key: Key): Parts | "text" | "broken" => {
  let fields = known.get(key)
  if (fields === undefined) known.set(key, fields = open(Redacted.value(key)))
  return fields
}

const open = (key: string): Parts | "text" | "broken" => {
  if (!key.trimStart().startsWith("{")) return "text"
  try {
    const fields = Object.entries(Json.parse(key) as object)
    return Object.fromEntries(fields.filter((field): field is [string, string] => typeof field[1] === "string"))
  } catch {
    return "broken"
  }
}
