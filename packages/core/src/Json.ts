/**
 * The plain data that messages, parts, options and results are made of: it can be stored, compared, hashed and replayed.
 *
 * @module
 */

/** A JSON value. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

/** A JSON object; a field that is `undefined` counts as absent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Whether a value is an object with named fields: no array, no class of its own, not `null`. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The deepest nesting {@link depth} walks before it gives up, and the most that wire code accepts from outside. */
export const maxDepth = 512

/**
 * How deep a JSON text nests, found by scanning it, without parsing. Stops early and answers `limit + 1` once the limit
 * is passed, so a hostile text costs no more than its length. Parsing first is no guard: a text nested 400,000 deep parses,
 * and the first `JSON.stringify` of the value overflows the stack.
 *
 * @example
 * ```ts
 * import { Json } from "@plugline/core"
 *
 * Json.depth(`{"a":[1,"]["]}`) // => 2
 * ```
 */
export const depth = (text: string, limit: number = maxDepth): number => {
  let deepest = 0
  let level = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 92 /* \ */) index++
      else if (code === 34 /* " */) inString = false
    } else if (code === 34) inString = true
    else if (code === 123 /* { */ || code === 91 /* [ */) {
      if (++level > deepest) deepest = level
      if (level > limit) return level
    } else if (code === 125 /* } */ || code === 93 /* ] */) level--
  }
  return deepest
}

/**
 * Reads a JSON text from outside. Refuses what would hurt later: nesting deeper than `limit`. A `__proto__` key is kept as
 * an own field by `JSON.parse` and never reaches a prototype.
 *
 * @throws SyntaxError when the text is no JSON or nests too deep.
 */
export const parse = (text: string, limit: number = maxDepth): Json => {
  // A text cannot nest deeper than it has openings, and those are counted much faster than a text is scanned.
  if (openings(text, limit) > limit && depth(text, limit) > limit) throw new SyntaxError(`JSON nests deeper than ${limit} levels`)
  return JSON.parse(text)
}

const openings = (text: string, most: number): number => {
  if (text.length <= most) return 0
  let count = 0
  for (const mark of ["{", "["]) {
    for (let at = text.indexOf(mark); at >= 0 && count <= most; at = text.indexOf(mark, at + 1)) count++
  }
  return count
}

/** Deep equality of JSON values: key order and absent-versus-`undefined` fields make no difference. */
export const equals = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equals(item, b[index]))
  }
  if (Array.isArray(b)) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key of Object.keys(left)) {
    if (left[key] !== undefined && !(Object.hasOwn(right, key) && equals(left[key], right[key]))) return false
  }
  for (const key of Object.keys(right)) {
    if (right[key] !== undefined && (!Object.hasOwn(left, key) || left[key] === undefined)) return false
  }
  return true
}
