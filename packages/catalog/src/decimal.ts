/**
 * Exact decimals as text: reading and writing amounts without a binary float in between.
 *
 * @module
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"

/** A decimal from its text (`0.15`, `1.5e-07`), or `undefined` for anything else. Keeps exponents within reason. */
export const parse = (text: string): BigDecimal.BigDecimal | undefined => {
  const known = prices.get(text)
  if (known !== undefined) return known
  if (!pattern.test(text)) return undefined
  const value = BigDecimal.fromString(text)
  if (Option.isNone(value)) return undefined
  const parsed = BigDecimal.normalize(value.value)
  if (prices.size >= 1_000) prices.clear()
  prices.set(text, parsed)
  return parsed
}

/** What was read before: the same prices are read with every call. */
const prices = new Map<string, BigDecimal.BigDecimal>()

// An exponent of millions would be a valid number whose text fills the memory.
const pattern = /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?$/

/** The plain text of a decimal: no exponent, no trailing zeros. */
export const text = (value: BigDecimal.BigDecimal): string => {
  const normal = BigDecimal.normalize(value)
  const negative = normal.value < 0n
  const digits = (negative ? -normal.value : normal.value).toString()
  const sign = negative ? "-" : ""
  if (normal.scale <= 0) return sign + digits + "0".repeat(-normal.scale)
  const padded = digits.padStart(normal.scale + 1, "0")
  return `${sign}${padded.slice(0, -normal.scale)}.${padded.slice(-normal.scale)}`
}

/** Rounded half up to this many significant digits. */
export const significant = (value: BigDecimal.BigDecimal, digits: number): BigDecimal.BigDecimal => {
  const normal = BigDecimal.normalize(value)
  const negative = normal.value < 0n
  const whole = negative ? -normal.value : normal.value
  const surplus = whole.toString().length - digits
  if (surplus <= 0) return normal
  const unit = 10n ** BigInt(surplus)
  const rounded = (whole + unit / 2n) / unit
  return BigDecimal.normalize(BigDecimal.make(negative ? -rounded : rounded, normal.scale - surplus))
}
