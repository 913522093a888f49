/**
 * Decides what a request was charged: nothing, a known cost, or a cost that cannot be known. Pure; the one place where
 * `TrackCost` and `Budget` get their answer from.
 *
 * @module
 */
import { Catalog, Cost, type Model } from "@plugline/catalog"
import { type LlmError, Request, type Usage } from "@plugline/core"
import { type BigDecimal, Context } from "effect"
import { isServed } from "../cache/status.ts"

/**
 * The catalog that prices are taken from. Default: the built-in one. Yours: `Layer.succeed(Prices,
 * Catalog.withOverrides(rows))`.
 */
export const Prices: Context.Reference<Catalog> = Context.Reference<Catalog>("@plugline/plugs/Prices", {
  defaultValue: () => Catalog.builtin
})

/** What a request was charged. */
export type Charge =
  /** Tokens times prices. */
  | { readonly _tag: "Computed"; readonly total: BigDecimal.BigDecimal; readonly cost: Cost }
  /** The provider said itself what it charged; it does not divide it into parts. */
  | { readonly _tag: "Reported"; readonly total: BigDecimal.BigDecimal }
  /** Nothing: the answer came from a cache, the provider was not asked, or it refused. */
  | { readonly _tag: "Free"; readonly why: "cached" | "refused" }
  /** It may have been charged, and nobody says how much. `cost` holds the parts that are known. */
  | { readonly _tag: "Unknown"; readonly cost: Cost }

/**
 * What a request was charged, as it stands at its end: completed, failed, or left while it was still running.
 *
 * A failed request is free where the provider cannot have answered, or answered with an error status before any
 * content. Where the usage of a failed answer is known, it counts like any other. `left`: the call was interrupted, so
 * that how far it had come is not known.
 */
export const of = (request: Request, catalog: Catalog, left = false): Charge => {
  if (isServed(request)) return cached
  if (request.state === "pending" && !left) return refused
  const { result } = request
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  if (usage !== undefined && isKnown(usage)) return priced(request, usage, catalog)
  if (request.operation === "list_models" || request.operation === "validate") return refused
  // Who moderates seldom counts tokens: where each costs nothing, it makes no difference how many there were.
  if (request.operation === "moderations" && request.state === "completed" && isGratis(modelOf(request, catalog))) {
    return priced(request, noTokens, catalog)
  }
  const error = Request.failure(request)
  if (error !== undefined && isFree(error, result !== undefined)) return refused
  const reason = request.state === "completed" ? "the provider did not say how many tokens were used"
    : error === undefined ? "the call was left before its end, and what had been charged is not known"
    : "the answer broke off, and what had been charged is not known"
  return { _tag: "Unknown", cost: unknown(reason) }
}

/** The model a request asks for, as the catalog knows it; else the one that answered. */
export const modelOf = (request: Request, catalog: Catalog): Model | undefined => {
  const asked = request.options.model === undefined ? undefined : catalog.get(request.provider, request.options.model)
  if (asked !== undefined) return asked
  const { result } = request
  return result !== undefined && "model" in result && result.model !== undefined
    ? catalog.get(request.provider, result.model)
    : undefined
}

/** Tokens times prices, whoever charged them. */
export const computed = (request: Request, usage: Usage, catalog: Catalog): Cost => {
  const { serviceTier } = request.options
  return Cost.of(usage, modelOf(request, catalog), serviceTier === undefined ? {} : { serviceTier })
}

/** Whether any count of a usage is known. */
export const isKnown = ({ inputTokens, outputTokens, raw }: Usage): boolean =>
  inputTokens.total !== undefined || outputTokens.total !== undefined || raw !== undefined

const isGratis = (model: Model | undefined): boolean => model?.prices?.input === "0" && (model.prices.output ?? "0") === "0"

const noTokens: Usage = { inputTokens: { total: 0, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 0, reasoning: 0 } }

const cached: Charge = { _tag: "Free", why: "cached" }
const refused: Charge = { _tag: "Free", why: "refused" }

/** A cost of which nothing is known, and why. */
export const unknown = (reason: string): Cost => Cost.fromJson({ currency: "USD", reasons: [reason] })

interface Priced {
  readonly catalog: Catalog
  readonly provider: string
  readonly asked: string | undefined
  readonly answered: string | undefined
  readonly tier: string | undefined
  readonly charge: Charge
}

/** What usages cost that were priced before: several plugs ask for the same answer. */
const before = new WeakMap<Usage, Priced>()

const priced = (request: Request, usage: Usage, catalog: Catalog): Charge => {
  const { options: { model: asked, serviceTier: tier }, provider, result } = request
  const answered = result !== undefined && "model" in result ? result.model : undefined
  const known = before.get(usage)
  if (
    known !== undefined && known.catalog === catalog && known.provider === provider && known.asked === asked
    && known.answered === answered && known.tier === tier
  ) return known.charge
  const charge = price(request, usage, catalog)
  before.set(usage, { catalog, provider, asked, answered, tier, charge })
  return charge
}

const price = (request: Request, usage: Usage, catalog: Catalog): Charge => {
  const said = Cost.reported(request.provider, usage)
  if (said !== undefined) return { _tag: "Reported", total: said }
  const cost = computed(request, usage, catalog)
  return cost.total === undefined ? { _tag: "Unknown", cost } : { _tag: "Computed", total: cost.total, cost }
}

/**
 * Whether a failure means that nothing was charged: the provider was not reached, or refused. An answer that had begun,
 * one that cannot be read, and one that was waited for in vain may have been charged.
 */
const isFree = ({ reason }: LlmError, begun: boolean): boolean =>
  !begun && reason._tag !== "CutStream" && reason._tag !== "MalformedResponse"
  && (reason._tag !== "Timeout" || reason.phase === "connect")
