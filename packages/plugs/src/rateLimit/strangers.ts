/**
 * Finds options of limits that do not exist, however deep they stand: a limit that is misspelt must not be one that is missing.
 *
 * @module
 */
import { Json, LlmError, Suggest } from "@plugline/core"

/** Which names may stand in a record, and in `each` entry of a list or record whose own names are free. `undefined`: nothing to look at. */
export type Shape =
  | { readonly names: { readonly [name: string]: Shape | undefined } }
  | { readonly each: Shape }

/** The names of a record's fields, each with what may stand in it. */
export const namesOf = (fields: object, inner?: Shape): { readonly [name: string]: Shape | undefined } =>
  Object.fromEntries(Object.keys(fields).map((name) => [name, inner]))

/** The first name that does not belong there, as the error to give. */
export const stranger = (value: unknown, shape: Shape, plug: string, path = ""): LlmError | undefined => {
  const children = Array.isArray(value) ? [...value.entries()] : Json.isRecord(value) ? Object.entries(value) : []
  if ("names" in shape && Array.isArray(value)) return undefined
  for (const [name, child] of children) {
    const at = path === "" ? String(name) : `${path}.${name}`
    if ("names" in shape && !Object.hasOwn(shape.names, name)) {
      const known = Object.keys(shape.names)
      const message = `${Suggest.refusal("option", String(name), known)} (at ${Suggest.quote(at)})`
      return LlmError.make({ _tag: "Configuration", option: at, expected: known.join(", "), message }, { plug })
    }
    const inner = "names" in shape ? shape.names[name] : shape.each
    const found = inner === undefined ? undefined : stranger(child, inner, plug, at)
    if (found !== undefined) return found
  }
  return undefined
}
