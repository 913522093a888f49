/**
 * Charges what is not counted in tokens of prompt and answer: fees, web searches, sources.
 *
 * @module
 */
import type * as BigDecimal from "effect/BigDecimal"
import type { Model, Prices, Rates } from "../Model.ts"
import { type Bill, one } from "./bill.ts"
import type { Extras } from "./raw.ts"
import { nothing } from "./value.ts"

/** What the caller knows of the searches, where the usage does not say. */
export interface Searches {
  readonly searches?: number
  readonly searchSize?: string
}

/** What is not counted in tokens of prompt and answer. No factor applies to it. */
export const chargeOther = (
  bill: Bill,
  model: Model,
  prices: Prices,
  rates: Rates,
  options: Searches,
  extra: Extras
): void => {
  if (extra.unpriced.length > 0) {
    bill.missing(`no price is known for what the provider charged besides: ${extra.unpriced.join(", ")}`)
    return
  }
  bill.charge(
    "other",
    prices.request === undefined ? nothing : bill.each(1, prices.request, "a request"),
    searched(bill, model, prices, options, extra),
    bill.tokens(extra.citation ?? 0, rates.citation, "tokens of sources", one)
  )
}

/**
 * Web searches. A price by size means that the model searches for every answer, once; a single price is for each
 * search the usage counts. Perplexity's models always search.
 */
const searched = (
  bill: Bill,
  model: Model,
  prices: Prices,
  options: Searches,
  extra: Extras
): BigDecimal.BigDecimal | undefined => {
  const { search } = prices
  const told = bill.count(options.searches, "searches")
  if (told === undefined && options.searches !== undefined) return undefined
  const counted = told ?? extra.searches
  if (typeof search === "object") {
    const size = options.searchSize ?? extra.searchSize
    if (told === 0) return nothing
    if (size !== "low" && size !== "medium" && size !== "high") {
      return bill.missing("how much of what was found was read is not known")
    }
    return bill.each(told ?? 1, search[size], `a search of size ${size}`)
  }
  const always = model.provider === "perplexity"
    || (model.provider === "openrouter" && model.id.startsWith("perplexity/"))
  if (counted === undefined) {
    return search !== undefined && always ? bill.missing("the count of web searches is not known") : nothing
  }
  return bill.each(counted, search, "a web search")
}
