/**
 * Metrics with labels, each found at once. A metric of `effect` that gets its labels by `Metric.withAttributes` puts them together
 * anew at every count, as all its series share one memory; here each series is a metric of its own, made once.
 *
 * @module
 */
import { Metric } from "effect"

type Attributes = { readonly [name: string]: string }
type Measured = Metric.Metric<number, unknown>

/** How further series of a metric are made. */
const makers = new WeakMap<object, (attributes: Attributes) => Measured>()

/** Series of a metric that were made, by their labels. */
const made = new WeakMap<object, Map<string, Measured>>()

/** Most series of one metric that are kept ready. */
const most = 1_000

const family = <A extends Measured, Options extends { readonly attributes?: Attributes }>(
  make: (options: Options) => A,
  options: Options
): A => {
  const metric = make(options)
  makers.set(metric, (attributes) => make({ ...options, attributes: { ...options.attributes, ...attributes } }))
  return metric
}

/** What a metric is made with, beside its name. */
interface About {
  readonly description: string
  /** Labels of all its series. Default: none. */
  readonly attributes?: Attributes
}

/** Counts what only grows. */
export const counter = (name: string, about: About): Metric.Counter<number> =>
  family((options: About) => Metric.counter(name, { ...options, incremental: true }), about)

/** Counts values by size. `boundaries`: the largest of each class but the last, in growing order. */
export const histogram = (
  name: string,
  about: About & { readonly boundaries: ReadonlyArray<number> }
): Metric.Histogram<number> => family((options: typeof about) => Metric.histogram(name, options), about)

/** The series of a metric with these labels, which must be few. */
export const seriesOf = (metric: Measured, labels: Attributes): Measured => {
  let all = made.get(metric)
  if (all === undefined) made.set(metric, all = new Map())
  let key = ""
  for (const name in labels) key += `${name}\n${labels[name]}\n`
  let series = all.get(key)
  if (series === undefined) {
    if (all.size >= most) all.clear()
    all.set(key, series = makers.get(metric)?.(labels) ?? Metric.withAttributes(metric, labels))
  }
  return series
}
