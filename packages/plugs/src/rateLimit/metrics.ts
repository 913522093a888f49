/**
 * Counts what limits decided, and how long was waited, by provider.
 *
 * @module
 */
import { type Effect } from "effect"
import { counter, histogram } from "../observe/series.ts"
import { count as one, providerLabel, put } from "../retry/count.ts"

/**
 * What became of a call. `unchecked`: the store did not answer, and it was let through; `unavailable`: and it was
 * refused.
 */
export type Outcome = "admitted" | "waited" | "refused" | "unchecked" | "unavailable"

/** Counts calls by provider and by what became of them. */
export const calls = counter("plugline.rate_limit.calls", { description: "Calls at the limits" })

/** How long calls that were let through had waited, in seconds. */
export const waits = histogram("plugline.rate_limit.wait", {
  description: "How long calls waited for a limit",
  attributes: { unit: "s" },
  boundaries: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60]
})

/** Counts one call. */
export const count = (provider: string, outcome: Outcome): Effect.Effect<void> =>
  one(calls, { provider: providerLabel(provider), outcome })

/** Counts one that waited so many ms. */
export const wait = (provider: string, ms: number): Effect.Effect<void> =>
  put(waits, { provider: providerLabel(provider) }, ms / 1_000)
