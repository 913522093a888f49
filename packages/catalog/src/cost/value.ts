/**
 * A cost: exact amounts in parts, where a part that is not known is absent and the whole with it.
 *
 * @module
 */
import * as BigDecimal from "effect/BigDecimal"
import { parse, text } from "../decimal.ts"

/** The parts of a cost, in the order they are shown. */
export const partNames = ["input", "cacheRead", "cacheWrite", "output", "reasoning", "other"] as const

/** A part of a cost. */
export type CostPart = typeof partNames[number]

/** Amounts of the parts that are known. */
export type Parts = { readonly [Name in CostPart]?: BigDecimal.BigDecimal }

/**
 * What something cost, in USD. A part that is absent is unknown, never zero, and then so is `total`; `total` is
 * exactly the sum of the parts. `other` holds what is not counted in tokens of prompt and answer: web searches, fees
 * for each request.
 */
export interface Cost extends Parts {
  readonly currency: "USD"
  readonly total?: BigDecimal.BigDecimal
  /** Why parts are unknown; empty when all are known. */
  readonly reasons: ReadonlyArray<string>
  /** What was taken for granted where the service did not say, when it could change the amount. */
  readonly assumed: ReadonlyArray<string>
  /** The amounts as decimal text. */
  readonly toJSON: () => CostJson
}

/** A {@link Cost} as plain JSON: amounts are decimal text. */
export interface CostJson extends Partial<Readonly<Record<CostPart | "total", string>>> {
  readonly currency: "USD"
  readonly reasons?: ReadonlyArray<string>
  readonly assumed?: ReadonlyArray<string>
}

/** No amount. */
export const nothing: BigDecimal.BigDecimal = BigDecimal.fromBigInt(0n)

/** A cost of these parts. */
export const make = (parts: Parts, reasons: ReadonlyArray<string> = [], assumed: ReadonlyArray<string> = []): Cost => {
  let total: BigDecimal.BigDecimal | undefined = nothing
  for (const name of partNames) {
    const part = parts[name]
    total = part === undefined || total === undefined ? undefined : BigDecimal.sum(total, part)
  }
  let json: CostJson | undefined
  const cost: Cost = {
    currency: "USD",
    ...parts,
    ...(total !== undefined && { total }),
    reasons,
    assumed,
    // Several who watch a call write the same cost down.
    toJSON: () => json ??= Object.freeze(toJson(cost))
  }
  return cost
}

/** A cost of which nothing is known. */
export const unknown = (reason: string): Cost => make({}, [reason])

/** What two things cost together. The order makes no difference. */
export const add = (a: Cost, b: Cost): Cost => {
  const parts: { -readonly [Name in CostPart]?: BigDecimal.BigDecimal } = {}
  for (const name of partNames) {
    const left = a[name]
    const right = b[name]
    if (left !== undefined && right !== undefined) parts[name] = BigDecimal.sum(left, right)
  }
  return make(parts, union(a.reasons, b.reasons), union(a.assumed, b.assumed))
}

const union = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): ReadonlyArray<string> =>
  a.length === 0 && b.length === 0 ? a : [...new Set([...a, ...b])].sort()

/** Nothing, at no cost: the start of a sum. */
export const zero: Cost = make(Object.fromEntries(partNames.map((name) => [name, nothing])))

const toJson = (cost: Cost): CostJson => ({
  currency: "USD",
  ...Object.fromEntries([...partNames, "total" as const].flatMap((name) => {
    const amount = cost[name]
    return amount === undefined ? [] : [[name, text(amount)]]
  })),
  ...(cost.reasons.length > 0 && { reasons: cost.reasons }),
  ...(cost.assumed.length > 0 && { assumed: cost.assumed })
})

/** Reads a cost back from its JSON. An amount that is no decimal counts as unknown; `total` is summed anew. */
export const fromJson = (json: CostJson): Cost => {
  const parts: { -readonly [Name in CostPart]?: BigDecimal.BigDecimal } = {}
  const broken: Array<string> = []
  for (const name of partNames) {
    const amount = json[name]
    const parsed = typeof amount === "string" ? parse(amount) : undefined
    if (parsed !== undefined) parts[name] = parsed
    else if (amount !== undefined) broken.push(`${name}: what was stored is no amount`)
  }
  return make(parts, [...json.reasons ?? [], ...broken], json.assumed ?? [])
}
