/**
 * Counts with labels that cannot grow without bound.
 *
 * @module
 */
import { type Effect, Metric } from "effect"

const providers = new Set<string>()

/** A provider as a label. There are few; beyond 200 names, which a caller may have made up, it is `other`. */
export const providerLabel = (provider: string): string => {
  if (providers.has(provider)) return provider
  if (providers.size >= 200) return "other"
  providers.add(provider)
  return provider
}

/** One more. */
export const count = (metric: Metric.Counter<number>, labels: { readonly [name: string]: string }): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(metric, labels), 1)
