/**
 * Writes down a run with everything that came into it from outside, so that it can be run again, anywhere and at any
 * time, and must then go the same way step by step.
 *
 * @module
 */
import { LlmError, Pipeline, Request, Suggest, Trace } from "@plugline/core"
import type { JsonObject, Node, RequestJson, TraceJson } from "@plugline/core"
import { Clock, Effect, Random } from "effect"
import { edge } from "./Edge.ts"
import { Desk, elapsed, emptyLog, loggedClock, loggedRandom, type World, worldOfLog } from "./World.ts"

/** A recorded run. */
export interface Recording {
  /** What was asked. */
  readonly request: Request
  /** What each plug was handed and handed on. */
  readonly trace: Trace
  /** The request after the run. */
  readonly outcome: Request
  /** What came in from outside. */
  readonly world: World
}

/** Where a run touches the world outside. */
export interface Edges {
  /**
   * The names of the plugs that do, wherever they stand. They must answer by themselves, without the rest of the line.
   */
  readonly edge: string | ReadonlyArray<string>
}

/**
 * Runs a request like `Pipeline.run` and records it. What the plugs at the edge answer is kept; so are all times and
 * random numbers read from Effect's `Clock` and `Random`. `Math.random` and `Date.now` are out of its reach.
 *
 * Fails with `Configuration` where an edge is named that is not there.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Mock, Replay } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const { pipeline } = Mock.make(["Hello"])
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * const recording = Effect.runSync(Replay.record(pipeline, request, { edge: "mock" }))
 * const replayed = Effect.runSync(Replay.replay(pipeline, recording, { edge: "mock" }))
 * Replay.equal(recording, replayed) // => []
 * ```
 */
export const record = <R = never>(
  pipeline: Pipeline<R>,
  request: Request,
  edges: Edges
): Effect.Effect<Recording, LlmError, R> =>
  Effect.flatMap(Effect.all([Clock.Clock, Random.Random]), ([clock, random]) => {
    const log = emptyLog()
    const startedAt = clock.currentTimeMillisUnsafe()
    const { observer, trace } = Trace.recorder({ now: () => elapsed(clock), startedAt })
    return withEdges(pipeline, edges, Pipeline.run(pipeline, request, { observer })).pipe(
      Effect.map((outcome): Recording => ({ request, trace: trace(outcome), outcome, world: worldOfLog(log) })),
      Effect.provideService(Desk, { _tag: "Record", log, outside: { clock, random } }),
      Effect.provideService(Random.Random, loggedRandom(log, random)),
      Effect.provideService(Clock.Clock, loggedClock(clock, log, {
        millis: () => clock.currentTimeMillisUnsafe(),
        nanos: () => clock.currentTimeNanosUnsafe(),
        monotonic: () => clock.monotonicTimeNanosUnsafe()
      }))
    )
  })

/** Runs something in which the named plugs of a pipeline are edges. */
export const withEdges = <R, A, R2>(
  pipeline: Pipeline<R>,
  { edge: given }: Edges,
  run: Effect.Effect<A, LlmError, R2>
): Effect.Effect<A, LlmError, R2> => {
  const wanted = typeof given === "string" ? [given] : given
  const names = namesOf(Pipeline.inspect(pipeline))
  const missing = wanted.find((name) => !names.includes(name))
  if (missing !== undefined) {
    return Effect.fail(LlmError.make({
      _tag: "Configuration",
      option: "edge",
      value: missing,
      message: Suggest.refusal("plug", missing, names)
    }))
  }
  return Effect.flatMap(Pipeline.Rewrite, (rewrite) =>
    Effect.provideService(run, Pipeline.Rewrite, (plug, path) => {
      const here = rewrite(plug, path)
      return wanted.includes(here.name) ? edge(here) : here
    }))
}

const namesOf = (nodes: ReadonlyArray<Node>): ReadonlyArray<string> =>
  nodes.flatMap(({ children, name }) => [name, ...Object.values(children).flatMap(namesOf)])

// --- storing
// ----------------------------------------------------------------------------------------------------------

/** A recording as JSON. */
export interface RecordingJson {
  readonly version: 1
  readonly request: RequestJson
  readonly trace: TraceJson
  readonly world: World
}

/** The recording as JSON, secrets masked. */
export const encode = ({ request, trace, world }: Recording): RecordingJson => ({
  version: 1,
  request: Request.toJson(request),
  trace: Trace.encode(trace),
  world
})

/**
 * Reads a recording back.
 *
 * @throws LlmError `InvalidRequest` when the JSON is no recording.
 */
export const decode = (json: unknown): Recording => {
  const no = (what: string) =>
    LlmError.make({
      _tag: "InvalidRequest",
      parameter: what,
      message: `this JSON is no recording: ${what} does not fit`
    })
  const data = (typeof json === "object" && json !== null ? json : {}) as JsonObject
  if (data.version !== 1) throw no("version")
  const trace = Trace.decode(data.trace)
  if (trace.final === undefined) throw no("trace.final")
  return { request: Request.fromJson(data.request), trace, outcome: trace.final, world: worldOf(data.world, no) }
}

const worldOf = (json: unknown, no: (what: string) => LlmError): World => {
  const world = json as { readonly [name: string]: { readonly [name: string]: unknown } } | null | undefined
  const groups = { clock: ["millis", "nanos", "monotonic"], random: ["integers", "doubles"] }
  for (const [group, lists] of Object.entries(groups)) {
    for (const list of lists) if (!Array.isArray(world?.[group]?.[list])) throw no(`world.${group}.${list}`)
  }
  if (!Array.isArray(world?.exchanges)) throw no("world.exchanges")
  return json as World
}
