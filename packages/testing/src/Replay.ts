/**
 * Runs a recorded request again, with the clock, the random numbers and the answers of the recording, and shows where
 * it went another way. It touches nothing outside and waits for nothing.
 *
 * @module
 */
import { Diff, Pipeline, Request, Trace } from "@plugline/core"
import type { JsonObject, LlmError } from "@plugline/core"
import { Clock, Effect, Random } from "effect"
import { sameRequest } from "./Edge.ts"
import { type Edges, type Recording, withEdges } from "./Record.ts"
import * as VirtualClock from "./VirtualClock.ts"
import { Desk, elapsed, emptyLog, type Exchange, loggedClock, loggedRandom, type World, worldOfLog } from "./World.ts"

export { decode, encode, record } from "./Record.ts"
export type { Edges, Recording, RecordingJson } from "./Record.ts"
export type { Exchange, Pull, World } from "./World.ts"

/** Something that is not as it was recorded. */
export interface Difference {
  /** `steps.2#1.out.options.temperature`: of the plug at place 2, visited for the first time. */
  readonly path: string
  readonly recorded: unknown
  readonly replayed: unknown
}

/**
 * Runs a recorded request through a pipeline again. Everything from outside comes from the recording; what it does not
 * hold is an error of the plug that asked. `edge`: as it was recorded.
 */
export const replay = <R = never>(
  pipeline: Pipeline<R>,
  recording: Recording,
  edges: Edges
): Effect.Effect<Recording, LlmError, R> =>
  Effect.suspend(() => {
    const log = emptyLog()
    const { request, trace, world } = recording
    const clock = VirtualClock.make(trace.startedAt)
    const { observer, trace: seen } = Trace.recorder({ now: () => elapsed(clock), startedAt: trace.startedAt })
    return withEdges(pipeline, edges, Pipeline.run(pipeline, request, { observer })).pipe(
      Effect.map((outcome): Recording => ({ request, trace: seen(outcome), outcome, world: worldOfLog(log) })),
      Effect.provideService(Desk, { _tag: "Play", log, take: taker(world.exchanges) }),
      Effect.provideService(Random.Random, loggedRandom(log, randomOf(world))),
      Effect.provideService(Clock.Clock, loggedClock(clock, log, timesOf(world, clock)))
    )
  })

/** The answer to a request: of those not yet given the first to an equal request, else the first of all. */
const taker = (exchanges: ReadonlyArray<Exchange>) => {
  const left = [...exchanges]
  return (plug: string, request: JsonObject): Exchange | undefined => {
    const equal = left.findIndex((exchange) => exchange.plug === plug && sameRequest(exchange.request, request))
    const at = equal >= 0 ? equal : left.findIndex((exchange) => exchange.plug === plug)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
}

const timesOf = ({ clock: { millis, monotonic, nanos } }: World, clock: Clock.Clock) => ({
  millis: player(millis, () => clock.currentTimeMillisUnsafe()),
  nanos: player(nanos.map(BigInt), () => clock.currentTimeNanosUnsafe()),
  monotonic: player(monotonic.map(BigInt), () => clock.monotonicTimeNanosUnsafe())
})

const randomOf = ({ random: { doubles, integers } }: World): Random.Random => ({
  nextIntUnsafe: player(integers, () => 0),
  nextDoubleUnsafe: player(doubles, () => 0)
})

/** Gives what was recorded, one after the other; then something, which {@link equal} will show as added. */
const player = <A>(recorded: ReadonlyArray<A>, then: () => A): () => A => {
  let at = 0
  return () => {
    const value = recorded[at++]
    return value === undefined ? then() : value
  }
}

/**
 * Where two runs went different ways: each step, its attempts, the ends of streams, the parts that reached the reader,
 * the outcome, and what was taken from outside. Times of the steps themselves do not count. Empty when they are equal.
 */
export const equal = (recorded: Recording, replayed: Recording): ReadonlyArray<Difference> => {
  const { added, changed, removed } = Diff.between(comparable(recorded), comparable(replayed))
  return [
    ...changed.map(({ after, before, path }) => ({ path, recorded: before, replayed: after })),
    ...removed.map(({ path, value }) => ({ path, recorded: value, replayed: undefined })),
    ...added.map(({ path, value }) => ({ path, recorded: undefined, replayed: value }))
  ]
}

const comparable = ({ outcome, trace, world }: Recording) => ({
  steps: Object.fromEntries(trace.steps.map((step) => [`${step.path}#${step.attempt}`, {
    name: step.name,
    in: requestOf(step.in),
    out: requestOf(step.out),
    calls: step.calls.map(({ passed, received }) => ({ passed: requestOf(passed), received: requestOf(received) }))
  }])),
  ends: trace.ends.map(({ after, before, plug }) => ({ plug, before: requestOf(before), after: requestOf(after) })),
  parts: trace.parts.map(({ part, plug }) => ({ plug, part })),
  outcome: requestOf(outcome),
  world
})

/** A request as data; of a reply that is still arriving, the plugs it will pass. */
const requestOf = (request: Request | undefined): object | undefined =>
  request === undefined ? undefined : {
    ...Request.toJson(request),
    through: request.reply?.stages.map(({ plug }) => plug)
  }
