/**
 * Sends each request to the provider and model that suits it: what can answer it first, what is healthy next, then by
 * price, speed, load, share or whose conversation it is; and to the next best where that one fails.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Providers, Route } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect, Layer } from "effect"
 *
 * const both = Providers.of({ openai: Mock.make(["dear"]).pipeline, groq: Mock.make(["cheap"]).pipeline })
 * const route = Route.plug({
 *   strategy: "cost",
 *   targets: [{ provider: "openai", model: "gpt-4o" }, { provider: "groq", model: "openai/gpt-oss-20b" }]
 * })
 * const request = Request.make({ provider: "any", messages: "Hi", options: { model: "auto" } })
 * const run = Effect.provide(Pipeline.run([route], request), Layer.merge(both, Route.memory()))
 * const final = Effect.runSync(run)
 * Result.text(final.result) // => "cheap"
 * Request.get(final, Route.decision)?.chosen // => "groq/openai/gpt-oss-20b"
 * ```
 *
 * @module
 */
import { LlmError, type Made, Plug, type Request, Suggest } from "@plugline/core"
import { Effect, Schema } from "effect"
import { Prices } from "./cost/charge.ts"
import type { When } from "./fallback/movesOn.ts"
import { checkEntry, childrenOf, nameOf, shownTarget, targetFields, way, wrong } from "./fallback/target.ts"
import type { Providers } from "./Providers.ts"
import { Span } from "./retry/span.ts"
import { meant } from "./route/choose.ts"
import type { RouteOptions, RouteTarget } from "./route/decision.ts"
import { strategies } from "./route/order.ts"
import { type Ready, ready } from "./route/ready.ts"
import { Router } from "./route/Router.ts"
import { memory, RouteState } from "./route/RouteState.ts"

export { memory, RouteState }
export { session } from "./route/choose.ts"
export { calls, decision } from "./route/decision.ts"
export { lacks, needs } from "./route/fit.ts"
export { fraction, order } from "./route/order.ts"
export type { Aliases } from "./route/choose.ts"
export type { Decision, RouteOptions, RouteTarget } from "./route/decision.ts"
export type { Abilities, Needs } from "./route/fit.ts"
export type { Contender, Moment, Strategy } from "./route/order.ts"
export type { Health, RouteStateOptions } from "./route/RouteState.ts"

const isFunction = <F>(value: unknown): value is F => typeof value === "function"
const aFunction = <F>() => Schema.declare(isFunction<F>, { expected: "a function" })

/** The options as they are checked; see {@link RouteOptions}. */
export const Options = Schema.Struct({
  targets: Schema.Array(Schema.Unknown),
  strategy: Schema.optionalKey(Schema.Literals(strategies)),
  aliases: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Array(Schema.String)]))),
  otherModels: Schema.optionalKey(Schema.Literals(["refuse", "pass"])),
  key: Schema.optionalKey(aFunction<(request: Request) => string | undefined>()),
  experiment: Schema.optionalKey(Schema.String),
  explore: Schema.optionalKey(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  strict: Schema.optionalKey(Schema.Boolean),
  attempts: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  when: Schema.optionalKey(aFunction<When>()),
  timeout: Schema.optionalKey(Span),
  deadline: Schema.optionalKey(Span),
  through: Schema.optionalKey(Schema.Literals(["providers", "rest"])),
  pool: Schema.optionalKey(Schema.String)
})

/** See the module. */
export const plug = <R = never>(options: RouteOptions<R>): Plug<R | Providers | RouteState> => {
  const { check, make } = configured(options as typeof Options.Encoded)
  return Plug.of<R | Providers | RouteState>({
    name: "route",
    options: shown(options),
    children: childrenOf<R>(options?.targets, label),
    check,
    // What the targets need is in the type of the options; the schema cannot say it.
    make: make as Effect.Effect<Made, LlmError, R | Providers | RouteState>
  })
}

const label = (index: number): string => `target${index + 1}`

const shown = ({ aliases, strategy, targets }: RouteOptions<unknown>) => ({
  strategy: strategy ?? "first",
  targets: (Array.isArray(targets) ? targets as ReadonlyArray<RouteTarget<unknown>> : []).flatMap((target) =>
    typeof target !== "object" || target === null
      ? []
      : [{ ...shownTarget(target), ...(target.weight !== undefined && { weight: target.weight }) }]),
  ...(aliases !== undefined && { aliases })
})

const configured = Plug.configurable<typeof Options, Providers | RouteState>("route", Options, (options) =>
  Plug.of({
    name: "route",
    make: Effect.gen(function*() {
      const given = options as unknown as RouteOptions
      const [catalog, state] = [yield* Prices, yield* RouteState]
      const targets: Array<Ready> = []
      for (const [index, target] of given.targets.entries()) {
        const problem = problemOf(target, index, targets)
        if (problem !== undefined) return yield* Effect.fail(problem)
        const handle = yield* way(target, label(index), given.through ?? "providers")
        targets.push(ready(target, handle, state, catalog, given))
      }
      if (targets.length === 0) return yield* Effect.fail(wrong("route", "targets", "a list of at least one target"))
      for (const [alias, listed] of Object.entries(given.aliases ?? {})) {
        for (const name of typeof listed === "string" ? [listed] : listed) {
          if (meant(name, targets, {}).length > 0 && name !== "auto") continue
          const known = targets.map((target) => target.name)
          return yield* Effect.fail(LlmError.make({
            _tag: "Configuration",
            option: `aliases.${alias}`,
            value: name,
            expected: known.join(", "),
            message: `aliases.${alias}: ${Suggest.refusal("target", name, known)}`
          }))
        }
      }
      return new Router(given, targets, state, catalog).handle
    })
  }))

const problemOf = (target: RouteTarget, index: number, before: ReadonlyArray<Ready>): LlmError | undefined => {
  const path = `targets.${index}`
  const problem = checkEntry("route", path, target, [...targetFields, "weight", "capabilities", "context"])
  if (problem !== undefined) return problem
  const { weight } = target
  if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0)) return wrong("route", `${path}.weight`, "a number of 0 or more")
  return before.some(({ name }) => name === nameOf(target))
    ? wrong("route", `${path}.name`, `a name that no other target has; ${Suggest.quote(nameOf(target))} is taken`)
    : undefined
}
