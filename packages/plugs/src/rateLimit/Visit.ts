/**
 * One request at the limits: let through, made to wait or refused, and put right when its answer has ended.
 *
 * @module
 */
import { type LlmError, type Next, Reply, Request } from "@plugline/core"
import { type Clock, Effect } from "effect"
import { andThen, effect, type Now } from "../cost/now.ts"
import { orElse } from "../store/patience.ts"
import { type Ask, type Change, type LimitStore, most } from "../store/LimitStore.ts"
import type { Day } from "./day.ts"
import { answerTokens } from "./estimate.ts"
import { type Claim, claims, lowered, type Rule } from "./limits.ts"
import { sleep } from "./Lines.ts"
import * as Metrics from "./metrics.ts"
import { type Adaptive, share, slower } from "./Paces.ts"
import { never, notTokens, refusal } from "./refusals.ts"
import { standing, status, type Status } from "./status.ts"
import { usedTokens } from "./usage.ts"
import { type Full, judge, type Verdict } from "./verdict.ts"

/** How requests are limited: the options, checked. Times in ms. */
export interface Policy {
  readonly rules: ReadonlyArray<Rule>
  /** Guesses the tokens of what is asked. */
  readonly tokens: (request: Request) => number
  readonly day: (now: number) => Day
  /** How long and how many may wait for a limit; `undefined`: nobody waits. */
  readonly wait: { readonly longest: number; readonly queue: number } | undefined
  readonly adaptive: Adaptive | undefined
  readonly whenDown: "open" | "closed"
  /** The longest a store may take. */
  readonly patience: number
}

/** The name of the plug, in errors and metadata. */
export const name = "rateLimit"

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** See the module. */
export class Visit {
  readonly #policy: Policy
  readonly #store: LimitStore["Service"]
  readonly #clock: Clock.Clock
  readonly #request: Request
  readonly #next: Next
  readonly #came: number
  readonly #holder: string
  #claims: ReadonlyArray<Claim> = []
  #asks: ReadonlyArray<Ask> = []
  #keys: ReadonlyArray<string> = []
  /** The most tokens it may use; 0 where it uses none. */
  #tokens = 0
  #waited = 0

  constructor(policy: Policy, store: LimitStore["Service"], clock: Clock.Clock, request: Request, next: Next) {
    this.#policy = policy
    this.#store = store
    this.#clock = clock
    this.#request = request
    this.#next = next
    this.#came = clock.currentTimeMillisUnsafe()
    this.#holder = store.holder()
  }

  /** The whole visit, from the door to the end of the answer. */
  run(): Effect.Effect<Request> {
    const wrong = this.#prepare()
    if (wrong !== undefined) return Effect.succeed(Request.fail(this.#request, wrong))
    return Effect.uninterruptibleMask((restore) => effect(andThen(this.#enter(restore), (verdict) => this.#pass(verdict, restore))))
  }

  /** Finds out what is asked; an error where that can never be had. */
  #prepare(): LlmError | undefined {
    const request = this.#request
    const counts = request.operation !== "list_models" && request.operation !== "validate"
    const asked = counts ? this.#policy.tokens(request) : 0
    if (counts && !(Number.isInteger(asked) && asked >= 1 && asked <= most)) return notTokens(asked)
    this.#tokens = counts ? Math.min(most, asked + answerTokens(request)) : 0
    this.#claim(this.#came)
    for (const claim of this.#claims) if (claim.measure.tokens && asked > claim.measure.capacity) return never(claim, asked)
    return undefined
  }

  /** What is asked of each limit, as of now: who waits past midnight asks for the new day. */
  #claim(now: number): void {
    this.#claims = claims(this.#policy.rules, this.#request, this.#tokens, this.#policy.day(now), now)
    this.#asks = this.#claims.map(({ ask }) => ask)
    this.#keys = this.#asks.map(({ key }) => key)
  }

  #enter(restore: Restore): Now<Verdict> {
    if (this.#policy.wait === undefined) return this.#ask(this.#came)
    const ahead = this.#store.lines.ahead(this.#keys)
    if (ahead !== undefined) return this.#wait(undefined, ahead, this.#policy.wait, restore)
    const { wait } = this.#policy
    return andThen(this.#ask(this.#came), (verdict) => verdict._tag === "Full" ? this.#wait(verdict, verdict.key, wait, restore) : verdict)
  }

  /**
   * Asks for all at once. What the store has given is not lost to an interruption: the store's patience is the longest
   * it holds.
   */
  #ask(now: number): Now<Verdict> {
    const { adaptive, patience, whenDown } = this.#policy
    let asks = this.#asks
    if (adaptive !== undefined) {
      const pace = this.#store.paces.of(this.#request.provider)
      const part = share(pace, adaptive, now)
      if (part < 1) asks = this.#claims.map((claim) => lowered(claim, part))
      const own = this.#claims.find(({ rule }) => rule.provider)
      if (own !== undefined && pace.paused > now) {
        return { _tag: "Full", asks, levels: undefined, wait: pace.paused - now, slots: false, key: own.ask.key }
      }
    }
    if (asks.length === 0) return { _tag: "In", asks, levels: asks.map(() => 0) }
    const taken = this.#store.take(this.#holder, asks, now)
    if (!Effect.isEffect(taken)) return judge(asks, taken)
    return orElse(Effect.map(taken, (taken) => judge(asks, taken)), {
      store: "limit",
      way: whenDown,
      limit: patience,
      instead: () => Effect.succeed<Verdict>(whenDown === "open" ? { _tag: "In", asks, levels: undefined } : { _tag: "Down" })
    })
  }

  /** Waits in line, until there is enough or it takes too long. */
  #wait(
    full: Full | undefined,
    key: string,
    { longest, queue }: { readonly longest: number; readonly queue: number },
    restore: Restore
  ): Effect.Effect<Verdict> {
    const { lines, poll } = this.#store
    const first = lines.first(key)
    if (lines.length(key) >= queue) {
      return Effect.succeed({ _tag: "Crowded", full, wait: full?.wait ?? first?.wait ?? 0, slots: full?.slots ?? true, key })
    }
    const waiter = lines.waiter()
    lines.join(waiter, key)
    const until = this.#came + longest
    const wait = Effect.gen({ self: this }, function*() {
      let last = full
      for (;;) {
        const left = until - this.#clock.currentTimeMillisUnsafe()
        const at = waiter.line ?? key
        const first = lines.first(at)
        waiter.wait = last?.wait ?? 0
        if (left <= 0 || (first === waiter && waiter.wait > left)) {
          return { _tag: "Late", full: last, wait: last?.wait ?? first?.wait ?? 0, slots: last?.slots ?? true, key: at } as const
        }
        const nap = first !== waiter ? left : last?.slots === true ? Math.max(last.wait, poll) : waiter.wait
        yield* restore(sleep(waiter, Math.min(left, nap)))
        const now = this.#clock.currentTimeMillisUnsafe()
        this.#claim(now)
        const ahead = lines.ahead(this.#keys, waiter.ticket)
        if (ahead !== undefined) {
          lines.join(waiter, ahead)
          continue
        }
        const verdict = yield* effect(this.#ask(now))
        if (verdict._tag !== "Full") return verdict
        last = verdict
        lines.join(waiter, verdict.key)
      }
    })
    return Effect.ensuring(wait, Effect.sync(() => {
      lines.leave(waiter)
      this.#waited = this.#clock.currentTimeMillisUnsafe() - this.#came
    }))
  }

  #pass(verdict: Verdict, restore: Restore): Effect.Effect<Request> {
    const waited = this.#waited
    const provider = this.#request.provider
    if (verdict._tag !== "In") {
      const error = refusal(verdict, this.#claims, provider)
      const full = verdict._tag === "Full" ? verdict : "full" in verdict ? verdict.full : undefined
      const said = this.#say({
        admitted: false,
        waited,
        ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
        limits: this.#standings(full?.asks, full?.levels, false)
      })
      return Effect.as(Metrics.count(provider, outcomes[verdict._tag]), Request.fail(said, error))
    }
    const { asks, levels } = verdict
    const went = this.#say({ admitted: true, waited, limits: this.#standings(asks, levels, true) })
    const settle = (final: Request | undefined) => this.#settle(asks, levels !== undefined, final)
    const passed = Effect.matchCauseEffect(restore(this.#next(went)), {
      onFailure: (cause) => Effect.andThen(settle(undefined), Effect.failCause(cause)),
      onSuccess: (answer) =>
        effect(Reply.atEnd(answer, {
          _tag: "Finisher",
          plug: name,
          content: false,
          always: true,
          done: (final) => Effect.as(settle(final), final)
        }))
    })
    const outcome = levels === undefined ? "unchecked" : waited > 0 ? "waited" : "admitted"
    const counted = Metrics.count(provider, outcome)
    return Effect.andThen(waited > 0 ? Effect.andThen(counted, Metrics.wait(provider, waited)) : counted, passed)
  }

  /**
   * Gives back what was taken too much, takes what was too little, and frees the slots. Never fails, never takes long.
   */
  #settle(asks: ReadonlyArray<Ask>, sure: boolean, final: Request | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.#clock.currentTimeMillisUnsafe()
      this.#follow(final, now)
      const used = final === undefined || !sure ? undefined : usedTokens(final)
      const changes: Array<Change> = []
      this.#claims.forEach(({ measure }, index) => {
        const ask = asks[index]!
        if (ask.kind === "slots") changes.push({ ask, units: 1 })
        else if (measure.tokens && used !== undefined && used !== ask.cost) changes.push({ ask, units: ask.cost - used })
      })
      if (changes.length === 0) return Effect.void
      const freed = () => {
        for (const { ask, units } of changes) if (units > 0) this.#store.lines.free(ask.key)
      }
      const given = this.#store.give(this.#holder, changes, now)
      if (!Effect.isEffect(given)) return Effect.sync(freed)
      const { patience } = this.#policy
      return Effect.andThen(
        orElse(given, { store: "limit", way: "open", limit: patience, instead: () => Effect.void }),
        Effect.sync(freed)
      )
    })
  }

  /** Lowers the limits of a provider that said it is asked too much. */
  #follow(final: Request | undefined, now: number): void {
    const { adaptive } = this.#policy
    const error = final === undefined ? undefined : Request.failure(final)
    if (adaptive === undefined || error === undefined || !isTooMuch(error)) return
    const { provider } = this.#request
    const { paces } = this.#store
    paces.set(provider, slower(paces.of(provider), adaptive, { began: this.#came + this.#waited, now, retryAfter: error.retryAfter }))
  }

  #standings(asks: ReadonlyArray<Ask> | undefined, levels: ReadonlyArray<number> | undefined, took: boolean): Status["limits"] {
    if (asks === undefined || levels === undefined) return []
    return this.#claims.map((claim, index) => standing(claim, asks[index]!, levels[index]!, took ? asks[index]!.cost : 0))
  }

  #say(said: Status): Request {
    const before = Request.get(this.#request, status)
    const all = before === undefined ? said : { ...said, waited: before.waited + said.waited, limits: [...before.limits, ...said.limits] }
    const { admitted, waited } = all
    return Request.putMetadata(Request.assign(this.#request, status, all), name, { admitted, waited })
  }
}

const outcomes = { Full: "refused", Late: "refused", Crowded: "refused", NoRoom: "refused", Down: "unavailable" } as const

/** Whether the provider itself said so, and not a plug. */
const isTooMuch = ({ reason }: LlmError): boolean =>
  (reason._tag === "RateLimit" || reason._tag === "Overloaded")
  && (reason.status !== undefined || reason.code !== undefined || reason.raw !== undefined)
