/**
 * Says what a call cost, exactly: tokens times prices in decimals, with no binary float on the way, and unknown where
 * a price or a count is unknown.
 *
 * @example
 * ```ts
 * import { Catalog, Cost } from "@plugline/catalog"
 *
 * const usage = { inputTokens: { total: 1200, cacheRead: 1000 }, outputTokens: { total: 300 } }
 * const cost = Cost.of(usage, Catalog.get("openai", "gpt-4o"))
 * Cost.format(cost) // => "$0.00475"
 * cost.toJSON().cacheRead // => "0.00125"
 * Cost.format(Cost.of(usage, Catalog.get("openai", "gpt-17"))) // => "unknown"
 * ```
 *
 * @module
 */
import type { Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { Bill, one } from "./cost/bill.ts"
import { chargeOther } from "./cost/other.ts"
import { choose } from "./cost/rates.ts"
import { billed, type Extras, extras } from "./cost/raw.ts"
import { chargeAnswer, chargePrompt, promptOf } from "./cost/tokens.ts"
import { add, type Cost, unknown, zero } from "./cost/value.ts"
import { parse, significant, text } from "./decimal.ts"
import type { Model, Prices } from "./Model.ts"

export { reported } from "./cost/raw.ts"
export { add, type Cost, type CostJson, type CostPart, fromJson, partNames, zero } from "./cost/value.ts"

/** What the usage does not say of itself. */
export interface CostOptions {
  /**
   * Level of service the answer was given at: `batch`, `flex`, `priority`. Default: what the usage says, else the
   * ordinary one.
   */
  readonly serviceTier?: string
  /** Region the data was kept in, where that costs more: `us`, `eu`. Default: what the usage says, else none. */
  readonly region?: string
  /** Web searches the provider made. Default: what the usage says. */
  readonly searches?: number
  /** How much of what was found was read: `low`, `medium`, `high`. Default: what the usage says. */
  readonly searchSize?: string
}

/**
 * What a call cost.
 *
 * The prompt is divided into what was read from the cache, what was written to it, and the rest; the answer into
 * thinking and the rest; each times its price. Where a service does not divide them, it has nothing to divide: all of
 * the prompt is priced as input and all of the answer as output, and `assumed` says so where it could make a
 * difference.
 */
export const of = (counted: Usage, model: Model | undefined, options: CostOptions = {}): Cost => {
  if (model === undefined) return unknown("the catalog does not know the model")
  const { prices } = model
  if (prices === undefined) return unknown(model.unpriced ?? "the catalog knows no price of the model")
  const usage = billed(counted)
  const extra = extras(usage)
  const bill = new Bill()
  const prompt = promptOf(usage, bill)
  const service = options.serviceTier === "auto" ? extra.service : options.serviceTier ?? extra.service
  const choice = choose(prices, service, prompt)
  if ("reason" in choice) return unknown(choice.reason)
  const factor = factorOf(prices, options, extra, bill)
  const { rates } = choice
  if (factor !== undefined) {
    chargePrompt(bill, usage, prompt, rates, extra, factor)
    chargeAnswer(bill, usage, model, rates, extra, factor)
  }
  chargeOther(bill, model, prices, rates, options, extra)
  return bill.total()
}

/** What several things cost together: unknown in each part in which one of them is. */
export const sum = (costs: Iterable<Cost>): Cost => {
  let total = zero
  for (const cost of costs) total = add(total, cost)
  return total
}

/**
 * USD to read: two decimals from a dollar up, below it four significant digits, never a `$0.00` for something.
 * Without an amount, `unknown`.
 *
 * @example
 * ```ts
 * import { Cost } from "@plugline/catalog"
 * import { BigDecimal } from "effect"
 *
 * Cost.format(BigDecimal.fromStringUnsafe("0.00042")) // => "$0.00042"
 * Cost.format(BigDecimal.fromStringUnsafe("12.3456")) // => "$12.35"
 * Cost.format(undefined) // => "unknown"
 * ```
 */
export const format = (cost: Cost | BigDecimal.BigDecimal | undefined): string => {
  const amount = cost === undefined || BigDecimal.isBigDecimal(cost) ? cost : cost.total
  if (amount === undefined) return "unknown"
  const negative = BigDecimal.isNegative(amount)
  const size = BigDecimal.abs(amount)
  const rounded = BigDecimal.isLessThan(size, one)
    ? significant(size, 4)
    : BigDecimal.round(size, { scale: 2, mode: "half-from-zero" })
  const [whole = "0", decimals = ""] = text(rounded).split(".")
  return `${negative ? "-" : ""}$${whole}.${decimals.padEnd(2, "0")}`
}

/** The product of all factors that apply; `undefined` where one is not known. */
const factorOf = (
  prices: Prices,
  options: CostOptions,
  extra: Extras,
  bill: Bill
): BigDecimal.BigDecimal | undefined => {
  let factor = one
  for (const name of new Set(extra.factors)) {
    const known = prices.factors?.[name]
    if (known === undefined) return bill.missing(`how much more is charged for ${JSON.stringify(name)} is not known`)
    factor = BigDecimal.multiply(factor, parse(known) ?? one)
  }
  // A region the caller names costs more only where a price for that is listed.
  const region = options.region
  const listed = region !== undefined && !extra.factors.includes(region) && prices.factors !== undefined
      && Object.hasOwn(prices.factors, region)
    ? prices.factors[region]
    : undefined
  return listed === undefined ? factor : BigDecimal.multiply(factor, parse(listed) ?? one)
}
