/**
 * Asks the cheapest model first and a better one only where the answer is not good enough.
 *
 * Steps are listed from the cheapest to the best. An estimator scores each answer from 0 to 1; the first that reaches
 * the threshold is taken, and the answer of the last step is taken as it is. One budget of money, tokens and time holds
 * for all: where it does not allow the next step, the best answer so far is taken.
 *
 * An answer can only be judged when it is whole. So a reader of a stream waits for the steps before the last, and is
 * given the accepted one as the parts it would have come in; the last step streams live.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Cascade, Providers } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const both = Providers.of({ small: Mock.make(["I'm not sure, perhaps it is 4?"]).pipeline, large: Mock.make(["4"]).pipeline })
 * const cascade = Cascade.plug({ steps: [{ provider: "small" }, { provider: "large" }] })
 * const run = Pipeline.run([cascade], Request.make({ provider: "any", messages: "2 + 2?" }))
 * const final = Effect.runSync(Effect.provide(run, both))
 * Result.text(final.result) // => "4"
 * Request.get(final, Cascade.report)?.tries.map(({ name, score }) => [name, score]) // => [["small", 0.7], ["large", undefined]]
 * ```
 *
 * @module
 */
import { type Handler, Key, type LlmError, type LlmErrorJson, type Made, Plug, Reply, Request, type Usage } from "@plugline/core"
import { Effect, Schema } from "effect"
import { Course, type Limits } from "./cascade/Course.ts"
import { type Estimator, heuristic, judge, logprobs, lowest } from "./cascade/estimators.ts"
import * as Amount from "./cost/amount.ts"
import { Prices } from "./cost/charge.ts"
import { effect } from "./cost/now.ts"
import { type When, movesOn } from "./fallback/movesOn.ts"
import { checkEntry, childrenOf, shownTarget, type Target, targetFields, type Through, way, wrong } from "./fallback/target.ts"
import type { Providers } from "./Providers.ts"
import { counter } from "./observe/series.ts"
import { count } from "./retry/count.ts"
import { ms, Span } from "./retry/span.ts"

export { heuristic, judge, logprobs, lowest }
export { fits } from "./cascade/fits.ts"
export type { Ask, Estimator, HeuristicOptions, JudgeOptions } from "./cascade/estimators.ts"

/** A model that may answer. */
export interface CascadeStep<out R = never> extends Target<R> {
  /** The score its answer needs. Default: `threshold` of the plug. */
  readonly threshold?: number
}

/** What all steps and judgements together may take. */
export interface CascadeBudget {
  /** USD, by the prices of the catalog. What has no known price is not asked. */
  readonly usd?: string | number
  readonly tokens?: number
  readonly time?: typeof Span.Encoded
}

/** Options of {@link plug}. */
export interface CascadeOptions<R = never> {
  /** From the cheapest to the best. */
  readonly steps: ReadonlyArray<CascadeStep<R>>
  /** Scores an answer. Default: {@link heuristic}. */
  readonly estimate?: Estimator
  /** The score an answer needs, 0 to 1. Default: 0.75. */
  readonly threshold?: number
  /** Default: no limit. */
  readonly budget?: CascadeBudget
  /** Which errors lead to the next step. Default: `Fallback.movesOn`. */
  readonly when?: When
  /** Where steps without a `pipeline` go. Default: `providers`. */
  readonly through?: Through
}

/** One try. Plain JSON. */
export interface Try {
  readonly name: string
  readonly provider: string
  readonly model?: string
  /** How long it took, in ms, without the judgement. */
  readonly ms: number
  /** How good the answer was judged to be; absent for the last step, and where nobody answered. */
  readonly score?: number
  readonly error?: LlmErrorJson
  /** Why the answer could not be judged. */
  readonly unjudged?: LlmErrorJson
  /** Absent for an answer that was still arriving. */
  readonly usage?: Usage
  /** USD, where known. */
  readonly cost?: string
}

/** How an answer was found. Plain JSON. */
export interface Report {
  /** The name of the step whose answer was taken. */
  readonly answeredBy?: string
  /** Every try, in order. */
  readonly tries: ReadonlyArray<Try>
  /**
   * `good`: the score sufficed; `last`: nobody was left; `budget`, `error`: the next was not allowed, or failed;
   * `failed`: nobody answered.
   */
  readonly why: "good" | "last" | "budget" | "error" | "failed"
}

/** Where {@link Report} is written. */
export const report: Key<Report> = Key.make<Report>("cascade.report")

/** Counts calls by why the cascade ended, and by how many steps it took (at most 9). */
export const calls = counter("plugline.cascade.calls", {
  description: "Cascades by why they ended"
})

const aFunction = <F>() => Schema.declare((value: unknown): value is F => typeof value === "function", { expected: "a function" })
const share = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** The options as they are checked; see {@link CascadeOptions}. */
export const Options = Schema.Struct({
  steps: Schema.Array(Schema.Unknown),
  estimate: Schema.optionalKey(aFunction<Estimator>()),
  threshold: Schema.optionalKey(share),
  budget: Schema.optionalKey(Schema.Struct({
    usd: Schema.optionalKey(Schema.Union([Schema.String, Schema.Number])),
    tokens: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
    time: Schema.optionalKey(Span)
  })),
  when: Schema.optionalKey(aFunction<When>()),
  through: Schema.optionalKey(Schema.Literals(["providers", "rest"]))
})

/** See the module. */
export const plug = <R = never>(options: CascadeOptions<R>): Plug<R | Providers> => {
  const { check, make } = configured(options as typeof Options.Encoded)
  return Plug.of<R | Providers>({
    name: "cascade",
    options: shown(options),
    children: childrenOf<R>(options?.steps, label),
    order: { before: { retry: "the retry would pay for every try again" } },
    check,
    // What the steps need is in the type of the options; the schema cannot say it.
    make: make as Effect.Effect<Made, LlmError, R | Providers>
  })
}

const label = (index: number): string => `step${index + 1}`

const shown = ({ budget, steps, threshold }: CascadeOptions<unknown>) => ({
  steps: (Array.isArray(steps) ? steps as ReadonlyArray<CascadeStep<unknown>> : []).flatMap((step) =>
    typeof step !== "object" || step === null ? [] : [shownTarget(step)]),
  threshold: threshold ?? usual,
  ...(budget !== undefined && {
    budget: Object.fromEntries(Object.entries(budget).map(([name, limit]) => [name, typeof limit === "number" ? limit : String(limit)]))
  })
})

/** The threshold where none is given: one doubt is let pass, two are not. */
const usual = 0.75

const configured = Plug.configurable<typeof Options, Providers>("cascade", Options, (options) =>
  Plug.of({
    name: "cascade",
    make: Effect.gen(function*() {
      const given = options as unknown as CascadeOptions
      const usd = given.budget?.usd === undefined ? undefined : Amount.parse(given.budget.usd)
      if (given.budget?.usd !== undefined && usd === undefined) return yield* Effect.fail(wrong("cascade", "budget.usd", "an amount of USD"))
      if (given.steps.length === 0) return yield* Effect.fail(wrong("cascade", "steps", "a list of at least one step"))
      const steps: Array<{ readonly target: Target; readonly handle: Handler; readonly threshold: number }> = []
      for (const [index, step] of given.steps.entries()) {
        const problem = checkEntry("cascade", `steps.${index}`, step, [...targetFields, "threshold"])
        if (problem !== undefined) return yield* Effect.fail(problem)
        const threshold = step.threshold ?? given.threshold ?? usual
        if (!(threshold >= 0 && threshold <= 1)) {
          return yield* Effect.fail(wrong("cascade", `steps.${index}.threshold`, "a number from 0 to 1"))
        }
        steps.push({ target: step, threshold, handle: yield* way(step, label(index), given.through ?? "providers") })
      }
      const limits: Limits = { usd, tokens: given.budget?.tokens, time: ms(given.budget?.time, undefined) }
      const judges = new Map<Target, Handler>()
      const context = yield* Effect.context<Providers>()
      const setup = {
        steps,
        limits,
        catalog: yield* Prices,
        estimate: given.estimate ?? heuristic(),
        when: given.when ?? movesOn,
        /** The way to a judge, made when it is first needed. */
        wayTo: (target: Target) => {
          const known = judges.get(target)
          if (known !== undefined) return Effect.succeed(known)
          return Effect.map(Effect.provideContext(way(target, "judge", "providers"), context), (made) => {
            if (judges.size < 100) judges.set(target, made)
            return made
          })
        }
      }
      const handler: Handler = (request, next) =>
        request.state !== "pending" ? next(request) : Effect.clockWith((clock) =>
          Effect.flatMap(new Course(setup, request, next, clock).step(0), ({ end, request, said }) => {
            const counted = count(calls, { why: said.why, steps: String(Math.min(9, said.tries.length)) })
            const told = write(request, said)
            return Effect.andThen(counted, end === undefined ? Effect.succeed(told) : effect(Reply.atEnd(told, {
              _tag: "Finisher",
              plug: "cascade",
              content: false,
              always: true,
              done: (final) => write(final, end(final))
            })))
          }))
      return handler
    })
  }))

const write = (request: Request, said: Report): Request =>
  Request.putMetadata(Request.assign(request, report, said), "cascade", {
    ...(said.answeredBy !== undefined && { answeredBy: said.answeredBy }),
    why: said.why,
    scores: said.tries.map(({ score }) => score ?? null)
  })
