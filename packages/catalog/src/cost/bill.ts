/**
 * Adds up a cost item by item, and notes why items are missing.
 *
 * @module
 */
import * as BigDecimal from "effect/BigDecimal"
import { parse } from "../decimal.ts"
import { type Cost, type CostPart, make, nothing } from "./value.ts"

/** A factor that changes nothing. */
export const one: BigDecimal.BigDecimal = BigDecimal.fromBigInt(1n)

/** Collects amounts, and why some are missing. */
export class Bill {
  readonly parts: { [Name in CostPart]?: BigDecimal.BigDecimal } = {}
  readonly reasons: Array<string> = []
  readonly assumed: Array<string> = []

  /** Adds items to a part; the part is unknown as soon as one of them is. */
  charge(part: CostPart, ...items: ReadonlyArray<BigDecimal.BigDecimal | undefined>): void {
    let sum: BigDecimal.BigDecimal | undefined = nothing
    for (const item of items) sum = sum === undefined || item === undefined ? undefined : BigDecimal.sum(sum, item)
    if (sum !== undefined) this.parts[part] = sum
  }

  /** Tokens at a price for a million of them. */
  tokens(
    count: number,
    rate: string | undefined,
    what: string,
    factor: BigDecimal.BigDecimal
  ): BigDecimal.BigDecimal | undefined {
    if (count === 0) return nothing
    const price = rate === undefined ? undefined : parse(rate)
    if (price === undefined) return this.missing(`no price is known for ${what}`)
    const amount = BigDecimal.make(price.value * BigInt(count), price.scale + 6)
    return factor === one ? amount : BigDecimal.multiply(amount, factor)
  }

  /** Things at a price for each. */
  each(count: number, price: string | undefined, what: string): BigDecimal.BigDecimal | undefined {
    const parsed = price === undefined ? undefined : parse(price)
    if (count === 0) return nothing
    if (parsed === undefined) return this.missing(`no price is known for ${what}`)
    return BigDecimal.multiply(parsed, BigDecimal.fromBigInt(BigInt(count)))
  }

  missing(reason: string): undefined {
    if (!this.reasons.includes(reason)) this.reasons.push(reason)
    return undefined
  }

  /** A count that is none of tokens is as good as absent. */
  count(value: number | undefined, name: string): number | undefined {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value
    return this.missing(`${name} is no count: ${value}`)
  }

  total(): Cost {
    return make(this.parts, this.reasons.sort(), this.assumed.sort())
  }
}
