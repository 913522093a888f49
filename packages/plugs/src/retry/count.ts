/**
 * Counts with labels that cannot grow without bound.
 *
 * @module
 */
import { Effect, Metric } from "effect"

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

/** A metric with its labels is made once: to find its place among all anew takes longer than to count. */
const known = new WeakMap<object, Map<string, Metric.Metric<number, unknown>>>()

/** Most label values of one metric that are kept ready. */
const most = 1_000

const seriesOf = (
  metric: Metric.Metric<number, unknown>,
  labels: { readonly [name: string]: string }
): Metric.Metric<number, unknown> => {
  let all = known.get(metric)
  if (all === undefined) known.set(metric, all = new Map())
  let key = ""
  for (const name in labels) key += `${name}\n${labels[name]}\n`
  let series = all.get(key)
  if (series === undefined) {
    if (all.size >= most) all.clear()
    all.set(key, series = Metric.withAttributes(metric, labels))
  }
  return series
}
