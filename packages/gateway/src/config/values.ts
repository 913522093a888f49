/**
 * What fields of the configuration hold: lengths of time, sizes, secrets, addresses; and how a field is described.
 *
 * @module
 */
import { Duration, Effect, Option, Redacted, Schema, SchemaGetter } from "effect"
import ipaddr from "ipaddr.js"

/** A field that may be left out. */
export const field = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(described(schema, description))

/** A field that has this value where it is left out. */
export const fieldOr = <S extends Schema.Top>(schema: S, value: S["Encoded"], description: string) =>
  described(schema, description, value).pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/** A field that must be there. */
export const described = <S extends Schema.Top>(schema: S, description: string, value?: S["Encoded"]): S => {
  const last = Schema.toEncoded(schema).ast.checks?.at(-1)
  // What is said of a condition that JSON Schema has no word for would be left out together with it.
  const silent = last !== undefined && last.annotations?.toJsonSchema === undefined
  const annotations = { description, ...(value !== undefined && { default: value }), ...(silent && { toJsonSchema: () => ({}) }) }
  return Schema.annotateEncoded(annotations as never)(schema as never) as S
}

/** The longest a timer can wait, in ms: 24 days. */
const longest = 2_147_483_647

const millis = (given: number | string): number | undefined =>
  Option.getOrUndefined(Option.map(Duration.fromInput(given as Duration.Input), Duration.toMillis))

const isSpan = (given: number | string): boolean => {
  const found = millis(given)
  return found !== undefined && found > 0 && found <= longest
}

/** A length of time above 0: a number of ms, or a text such as `30 seconds`. Becomes ms. */
export const Span = Schema.Union([Schema.Finite, Schema.String])
  .check(
    Schema.makeFilter(isSpan, { expected: "a length of time above 0 and below 24 days, in ms or as in \"30 seconds\"" })
  )
  .pipe(Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((given: number | string) => millis(given) ?? 0),
    encode: SchemaGetter.transform((given: number) => given)
  }))

const units: { readonly [unit: string]: number } = { b: 1, kb: 1024, kib: 1024, mb: 1024 ** 2, mib: 1024 ** 2, gb: 1024 ** 3, gib: 1024 ** 3 }

const bytes = (given: number | string): number => {
  if (typeof given === "number") return given
  const [, amount, unit = "b"] = /^(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?i?b)?$/i.exec(given.trim()) ?? []
  return amount === undefined ? Number.NaN : Math.floor(Number(amount) * (units[unit.toLowerCase()] ?? Number.NaN))
}

const isSize = (given: number | string): boolean => {
  const found = bytes(given)
  return Number.isSafeInteger(found) && found > 0
}

/** A number of bytes, or a text such as `10mb`, which counts by 1,024. Becomes bytes. */
export const Size = Schema.Union([Schema.Finite, Schema.String])
  .check(Schema.makeFilter(isSize, { expected: "a size above 0, in bytes or as in \"10mb\"" }))
  .pipe(Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform(bytes),
    encode: SchemaGetter.transform((given: number) => given)
  }))

/** A secret: wrapped at once, so that it cannot be printed. */
export const Secret = Schema.String
  .check(Schema.isMinLength(1))
  .annotate({ format: "password" } as never)
  .pipe(Schema.decodeTo(Schema.Redacted(Schema.String), {
    decode: SchemaGetter.transform((given: string) => Redacted.make(given)),
    encode: SchemaGetter.transform((given: Redacted.Redacted<string>) => Redacted.value(given))
  }))

const isAddress = (given: string): boolean => {
  const url = URL.parse(given)
  return url !== null && (url.protocol === "https:" || url.protocol === "http:")
    && url.username === "" && url.password === "" && url.search === "" && url.hash === ""
}

/** An http or https URL. */
export const Address = Schema.String.check(
  Schema.makeFilter(isAddress, { expected: "an http or https URL without user name, password, query and fragment" })
)

/** A path in the file system. */
export const Path = Schema.String.check(
  Schema.makeFilter((given: string) => given !== "" && !given.includes("\0"), { expected: "a path without NUL" })
)

/** Addresses that belong together: `10.0.0.0/8`, or one. */
export const Cidr = Schema.String.check(
  Schema.makeFilter((given: string) => ipaddr.isValid(given) || ipaddr.isValidCIDR(given), {
    expected: "an IP address or a range of them such as 10.0.0.0/8"
  })
)

/** A whole number within bounds. */
export const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Something by name. */
export const named = <S extends Schema.Top>(value: S) => Schema.Record(Schema.String, value)
