/**
 * Reads the limits that are configured, and says what a request asks of each of them.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { Schema } from "effect"
import * as Canonical from "../canonical.ts"
import * as Identity from "../identity.ts"
import { type Ask, most } from "../store/LimitStore.ts"
import type { Day } from "./day.ts"

/** What limits can be counted by. */
export const dimensions = ["user", "key", "team", "tenant", "model", "provider", "global"] as const

/** What a limit can be counted by. */
export type Dimension = typeof dimensions[number]

/** Whose limit a request counts for; `undefined`: this limit does not hold for it. */
export type Whose = (request: Request) => string | undefined

/** A whole number of calls or tokens, from 1 to 100,000,000,000. */
const Units = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }))

/** What comes back in a minute; `burst` is the most that can be saved up. */
const Rate = Schema.Union([Units, Schema.Struct({ rate: Units, burst: Units })])

const amounts = {
  /** Calls by the minute: a number, or `{ rate, burst }` where more or fewer than a minute's can be saved up. */
  requestsPerMinute: Schema.optionalKey(Rate),
  /** Tokens by the minute, of question and answer. */
  tokensPerMinute: Schema.optionalKey(Rate),
  /** Calls by calendar day. */
  requestsPerDay: Schema.optionalKey(Units),
  /** Tokens by calendar day. */
  tokensPerDay: Schema.optionalKey(Units),
  /** Calls at a time. */
  concurrency: Schema.optionalKey(Units)
}

const unlimited = Schema.Literal("unlimited")

/** One limit, or several that are counted by the same thing. */
export const Limit = Schema.Struct({
  /**
   * What it is counted by: one thing, several together, or a function. Who is not known shares one limit with all who
   * are not.
   */
  per: Schema.Union([
    Schema.Literals(dimensions),
    Schema.NonEmptyArray(Schema.Literals(dimensions)),
    Schema.declare((value): value is Whose => typeof value === "function", { expected: "a function" })
  ]),
  /** What it is called in messages and in the store. Default: what it is counted by. */
  name: Schema.optionalKey(Schema.String),
  ...amounts,
  /** What is different for a class of service (`tier` of the identity). */
  tiers: Schema.optionalKey(Schema.Record(
    Schema.String,
    Schema.Struct({
      requestsPerMinute: Schema.optionalKey(Schema.Union([Rate, unlimited])),
      tokensPerMinute: Schema.optionalKey(Schema.Union([Rate, unlimited])),
      requestsPerDay: Schema.optionalKey(Schema.Union([Units, unlimited])),
      tokensPerDay: Schema.optionalKey(Schema.Union([Units, unlimited])),
      concurrency: Schema.optionalKey(Schema.Union([Units, unlimited]))
    })
  ))
})

/** What can be limited. */
export type What = keyof typeof amounts

/** Everything that can be limited. */
export const whats = Object.keys(amounts) as ReadonlyArray<What>

/** One amount that is limited. */
export interface Measure {
  readonly what: What
  readonly kind: Ask["kind"]
  readonly tokens: boolean
  readonly capacity: number
  readonly ceiling: number
  readonly rate: number
  /** What its keys begin with. */
  readonly prefix: string
}

/** A limit, checked. */
export interface Rule {
  readonly name: string
  readonly whose: Whose
  /** Whether it is counted by the provider, and so lowered when a provider is asked too much. */
  readonly provider: boolean
  readonly measures: ReadonlyArray<Measure>
  readonly tiers: ReadonlyMap<string, ReadonlyArray<Measure>>
}

/** What a request asks of one limit. */
export interface Claim {
  readonly rule: Rule
  readonly measure: Measure
  readonly ask: Ask
}

/** What is wrong with limits: the option, its value, and what would do. */
export interface Wrong {
  readonly option: string
  readonly value: unknown
  readonly expected: string
}

/** The limits, checked. */
export const rulesOf = (limits: ReadonlyArray<typeof Limit.Type>, scope: string): ReadonlyArray<Rule> | Wrong => {
  const rules: Array<Rule> = []
  if (limits.length === 0) return { option: "limits", value: limits, expected: "at least one limit" }
  for (const [index, limit] of limits.entries()) {
    const option = `limits.${index}`
    const name = limit.name ?? nameOf(limit.per)
    if (rules.some((other) => other.name === name)) {
      return { option: `${option}.name`, value: name, expected: "a name that no other limit has" }
    }
    const tiers = Object.entries(limit.tiers ?? {})
    if (whats.every((what) => limit[what] === undefined && tiers.every(([, tier]) => tier[what] === undefined))) {
      return { option, value: limit, expected: `a limit with at least one of ${whats.join(", ")}` }
    }
    const measures = (tier?: (typeof tiers)[number][1]): ReadonlyArray<Measure> =>
      whats.flatMap((what) => {
        const amount = tier?.[what] ?? limit[what]
        if (amount === undefined || amount === "unlimited") return []
        const all = [limit[what], ...tiers.map(([, tier]) => tier[what])]
        const ceiling = Math.max(...all.flatMap((each) => each === undefined || each === "unlimited" ? [] : [burstOf(each)]))
        return [measureOf(what, amount, ceiling, JSON.stringify([scope, name, what]))]
      })
    rules.push({
      name,
      whose: whoseOf(limit.per),
      provider: limit.per === "provider",
      measures: measures(),
      tiers: new Map(tiers.map(([tier, changes]) => [tier, measures(changes)]))
    })
  }
  return rules
}

/** What a request asks of every limit that holds for it. `tokens`: the most it may use. */
export const claims = (
  rules: ReadonlyArray<Rule>,
  request: Request,
  tokens: number,
  day: Day,
  now: number
): ReadonlyArray<Claim> => {
  const { tier } = Identity.of(request)
  const out: Array<Claim> = []
  for (const rule of rules) {
    const whose = rule.whose(request)
    if (whose === undefined) continue
    const tail = tailOf(whose)
    const measures = tier === undefined ? rule.measures : rule.tiers.get(tier) ?? rule.measures
    for (const measure of measures) {
      if (measure.tokens && tokens === 0) continue
      const { capacity, ceiling, kind, prefix, rate } = measure
      const ask: Ask = {
        key: kind === "day" ? `${prefix}${day.name}${tail}` : prefix + tail,
        kind,
        capacity,
        ceiling,
        rate,
        cost: measure.tokens ? Math.min(tokens, capacity) : 1,
        resets: kind === "day" ? day.ends - now : 0
      }
      out.push({ rule, measure, ask })
    }
  }
  return out
}

/** The same with what limits per provider are lowered to, as a share of them. */
export const lowered = ({ ask, measure, rule }: Claim, share: number): Ask => {
  if (!rule.provider || share >= 1 || measure.kind === "day") return ask
  const capacity = Math.max(1, Math.floor(ask.capacity * share))
  return { ...ask, capacity, rate: ask.rate === 0 ? 0 : Math.max(1, Math.floor(ask.rate * share)), cost: Math.min(ask.cost, capacity) }
}

/** A limit in words: `60 calls a minute per user`. */
export const words = ({ measure: { capacity, rate, tokens, what }, rule: { name } }: Claim): string => {
  const amount = rate === 0 ? capacity : rate
  const units = `${tokens ? "token" : "call"}${amount === 1 ? "" : "s"}`
  const time = what === "concurrency" ? "at a time" : what.endsWith("Day") ? "a day" : "a minute"
  return `${amount.toLocaleString("en-US")} ${units} ${time} ${name === "global" ? "for all" : `per ${name}`}`
}

const burstOf = (amount: number | { readonly burst: number }): number => typeof amount === "number" ? amount : amount.burst

const measureOf = (
  what: What,
  amount: number | { readonly rate: number; readonly burst: number },
  ceiling: number,
  prefix: string
): Measure => ({
  what,
  kind: what === "concurrency" ? "slots" : what.endsWith("Day") ? "day" : "rate",
  tokens: what.startsWith("tokens"),
  capacity: burstOf(amount),
  ceiling,
  rate: what.endsWith("Minute") ? typeof amount === "number" ? amount : amount.rate : 0,
  prefix
})

const nameOf = (per: (typeof Limit.Type)["per"]): string =>
  typeof per === "function" ? "custom" : typeof per === "string" ? per : per.join(" and ")

const whoseOf = (per: (typeof Limit.Type)["per"]): Whose => {
  if (typeof per === "function") return per
  if (typeof per === "string") return (request) => valueOf(request, per)
  return (request) => Canonical.text(per.map((dimension) => valueOf(request, dimension)))
}

/** Who is not known is `""`: all who are not share one limit, so that saying nothing is no way around it. */
const valueOf = (request: Request, dimension: Dimension): string => {
  switch (dimension) {
    case "global":
      return ""
    case "provider":
      return request.provider
    case "model":
      return request.options.model ?? ""
    default:
      return Identity.of(request)[dimension] ?? ""
  }
}

/**
 * A name as the end of a key: as it is where it is short and plain, else its fingerprint. No two names have the same.
 */
const tailOf = (whose: string): string => /^[ -~]{0,64}$/.test(whose) ? `=${whose}` : `#${Canonical.fingerprint(whose)}`
