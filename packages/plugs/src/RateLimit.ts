/**
 * Limits how much may be asked: calls and tokens by the minute and by the day, and calls at a time, for each user, key,
 * team, tenant, model, provider or for all together. A request takes from all its limits at once, or from none.
 *
 * Tokens are taken by a guess and put right by the answer's usage; a slot is given back however the call ends. Whoever
 * finds a limit reached is refused with the time to come again, or waits in line where `whenFull` is `wait`.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Identity, RateLimit } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const limit = RateLimit.plug({ limits: [{ per: "user", requestsPerMinute: 1 }] })
 * const line = [Identity.plug({ user: "ada" }), limit, ...Mock.make(() => "Hello").pipeline]
 * const ask = Pipeline.run(line, Request.make({ provider: "local", messages: "Hi" }))
 * const both = Effect.runSync(Effect.provide(Effect.all([ask, ask]), RateLimit.memory()))
 * both.map(({ state }) => state) // => ["completed", "error"]
 * both[1].errors[0]?.reason._tag // => "RateLimit"
 * ```
 *
 * @module
 */
import { type Handler, LlmError, Mask, Plug, type Request } from "@plugline/core"
import { Effect, Schema } from "effect"
import { calendar, zoneOf } from "./rateLimit/day.ts"
import { estimate } from "./rateLimit/estimate.ts"
import { Limit, rulesOf, type Wrong } from "./rateLimit/limits.ts"
import { name, type Policy, Visit } from "./rateLimit/Visit.ts"
import { ms, Span } from "./retry/span.ts"
import { LimitStore } from "./store/LimitStore.ts"
import { patience } from "./store/patience.ts"

export { estimate } from "./rateLimit/estimate.ts"
export type { Dimension, What, Whose } from "./rateLimit/limits.ts"
export { calls, waits } from "./rateLimit/metrics.ts"
export { headers, type Standing, type Status, status } from "./rateLimit/status.ts"
export { type Blocked, blocked } from "./rateLimit/verdict.ts"
export { changed, enough, LimitStore, memory, parts, refill } from "./store/LimitStore.ts"
export type { Ask, Change, Level, LimitBackend, MemoryLimitOptions, Taken } from "./store/LimitStore.ts"
export { type PostgresLimitOptions, postgres } from "./store/LimitStore.postgres.ts"
export { redis, type RedisLimitOptions } from "./store/LimitStore.redis.ts"
export { sqlite, type SqliteLimitOptions } from "./store/LimitStore.sqlite.ts"

/** A share of a whole, above 0 and up to 1. */
const Share = Schema.Number.check(Schema.isBetween({ minimum: 0, exclusiveMinimum: true, maximum: 1 }))

/** How limits per provider follow what the provider answers. */
const Adaptive = Schema.Struct({
  /** The lowest share of its limits that is left to a provider. Default: 0.05. */
  floor: Schema.optionalKey(Share),
  /** What the share grows by each time, of 1. Default: 0.05. */
  step: Schema.optionalKey(Share),
  /** How long it takes to grow by one step. Default: 10 seconds. */
  every: Schema.optionalKey(Span),
  /** The longest a provider is left alone because it asked for it. Default: 60 seconds. */
  longest: Schema.optionalKey(Span)
})

/** Guesses how many tokens are asked: a whole number from 1 up. */
export type CountTokens = (request: Request) => number

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** The limits. A request takes from all that hold for it, or from none. */
  limits: Schema.Array(Limit),
  /** What happens where a limit is reached: `refuse` at once, or `wait` in line. Default: `refuse`. */
  whenFull: Schema.optionalKey(Schema.Literals(["refuse", "wait"])),
  /** The longest a request waits in line. Default: 30 seconds. */
  maxWait: Schema.optionalKey(Span),
  /** Most requests that wait for the same limit in one process. Default: 100. */
  maxQueue: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
  /** Guesses the tokens of what is asked. `maxTokens` of the request is added. Default: {@link estimate}. */
  tokens: Schema.optionalKey(Schema.declare((value): value is CountTokens => typeof value === "function", { expected: "a function" })),
  /** Whose calendar days count: `Europe/Berlin`, `+02:00`. Default: `UTC`. */
  timeZone: Schema.optionalKey(Schema.String),
  /**
   * Whether limits per provider are halved when it answers that it is asked too much, and grow back slowly. Default:
   * false.
   */
  adaptive: Schema.optionalKey(Schema.Union([Schema.Boolean, Adaptive])),
  /**
   * What happens while the store does not answer: `open` lets requests through, `closed` refuses them. Default: `open`.
   */
  whenDown: Schema.optionalKey(Schema.Literals(["open", "closed"])),
  /** The longest the store may take. Default: 1 second. */
  patience: Schema.optionalKey(Span),
  /**
   * Sets these limits apart from others in the same store; two plugs with the same scope and names share them. Default:
   * `default`.
   */
  scope: Schema.optionalKey(Schema.String)
})

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<LimitStore> = Plug.configurable(name, Options, (given) =>
  Plug.of({
    name,
    make: Effect.gen(function*() {
      const store = yield* LimitStore
      const policy = policyOf(given)
      if (!("rules" in policy)) return yield* Effect.fail(unfit(policy))
      return handler(policy, store)
    })
  }))

const handler = (policy: Policy, store: LimitStore["Service"]): Handler => (request, next) =>
  request.state === "pending" || request.state === "executing"
    ? Effect.clockWith((clock) => new Visit(policy, store, clock, request, next).run())
    : next(request)

const policyOf = (given: typeof Options.Type): Policy | Wrong => {
  const rules = rulesOf(given.limits, given.scope ?? "default")
  if (!("length" in rules)) return rules
  const zone = zoneOf(given.timeZone ?? "UTC")
  if (zone === undefined) return { option: "timeZone", value: given.timeZone, expected: "a time zone like Europe/Berlin or +02:00" }
  const adaptive = given.adaptive === true ? {} : given.adaptive === false ? undefined : given.adaptive
  if (adaptive !== undefined && !rules.some(({ provider }) => provider)) {
    return { option: "adaptive", value: given.adaptive, expected: "left out where no limit is per \"provider\": there is none to lower" }
  }
  return {
    rules,
    tokens: given.tokens ?? estimate,
    day: calendar(zone),
    wait: given.whenFull === "wait" ? { longest: ms(given.maxWait, 30_000), queue: given.maxQueue ?? 100 } : undefined,
    adaptive: adaptive === undefined ? undefined : {
      floor: adaptive.floor ?? 0.05,
      step: adaptive.step ?? 0.05,
      every: ms(adaptive.every, 10_000),
      longest: ms(adaptive.longest, 60_000)
    },
    whenDown: given.whenDown ?? "open",
    patience: ms(given.patience, patience)
  }
}

const unfit = ({ expected, option, value }: Wrong): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option,
    value: Mask.json(value),
    expected,
    message: `option ${option} must be ${expected}, not ${value === undefined ? "absent" : JSON.stringify(Mask.json(value))}`
  }, { plug: name })
