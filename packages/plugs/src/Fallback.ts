/**
 * Asks somebody else where the first does not answer: another provider, a simpler model, at last a rule.
 *
 * First the rest of the line is asked, as if this plug were not there; then each step in order. A step has its own
 * credentials: key, headers and base URL of the request never reach another provider. What is the caller's own fault is
 * not tried elsewhere, and nothing is tried once the first part of a stream is there.
 *
 * `effect/ExecutionPlan` is not used: a predicate that says no skips one step of it and not the plan, so that a request
 * refused for its own fault would be answered by the last step.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Fallback, Providers } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const down = Mock.make([Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 })])
 * const other = Mock.make(["Hello"])
 * const line = [Fallback.plug({ steps: [{ provider: "other", model: "small" }] }), ...down.pipeline]
 * const request = Request.make({ provider: "first", messages: "Hi" })
 * const run = Effect.provide(Pipeline.run(line, request), Providers.of({ other: other.pipeline }))
 * const final = Effect.runSync(run)
 * Result.text(final.result) // => "Hello"
 * Request.get(final, Fallback.report)?.answeredBy // => "other/small"
 * ```
 *
 * @module
 */
import { type Handler, LlmError, type Made, Plug, Request } from "@plugline/core"
import { Effect, Schema } from "effect"
import { effect, type Now } from "./cost/now.ts"
import { Prices } from "./cost/charge.ts"
import { movesOn, type When } from "./fallback/movesOn.ts"
import { type AnswerStep, type RuleAnswer, rule } from "./fallback/rule.ts"
import { simplified } from "./fallback/simplify.ts"
import {
  checkEntry, childrenOf, readdress, shownTarget, type Target, targetFields, type Through, way, wrong
} from "./fallback/target.ts"
import { report } from "./fallback/report.ts"
import { type Candidate, type Tried, walk } from "./fallback/walk.ts"
import type { Providers } from "./Providers.ts"
import { counter } from "./observe/series.ts"
import { count, providerLabel } from "./retry/count.ts"
import { ms, Span } from "./retry/span.ts"

export { movesOn, simplified }
export type { AnswerStep, RuleAnswer, Target, Through, Tried, When }

/** Another provider or model that may answer. */
export interface AskStep<out R = never> extends Target<R> {
  /** Changes what is asked of it, {@link simplified} for example. Default: nothing. */
  readonly simplify?: (request: Request) => Request
  /** Whether it is asked after this error. Default: `when` of the plug. */
  readonly when?: When
  /** How long it may take until it answers. Default: as long as the deadline allows. */
  readonly timeout?: typeof Span.Encoded
  /** Whether its answer counts as degraded. Default: false. */
  readonly degraded?: boolean
}

/** Who may answer in the place of the first. */
export type Step<R = never> = AskStep<R> | AnswerStep

/** Options of {@link plug}. */
export interface FallbackOptions<R = never> {
  /** Who is asked after the rest of the line, in order. */
  readonly steps: ReadonlyArray<Step<R>>
  /** How long all of it may take until an answer begins. Default: no limit. */
  readonly deadline?: typeof Span.Encoded
  /** Which errors lead to a step. Default: {@link movesOn}. */
  readonly when?: When
  /**
   * Whether a prompt too long for one model goes to steps whose model takes more, or nobody knows how much. Default:
   * false.
   */
  readonly onContextLength?: boolean
  /** Where steps without a `pipeline` go. Default: `providers`. */
  readonly through?: Through
}

export { report, type Report } from "./fallback/report.ts"

/**
 * Counts answers that came from a step, and calls nobody answered, by provider and by `outcome`: `answered`,
 * `degraded`, `failed`.
 */
export const calls = counter("plugline.fallback.calls", {
  description: "Calls the first did not answer"
})

const isWhen = (value: unknown): value is When => typeof value === "function"

/** The options as they are checked; see {@link FallbackOptions}. */
export const Options = Schema.Struct({
  steps: Schema.Array(Schema.Unknown),
  deadline: Schema.optionalKey(Span),
  when: Schema.optionalKey(Schema.declare(isWhen, { expected: "a function" })),
  onContextLength: Schema.optionalKey(Schema.Boolean),
  through: Schema.optionalKey(Schema.Literals(["providers", "rest"]))
})

/** See the module. */
export const plug = <R = never>(options: FallbackOptions<R>): Plug<R | Providers> => {
  const { check, make } = configured(options as typeof Options.Encoded)
  return Plug.of<R | Providers>({
    name: "fallback",
    options: shown(options),
    children: childrenOf<R>(options?.steps, label),
    order: { before: { retry: "the retry would ask everyone again, one after the other" } },
    check,
    // What the steps need is in the type of the options; the schema cannot say it.
    make: make as Effect.Effect<Made, LlmError, R | Providers>
  })
}

const label = (index: number): string => `step${index + 1}`

const shown = ({ deadline, onContextLength, steps, through }: FallbackOptions<unknown>) => ({
  steps: (Array.isArray(steps) ? steps as ReadonlyArray<Step<unknown>> : []).map((step) =>
    isRule(step)
      ? { name: step?.name ?? "rule", degraded: true }
      : {
        ...shownTarget(step),
        ...(step.simplify !== undefined && { simplify: step.simplify.name === "" ? "simplify" : step.simplify.name }),
        ...(step.degraded === true && { degraded: true }),
        ...(step.timeout !== undefined && { timeout: String(step.timeout) })
      }),
  ...(deadline !== undefined && { deadline: String(deadline) }),
  ...(onContextLength !== undefined && { onContextLength }),
  ...(through !== undefined && { through })
})

const isRule = (step: Step<unknown>): step is AnswerStep => typeof step !== "object" || step === null || "answer" in step

const stepFields = [...targetFields, "simplify", "when", "timeout", "degraded"] as const
const ruleFields = ["answer", "name", "when"] as const

const configured = Plug.configurable<typeof Options, Providers>("fallback", Options, (options) =>
  Plug.of({
    name: "fallback",
    make: Effect.gen(function*() {
      const catalog = yield* Prices
      const given = options as unknown as FallbackOptions
      const byDefault = given.when ?? movesOn
      const window = (provider: string, model: string | undefined) =>
        model === undefined ? undefined : catalog.get(provider, model)?.context
      const candidates: Array<Runner> = [{ ...first, accepts: byDefault, degraded: false }]
      for (const [index, step] of given.steps.entries()) {
        const problem = problemOf(step, index)
        if (problem !== undefined) return yield* Effect.fail(problem)
        const when = step.when ?? byDefault
        candidates.push(isRule(step) ? rule(step, when) : {
          ...asking(step, yield* way(step, label(index), given.through ?? "providers")),
          accepts: (error, failed) => {
            if (when(error, failed)) return true
            if (error.reason._tag !== "ContextLength" || given.onContextLength !== true) return false
            const before = window(failed.provider, failed.options.model)
            const here = window(step.provider, step.model ?? (step.provider === failed.provider ? failed.options.model : undefined))
            return before === undefined || here === undefined || here > before
          }
        })
      }
      return handler(candidates, ms(given.deadline, undefined))
    })
  }))

interface Runner extends Candidate {
  readonly degraded: boolean
}

const first: Omit<Candidate, "accepts"> = {
  address: (request) => request,
  ask: (request, next) => next(request)
}

const asking = (step: AskStep, handle: Handler): Omit<Runner, "accepts"> => ({
  name: step.name,
  degraded: step.degraded ?? false,
  timeout: ms(step.timeout, undefined),
  address: (request) => {
    const addressed = readdress(request, step)
    return step.simplify === undefined ? addressed : simplifying(step.simplify, addressed)
  },
  ask: (request, next) => effect(handle(request, next) as Now<Request>)
})

/** A function that throws makes this step fail, not the whole. */
const simplifying = (simplify: (request: Request) => Request, request: Request): Request => {
  try {
    return simplify(request)
  } catch (thrown) {
    return Request.fail(request, LlmError.fromUnknown(thrown, { plug: "fallback" }))
  }
}

const problemOf = (step: Step<unknown>, index: number): LlmError | undefined => {
  const path = `steps.${index}`
  const rule = typeof step === "object" && step !== null && "answer" in step
  const problem = checkEntry("fallback", path, step, rule ? ruleFields : stepFields)
  if (problem !== undefined) return problem
  if (step.when !== undefined && typeof step.when !== "function") return wrong("fallback", `${path}.when`, "a function")
  if (rule) {
    return typeof step.answer === "string" || typeof step.answer === "function"
      ? undefined
      : wrong("fallback", `${path}.answer`, "a text or a function")
  }
  const { simplify, timeout } = step as AskStep
  if (simplify !== undefined && typeof simplify !== "function") return wrong("fallback", `${path}.simplify`, "a function")
  if (timeout !== undefined && !Schema.is(Span)(timeout)) return wrong("fallback", `${path}.timeout`, "a length of time")
  return undefined
}

const handler = (candidates: ReadonlyArray<Runner>, deadline: number | undefined): Handler => (request, next) => {
  if (request.state !== "pending") return next(request)
  return Effect.flatMap(walk(candidates, request, next, { deadline }), ({ by, request: final, tried }) => {
    const last = tried.at(-1)
    if (last === undefined) return Effect.succeed(final)
    const degraded = by?.degraded ?? false
    const answeredBy = by === undefined ? {} : { answeredBy: last.name }
    const told = Request.putMetadata(Request.assign(final, report, { ...answeredBy, steps: tried, degraded }), "fallback", {
      ...answeredBy,
      degraded,
      failed: tried.flatMap(({ error, name }) => error === undefined ? [] : [`${name}: ${error.reason._tag}`])
    })
    if (by === candidates[0]) return Effect.succeed(told)
    const outcome = by === undefined ? "failed" : degraded ? "degraded" : "answered"
    return Effect.as(count(calls, { provider: providerLabel(final.provider), outcome }), told)
  })
}
