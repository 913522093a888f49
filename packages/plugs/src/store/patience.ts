/**
 * Keeps a store that is slow or down from holding up or losing a call: how long it may take, and what happens then.
 *
 * @module
 */
import { Effect, Metric } from "effect"

/** A store that could not be asked. */
export class StoreError extends Error {
  readonly _tag = "StoreError"
  /** Which kind of state: `cache`, `limit`, … */
  readonly store: string

  constructor(store: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.store = store
  }

  override get name(): string {
    return "StoreError"
  }
}

/** Counts what stores could not do, by store and by what was done instead. */
export const failures = Metric.counter("plugline.store.failures", {
  description: "Requests to a store that failed or took too long",
  incremental: true
})

/** The longest a store may take, in ms, where nothing else is said. */
export const patience = 1_000

/**
 * What the store answers, or `instead` where it fails or takes longer than `limit` ms: to go on without it (open) or to
 * refuse (closed) is the plug's to decide. Counted as `plugline.store.failures`.
 */
export const orElse = <A, B, E, R, E2, R2>(
  effect: Effect.Effect<A, E, R>,
  { instead, limit = patience, store, way }: {
    readonly store: string
    readonly way: "open" | "closed"
    readonly limit?: number
    readonly instead: () => Effect.Effect<B, E2, R2>
  }
): Effect.Effect<A | B, E2, R | R2> =>
  Effect.matchCauseEffect(Effect.timeout(effect, limit), {
    onSuccess: Effect.succeed,
    onFailure: () =>
      Effect.andThen(
        Metric.update(Metric.withAttributes(failures, { store, way }), 1),
        Effect.suspend(instead)
      )
  })
