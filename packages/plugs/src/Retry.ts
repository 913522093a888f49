/**
 * Tries a failed call again: after a random, growing wait, never longer than a deadline, and never more than a share of
 * the traffic.
 *
 * It is the one owner of retries. A second `Retry` behind or inside another is refused when the pipeline is compiled,
 * and where it gets there all the same (`Plug.anywhere`) it lets everything pass: attempts never multiply. Nothing else
 * of this library repeats a call by itself. A stream is tried again only until its first part is there.
 *
 * `effect/Schedule` is not used: its jitter is ±20 %, and it knows neither a deadline that counts the waits nor a
 * budget.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Retry } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const mock = Mock.make([Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 }), "Hello"])
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * const program = Pipeline.run([Retry.plug({ base: 1 }), ...mock.pipeline], request)
 * const final = await Effect.runPromise(Effect.provide(program, Retry.memory()))
 * Result.text(final.result) // => "Hello"
 * Request.get(final, Retry.attempts)?.map(({ error }) => error?.reason._tag) // => ["Overloaded", undefined]
 * ```
 *
 * @module
 */
import { type Handler, type JsonObject, Key, LlmError, type LlmErrorJson, type Next, Plug, Request } from "@plugline/core"
import { type Clock, Effect, Random, Schema } from "effect"
import { counter } from "./observe/series.ts"
import { AttemptBudget, memory } from "./retry/AttemptBudget.ts"
import { count, providerLabel } from "./retry/count.ts"
import { ceiling, decide, delay, type Policy, type Why } from "./retry/decide.ts"
import { ms, Span } from "./retry/span.ts"

export { AttemptBudget, ceiling, decide, delay, memory }
export type { AttemptBudgetOptions, Share } from "./retry/AttemptBudget.ts"
export type { Decision, Moment, Policy, Why } from "./retry/decide.ts"

/** One attempt. Plain JSON; times in ms. */
export interface Attempt {
  /** Counted from 1. */
  readonly attempt: number
  readonly provider: string
  readonly model?: string
  /** How long was waited before it. */
  readonly wait: number
  /** How long it took: until it failed, until the whole answer, or until the first part of a stream was there. */
  readonly duration: number
  /** Why it failed; absent where it did not. */
  readonly error?: LlmErrorJson
}

/** Where every attempt is written, the last one included. */
export const attempts: Key<ReadonlyArray<Attempt>> = Key.make<ReadonlyArray<Attempt>>("retry.attempts")

/** Decides whether an error is worth another attempt. */
export type When = (error: LlmError, request: Request) => boolean

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** Most attempts, the first included. Default: 3. */
  attempts: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  /** The longest first wait; it doubles with each further one. Default: 500 ms. */
  base: Schema.optionalKey(Span),
  /** The longest wait, unless the provider asks for more. Default: 30 seconds. */
  cap: Schema.optionalKey(Span),
  /** No attempt begins later than this behind the first. Default: 60 seconds. */
  deadline: Schema.optionalKey(Span),
  /**
   * Whether an attempt that is still without an answer at the deadline is ended too, the first included. Default:
   * false.
   */
  enforce: Schema.optionalKey(Schema.Boolean),
  /** Most retries as a share of requests to the same provider, or `false` for no such limit. Default: 0.2. */
  budget: Schema.optionalKey(Schema.Union([Schema.Literal(false), Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 10 }))])),
  /** How many retries per window (see {@link memory}) the budget always allows. Default: 10. */
  reserve: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  /**
   * Which errors are tried again. Default: those that say so themselves. Status 400, 401, 403, 404, 413 and 422 never
   * are.
   */
  when: Schema.optionalKey(Schema.declare((value): value is When => typeof value === "function", { expected: "a function" }))
})

/** Attempts that were made beyond the first, by provider and by what had gone wrong. */
export const retries = counter("plugline.retry.retries", { description: "Attempts beyond the first" })

/** Requests that stay failed, by provider and by why no further attempt was made. */
export const gaveUp = counter("plugline.retry.gave_up", { description: "Requests that stay failed" })

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<AttemptBudget> = Plug.configurable("retry", Options, (given) => {
  const policy: Policy = {
    attempts: given.attempts ?? 3,
    base: ms(given.base, 500),
    cap: ms(given.cap, 30_000),
    deadline: ms(given.deadline, 60_000),
    enforce: given.enforce ?? false,
    budget: given.budget === false ? undefined : { share: given.budget ?? 0.2, reserve: given.reserve ?? 10 },
    when: given.when
  }
  return Plug.of({ name: "retry", make: Effect.map(AttemptBudget, (budget) => handler(policy, budget)) })
}, {
  order: {
    before: {
      retry: "one alone owns all attempts, and the other would let everything pass",
      hedge: "otherwise each of the attempts made side by side would be tried again on its own"
    }
  }
})

/** Set on a request that a `Retry` is responsible for already. */
const owned = Key.make<boolean>("retry.owned")

const handler = (policy: Policy, budget: AttemptBudget["Service"]): Handler => (request, next) => {
  if (request.state !== "pending" || Request.getPrivate(request, owned) === true) return next(request)
  return Effect.clockWith((clock) => new Course(policy, budget, clock, request, next).attempt(0))
}

/** One request on its way through all its attempts. */
class Course {
  readonly #policy: Policy
  readonly #budget: AttemptBudget["Service"]
  readonly #clock: Clock.Clock
  readonly #request: Request
  readonly #next: Effect.Effect<Request>
  readonly #begun: number
  readonly #made: Array<Attempt> = []
  readonly #errors: Array<LlmError> = []
  #malformed = 0

  constructor(policy: Policy, budget: AttemptBudget["Service"], clock: Clock.Clock, request: Request, next: Next) {
    this.#policy = policy
    this.#budget = budget
    this.#clock = clock
    this.#request = request
    this.#next = next(Request.putPrivate(request, owned, true))
    this.#begun = clock.currentTimeMillisUnsafe()
    if (policy.budget !== undefined) budget.began(`retry ${request.provider}`, this.#begun)
  }

  /** One attempt and all that follow from it. `wait`: how long was waited before it. */
  attempt(wait: number): Effect.Effect<Request> {
    const begun = this.#clock.currentTimeMillisUnsafe()
    return Effect.flatMap(this.#limited(begun), (answer) => {
      const { provider } = answer
      const { model } = answer.options
      const error = Request.failure(answer)
      this.#made.push({
        attempt: this.#made.length + 1,
        provider,
        ...(model !== undefined && { model }),
        wait,
        duration: this.#clock.currentTimeMillisUnsafe() - begun,
        ...(error !== undefined && { error: error.toJSON() })
      })
      return error === undefined ? Effect.succeed(this.#written(answer)) : this.#failed(answer, error)
    })
  }

  #failed(answer: Request, error: LlmError): Effect.Effect<Request> {
    const attempt = this.#made.length
    for (const one of answer.errors.slice(this.#request.errors.length)) this.#errors.push(LlmError.from(one, { attempt }))
    const provider = providerLabel(answer.provider)
    return Effect.flatMap(Random.next, (random) => {
      const now = this.#clock.currentTimeMillisUnsafe()
      const decision = decide(this.#policy, {
        request: answer,
        error,
        attempt,
        malformed: this.#malformed,
        elapsed: now - this.#begun,
        random
      })
      if (error.reason._tag === "MalformedResponse") this.#malformed++
      if (decision._tag === "Stop") return this.#stopped(answer, decision.why, provider)
      const { budget } = this.#policy
      if (budget !== undefined && !this.#budget.take(`retry ${this.#request.provider}`, now, budget)) {
        return this.#stopped(answer, "budget", provider)
      }
      const { wait } = decision
      return Effect.andThen(
        count(retries, { provider, reason: error.reason._tag }),
        Effect.andThen(Effect.sleep(wait), Effect.suspend(() => this.attempt(Math.round(wait))))
      )
    })
  }

  /** The request with the errors of all attempts. */
  #stopped(answer: Request, why: Why, provider: string): Effect.Effect<Request> {
    const failed = Request.patch(answer, { errors: [...this.#request.errors, ...this.#errors] })
    return Effect.as(count(gaveUp, { provider, why }), this.#written(failed, why))
  }

  #written(answer: Request, why?: Why): Request {
    let waited = 0
    for (const { wait } of this.#made) waited += wait
    const shown: JsonObject = { attempts: this.#made.length, ...(waited > 0 && { waited }), ...(why !== undefined && { gaveUp: why }) }
    return Request.putMetadata(Request.assign(answer, attempts, this.#made), "retry", shown)
  }

  #limited(now: number): Effect.Effect<Request> {
    const { deadline, enforce } = this.#policy
    if (!enforce) return this.#next
    return Effect.timeoutOrElse(this.#next, {
      duration: Math.max(0, this.#begun + deadline - now),
      orElse: () =>
        Effect.succeed(Request.fail(
          this.#request,
          LlmError.make({
            _tag: "Timeout",
            phase: "total",
            limit: deadline,
            message: `no answer within the ${deadline} ms that all attempts may take together`
          }, { provider: this.#request.provider, plug: "retry" })
        ))
    })
  }
}
