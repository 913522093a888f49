/**
 * Everything that happens to a request happens in a plug: a named, inspectable value that handles a request, given the rest
 * of the line. Constructors from the simplest to the deepest reaching: {@link make}, {@link after}, {@link around},
 * {@link monitor}, {@link mapParts}, {@link stream}; those that take pipelines: {@link branch}, {@link parallel},
 * {@link race}, {@link group}; and {@link configurable} for plugs with options, {@link of} for plugs with services.
 *
 * @module
 */
import { Deferred, Effect, Fiber } from "effect"
import { compile, type Compiled, flatten, reach } from "./Compile.ts"
import * as Guard from "./Guard.ts"
import * as LlmError from "./LlmError.ts"
import * as Reply from "./Reply.ts"
import { fail, patch, type Request } from "./Request.ts"
import { type Answer, of, type Pipeline, type Plug } from "./Step.ts"

export { configurable } from "./Configurable.ts"
export { monitor, type MonitorOptions, type Seen, type Verdict } from "./Monitor.ts"
export { After, after, anywhere, around, isPlug, Linear, make, mapParts, of, Plug, stream } from "./Step.ts"
export type { Answer, Handler, Init, Level, Made, Next, Order, Pipeline, PlugLike, StreamHooks } from "./Step.ts"

/** A plug that changes nothing. */
export const identity: Plug = of({ name: "identity", make: Effect.succeed((request, next) => next(request)) })

/** A named piece of a pipeline: runs as if its plugs stood here, and is shown as one node. */
export const group = <R = never>(name: string, plugs: Pipeline<R>): Plug<R> =>
  of({
    name,
    children: { plugs },
    make: Effect.map(compile(plugs, "plugs"), ({ handle }) => (request, next) => Guard.effect(handle(request, next)))
  })

/**
 * Takes one of two ways, and goes on with the rest of the line behind either. `no` may be left out.
 *
 * @example
 * ```ts
 * import { Message, Pipeline, Plug, Request } from "@plugline/core"
 * import { Effect } from "effect"
 *
 * const bySize = Plug.branch("by-size", (request) => Message.text(request.messages).length > 10, {
 *   yes: [Plug.make("large", Request.mergeOptions({ model: "large" }))],
 *   no: [Plug.make("small", Request.mergeOptions({ model: "small" }))]
 * })
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * Effect.runSync(Pipeline.run([bySize], request)).options.model // => "small"
 * ```
 */
export const branch = <R = never, R2 = never>(
  name: string,
  predicate: (request: Request) => boolean | Effect.Effect<boolean, unknown>,
  ways: { readonly yes: Pipeline<R>; readonly no?: Pipeline<R2> }
): Plug<R | R2> => {
  const children: { readonly [label: string]: Pipeline<R | R2> } = ways.no === undefined
    ? { yes: ways.yes }
    : { yes: ways.yes, no: ways.no }
  return of<R | R2>({
    name,
    children,
    make: Effect.map(
      Effect.all([compile(ways.yes, "yes"), compile<R2>(ways.no ?? [], "no")]),
      ([yes, no]) => (request, next) => {
        const take = (way: boolean) => Guard.effect((way ? yes : no).handle(request, next))
        const way = predicate(request)
        return Effect.isEffect(way) ? Effect.flatMap(way, take) : take(way)
      }
    )
  })
}

/** How the outcomes of several pipelines become one request: the request as it was, and each pipeline's outcome by its name. */
export type Join = (request: Request, outcomes: { readonly [label: string]: Request }) => Answer

/**
 * Runs several pipelines on the same request at once and goes on with what {@link Join} makes of their outcomes.
 *
 * By default their assigns and metadata are put together (of two that write the same, the later in the list counts), their
 * errors are gathered, the first that answered gives the answer, and if one failed without any having answered, the request
 * has failed. Replies that are not used are closed. `concurrency`: how many at a time. Default: all.
 */
export const parallel = <R = never>(
  name: string,
  pipelines: { readonly [label: string]: Pipeline<R> },
  options: { readonly join?: Join; readonly concurrency?: number } = {}
): Plug<R> =>
  of({
    name,
    options: options.concurrency === undefined ? null : { concurrency: options.concurrency },
    children: pipelines,
    make: Effect.map(compileAll(pipelines, misplaced(name, pipelines)), ([compiled, refused]) => (request, next) =>
      refused(request) ?? Effect.flatMap(
        Effect.forEach(compiled, ([label, { handle }]) =>
          Effect.map(Effect.suspend(() => Guard.effect(handle(request))), (outcome) => [label, outcome] as const), {
          concurrency: options.concurrency ?? "unbounded"
        }),
        (outcomes) => {
          const joined = Guard.settle(name, request, attempt(() => (options.join ?? gather)(request, Object.fromEntries(outcomes))))
          return Effect.flatMap(Guard.effect(joined), (joined) =>
            Effect.andThen(
              leaveAll(outcomes.flatMap(([, outcome]) => outcome.reply?.source === joined.reply?.source ? [] : [outcome])),
              joined.halted ? Effect.succeed(joined) : next(joined)
            ))
        }
      ))
  })

const gather: Join = (request, outcomes) => {
  const all = Object.values(outcomes)
  const answered = all.find((outcome) => outcome.state === "completed" || outcome.state === "streaming")
  const failed = all.find((outcome) => outcome.state === "error")
  const base = answered ?? failed ?? request
  return patch(base, {
    assigns: Object.fromEntries(all.flatMap((outcome) => Object.entries(outcome.assigns))),
    metadata: Object.fromEntries(all.flatMap((outcome) => Object.entries(outcome.metadata))),
    errors: [...request.errors, ...all.flatMap((outcome) => newErrors(request, outcome))]
  })
}

const newErrors = (before: Request, after: Request): ReadonlyArray<LlmError.LlmError> => after.errors.slice(before.errors.length)

/**
 * Runs several pipelines on the same request at once; the first that does not fail wins, and the others are interrupted and
 * their replies closed. A stream has won when its first part is there. If all fail, the request has failed with the errors
 * of all. The errors of those that failed before the winner stay on the request.
 */
export const race = <R = never>(name: string, pipelines: { readonly [label: string]: Pipeline<R> }): Plug<R> =>
  of({
    name,
    children: pipelines,
    make: Effect.map(compileAll(pipelines, misplaced(name, pipelines)), ([compiled, refused]) => (request, next) =>
      refused(request) ?? Effect.flatMap(contest(request, compiled.map(([, { handle }]) => handle)), (winner) =>
        winner.halted ? Effect.succeed(winner) : next(winner)))
  })

const contest = (request: Request, lanes: ReadonlyArray<Compiled["handle"]>): Effect.Effect<Request> =>
  lanes.length === 0 ? Effect.succeed(request) : Effect.suspend(() => {
    const won = Deferred.makeUnsafe<Request>()
    const lost: Array<Request> = []
    let decided = false
    const arrive = (outcome: Request): Effect.Effect<void> => {
      if (decided) return leaveAll([outcome])
      if (outcome.state === "error" && lost.push(outcome) < lanes.length) return Effect.void
      decided = true
      const errors = lost.flatMap((other) => other === outcome ? [] : newErrors(request, other))
      const all = errors.length === 0
        ? outcome
        : patch(outcome, { errors: [...request.errors, ...errors, ...newErrors(request, outcome)] })
      return Effect.asVoid(Deferred.succeed(won, all))
    }
    return Effect.gen(function*() {
      const fibers: Array<Fiber.Fiber<void>> = []
      for (const lane of lanes) {
        fibers.push(yield* Effect.forkChild(Effect.flatMap(Effect.suspend(() => Guard.effect(lane(request))), arrive)))
      }
      return yield* Effect.onExit(Deferred.await(won), () => {
        decided = true
        return Fiber.interruptAll(fibers)
      })
    })
  })

const compileAll = <R, A>(pipelines: { readonly [label: string]: Pipeline<R> }, also: A) =>
  Effect.map(
    Effect.forEach(Object.entries(pipelines), ([label, pipeline]) =>
      Effect.map(compile(pipeline, label), (compiled) => [label, compiled] as const)),
    (compiled) => [compiled, also] as const
  )

const leaveAll = (requests: ReadonlyArray<Request>): Effect.Effect<void> =>
  Effect.forEach(requests.filter(({ reply }) => reply !== undefined), Reply.abandon, { discard: true })

/**
 * Pipelines side by side cannot change the parts of one and the same reply, and what they do at its end would be lost if the
 * reply went on to a plug that does. Where such a plug stands behind the provider, it says so.
 */
const misplaced = (name: string, pipelines: { readonly [label: string]: Pipeline<unknown> }) => {
  const deep = Object.values(pipelines).flatMap((pipeline) => flatten(pipeline)).find((plug) => reach(plug) > 0)
  return (request: Request): Request | undefined => {
    const inside = deep !== undefined && (request.state === "streaming" || request.state === "completed")
    // It would have waited for the end of the stream, were there not a plug behind it that changes parts.
    if (!inside && request.state !== "streaming") return undefined
    return fail(request, LlmError.make({
      _tag: "Configuration",
      option: name,
      message: inside
        ? `plug ${JSON.stringify(deep.name)} changes the parts of a reply, and so the pipelines it stands in must come before the provider`
        : "stands behind the provider and before a plug that changes the parts of a reply; one of the two must come before the provider"
    }))
  }
}

const attempt = (f: () => unknown): unknown => {
  try {
    return f()
  } catch (thrown) {
    return Effect.die(thrown)
  }
}

