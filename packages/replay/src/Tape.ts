/**
 * Records runs by hand, for programs that run their requests in their own way: what compiles a pipeline is put on the
 * tape once, and each run that is to be recorded runs at a desk of its own.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Mock, Replay } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const { pipeline } = Mock.make(["Hello"])
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * const recording = Effect.gen(function*() {
 *   const compiled = yield* Replay.taped({ edge: "mock" })(Pipeline.compile(pipeline))
 *   const taping = yield* Replay.begin(request)
 *   const { observer } = taping
 *   const outcome = yield* taping.during(() => Pipeline.runCompiled(compiled, request, { observer }))
 *   return taping.recording(outcome)
 * })
 * Effect.runSync(recording).world.exchanges.length // => 1
 * ```
 *
 * @module
 */
import { LlmError, Pipeline, type Request, Suggest, Trace } from "@plugline/core"
import type { Node, Observer, Recorder } from "@plugline/core"
import { Clock, Context, Effect, Exit, Random } from "effect"
import { at, clockOfRun, Desk, elapsed, randomOfRun, recording } from "./Desk.ts"
import { recorded as recordedEdge, remade, weightOfPart } from "./Edge.ts"
import { copy, empty, type Log, worldOf } from "./Log.ts"
import { recorded as recordedStore, type Store } from "./Stores.ts"
import type { World } from "./World.ts"

/** A recorded run. */
export interface Recording {
  /** What was asked. */
  readonly request: Request
  /** What each plug was handed and handed on. */
  readonly trace: Trace
  /** The request after the run; `undefined` where whoever asked had left, or the run was interrupted. */
  readonly outcome: Request | undefined
  /** What came in from outside, as JSON: made when it is first looked at, not while the request is on its way. */
  readonly world: World
}

/** Where a run touches the world outside. */
export interface Tape {
  /** The names of the plugs that do, wherever they stand. They must answer by themselves, without the rest of the line. */
  readonly edge: string | ReadonlyArray<string>
  /**
   * Whether an edge is refused that is not to be seen in the pipeline. Default: true. A pipeline that is compiled while a request
   * runs, as those of providers by name, is not to be seen.
   */
  readonly strict?: boolean
  /** The services that plugs keep things in. Default: none. */
  readonly stores?: ReadonlyArray<Store>
}

/** A run that is being recorded. */
export interface Taping {
  /** To be given to `Pipeline.runCompiled` or `openCompiled`. */
  readonly observer: Observer
  /** Runs what was compiled under {@link taped}. All that is read from `Clock` and `Random` in there is recorded. */
  readonly during: <A, E, R>(run: () => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** What was recorded so far. Without an outcome whoever asked had left by now. */
  readonly recording: {
    (outcome: Request): Recording & { readonly outcome: Request }
    (outcome?: Request): Recording
  }
  /** Whether it held too much and was given up: then its recording is worth nothing. */
  readonly isOver: () => boolean
}

/** How a run is recorded. */
export interface Beginning {
  /** Whether its plugs are given spans, which read the clock. Default: false. */
  readonly spans?: boolean
  /** About how many bytes of memory it may hold, from where on it is given up. Default: as many as it takes. */
  readonly limit?: number
}

/**
 * Puts what compiles a pipeline on the tape: its edges, its stores, the clock and the random numbers that its plugs take when
 * they are made. What was compiled so runs as ever, except in {@link Taping.during}, where everything is written down: compiled
 * once, it serves every run.
 */
export const taped = ({ edge, stores = [] }: Tape) => {
  const names = namesOf(edge)
  return <A, E, R>(compiling: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(compiling, (context: Context.Context<R>) => {
      const untaped = outsideOf(context, stores)
      const rewrite = Context.get(context, Pipeline.Rewrite)
      return withStores(context, stores, recordedStore).pipe(
        Context.add(Clock.Clock, clockOfRun(Context.get(context, Clock.Clock))),
        Context.add(Random.Random, randomOfRun(Context.get(context, Random.Random))),
        Context.add(Pipeline.Rewrite, (plug, path) => {
          const here = rewrite(plug, path)
          if (names.has(here.name)) return recordedEdge(here, untaped)
          return Exit.isExit(here.make) ? here : remade(here, Effect.updateContext(here.make, withoutDesk))
        })
      )
    })
}

/** A plug may keep the context it is made in, and be made while a request runs: the desk of that run is not for others. */
const withoutDesk = <R>(context: Context.Context<R>): Context.Context<R> => Context.omit(Desk)(context) as Context.Context<R>

/** Puts back what was there before anything was put on the tape. */
const outsideOf = (before: Context.Context<never>, stores: ReadonlyArray<Store>) => {
  const kept = Context.pick(...stores.map(({ service }) => service))(before)
  return <R>(context: Context.Context<R>): Context.Context<R> =>
    withoutDesk(Context.merge(context, kept)).pipe(
      Context.add(Clock.Clock, Context.get(before, Clock.Clock)),
      Context.add(Random.Random, Context.get(before, Random.Random))
    )
}

/** The stores that are at hand, with something put around each. */
export const withStores = <R>(
  context: Context.Context<R>,
  stores: ReadonlyArray<Store>,
  around: (store: Store, service: object) => object
): Context.Context<R> =>
  stores.reduce((context, store) => {
    const service = Context.getOrUndefined(context, store.service)
    const isThere = typeof service === "function" || (typeof service === "object" && service !== null)
    return isThere ? Context.add(context, store.service, around(store, service)) : context
  }, context)

/** Begins to record a run. Its times go by the clock at hand. */
export const begin = (request: Request, options: Beginning = {}): Effect.Effect<Taping> =>
  Effect.withFiber(({ context }) =>
    Effect.succeed(taping(request, Context.get(context, Clock.Clock), Context.get(context, Random.Random), options)))

const taping = (
  request: Request,
  clock: Clock.Clock,
  random: Random.Random,
  { limit = Infinity, spans = false }: Beginning
): Taping => {
  const log = empty()
  let held = 0
  let over = false
  const isOver = () => over
  const startedAt = clock.currentTimeMillisUnsafe()
  const begun = elapsed(clock)
  const now = () => elapsed(clock) - begun
  let recorder: Recorder | undefined = Trace.recorder({ now: () => elapsed(clock), startedAt })
  const weigh = (bytes: number): void => {
    held += bytes
    if (held <= limit) return
    over = true
    recorder = undefined
    for (const list of Object.values(log)) list.length = 0
  }
  const desk = recording(log, { clock, random }, { isOver, now, weigh })
  let leftAt: number | undefined
  const leave = Effect.sync(() => {
    leftAt ??= now()
  })
  return {
    isOver,
    observer: limit === Infinity ? recorder.observer : observerOf(() => recorder?.observer, weigh),
    during: (run) => Effect.onExit(at(desk, run), () => leave),
    recording: (outcome?: Request): Recording & { readonly outcome: Request } => {
      // It may be looked at long after.
      const left = outcome === undefined ? { left: leftAt ?? now() } : {}
      const trace = recorder?.trace(outcome) ?? new Trace.Trace({ startedAt, steps: [], ends: [], parts: [], final: outcome })
      // The type says that an outcome which was given is there.
      const made = recordingOf(request, trace, outcome, copy(log), { ...left, ...(spans && { spans }) })
      return made as Recording & { readonly outcome: Request }
    }
  }
}

/** An observer that weighs what it hands on, and hands on no more once it is too much. */
const observerOf = (observer: () => Observer | undefined, weigh: (bytes: number) => void): Observer => ({
  enter: (step, request) => {
    weigh(weightOfStep)
    return observer()?.enter(step, request) ?? nowhere
  },
  pass: (visit, request) => {
    if (visit !== nowhere) observer()?.pass(visit, request)
  },
  receive: (visit, request) => {
    if (visit !== nowhere) observer()?.receive(visit, request)
  },
  leave: (visit, request) => {
    if (visit !== nowhere) observer()?.leave(visit, request)
  },
  finish: (plug, before, after) => observer()?.finish(plug, before, after),
  parts: (plug, parts) => {
    weigh(parts.reduce((sum, part) => sum + weightOfPart(part), 0))
    observer()?.parts(plug, parts)
  }
})

const nowhere = {}

/** What a step takes up in memory, in bytes, roughly. */
const weightOfStep = 1_000

/** A recording, whose world is made when it is looked at. */
export const recordingOf = (
  request: Request,
  trace: Trace,
  outcome: Request | undefined,
  log: Log,
  more: Pick<World, "left" | "spans">
): Recording => {
  let world: World | undefined
  return {
    request,
    trace,
    outcome,
    get world() {
      return world ??= { ...worldOf(log), ...more }
    }
  }
}

// --- edges ------------------------------------------------------------------------------------------------------------

/** The names of the edges. */
export const namesOf = (edge: Tape["edge"]): ReadonlySet<string> => new Set(typeof edge === "string" ? [edge] : edge)

/** Why a pipeline cannot be recorded so, if it cannot. */
export const missingEdge = <R>(pipeline: Pipeline<R>, { edge, strict = true }: Tape): LlmError | undefined => {
  if (!strict) return undefined
  const known = plugNames(Pipeline.inspect(pipeline))
  const missing = [...namesOf(edge)].find((name) => !known.includes(name))
  return missing === undefined ? undefined : LlmError.make({
    _tag: "Configuration",
    option: "edge",
    value: missing,
    message: Suggest.refusal("plug", missing, known)
  })
}

const plugNames = (nodes: ReadonlyArray<Node>): ReadonlyArray<string> =>
  nodes.flatMap(({ children, name }) => [name, ...Object.values(children).flatMap(plugNames)])
