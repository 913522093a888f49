/**
 * Counts what limits decided, and how long was waited, by provider.
 *
 * @module
 */
import { type Effect, Metric } from "effect"

/** What became of a request. `unchecked`: the store did not answer, and it was let through; `unavailable`: and it was refused. */
export type Outcome = "admitted" | "waited" | "refused" | "unchecked" | "unavailable"

/** Requests by provider and by what became of them. */
export const decisions = Metric.counter("plugline.rateLimit.decisions", { description: "Requests at the limits", incremental: true })

/** How long requests that were let through had waited, in ms. */
export const waits = Metric.histogram("plugline.rateLimit.wait", {
  description: "How long requests waited for a limit, in ms",
  boundaries: [10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000]
})

/** Counts one request. */
export const count = (provider: string, outcome: Outcome): Effect.Effect<void> => Metric.update(counterOf(provider, outcome), 1)

/** Counts one that waited. */
export const wait = (provider: string, ms: number): Effect.Effect<void> => Metric.update(Metric.withAttributes(waits, { provider }), ms)

const counters = new Map<string, Metric.Counter<number>>()

const counterOf = (provider: string, outcome: Outcome): Metric.Counter<number> => {
  const name = `${outcome} ${provider}`
  let counter = counters.get(name)
  if (counter === undefined) {
    counter = Metric.withAttributes(decisions, { provider, outcome })
    // Providers are few; a name that a caller makes up must not fill the memory.
    if (counters.size < 1_000) counters.set(name, counter)
  }
  return counter
}
