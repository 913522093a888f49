/**
 * Decides which source says the price of a model.
 *
 * OpenRouter's own list says it for its own models, else the newest source (LiteLLM), else models.dev. Where an older
 * source is known to be right, `decisions.ts` says so with the reason. Two prices less than a thousandth apart are
 * the same price, and the rounder text of it is taken. Rates of the winner are never mixed with another's, with one
 * exception: a cache rate the winner does not name is taken from a source that agrees with it on input and output.
 *
 * @module
 */
import * as BigDecimal from "effect/BigDecimal"
import { parse } from "../src/decimal.ts"
import type { PriceList, Prices, Rates } from "../src/Model.ts"
import { free, prefer, searches, searchless } from "./decisions.ts"
import { compact, type Draft, note, rateNames, type SourceName } from "./draft.ts"

/** What was found on the way. */
export interface Report {
  /** Models on whose price sources differ, with who won. */
  readonly differences: Array<string>
  /** What was left out, by reason. */
  readonly leftOut: Map<string, Array<string>>
  /** Rates taken over from an agreeing source. */
  readonly filled: Array<string>
}

/** The price of a model by its drafts, the first of which counts most, and the source it is from. */
export const price = (
  key: string,
  drafts: ReadonlyArray<Draft>,
  report: Report
): { readonly prices?: Prices; readonly from?: SourceName } => {
  const priced = drafts.flatMap((draft) => {
    if (draft.prices === undefined) return []
    const prices = withoutRent(draft.prices)
    if (prices !== draft.prices) {
      note(report.leftOut, "a cache write that costs less than the prompt itself", `${key} (${draft.source})`)
    }
    const flaw = flawOf(key, draft, prices)
    if (flaw === undefined) return [{ source: draft.source, prices }]
    note(report.leftOut, flaw, `${key} (${draft.source})`)
    return []
  })
  const choice = prefer.find(({ model }) => typeof model === "string" ? model === key : model.test(key))
  const winner = priced.find(({ source }) => source === choice?.source) ?? priced[0]
  if (winner === undefined) return {}
  const [provider = ""] = key.split("/")
  let prices: Prices = winner.prices
  for (const other of priced) {
    if (other === winner) continue
    const near = (["input", "output"] as const).every((name) => close(prices[name], other.prices[name]))
    const unlike: Array<string> = []
    for (const name of rateNames) {
      const ours = prices[name]
      const theirs = other.prices[name]
      if (theirs === undefined || ours === theirs) continue
      if (ours === undefined) {
        // A price for thinking or sound is no gap where another source knows none: it says they cost what text does.
        // What Google lists as cache writing is the rent of keeping, by the hour.
        const rent = name === "cacheWrite" && (provider === "google" || provider === "vertex")
        if (near && name.startsWith("cache") && !rent) {
          prices = { ...prices, [name]: theirs }
          report.filled.push(`${key}: ${name} ${theirs} from ${other.source}`)
        }
      } else if (close(ours, theirs)) {
        if (theirs.length < ours.length && theirs.length <= 5) prices = { ...prices, [name]: theirs }
      } else unlike.push(`${name} ${ours}, not ${theirs}`)
    }
    if (unlike.length > 0) {
      const why = winner.source === choice?.source ? `: ${choice.reason}` : ""
      report.differences.push(`${key}: ${winner.source} before ${other.source}: ${unlike.join("; ")}${why}`)
    }
    if (near && prices.tiers === undefined && other.prices.tiers !== undefined) {
      report.differences.push(`${key}: one price for all lengths (${winner.source}) and not tiers (${other.source})`)
    }
  }
  if (prices.search !== undefined && searchless.some(({ model }) => model === key)) {
    const { search: _, ...rest } = prices
    prices = rest
  }
  const search = searches.find(({ provider: of }) => of === provider)
  if (search !== undefined && prices.search === undefined) prices = { ...prices, search: search.price }
  return { prices: ordered(sounded(provider, drafts, prices)), from: winner.source }
}

// The dearest model there is costs 600, the dearest embedding less than one.
const mostLikely = { chat: 1000, completion: 1000, embedding: 10, moderation: 10 }

/** Why what a source gives is no price at all. */
const flawOf = (key: string, draft: Draft, prices: Prices): string | undefined => {
  const most = mostLikely[draft.mode]
  if (rateNames.some((name) => Number(prices[name]) > most)) {
    return `more than $${most} for a million tokens: a slip of the unit`
  }
  if (draft.mode === "embedding") return prices.input === undefined ? "no price of a prompt" : undefined
  if (draft.mode === "moderation") {
    if (prices.input === undefined) return "no price of a prompt"
    return prices.input !== "0" || free.some(({ model }) => model.test(key)) ? undefined : "zero, of a model not known to be free"
  }
  if (prices.input === undefined || prices.output === undefined) return "a price for one direction only"
  if (prices.input === "0" && prices.output === "0") {
    return free.some(({ model }) => model.test(key)) ? undefined : "zero, of a model not known to be free"
  }
  return prices.output === "0" ? "an answer for nothing after a prompt that costs" : undefined
}

/**
 * Google lists a price for sound only where it differs from that of text, and then it is higher: a lower one is left
 * over from an older model.
 */
const sounded = (provider: string, drafts: ReadonlyArray<Draft>, prices: Prices): Prices => {
  const hears = drafts.some((draft) => draft.capabilities.audioInput === true)
  const own = prices.audioInput !== undefined && !cheaper(prices.audioInput, prices.input)
  if ((provider !== "google" && provider !== "vertex") || !hears || own || prices.input === undefined) return prices
  const same = <List extends PriceList>(list: List): List => ({
    ...list,
    ...(list.input !== undefined && { audioInput: list.input }),
    ...(list.cacheRead !== undefined && { audioCacheRead: list.cacheRead }),
    ...(list.tiers !== undefined && {
      tiers: list.tiers.map((tier) => ({
        ...tier,
        ...(tier.input !== undefined && { audioInput: tier.input }),
        ...(tier.cacheRead !== undefined && { audioCacheRead: tier.cacheRead })
      }))
    })
  })
  const { batch, flex, priority } = prices
  return {
    ...same(prices),
    ...(batch !== undefined && { batch: same(batch) }),
    ...(flex !== undefined && { flex: same(flex) }),
    ...(priority !== undefined && { priority: same(priority) })
  }
}

/**
 * The same prices with their fields in one order, so that a table made anew has no other differences than real ones.
 */
const ordered = (prices: Prices): Prices => ({
  ...list(prices),
  ...compact({
    request: prices.request,
    search: prices.search,
    reasoningCovers: prices.reasoning === undefined ? undefined : prices.reasoningCovers,
    factors: prices.factors,
    batch: prices.batch && list(prices.batch),
    flex: prices.flex && list(prices.flex),
    priority: prices.priority && list(prices.priority)
  })
}) as Prices

const list = (from: PriceList): PriceList => ({
  ...rates(from),
  ...(from.tiers !== undefined && { tiers: from.tiers.map((tier) => ({ above: tier.above, ...rates(tier) })) })
})

const rates = (from: Rates): Rates => compact(Object.fromEntries(rateNames.map((name) => [name, from[name]]))) ?? {}

/**
 * Without the price of writing to the cache where it is lower than that of the prompt. No provider writes a cache for
 * less: it is the rent of keeping it, as at Google, or a mistake.
 */
const withoutRent = (prices: Prices): Prices => {
  if (prices.cacheWrite === undefined || !cheaper(prices.cacheWrite, prices.input)) return prices
  const { batch, flex, priority, tiers, ...rest } = prices
  const without = ({ cacheWrite: _write, cacheWrite1h: _hour, ...kept }: PriceList) => kept
  return {
    ...without(rest),
    ...compact({
      tiers: tiers?.map((tier) => ({ ...without(tier), above: tier.above })),
      batch: batch && without(batch),
      flex: flex && without(flex),
      priority: priority && without(priority)
    })
  } as Prices
}

const cheaper = (a: string, b: string | undefined): boolean => {
  const left = parse(a)
  const right = b === undefined ? undefined : parse(b)
  return left !== undefined && right !== undefined && BigDecimal.isLessThan(left, right)
}

/** Less than a thousandth apart. */
const close = (a: string | undefined, b: string | undefined): boolean => {
  if (a === b) return true
  const left = a === undefined ? undefined : parse(a)
  const right = b === undefined ? undefined : parse(b)
  if (left === undefined || right === undefined) return false
  const apart = BigDecimal.abs(BigDecimal.subtract(left, right))
  return BigDecimal.isLessThan(BigDecimal.multiply(apart, BigDecimal.fromBigInt(1000n)), BigDecimal.abs(left))
}
