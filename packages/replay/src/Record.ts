/**
 * Writes down a run with everything that came into it from outside, so that it can be run again, anywhere and at any
 * time, and must then go the same way step by step.
 *
 * @module
 */
import { Json, LlmError, Pipeline, Request, Trace } from "@plugline/core"
import type { Compiled, JsonObject, RequestJson, TraceJson } from "@plugline/core"
import { Effect } from "effect"
import { begin, missingEdge, type Recording, type Tape, taped } from "./Tape.ts"
import type { World } from "./World.ts"

/**
 * Runs a request like `Pipeline.run` and records it. What the plugs at the edge answer is kept, and what the stores on the
 * tape do; so are all times and random numbers read from Effect's `Clock` and `Random`. `Math.random` and `Date.now` are out
 * of its reach.
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
  tape: Tape
): Effect.Effect<Recording & { readonly outcome: Request }, LlmError, R> => {
  const missing = missingEdge(pipeline, tape)
  if (missing !== undefined) return Effect.fail(missing)
  return Effect.flatMap(taped(tape)(Pipeline.compile(pipeline) as Effect.Effect<Compiled, LlmError, R>), (compiled) =>
    Effect.flatMap(begin(request), ({ during, observer, recording }) =>
      Effect.map(during(() => Pipeline.runCompiled(compiled, request, { observer })), (outcome) => recording(outcome))))
}

// --- storing ----------------------------------------------------------------------------------------------------------

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
  const world = worldFrom(data.world, no)
  if (trace.final === undefined && world.left === undefined) throw no("trace.final")
  return { request: Request.fromJson(data.request), trace, outcome: trace.final, world }
}

const isNumber = (value: unknown): boolean => typeof value === "number"
const isWhole = (value: unknown): boolean => typeof value === "string" && /^-?\d{1,30}$/.test(value)

/** What must be in the lists of the clock and the random numbers. */
const lists: { readonly [group: string]: { readonly [list: string]: (value: unknown) => boolean } } = {
  clock: { millis: isNumber, nanos: isWhole, monotonic: isWhole },
  random: { integers: isNumber, doubles: isNumber }
}

const worldFrom = (json: unknown, no: (what: string) => LlmError): World => {
  const world = json as { readonly [name: string]: { readonly [name: string]: unknown } } | null | undefined
  for (const [group, known] of Object.entries(lists)) {
    for (const [list, fits] of Object.entries(known)) {
      const entries = world?.[group]?.[list]
      if (!Array.isArray(entries) || !entries.every(fits)) throw no(`world.${group}.${list}`)
    }
  }
  const naps = world?.clock?.naps ?? []
  if (!Array.isArray(naps) || !naps.every((nap) => [nap?.at, nap?.asked, nap?.took].every(isNumber))) throw no("world.clock.naps")
  for (const [list, fields] of [["exchanges", ["plug"]], ["stores", ["store", "method"]]] as const) {
    const entries: unknown = world?.[list] ?? (list === "stores" ? [] : undefined)
    const fits = (entry: JsonObject | null): boolean =>
      Json.isRecord(entry) && Json.isRecord(entry.outcome) && typeof entry.outcome._tag === "string" && isNumber(entry.took)
      && fields.every((field) => typeof entry[field] === "string")
    if (!Array.isArray(entries) || !entries.every(fits)) throw no(`world.${list}`)
  }
  const left: unknown = world?.left
  if (left !== undefined && typeof left !== "number") throw no("world.left")
  return json as World
}
