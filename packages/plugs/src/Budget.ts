/**
 * Keeps what is spent within limits: before each call the most it can cost is held, afterwards what it did cost is
 * charged. Limits per user, key, team, tenant and of all together, by the day, week, month or in total, are held in one
 * step, all or none, so that calls at once, also of several processes, never spend more than a hard limit.
 *
 * Stands behind retry, fallback and cache, next to the provider: each attempt holds and pays on its own, a hit of the
 * cache costs nothing, and a cheaper model behind a fallback may still fit where the dear one does not.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Budget } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const usage = { inputTokens: { total: 10 }, outputTokens: { total: 100 } }
 * const line = [
 *   Budget.plug({ limits: [{ per: "global", amount: "0.0001", every: "day" }] }),
 *   Mock.make(() => Mock.text("Hello", { usage })).plug
 * ]
 * const options = { model: "gpt-4o-mini", maxTokens: 100 }
 * const request = Request.make({ provider: "openai", messages: "Hi", options })
 * const twice = Effect.all([Pipeline.run(line, request), Pipeline.run(line, request)])
 * const [first, second] = Effect.runSync(Effect.provide(twice, Budget.memory()))
 * Request.get(first, Budget.state)?.charged // => "0.0000615"
 * second.errors[0]?.reason._tag // => "Quota"
 * ```
 *
 * @module
 */
import { type Handler, LlmError, type Next, Plug, Request } from "@plugline/core"
import { Clock, Context, Effect, PubSub, Random, Stream } from "effect"
import { call, type Means, publish, reserve, type Restore } from "./budget/call.ts"
import { appliedTo, Options, rulesOf } from "./budget/limit.ts"
import { refuse, refuseDown, refuseUnpriced, warn, warningOf } from "./budget/refusal.ts"
import { type Alert, alertsOf, type Standing, standingOf, state } from "./budget/state.ts"
import { worstOf } from "./budget/worst.ts"
import * as Amount from "./cost/amount.ts"
import { Prices } from "./cost/charge.ts"
import { effect } from "./cost/now.ts"
import * as Identity from "./identity.ts"
import { counter } from "./observe/series.ts"
import { count } from "./retry/count.ts"
import { BudgetStore } from "./store/BudgetStore.ts"
import type { StoreError } from "./store/patience.ts"
import * as Tokens from "./Tokens.ts"

export { Limit, Options } from "./budget/limit.ts"
export { type Alert, type Standing, type State, state } from "./budget/state.ts"
export { type Every, forecast, type Period, periodOf } from "./budget/period.ts"
export { type Worst, worstOf } from "./budget/worst.ts"
export { type Balance, BudgetStore, type Entry, memory, type MemoryBudgetOptions } from "./store/BudgetStore.ts"
export { postgres } from "./store/BudgetStore.postgres.ts"
export { redis, type RedisBudgetOptions } from "./store/BudgetStore.redis.ts"
export { forget, sqlite } from "./store/BudgetStore.sqlite.ts"

/** Where alerts of this process are published: each once, by the process whose charge passed the threshold. */
export const Alerts: Context.Reference<PubSub.PubSub<Alert>> = Context.Reference<PubSub.PubSub<Alert>>(
  "@plugline/plugs/BudgetAlerts",
  { defaultValue: () => Effect.runSync(PubSub.sliding<Alert>(1_024)) }
)

/** Alerts as they are raised, from now on. A reader that is slow loses the oldest. */
export const alerts: Stream.Stream<Alert> = Stream.unwrap(Effect.map(Alerts, (bus) => Stream.fromPubSub(bus)))

/** Counts calls by what the budget did: `held`, `refused`, `unpriced`, `open`. */
export const calls = counter("plugline.budget.calls", {
  description: "Calls by what the budget did"
})

const oneHold = "each attempt must be held and paid for on its own"

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<BudgetStore> = Plug.configurable(
  "budget",
  Options,
  (options) =>
    Plug.of({
      name: "budget",
      make: Effect.gen(function*() {
        const rules = rulesOf(options)
        if (LlmError.isLlmError(rules)) return yield* Effect.fail(rules)
        return handler({ rules, store: yield* BudgetStore, catalog: yield* Prices, bus: yield* Alerts })
      })
    }),
  {
    order: {
      after: {
        retry: oneHold,
        hedge: oneHold,
        fallback: oneHold,
        cascade: oneHold,
        cache: "a hit costs nothing, and must not be refused"
      }
    }
  }
)

/** How the limits of somebody stand now: for a page, or before a call. */
export const standing = (
  options: typeof Options.Encoded,
  who: Identity.Identity
): Effect.Effect<ReadonlyArray<Standing>, LlmError | StoreError, BudgetStore> =>
  Effect.gen(function*() {
    const store = yield* BudgetStore
    const now = yield* Clock.currentTimeMillis
    const rules = rulesOf(options as typeof Options.Type)
    if (LlmError.isLlmError(rules)) return yield* Effect.fail(rules)
    const applied = appliedTo(rules, who, now)
    const balances = yield* effect(store.balances(applied.map(({ claim }) => claim.account), now))
    return applied.map((each, index) => standingOf(each, balances[index]!, now))
  })

const handler = (means: Means): Handler => (request, next) => {
  const { exact } = means.rules
  if (request.operation === "list_models" || request.operation === "validate") return next(request)
  // From the hold to its settlement nothing can come between; only the call itself can be interrupted.
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(exact ? Tokens.count(request) : Effect.sync(() => Tokens.estimate(request))), (prompt) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.flatMap(holdId(now), (id) => visit(means, request, prompt, id, now, restore, next)))))
}

/** Unique among all processes, as long as they do not draw from random numbers of the same seed. */
const holdId = (now: number): Effect.Effect<string> =>
  Effect.zipWith(Random.nextInt, Random.nextInt, (a, b) => `${now.toString(36)}.${a.toString(36)}.${b.toString(36)}`)

const visit = (
  means: Means,
  request: Request,
  prompt: Tokens.Count,
  id: string,
  now: number,
  restore: Restore,
  next: Next
): Effect.Effect<Request> => {
  const { catalog, rules } = means
  const applied = appliedTo(rules, Identity.of(request), now)
  if (applied.length === 0) return restore(next(request))
  const worst = worstOf(request, Tokens.atMost(prompt), catalog)
  if ("reason" in worst && rules.unpriced === "refuse") {
    return counted("unpriced", refuseUnpriced(request, worst.reason))
  }
  const amount = "amount" in worst ? worst.amount : 0n
  const held = { id, amount, applied, prompt, unpriced: "reason" in worst }
  return Effect.flatMap(reserve(means, held, now), (reservation) => {
    if (reservation === undefined) {
      if (rules.whenDown === "closed") return counted("closed", refuseDown(request))
      return Effect.flatMap(counted("open", Request.assign(request, state, { limits: [], alerts: [] })), (request) =>
        call(means, { ...held, alerts: [] }, request, restore, next))
    }
    const { balances, before, refused } = reservation
    const raised = alertsOf(rules, applied, before, balances, now)
    publish(means.bus, raised)
    if (refused !== undefined) {
      return counted("refused", refuse(request, applied[refused]!, balances[refused]!, amount, now))
    }
    const limits = applied.map((each, index) => standingOf(each, balances[index]!, now))
    const noted = Request.assign(request, state, { held: Amount.text(amount), limits, alerts: raised })
    const warnings = applied.flatMap((each, index) => warningOf(each, balances[index]!))
    const onward: Next = warnings.length === 0
      ? next
      : (passed) => Effect.flatMap(next(passed), (answer) => effect(warn(answer, warnings)))
    return Effect.flatMap(counted("held", noted), (noted) =>
      call(means, { ...held, alerts: raised }, noted, restore, onward))
  })
}

const counted = (outcome: string, request: Request): Effect.Effect<Request> =>
  Effect.as(count(calls, { outcome }), request)

