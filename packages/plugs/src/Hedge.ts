/**
 * Asks a second time when the first answer is late, and takes whichever comes first: cuts off the slowest few calls for
 * a few percent more traffic. The other attempt is closed at once.
 *
 * Off until it is told when an answer is late. A second attempt costs money like the first, so requests with tools that
 * the provider runs itself, which may act twice, are left alone unless told otherwise. To try again after a failure is
 * for `Retry` to decide: stand `Hedge` behind it.
 *
 * `Effect.raceAll` is not used: it starts all at once, and interrupts what has lost without closing the stream it may
 * have opened.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Hedge } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const mock = Mock.make([Mock.never(), "Hello"])
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * const program = Pipeline.run([Hedge.plug({ delay: 5 }), ...mock.pipeline], request)
 * const final = await Effect.runPromise(Effect.provide(program, Hedge.memory()))
 * Result.text(final.result) // => "Hello"
 * Request.get(final, Hedge.outcome) // => { attempts: 2, winner: 2, delay: 5 }
 * mock.calls[0]?.interrupted // => true
 * ```
 *
 * @module
 */
import { type Handler, type JsonObject, Key, type LlmErrorJson, Plug, Request } from "@plugline/core"
import { Effect, Layer, Schema } from "effect"
import { counter } from "./observe/series.ts"
import { AttemptBudget, type AttemptBudgetOptions, memory as budgetInMemory, type Share } from "./retry/AttemptBudget.ts"
import { contest, type Outcome } from "./retry/contest.ts"
import { count, providerLabel } from "./retry/count.ts"
import { Latencies, type LatenciesOptions, memory as latenciesInMemory, percentileOf } from "./retry/Latencies.ts"
import { ms, Span } from "./retry/span.ts"

export { AttemptBudget, Latencies, percentileOf }
export type { AttemptBudgetOptions, LatenciesOptions }

/** What became of a request for which a second attempt could be made. Plain JSON. */
export interface Hedged {
  /** How many attempts were made. */
  readonly attempts: number
  /** Which of them is the answer, counted from 1. */
  readonly winner: number
  /** After how many ms the answer counted as late. */
  readonly delay: number
  /** Errors of attempts that failed beside the winner. */
  readonly errors?: ReadonlyArray<LlmErrorJson>
}

/** Where {@link Hedged} is written. Absent where no second attempt could have been made. */
export const outcome: Key<Hedged> = Key.make<Hedged>("hedge.outcome")

const Percent = Schema.Number.check(Schema.isBetween({ minimum: 1, maximum: 100 }))

/** Options of {@link plug}. Without `delay` and `percentile` nothing is ever asked twice. */
export const Options = Schema.Struct({
  /** When an answer is late. With `percentile`: while too little is known of the provider. Default: never. */
  delay: Schema.optionalKey(Span),
  /** An answer is late when so many percent of the latest had begun by then, as in 95. Default: `delay` counts. */
  percentile: Schema.optionalKey(Percent),
  /** How many latencies must be known for the percentile to count. Default: 20. */
  minimum: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))),
  /** Most extra attempts of one request, each after the same delay. Default: 1. */
  max: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 }))),
  /** Most extra attempts as a share of requests to the same provider, or `false` for no such limit. Default: 0.2. */
  budget: Schema.optionalKey(Schema.Union([Schema.Literal(false), Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 10 }))])),
  /** How many extra attempts per window the budget always allows. Default: 10. */
  reserve: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  /** Also for requests with tools that the provider runs itself. Default: false. */
  providerTools: Schema.optionalKey(Schema.Boolean)
})

/** Counts calls that were made more than once, by provider and by whether a later attempt won. */
export const calls = counter("plugline.hedge.calls", {
  description: "Calls that were made more than once"
})

/** The services {@link plug} needs, in memory. */
export const memory = (options: AttemptBudgetOptions & LatenciesOptions = {}): Layer.Layer<AttemptBudget | Latencies> =>
  Layer.merge(budgetInMemory(options), latenciesInMemory(options))

interface Policy {
  readonly delay: number | undefined
  readonly percentile: number | undefined
  readonly minimum: number
  readonly max: number
  readonly budget: Share | undefined
  readonly providerTools: boolean
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<AttemptBudget | Latencies> = Plug.configurable("hedge", Options, (given) => {
  const policy: Policy = {
    delay: ms(given.delay, undefined),
    percentile: given.percentile,
    minimum: given.minimum ?? 20,
    max: given.max ?? 1,
    budget: given.budget === false ? undefined : { share: given.budget ?? 0.2, reserve: given.reserve ?? 10 },
    providerTools: given.providerTools ?? false
  }
  return Plug.of<AttemptBudget | Latencies>({
    name: "hedge",
    make: Effect.gen(function*() {
      const budget = yield* AttemptBudget
      const latencies = yield* Latencies
      return handler(policy, budget, latencies)
    })
  })
})

const handler = (policy: Policy, budget: AttemptBudget["Service"], latencies: Latencies["Service"]): Handler => {
  const off = policy.delay === undefined && policy.percentile === undefined
  return (request, next) => {
    if (off || request.state !== "pending" || !(policy.providerTools || harmless(request))) return next(request)
    const key = keyOf(request)
    const asked = next(request)
    return Effect.clockWith((clock) => {
      const begun = clock.currentTimeMillisUnsafe()
      const share = policy.budget
      if (share !== undefined) budget.began(`hedge ${request.provider}`, begun)
      const delay = late(policy, latencies, key)
      if (delay === undefined) {
        return Effect.map(asked, (answer) => {
          if (answer.state !== "error") latencies.add(key, clock.currentTimeMillisUnsafe() - begun)
          return answer
        })
      }
      const may = () => share === undefined || budget.take(`hedge ${request.provider}`, clock.currentTimeMillisUnsafe(), share)
      return Effect.flatMap(contest({ attempt: asked, clock, delay, max: policy.max, may }), (ended) => {
        if (ended.first !== undefined) latencies.add(key, ended.first)
        const answer = written(request, ended, delay)
        return ended.started === 1
          ? Effect.succeed(answer)
          : Effect.as(count(calls, { provider: providerLabel(request.provider), won: String(ended.winner > 1) }), answer)
      })
    })
  }
}

/** After how many ms an answer is late, if that can be said. */
const late = ({ delay, minimum, percentile }: Policy, latencies: Latencies["Service"], key: string): number | undefined =>
  percentile === undefined ? delay : latencies.percentile(key, percentile, minimum) ?? delay

/** Whole answers take longer to begin than streams, so they are told apart. */
const keyOf = ({ operation, options: { model = "" }, provider }: Request): string => JSON.stringify([provider, model, operation])

const harmless = ({ options: { tools } }: Request): boolean => tools === undefined || !tools.some(({ type }) => type === "provider")

const written = (request: Request, { failed, request: answer, started, winner }: Outcome, delay: number): Request => {
  const lost = failed.flatMap(({ errors }) => errors.slice(request.errors.length))
  const hedged: Hedged = { attempts: started, winner, delay, ...(lost.length > 0 && { errors: lost.map((error) => error.toJSON()) }) }
  const all = answer.state === "error" && lost.length > 0
    ? Request.patch(answer, { errors: [...request.errors, ...lost, ...answer.errors.slice(request.errors.length)] })
    : answer
  const noted = Request.assign(all, outcome, hedged)
  const shown: JsonObject = { attempts: started, winner }
  return started === 1 ? noted : Request.putMetadata(noted, "hedge", shown)
}
