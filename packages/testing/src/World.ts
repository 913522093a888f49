/**
 * What came into a run from outside, as plain JSON: the times it read, the random numbers it drew, and what the plugs
 * at its edge answered. For `Record.ts` and `Replay.ts`.
 *
 * @module
 */
import { Mask } from "@plugline/core"
import type { JsonObject, LlmErrorJson, Parts } from "@plugline/core"
import { type Clock, Context, Effect, type Random } from "effect"

/** Everything a run took from outside. */
export interface World {
  /** Readings of the clock, each kind in order: ms, and nanoseconds as text. */
  readonly clock: {
    readonly millis: ReadonlyArray<number>
    readonly nanos: ReadonlyArray<string>
    readonly monotonic: ReadonlyArray<string>
  }
  /** Random numbers in the order they were drawn. */
  readonly random: { readonly integers: ReadonlyArray<number>; readonly doubles: ReadonlyArray<number> }
  /** What plugs at the edge were asked and answered, in the order they were asked. */
  readonly exchanges: ReadonlyArray<Exchange>
}

/** One request to a plug at the edge, and what came of it. */
export interface Exchange {
  readonly plug: string
  readonly request: JsonObject
  /** How long it took to answer, in ms. */
  readonly took: number
  /** Whether it answered at once, without an Effect. */
  readonly sync: boolean
  readonly outcome:
    | { readonly _tag: "Answer"; readonly changes: JsonObject }
    | { readonly _tag: "Failure"; readonly error: LlmErrorJson }
    /** It was interrupted before it answered. */
    | { readonly _tag: "Interrupted" }
  /** The parts of the reply it opened, pull by pull. */
  readonly parts?: ReadonlyArray<Pull<Parts>>
  /** The bytes of the response it opened, base64, pull by pull. */
  readonly bytes?: ReadonlyArray<Pull<ReadonlyArray<string>>>
}

/** One pull of a stream: what it gave (`null` at the end), what it failed with, or nothing where it was interrupted. */
export interface Pull<A> {
  readonly took: number
  readonly got?: A | null
  readonly error?: LlmErrorJson
}

/** A world while it is being written. */
export interface Log {
  readonly clock: { readonly millis: Array<number>; readonly nanos: Array<string>; readonly monotonic: Array<string> }
  readonly random: { readonly integers: Array<number>; readonly doubles: Array<number> }
  readonly exchanges: Array<Writable<Exchange>>
}

export type Writable<A> = { -readonly [Field in keyof A]: A[Field] }

export const emptyLog = (): Log => ({
  clock: { millis: [], nanos: [], monotonic: [] },
  random: { integers: [], doubles: [] },
  exchanges: []
})

/** What was written so far, as JSON that nobody writes to any more. */
export const worldOfLog = (log: Log): World => Mask.content(log) as unknown as World

/** What a plug at the edge finds when its pipeline is compiled: somebody who writes down, or plays, what it answers. */
export type Desk =
  | { readonly _tag: "Live" }
  | { readonly _tag: "Record"; readonly log: Log; readonly outside: Outside }
  | {
    readonly _tag: "Play"
    readonly log: Log
    readonly take: (plug: string, request: JsonObject) => Exchange | undefined
  }

/** The clock and the random numbers of the world outside: what an edge reads of them is no part of the record. */
export interface Outside {
  readonly clock: Clock.Clock
  readonly random: Random.Random
}

export const Desk = Context.Reference<Desk>("@plugline/testing/Desk", { defaultValue: () => ({ _tag: "Live" }) })

/** A clock that writes down what it shows. `show` says what that is; sleeping is left to `base`. */
export const loggedClock = (base: Clock.Clock, log: Log, show: ShownTimes): Clock.Clock => {
  const currentTimeMillisUnsafe = () => keep(log.clock.millis, show.millis())
  const currentTimeNanosUnsafe = () => BigInt(keep(log.clock.nanos, String(show.nanos())))
  const monotonicTimeNanosUnsafe = () => BigInt(keep(log.clock.monotonic, String(show.monotonic())))
  return {
    currentTimeMillisUnsafe,
    currentTimeNanosUnsafe,
    monotonicTimeNanosUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanos: Effect.sync(monotonicTimeNanosUnsafe),
    sleep: (duration) => base.sleep(duration)
  }
}

/** What a {@link loggedClock} shows. */
export interface ShownTimes {
  readonly millis: () => number
  readonly nanos: () => bigint
  readonly monotonic: () => bigint
}

/** A source of random numbers that writes down what it gives. */
export const loggedRandom = (log: Log, draw: Random.Random): Random.Random => ({
  nextIntUnsafe: () => keep(log.random.integers, draw.nextIntUnsafe()),
  nextDoubleUnsafe: () => keep(log.random.doubles, draw.nextDoubleUnsafe())
})

const keep = <A>(list: Array<A>, value: A): A => {
  list.push(value)
  return value
}

/** A clock's time in ms, for measuring. */
export const elapsed = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
