/**
 * Chooses the prices a request is billed at: those of its level of service, and of the length of its prompt. The
 * length counts every token of the prompt, cached or not, and decides for the whole request; that is how Anthropic,
 * Google, OpenAI, xAI and Alibaba bill long prompts.
 *
 * @module
 */
import type { PriceList, Prices, Rates, Service } from "../Model.ts"

/** The rates, or why there are none. */
export type Choice = { readonly rates: Rates } | { readonly reason: string }

/** The rates for a prompt of this many tokens at a level of service. */
export const choose = (prices: Prices, service: string | undefined, prompt: number | undefined): Choice => {
  const unpriced = (what: string): Choice => ({ reason: `no price is known for the service tier ${what}` })
  const level = levels[service ?? "standard"]
  if (level === undefined) return unpriced(JSON.stringify(service))
  const list: PriceList | undefined = level === "standard" ? prices : prices[level]
  if (list === undefined) return unpriced(JSON.stringify(level))
  const first = (list.tiers ?? prices.tiers)?.[0]
  if (first === undefined) return { rates: list }
  if (prompt === undefined) return { reason: "the price depends on the length of the prompt, which is not known" }
  if (prompt <= first.above) return { rates: list }
  const tier = list.tiers?.findLast(({ above }) => prompt > above)
  return tier === undefined
    ? unpriced(`${JSON.stringify(level)} and a prompt of more than ${first.above} tokens`)
    : { rates: tier }
}

/** The names providers have for levels of service, in requests, answers and usage. */
const levels: { readonly [name: string]: "standard" | Service | undefined } = Object.assign(Object.create(null), {
  standard: "standard",
  default: "standard",
  standard_only: "standard",
  on_demand: "standard",
  ON_DEMAND: "standard",
  batch: "batch",
  BATCH: "batch",
  flex: "flex",
  ON_DEMAND_FLEX: "flex",
  priority: "priority",
  ON_DEMAND_PRIORITY: "priority"
})
