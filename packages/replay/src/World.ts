/**
 * What came into a run from outside, as plain JSON: the times it read, the random numbers it drew, what the plugs at its
 * edge and the stores it used answered.
 *
 * @module
 */
import type { JsonObject, JsonValue, LlmErrorJson, Parts } from "@plugline/core"

/** Everything a run took from outside. */
export interface World {
  /** Readings of the clock, each kind in order: ms, and nanoseconds as text. */
  readonly clock: {
    readonly millis: ReadonlyArray<number>
    readonly nanos: ReadonlyArray<string>
    readonly monotonic: ReadonlyArray<string>
    /** How long was slept, in the order in which it began. Absent: nobody slept. */
    readonly naps?: ReadonlyArray<Nap>
  }
  /** Random numbers in the order they were drawn. */
  readonly random: { readonly integers: ReadonlyArray<number>; readonly doubles: ReadonlyArray<number> }
  /** What plugs at the edge were asked and answered, in the order they were asked. */
  readonly exchanges: ReadonlyArray<Exchange>
  /** What stores were asked and answered, in that order. Absent: none was. */
  readonly stores?: ReadonlyArray<StoreCall>
  /** When whoever asked had left, in ms since the run began; absent where the run came to its end. */
  readonly left?: number
  /** Whether each plug had a span, which reads the clock. Absent: no. */
  readonly spans?: boolean
}

/** A sleep: of a retry, of a time limit. */
export interface Nap {
  /** When it began, in ms since the run did. */
  readonly at: number
  /** How long it was to be, in ms, and how long it was. */
  readonly asked: number
  readonly took: number
  /** Whether it came to its end; else somebody cut it short after `took`. */
  readonly over: boolean
}

/** One request to a plug at the edge, and what came of it. */
export interface Exchange {
  readonly plug: string
  readonly request: JsonObject
  /** When it was asked, in ms since the run began. */
  readonly at?: number
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
  /** When it began, in ms since the run did. */
  readonly at?: number
  readonly took: number
  readonly got?: A | null
  readonly error?: LlmErrorJson
}

/** One call of a store, and what came of it. Values that JSON does not know are marked by a field `$`. */
export interface StoreCall {
  /** `CacheStore`. */
  readonly store: string
  /** `get`, or `lock.take` of a part of the store. */
  readonly method: string
  readonly arguments: ReadonlyArray<JsonValue>
  /** When it was called, in ms since the run began. */
  readonly at?: number
  readonly took: number
  /** Whether it answered at once, without an Effect. */
  readonly sync: boolean
  readonly outcome:
    | { readonly _tag: "Answer"; readonly value: JsonValue }
    | { readonly _tag: "Failure"; readonly error: JsonValue }
    /** It was interrupted before it answered. */
    | { readonly _tag: "Interrupted" }
}
