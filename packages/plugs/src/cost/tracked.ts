/**
 * Adds up what the attempts of a request cost. Pure.
 *
 * @module
 */
import { Cost } from "@plugline/catalog"
import type { JsonObject } from "@plugline/core"
import { BigDecimal } from "effect"
import * as Amount from "./amount.ts"
import type { Charge } from "./charge.ts"

/** What a request cost, in USD. Plain JSON; amounts are decimal text. */
export interface Tracked {
  readonly currency: "USD"
  /** All of it. Absent where any of it is unknown. */
  readonly total?: string
  /** What is known of it: the same as `total` where that is known, else less than the truth. */
  readonly known: string
  /**
   * The parts, where tokens and prices tell them: `input`, `cacheRead`, `cacheWrite`, `output`, `reasoning`, `other`.
   */
  readonly parts?: JsonObject
  /**
   * `computed` from tokens and prices, `reported` by the provider, `cached`, `refused` (nothing charged), `unknown`, or
   * `mixed`.
   */
  readonly source: "computed" | "reported" | "cached" | "refused" | "unknown" | "mixed"
  /** How many attempts it holds. */
  readonly attempts: number
  /** Why it, or a part of it, is unknown. */
  readonly reasons?: ReadonlyArray<string>
  /** What was taken for granted where the provider did not say. */
  readonly assumed?: ReadonlyArray<string>
  /** What the answer from the cache would have cost, where that is known. */
  readonly saved?: string
}

/** Sums of one charge alone, which several plugs ask for. */
const alone = new WeakMap<Charge, Tracked>()

/** What several attempts cost together. The order makes no difference. */
export const sumOf = (charges: ReadonlyArray<Charge>): Tracked => {
  const [only] = charges
  if (only === undefined || charges.length > 1) return added(charges)
  let sum = alone.get(only)
  if (sum === undefined) alone.set(only, sum = added(charges))
  return sum
}

const added = (charges: ReadonlyArray<Charge>): Tracked => {
  let amount = 0n
  let source: Tracked["source"] | undefined
  let parts: Cost | undefined = Cost.zero
  let complete = true
  const reasons = new Set<string>()
  const assumed = new Set<string>()
  for (const charge of charges) {
    amount += known(charge)
    const from = sourceOf(charge)
    // A refusal beside an answer says nothing of where the cost of the answer is from.
    if (source === undefined || source === "refused") source = from
    else if (from !== source && from !== "refused") source = "mixed"
    if (charge._tag === "Reported") parts = undefined
    else if (charge._tag !== "Free") {
      parts = parts === undefined ? undefined : parts === Cost.zero ? charge.cost : Cost.add(parts, charge.cost)
      for (const reason of charge.cost.reasons) reasons.add(reason)
      for (const taken of charge.cost.assumed) assumed.add(taken)
    }
    if (charge._tag === "Unknown") complete = false
  }
  const text = Amount.text(amount)
  return {
    currency: "USD",
    ...(complete && { total: text }),
    known: text,
    ...(parts !== undefined && { parts: partsOf(parts) }),
    source: source ?? "refused",
    attempts: charges.length,
    ...(reasons.size > 0 && { reasons: [...reasons].sort() }),
    ...(assumed.size > 0 && { assumed: [...assumed].sort() })
  }
}

/** What is known of a charge. Rounded to a millionth of a millionth of a USD, which no price list goes below. */
export const known = (charge: Charge): Amount.Amount => {
  switch (charge._tag) {
    case "Free":
      return 0n
    case "Unknown": {
      let sum = BigDecimal.fromBigInt(0n)
      for (const name of partNames) {
        const part = charge.cost[name]
        if (part !== undefined) sum = BigDecimal.sum(sum, part)
      }
      return Amount.of(sum)
    }
    default:
      return Amount.of(charge.total)
  }
}

const partNames = ["input", "cacheRead", "cacheWrite", "output", "reasoning", "other"] as const

/** Where the cost of a charge is from. */
export const sourceOf = (charge: Charge): Tracked["source"] => {
  switch (charge._tag) {
    case "Computed":
      return "computed"
    case "Reported":
      return "reported"
    case "Unknown":
      return "unknown"
    default:
      return charge.why
  }
}

const partsOf = (cost: Cost): JsonObject => {
  const { assumed: _assumed, currency: _currency, reasons: _reasons, total: _total, ...parts } = cost.toJSON()
  return parts
}
