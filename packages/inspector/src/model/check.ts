/**
 * Checks JSON that came from outside, value by value, and says of what does not fit where it stands and what would fit.
 *
 * @module
 */
import { Json, LlmError } from "@plugline/core"

/** Fields that nobody has looked at yet. */
export type Fields = Readonly<Record<string, unknown>>

/** Something that does not fit. */
export const misfit = (place: string, expected: string, found?: unknown): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    parameter: place,
    message: `this JSON is no recorded run: ${place === "" ? "it" : place} must be ${expected}${
      found === undefined ? "" : `, not ${kind(found)}`
    }`
  })

const kind = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`

/** An object with named fields. */
export const fields = (value: unknown, place: string): Fields => {
  if (!Json.isRecord(value)) throw misfit(place, "an object", value)
  return value
}

/** A list with at most `most` places. */
export const list = (value: unknown, place: string, most: number): ReadonlyArray<unknown> => {
  if (!Array.isArray(value)) throw misfit(place, "a list", value)
  if (value.length > most) throw misfit(place, `a list of at most ${most.toLocaleString("en-US")}`)
  return value
}

/** A text. */
export const text = (value: unknown, place: string): string => {
  if (typeof value !== "string") throw misfit(place, "a text", value)
  return value
}

/** A number that can be counted with. */
export const number = (value: unknown, place: string): number => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw misfit(place, "a number", value)
  return value
}

/** Yes or no. */
export const flag = (value: unknown, place: string): boolean => {
  if (typeof value !== "boolean") throw misfit(place, "true or false", value)
  return value
}

/** One of a few words. */
export const word = <const Words extends ReadonlyArray<string>>(value: unknown, words: Words, place: string): Words[number] => {
  if (!words.includes(value as string)) throw misfit(place, words.map((each) => JSON.stringify(each)).join(" or "), value)
  return value as Words[number]
}

/** The place of something in a list. */
export const place = (value: unknown, here: string, list: ReadonlyArray<unknown>, name: string): void => {
  const isPlace = Number.isInteger(value) && (value as number) >= 0 && (value as number) < list.length
  if (!isPlace) throw misfit(here, `a place in ${name}`)
}

/** Fields that may be absent, each of one kind. */
export const optional = (
  from: Fields,
  place: string,
  names: ReadonlyArray<string>,
  check: (value: unknown, place: string) => unknown
): void => {
  for (const name of names) {
    if (from[name] !== undefined) check(from[name], `${place}.${name}`)
  }
}

/** Refuses what nests so deep that it could not be walked. Looks at every value once and never calls itself. */
export const shallow = (value: unknown, limit: number): void => {
  const left: Array<readonly [value: unknown, depth: number]> = [[value, 0]]
  while (left.length > 0) {
    const [next, depth] = left.pop()!
    if (typeof next !== "object" || next === null) continue
    if (depth >= limit) throw misfit("", `nested at most ${limit} levels deep`)
    for (const inside of Array.isArray(next) ? next : Object.values(next)) left.push([inside, depth + 1])
  }
}
