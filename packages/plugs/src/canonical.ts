/**
 * Writes JSON in its one form, so that equal values have equal texts and fingerprints whatever the order of their fields.
 *
 * @module
 */
import { createHash } from "node:crypto"

/** The value as text: fields sorted by their code units, fields that are `undefined` left out, lone surrogates escaped. */
export const text = (value: unknown): string => {
  if (Array.isArray(value)) {
    let out = "["
    for (let index = 0; index < value.length; index++) out += (index === 0 ? "" : ",") + text(value[index])
    return `${out}]`
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  if ("toJSON" in value && typeof value.toJSON === "function") return text(value.toJSON())
  const fields = value as { readonly [name: string]: unknown }
  let out = "{"
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] === undefined) continue
    out += `${out === "{" ? "" : ","}${JSON.stringify(name)}:${text(fields[name])}`
  }
  return `${out}}`
}

/** SHA-256 of the value's one form, 64 hexadecimal digits. */
export const fingerprint = (value: unknown): string => createHash("sha256").update(text(value)).digest("hex")
