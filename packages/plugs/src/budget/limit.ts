/**
 * What a budget may be limited by, and which account of whom a request is counted in. Pure.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { Duration, Option, Schema } from "effect"
import { type Amount, parse } from "../cost/amount.ts"
import { fingerprint } from "../canonical.ts"
import type { Identity } from "../identity.ts"
import type { Claim } from "../store/BudgetStore.ts"
import { type Every, isZone, type Period, periodOf } from "./period.ts"

/** One limit. */
export const Limit = Schema.Struct({
  /**
   * Whose spending it limits: of each user, key, team or tenant on its own, or of all together. Users, keys and teams
   * are told apart within their tenant.
   */
  per: Schema.Literals(["user", "key", "team", "tenant", "global"]),
  /** USD: decimal text, or a number. */
  amount: Schema.Union([Schema.String, Schema.Number]),
  /** When it starts anew. */
  every: Schema.Literals(["day", "week", "month", "total"]),
  /** `hard` refuses what does not fit, `soft` lets it through with a warning. Default: `hard`. */
  kind: Schema.optionalKey(Schema.Literals(["hard", "soft"])),
  /**
   * What the limit is called, and its accounts are kept under: one that is renamed begins at zero. Default: `user-day`
   * and so on.
   */
  name: Schema.optionalKey(Schema.String),
  /** Only for requests made for these. Default: for all. */
  only: Schema.optionalKey(Schema.Struct({
    tenant: Schema.optionalKey(Schema.String),
    team: Schema.optionalKey(Schema.String),
    user: Schema.optionalKey(Schema.String),
    key: Schema.optionalKey(Schema.String),
    tier: Schema.optionalKey(Schema.String)
  }))
})

/** Options of `Budget.plug`. */
export const Options = Schema.Struct({
  limits: Schema.Array(Limit),
  /** Whose calendar days, weeks and months count: `Europe/Berlin`, `+02:00`. Default: `UTC`. */
  timeZone: Schema.optionalKey(Schema.String),
  /**
   * A call whose price, or whose most, nobody knows: `refuse`, or `allow` it to be counted as unknown. Default:
   * `refuse` where a limit is hard.
   */
  unpriced: Schema.optionalKey(Schema.Literals(["refuse", "allow"])),
  /**
   * What a call is charged whose usage stays unknown: an `estimate` of what was sent and had arrived, or all that was
   * held, the `reservation`. Default: `estimate`.
   */
  uncertain: Schema.optionalKey(Schema.Literals(["estimate", "reservation"])),
  /**
   * How the prompt is counted before it is sent: `estimate` from its characters, at once; `exact` where there is a
   * tokenizer. Default: `estimate`.
   */
  count: Schema.optionalKey(Schema.Literals(["estimate", "exact"])),
  /**
   * How long a call may take before what it holds becomes a charge: ms, or a text like `15 minutes`. Default: 15
   * minutes.
   */
  hold: Schema.optionalKey(Schema.Union([Schema.Number, Schema.String])),
  /** Fractions of a limit at which an alert is raised. Default: 0.5, 0.8 and 1. */
  thresholds: Schema.optionalKey(Schema.Array(Schema.Number)),
  /**
   * What happens while the store does not answer: `closed` refuses calls, `open` lets them through uncounted. Default:
   * `closed` where a limit is hard.
   */
  whenDown: Schema.optionalKey(Schema.Literals(["closed", "open"]))
})

/** A limit, checked. */
export interface Rule {
  readonly name: string
  readonly per: "user" | "key" | "team" | "tenant" | "global"
  readonly amount: Amount
  readonly every: Every
  readonly hard: boolean
  readonly only: Partial<Identity>
}

/** Options, checked. */
export interface Rules {
  readonly limits: ReadonlyArray<Rule>
  readonly timeZone: string
  readonly unpriced: "refuse" | "allow"
  readonly uncertain: "estimate" | "reservation"
  readonly exact: boolean
  /** ms. */
  readonly hold: number
  /** Thousandths of a limit, rising. */
  readonly thresholds: ReadonlyArray<number>
  readonly whenDown: "closed" | "open"
}

/** More money than there is: a limit or hold of more is a mistake. 1,000,000,000,000 USD. */
export const most: Amount = 10n ** 24n

/** Checks what a Schema cannot: amounts, names, time zone, durations. */
export const rulesOf = (options: typeof Options.Type): Rules | LlmError => {
  const limits: Array<Rule> = []
  if (options.limits.length === 0) return misfit("limits", "at least one limit")
  for (const [index, limit] of options.limits.entries()) {
    const amount = parse(limit.amount)
    if (amount === undefined || amount > most) {
      return misfit(`limits.${index}.amount`, "an amount of USD from 0 up, as decimal text or number")
    }
    const name = limit.name ?? `${limit.per}-${limit.every}`
    if (limits.some((other) => other.name === name)) {
      return misfit(`limits.${index}.name`, `another name than ${JSON.stringify(name)}, which an earlier limit has`)
    }
    const { every, kind, only = {}, per } = limit
    limits.push({ name, per, amount, every, hard: kind !== "soft", only })
  }
  const timeZone = options.timeZone ?? "UTC"
  if (!isZone(timeZone)) return misfit("timeZone", "a time zone like Europe/Berlin or +02:00")
  const hold = Duration.fromInput((options.hold ?? "15 minutes") as Duration.Input)
  const ms = Option.isSome(hold) ? Duration.toMillis(hold.value) : 0
  if (!(ms > 0 && ms <= 31 * 86_400_000)) {
    return misfit("hold", "a duration up to 31 days, in ms or as in \"15 minutes\"")
  }
  const thresholds = (options.thresholds ?? [0.5, 0.8, 1]).map((each) => Math.round(each * 1_000)).sort((a, b) => a - b)
  if (!thresholds.every((each) => each > 0 && each <= 1_000_000)) {
    return misfit("thresholds", "fractions of a limit, above 0")
  }
  const hard = limits.some((limit) => limit.hard)
  return {
    limits,
    timeZone,
    unpriced: options.unpriced ?? (hard ? "refuse" : "allow"),
    uncertain: options.uncertain ?? "estimate",
    exact: options.count === "exact",
    hold: ms,
    thresholds,
    whenDown: options.whenDown ?? (hard ? "closed" : "open")
  }
}

const misfit = (option: string, expected: string): LlmError =>
  LlmError.make({ _tag: "Configuration", option, expected, message: `option ${option} must be ${expected}` }, {
    plug: "budget"
  })

/** A limit as it stands for one request. */
export interface Applied {
  readonly rule: Rule
  /** Whose account it is, in words: `user ada`. */
  readonly whose: string
  readonly period: Period
  readonly claim: Claim
}

/** The limits that apply to whoever a request is made for, each with its account. */
export const appliedTo = ({ limits, timeZone }: Rules, who: Identity, now: number): ReadonlyArray<Applied> => {
  const applied: Array<Applied> = []
  for (const rule of limits) {
    const { only } = rule
    if (
      (only.tenant !== undefined && only.tenant !== who.tenant) || (only.team !== undefined && only.team !== who.team)
      || (only.user !== undefined && only.user !== who.user) || (only.key !== undefined && only.key !== who.key)
      || (only.tier !== undefined && only.tier !== who.tier)
    ) continue
    const period = periodOf(rule.every, timeZone, now)
    const owner = rule.per === "global" ? undefined : who[rule.per]
    applied.push({
      rule,
      whose: rule.per === "global" ? "all"
        : owner === undefined ? `requests without a ${rule.per}`
        : `${rule.per} ${owner}`,
      period,
      claim: {
        account: accountOf(rule, who, owner, period),
        ...(rule.hard && { limit: rule.amount }),
        ...(period.until !== undefined && { until: period.until })
      }
    })
  }
  return applied
}

/**
 * The name of an account: JSON, so that no tenant can write a name that looks like another's; its fingerprint where it
 * is long.
 */
const accountOf = (rule: Rule, who: Identity, owner: string | undefined, { start }: Period): string => {
  const within = rule.per === "global" || rule.per === "tenant" ? null : who.tenant ?? null
  const name = JSON.stringify([rule.name, rule.per, within, owner ?? null, rule.every, start ?? null])
  return name.length <= 200 ? name : fingerprint(name)
}
