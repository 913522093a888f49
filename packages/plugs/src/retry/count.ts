/**
 * Counts with labels that cannot grow without bound.
 *
 * @module
 */
import { Effect, type Metric } from "effect"
import { seriesOf } from "../observe/series.ts"

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
  put(metric, labels, 1)

/** Puts a number into a metric. Labels are few, and so is what is kept of them. */
export const put = (
  metric: Metric.Metric<number, unknown>,
  labels: { readonly [name: string]: string },
  value: number
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    seriesOf(metric, labels).updateUnsafe(value, fiber.context)
    return Effect.void
  })
