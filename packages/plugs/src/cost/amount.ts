/**
 * Amounts of money as whole numbers of 0.000000000001 USD, so that sums are exact in every store and no binary float is
 * on the way.
 *
 * @module
 */
import { BigDecimal, Option } from "effect"

/** Millionths of a millionth of a USD. */
export type Amount = bigint

/** How many digits behind the point an amount keeps. */
export const digits = 12

/** A decimal as an amount. What has more digits is rounded: `up`, away from zero, or to the `nearest`. */
export const of = (value: BigDecimal.BigDecimal, rounding: "up" | "nearest" = "nearest"): Amount => {
  if (value.scale <= digits) return value.value * 10n ** BigInt(digits - value.scale)
  const unit = 10n ** BigInt(value.scale - digits)
  const negative = value.value < 0n
  const size = negative ? -value.value : value.value
  const whole = (size + (rounding === "up" ? unit - 1n : unit / 2n)) / unit
  return negative ? -whole : whole
}

/**
 * An amount from what a person wrote, or `undefined` where that is none: a decimal text or a number, of USD.
 *
 * @example
 * ```ts
 * import { Amount } from "@plugline/plugs"
 *
 * Amount.parse("0.10") // => 100000000000n
 * Amount.parse(-1) // => undefined
 * Amount.parse("1e309") // => undefined
 * ```
 */
export const parse = (value: string | number): Amount | undefined => {
  const text = String(value)
  if (!pattern.test(text)) return undefined
  const decimal = BigDecimal.fromString(text)
  return Option.isSome(decimal) ? of(decimal.value, "up") : undefined
}

// A price list's worth of digits: an exponent of millions would be a valid number whose text fills the memory.
const pattern = /^(?:\d{1,15}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?$/

/**
 * An amount as decimal text in USD, without trailing zeros.
 *
 * @example
 * ```ts
 * import { Amount } from "@plugline/plugs"
 *
 * Amount.text(100_000_000_000n) // => "0.1"
 * ```
 */
export const text = (amount: Amount): string => {
  if (amount === 0n) return "0"
  const negative = amount < 0n
  const padded = (negative ? -amount : amount).toString().padStart(digits + 1, "0")
  const point = padded.length - digits
  let end = padded.length
  while (end > point && padded.charCodeAt(end - 1) === 48) end--
  const whole = padded.slice(0, point)
  return `${negative ? "-" : ""}${end === point ? whole : `${whole}.${padded.slice(point, end)}`}`
}

/** An amount as a decimal. */
export const decimal = (amount: Amount): BigDecimal.BigDecimal => BigDecimal.make(amount, digits)
