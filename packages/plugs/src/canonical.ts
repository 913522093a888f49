/**
 * Writes JSON in its one form, so that equal values have equal texts and fingerprints whatever the order of their
 * fields.
 *
 * @module
 */
import { hash } from "node:crypto"

/**
 * The value as text: fields sorted by their code units, fields that are `undefined` left out, lone surrogates escaped.
 */
export const text = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "object":
      return value === null ? "null" : Array.isArray(value) ? list(value) : record(value)
    case "boolean":
      return value ? "true" : "false"
    default:
      return JSON.stringify(value) ?? "null"
  }
}

/** SHA-256 of the value's one form, 64 hexadecimal digits. */
export const fingerprint = (value: unknown): string => hash("sha256", text(value), "hex")

/** Fields as the text of an object, each as `write` has it; those of which it says nothing are left out. */
export const fields = (value: object, write: (field: unknown, name: string) => string | undefined): string => {
  const names = sorted(Object.keys(value))
  let out = ""
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!
    const field = (value as { readonly [name: string]: unknown })[name]
    const written = field === undefined ? undefined : write(field, name)
    if (written !== undefined) out += `${out === "" ? "{" : ","}${label(name)}${written}`
  }
  return out === "" ? "{}" : `${out}}`
}

const list = (items: ReadonlyArray<unknown>): string => {
  const { length } = items
  if (length === 0) return "[]"
  let out = `[${text(items[0])}`
  for (let index = 1; index < length; index++) out += `,${text(items[index])}`
  return `${out}]`
}

const record = (value: object): string =>
  "toJSON" in value && typeof value.toJSON === "function" ? text(value.toJSON()) : fields(value, text)

/** Names in order. Few are put in their places by hand, which takes a fraction of what `sort` takes to begin. */
const sorted = (names: Array<string>): Array<string> => {
  const { length } = names
  if (length > 24) return names.sort()
  for (let index = 1; index < length; index++) {
    const name = names[index]!
    let place = index
    for (; place > 0 && names[place - 1]! > name; place--) names[place] = names[place - 1]!
    if (place < index) names[place] = name
  }
  return names
}

/**
 * The names that were met first, as they are written. Names are few and come again; those that a caller makes up do not
 * fill the memory.
 */
const labels = new Map<string, string>()

const label = (name: string): string => {
  const known = labels.get(name)
  if (known !== undefined) return known
  const written = `${JSON.stringify(name)}:`
  if (labels.size < 1_000 && name.length <= 64) labels.set(name, written)
  return written
}
