/**
 * Calls that are under way, so that equal ones at the same time ask the provider once; and what a cache has done so
 * far.
 *
 * `effect/Cache` shares calls too, but interrupts them all when the first caller leaves, and knows nothing of replies
 * that are still arriving when the call has returned.
 *
 * @module
 */
import { Context, Deferred, Effect, Layer, Metric, type Scope } from "effect"
import { providerLabel } from "../retry/count.ts"
import type { Entry, Saving } from "./Entry.ts"
import type { Status } from "./status.ts"

/**
 * How a call that others wait for has ended: with an entry, without an answer, or with an answer that is not for
 * others.
 */
export type Outcome = Entry | "failed" | "unkept"

/** A call that others wait for. */
export class Flight {
  /** What others are given meanwhile, where this call refreshes it. */
  readonly stale: Entry | undefined
  readonly landed: Deferred.Deferred<Outcome> = Deferred.makeUnsafe()

  constructor(stale: Entry | undefined) {
    this.stale = stale
  }
}

/** What was done, by what is said of the answers. */
export interface Counts {
  readonly hits: number
  readonly stale: number
  readonly misses: number
  readonly refreshed: number
  readonly bypassed: number
  /** Of the hits: answers to an equal call that was under way at the same time. */
  readonly shared: number
  readonly savedInputTokens: number
  readonly savedOutputTokens: number
  /** Whole millionths of a millionth of a USD, as far as it is known. */
  readonly savedCost: bigint
  /** Hits of which it is not known what they would have cost. */
  readonly savedUnknown: number
}

/** Counts answers by provider and by what the cache says of them. */
export const calls = (status: Status["status"], provider: string): Metric.Counter<number> =>
  // Attributes given at once, because those that are added later are put together again at every count.
  Metric.counter("plugline.cache.calls", {
    description: "Answers by what the cache says of them",
    incremental: true,
    attributes: { status, provider }
  })

/** Calls under way and counts. One for all plugs that share a store. */
export class Flights extends Context.Service<Flights, FlightsShape>()("@plugline/plugs/CacheFlights") {
  static readonly layer: Layer.Layer<Flights> = Layer.effect(Flights, Effect.suspend(() => make))
}

/** What {@link Flights} holds. */
export interface FlightsShape {
  readonly find: (key: string) => Flight | undefined
  readonly begin: (key: string, stale?: Entry) => Flight
  /** Tells who waits how it ended. It can be found until {@link end}. */
  readonly land: (flight: Flight, outcome: Outcome) => void
  readonly end: (key: string, flight: Flight) => void
  readonly count: (status: Status["status"], provider: string, shared?: boolean) => void
  readonly saved: (saving: Saving) => void
  readonly counts: () => Counts
  /** Where refreshes run that nobody waits for. */
  readonly scope: Scope.Scope
}

const make = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()
  const flights = new Map<string, Flight>()
  const counters = new Map<string, Metric.Counter<number>>()
  const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {
    hits: 0, stale: 0, misses: 0, refreshed: 0, bypassed: 0, shared: 0,
    savedInputTokens: 0, savedOutputTokens: 0, savedCost: 0n, savedUnknown: 0
  }
  const counter = (status: Status["status"], provider: string): Metric.Counter<number> => {
    const name = `${status} ${provider}`
    let found = counters.get(name)
    if (found === undefined) {
      counters.set(name, found = calls(status, provider))
    }
    return found
  }
  return {
    find: (key: string) => flights.get(key),
    begin: (key: string, stale?: Entry) => {
      const flight = new Flight(stale)
      flights.set(key, flight)
      return flight
    },
    land: (flight: Flight, outcome: Outcome) => {
      Deferred.doneUnsafe(flight.landed, Effect.succeed(outcome))
    },
    end: (key: string, flight: Flight) => {
      if (flights.get(key) === flight) flights.delete(key)
    },
    count: (status: Status["status"], provider: string, shared = false) => {
      counts[names[status]]++
      if (shared) counts.shared++
      counter(status, providerLabel(provider)).updateUnsafe(1, context)
    },
    saved: ({ cost, inputTokens, outputTokens }: Saving) => {
      counts.savedInputTokens += inputTokens ?? 0
      counts.savedOutputTokens += outputTokens ?? 0
      if (cost === undefined) counts.savedUnknown++
      else counts.savedCost += BigInt(cost)
    },
    counts: () => ({ ...counts }),
    scope
  }
})

const names = { hit: "hits", stale: "stale", miss: "misses", refreshed: "refreshed", bypass: "bypassed" } as const
