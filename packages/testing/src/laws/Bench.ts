/**
 * Where laws are tried: runs pipelines around the subject on a clock of their own, with seeded random numbers and fresh
 * services each time, and hands back everything that could be seen.
 *
 * @module
 */
import { Pipeline, Request, Result, Trace } from "@plugline/core"
import type { Live, LlmError, Observer, Parts, RunOptions } from "@plugline/core"
import { Cause, Clock, Effect, Exit, Fiber, type Layer, Random, type Scope } from "effect"
import type fc from "fast-check"
import { VirtualClock } from "@plugline/replay"
import { differences, plain } from "./compare.ts"
import { Breach, type LawName, type Trials } from "./Law.ts"
import { loose } from "./plain.ts"

/** What laws need to know besides the subject. */
export interface Options<R = never> extends Trials {
  /** The services the subject needs. Built anew for each run, so that runs do not know of each other. */
  readonly services?: Layer.Layer<R, unknown>
  /** Which requests to try it with. Default: any that have not been answered. */
  readonly requests?: fc.Arbitrary<Request>
  /** Laws that are not meant to hold. Default: none. */
  readonly except?: ReadonlyArray<LawName>
  /**
   * Paths in a request that may differ between runs that should be equal, as in `metadata.timing`. Default: none.
   */
  readonly ignore?: ReadonlyArray<string>
  /**
   * What time the subject lives in: `virtual`, where sleeping is for free and time stands still while something is
   * done, or `live`, for one that reaches outside. Default: `virtual`.
   */
  readonly clock?: "virtual" | "live"
  /** How long a run may take before it counts as one that never ends, in ms. Default: 2,000. */
  readonly patience?: number
  /** What runs a pipeline. Default: `Pipeline.run`. */
  readonly run?: Run
  /** What opens a pipeline to a reader of parts. Default: `Pipeline.open`. */
  readonly open?: Open
}

export type Run = <R = never>(pipeline: Pipeline<R>, request: Request, options?: RunOptions) =>
  Effect.Effect<Request, LlmError, R>

export type Open = <R = never>(
  pipeline: Pipeline<R>,
  request: Request,
  options?: RunOptions & { readonly keep?: boolean }
) => Effect.Effect<Live, LlmError, R | Scope.Scope>

/** The subject, and how to run it. */
export interface Bench<R> {
  readonly name: string
  /** A pipeline that holds the subject; made anew for each run where the subject is given as a function. */
  readonly subject: () => Pipeline<R>
  readonly options: Options<R>
}

/** How a run ended: with a request, interrupted, or (which must not be) in another way. */
export interface Ran {
  readonly exit: Exit.Exit<Request, unknown> | "never"
  readonly trace: Trace
}

/**
 * Runs a pipeline to its end, on a copy of the request: what a faulty plug writes into it is not in the next run.
 * `interruptWhen`: interrupts it once this has come to pass.
 */
export const run = async <R>(
  { options }: Bench<R>,
  pipeline: Pipeline<R>,
  request: Request,
  { interruptWhen, observer }: { readonly interruptWhen?: () => boolean; readonly observer?: Observer } = {}
): Promise<Ran> => {
  const recorder = Trace.recorder({ now: () => 0 })
  const go = options.run ?? (Pipeline.run as Run)
  const exit = await settle(options, go(pipeline, loose(request), { observer: observer ?? recorder.observer }),
    interruptWhen)
  const final = exit !== "never" && Exit.isSuccess(exit) ? exit.value : undefined
  return { exit, trace: recorder.trace(final) }
}

/** Runs a pipeline whose end is a request: everything else is a breach. */
export const finalOf = async <R>(bench: Bench<R>, pipeline: Pipeline<R>, request: Request): Promise<Request> =>
  requestOf(await run(bench, pipeline, request))

/** The request a run ended with: everything else is a breach. */
export const requestOf = ({ exit }: Pick<Ran, "exit">): Request => {
  if (exit === "never") throw new Breach("the run did not come to an end")
  if (Exit.isFailure(exit)) throw new Breach(`the run itself failed: ${Cause.pretty(exit.cause)}`)
  if (!(exit.value instanceof Request.Request)) {
    throw new Breach(`the run ended with ${String(exit.value)} in place of a request`)
  }
  return exit.value
}

/** What a reader of parts got. */
export interface Heard {
  readonly parts: Parts
  readonly final: Request | undefined
}

/** Reads a reply part by part. `take`: after how many pulls the reader leaves. Default: at the end. */
export const read = async <R>(
  bench: Bench<R>,
  pipeline: Pipeline<R>,
  request: Request,
  { observer, take = Infinity }: { readonly take?: number; readonly observer?: Observer } = {}
): Promise<Heard> => {
  const open = bench.options.open ?? (Pipeline.open as Open)
  const parts: Array<Parts[number]> = []
  const heard = Effect.scoped(Effect.gen(function*() {
    const live = yield* open(pipeline, loose(request), { keep: true, ...(observer !== undefined && { observer }) })
    for (let pulls = 0; pulls < take; pulls++) {
      const some = yield* live.pull
      if (some === undefined) break
      parts.push(...some)
    }
    return live.final()
  }))
  const exit = await settle(bench.options, heard)
  if (exit === "never") throw new Breach("reading the reply did not come to an end")
  if (Exit.isFailure(exit)) throw new Breach(`reading the reply failed: ${Cause.pretty(exit.cause)}`)
  return { parts, final: exit.value }
}

/** Runs an effect in the subject's world. */
export const settle = async <A, R>(
  { clock, patience = 2_000, services }: Options<R>,
  effect: Effect.Effect<A, unknown, R>,
  interruptWhen?: () => boolean
): Promise<Exit.Exit<A, unknown> | "never"> => {
  const seeded = Random.withSeed(effect, "law")
  // A subject without services needs none; one with services cannot be given without them.
  const served = (services === undefined
    ? seeded
    : Effect.provide(seeded, services, { local: true })) as Effect.Effect<A, unknown>
  const fiber = Effect.runFork(clock === "live"
    ? served
    : Effect.provideService(served, Clock.Clock, VirtualClock.make()))
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<"never">((resolve) => {
    timer = setTimeout(() => resolve("never"), patience)
  })
  const ended = Effect.runPromise(Fiber.await(fiber))
  let over = false
  if (interruptWhen !== undefined) {
    const watch = (): void => {
      if (over) return
      if (interruptWhen()) fiber.interruptUnsafe()
      else setImmediate(watch)
    }
    watch()
  }
  const exit = await Promise.race([ended, late])
  over = true
  clearTimeout(timer)
  if (exit === "never") fiber.interruptUnsafe()
  return exit
}

/** A breach where two requests that should be equal are not. */
export const same = <R>({ options }: Bench<R>, what: string, a: Request, b: Request): void => {
  const found = differences(plain(a, options.ignore), plain(b, options.ignore))
  if (found !== "") throw new Breach(`${what}\n${found}`)
}

/** What the parts a reader got fold into. */
export const foldOf = (parts: Parts, request: Request) =>
  Result.fold(parts, request.operation === "completion" ? "completion" : "chat")
