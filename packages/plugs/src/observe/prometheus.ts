/**
 * Writes all metrics of the program as text that Prometheus and everything like it can scrape.
 *
 * `effect/observability` has a formatter too. This one gives counters their `_total` and names their unit, as the
 * format's guide asks, keeps families of one name together where metrics of two kinds or two spellings meet, and needs
 * no HTTP server to be imported.
 *
 * @module
 */
import { Effect, Metric } from "effect"

/** How metrics are written. */
export interface PrometheusOptions {
  /** Put in front of every name, with `_` between. Default: nothing. */
  readonly prefix?: string
}

/** The content type under which the text is served. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** All metrics as they stand. Serve it as `text/plain; version=0.0.4; charset=utf-8`. */
export const prometheus = (options: PrometheusOptions = {}): Effect.Effect<string> =>
  Effect.map(Metric.snapshot, (snapshot) => format(snapshot, options))

type Snapshot = Metric.Metric.Snapshot

interface Family {
  readonly type: "counter" | "gauge" | "histogram" | "summary"
  readonly help: string
  /** By name and labels: of two that are spelled the same once written, the format takes only one. */
  readonly samples: Map<string, string>
}

/**
 * Metrics as text, families in the order of their names. A metric whose name is another's already, of another kind,
 * gets its kind at the end of its name; of two series that are written alike (`aB` and `a_b`) the first counts.
 */
export const format = (snapshot: ReadonlyArray<Snapshot>, { prefix }: PrometheusOptions = {}): string => {
  const families = new Map<string, Family>()
  for (const metric of snapshot) {
    const type = types[metric.type]
    const named = nameOf(metric, prefix)
    let { name } = named
    while (isTaken(name, type, families)) name = `${name}_${type}`
    let family = families.get(name)
    if (family === undefined) families.set(name, family = { type, help: metric.description ?? "", samples: new Map() })
    write(metric, name, named.scale, family.samples)
  }
  let out = ""
  for (const [name, { help, samples, type }] of [...families].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (samples.size === 0) continue
    const text = help.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replace(breaks, " ")
    if (text !== "") out += `# HELP ${name} ${text}\n`
    out += `# TYPE ${name} ${type}\n`
    for (const [series, value] of samples) out += `${series} ${value}\n`
  }
  return out
}

/** Line ends the format does not know, though some readers of it split lines there. */
const breaks = /[\r\u0085\u2028\u2029]/g

/** Whether a family of another kind has this name, or one of those that a histogram or summary has beside its own. */
const isTaken = (name: string, type: Family["type"], families: ReadonlyMap<string, Family>): boolean => {
  const same = families.get(name)
  if (same !== undefined) return same.type !== type
  return suffixes.some((suffix) =>
    (name.endsWith(suffix) && hasSuffixes(families.get(name.slice(0, -suffix.length))?.type))
    || (hasSuffixes(type) && families.has(name + suffix)))
}

const suffixes = ["_bucket", "_sum", "_count"]

const hasSuffixes = (type: Family["type"] | undefined): boolean => type === "histogram" || type === "summary"

const types = {
  Counter: "counter",
  Gauge: "gauge",
  Histogram: "histogram",
  Summary: "summary",
  Frequency: "counter"
} as const

/**
 * Units as their names end in; UCUM's spelling first, then the spelled-out ones effect uses. Times are written in
 * seconds.
 */
const units: { readonly [unit: string]: readonly [ending: string, scale: number] } = {
  s: ["seconds", 1],
  seconds: ["seconds", 1],
  ms: ["seconds", 1e-3],
  milliseconds: ["seconds", 1e-3],
  By: ["bytes", 1],
  bytes: ["bytes", 1],
  USD: ["usd", 1]
}

interface Named {
  readonly name: string
  /** What values are multiplied with, to be in the unit of the name. */
  readonly scale: number
}

const nameOf = ({ attributes, id, type }: Snapshot, prefix: string | undefined): Named => {
  const unit = attributes?.unit ?? attributes?.time_unit
  // An annotation such as `{token}` is no unit, and what is not known here is not guessed at.
  const [ending, scale] = (unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined) ?? ["", 1]
  let name = snake(id)
  if (ending !== "" && !name.endsWith(`_${ending}`)) name = `${name}_${ending}`
  const isTotal = type === "Frequency" || type === "Counter"
  if (isTotal && !name.endsWith("_total")) name = `${name}_total`
  return { name: prefix === undefined || prefix === "" ? name : `${snake(prefix)}_${name}`, scale }
}

/** `fooBar.baz-qux` as `foo_bar_baz_qux`. */
const snake = (name: string): string => {
  const text = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "_")
    .replace(/_{2,}/g, "_")
    .replace(/^_+|_+$/g, "")
  return text === "" ? "unnamed" : /^[a-z]/.test(text) ? text : `_${text}`
}

const write = (metric: Snapshot, name: string, scale: number, out: Map<string, string>): void => {
  const put = (suffix: string, value: number | bigint, label?: readonly [string, string]): void => {
    const series = `${name}${suffix}${labelsOf(metric.attributes, ownLabels[metric.type], label)}`
    if (!out.has(series)) out.set(series, shown(value))
  }
  switch (metric.type) {
    case "Counter":
      return put("", scaled(metric.state.count, scale))
    case "Gauge":
      return put("", scaled(metric.state.value, scale))
    case "Frequency":
      for (const [key, count] of metric.state.occurrences) put("", count, ["key", key])
      return
    case "Histogram": {
      const { buckets, count, sum } = metric.state
      for (const [boundary, below] of buckets) put("_bucket", below, ["le", shown(boundary * scale)])
      put("_bucket", count, ["le", "+Inf"])
      put("_sum", sum * scale)
      return put("_count", count)
    }
    case "Summary": {
      const { count, quantiles, sum } = metric.state
      for (const [quantile, value] of quantiles) {
        if (value !== undefined) put("", value * scale, ["quantile", shown(quantile)])
      }
      put("_sum", sum * scale)
      return put("_count", count)
    }
  }
}

/** The label that the format itself puts on metrics of a kind. */
const ownLabels = {
  Counter: undefined,
  Gauge: undefined,
  Histogram: "le",
  Summary: "quantile",
  Frequency: "key"
} as const

const scaled = (value: number | bigint, scale: number): number | bigint => scale === 1 ? value : Number(value) * scale

const shown = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

const labelsOf = (
  attributes: Metric.Metric.AttributeSet | undefined,
  reserved: string | undefined,
  own: readonly [string, string] | undefined
): string => {
  const labels = new Map<string, string>()
  for (const [given, value] of Object.entries(attributes ?? {})) {
    if (given === "unit" || given === "time_unit") continue
    const plain = snake(given)
    let name = plain
    // Two names may be spelled the same here, and one is the format's own.
    for (let number = 2; labels.has(name) || name === reserved; number++) name = `${plain}_${number}`
    labels.set(name, value)
  }
  if (own !== undefined) labels.set(...own)
  if (labels.size === 0) return ""
  let text = ""
  for (const [name, value] of labels) text += `${text === "" ? "" : ","}${name}="${escaped(value)}"`
  return `{${text}}`
}

const escaped = (value: string): string =>
  value.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n").replace(breaks, " ")
