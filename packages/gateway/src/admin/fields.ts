/**
 * What fields of a query hold.
 *
 * @module
 */
import { Schema, SchemaGetter } from "effect"
import { Moment } from "../auth/AuthConfig.ts"

/** A name or id. */
export const Text = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(512))

const digits = (expected: string, pattern: RegExp) =>
  Schema.String.check(Schema.isPattern(pattern, { expected })).pipe(Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((given: string) => Number(given)),
    encode: SchemaGetter.transform((given: number) => String(given))
  }))

/** How many of a list are wanted. */
export const Count = digits("a whole number from 1 to 1000", /^([1-9]\d{0,2}|1000)$/)

/** The number of an entry. */
export const Place = digits("a whole number above 0", /^[1-9]\d{0,14}$/)

/** A day, or a time with its zone. */
export const Time = Moment
