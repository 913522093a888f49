/**
 * What the plots show, from what the gateway measured. Pure.
 *
 * @module
 */
import type { Health, HealthGroup } from "../../../api.ts"
import { cost, count, duration, short } from "../../ui/format.ts"

type Values = ReadonlyArray<number | null>

/** One line of a plot. */
export interface Series {
  readonly name: string
  readonly values: Values
}

/** A plot, and how its numbers are written. */
export interface Plot {
  readonly key: string
  readonly title: string
  /** In one sentence, over the whole time. */
  readonly sum: string
  readonly kind: "bars" | "line"
  readonly write: (value: number) => string
  readonly series: ReadonlyArray<Series>
}

const total = (groups: ReadonlyArray<HealthGroup>, of: (group: HealthGroup) => Values): number =>
  groups.reduce((sum, group) => sum + of(group).reduce<number>((inside, value) => inside + (value ?? 0), 0), 0)

const plus = (a: Values, b: Values): Values => a.map((value, index) => (value ?? 0) + (b[index] ?? 0))

/** The largest value there is: of percentiles of groups there is no sum. */
const worst = (groups: ReadonlyArray<HealthGroup>, of: (group: HealthGroup) => Values): number | undefined => {
  const all = groups.flatMap((group) => of(group).filter((value) => value !== null))
  return all.length === 0 ? undefined : Math.max(...all)
}

export interface Totals {
  readonly calls: number
  readonly errors: number
  readonly tokens: number
  readonly cost: number
  readonly saved: number
  /** Calls of which nobody knows what they cost. */
  readonly unpriced: number
}

export const totals = ({ groups }: Health): Totals => ({
  calls: total(groups, ({ calls }) => calls),
  errors: total(groups, ({ errors }) => errors),
  tokens: total(groups, ({ inputTokens, outputTokens }) => plus(inputTokens, outputTokens)),
  cost: total(groups, ({ cost }) => cost),
  saved: total(groups, ({ saved }) => saved),
  unpriced: total(groups, ({ unpriced }) => unpriced)
})

/** The groups that are drawn: the busiest, and all others as one. */
export const fewest = (groups: ReadonlyArray<HealthGroup>, most = 7): ReadonlyArray<HealthGroup> => {
  const busy = [...groups].sort((a, b) => sum(b.calls) - sum(a.calls))
  if (busy.length <= most) return busy
  const [others, rest] = [busy.slice(most - 1), busy.slice(0, most - 1)]
  const added = (of: (group: HealthGroup) => Values) => others.map(of).reduce(plus) as ReadonlyArray<number>
  const none = others[0]!.p50.map(() => null)
  return [
    ...rest,
    {
      name: `${others.length} others`,
      calls: added(({ calls }) => calls),
      errors: added(({ errors }) => errors),
      inputTokens: added(({ inputTokens }) => inputTokens),
      outputTokens: added(({ outputTokens }) => outputTokens),
      cost: added(({ cost }) => cost),
      saved: added(({ saved }) => saved),
      unpriced: added(({ unpriced }) => unpriced),
      // Percentiles of several groups cannot be made into one.
      p50: none,
      p95: none,
      p99: none,
      firstToken50: none,
      firstToken95: none
    }
  ]
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0)

/** `percentile`: which one of latencies is drawn for each group; with one group, all are. */
export const plotsOf = (health: Health, percentile: "p50" | "p95" | "p99"): ReadonlyArray<Plot> => {
  const groups = fewest(health.groups)
  const all = totals(health)
  const lines = (of: (group: HealthGroup) => Values): ReadonlyArray<Series> =>
    groups.map((group) => ({ name: group.name, values: of(group) }))
  const only = groups.length === 1 ? groups[0] : undefined
  const slowest = worst(health.groups, (group) => group[percentile])
  const first = worst(health.groups, ({ firstToken95 }) => firstToken95)
  const dollars = (value: number) => cost(value)
  return [
    {
      key: "calls",
      title: "Calls",
      sum: `${count(all.calls)} in all`,
      kind: "bars",
      write: short,
      series: lines(({ calls }) => calls)
    },
    {
      key: "errors",
      title: "Errors",
      sum: all.calls === 0 ? "none" : `${count(all.errors)}, ${((all.errors / all.calls) * 100).toFixed(1)} % of calls`,
      kind: "bars",
      write: short,
      series: lines(({ errors }) => errors)
    },
    {
      key: "latency",
      title: only === undefined ? `Latency, ${percentile}` : "Latency",
      sum: slowest === undefined ? "nothing measured" : `at most ${duration(slowest)} at ${percentile}`,
      kind: "line",
      write: duration,
      series:
        only === undefined
          ? lines((group) => group[percentile])
          : (["p50", "p95", "p99"] as const).map((name) => ({ name, values: only[name] }))
    },
    {
      key: "first",
      title: only === undefined ? "First token, p95" : "First token",
      sum: first === undefined ? "no streams" : `at most ${duration(first)} at p95`,
      kind: "line",
      write: duration,
      series:
        only === undefined
          ? lines(({ firstToken95 }) => firstToken95)
          : [
              { name: "p50", values: only.firstToken50 },
              { name: "p95", values: only.firstToken95 }
            ]
    },
    {
      key: "in",
      title: "Tokens in",
      sum: `${count(total(groups, ({ inputTokens }) => inputTokens))} in all`,
      kind: "bars",
      write: short,
      series: lines(({ inputTokens }) => inputTokens)
    },
    {
      key: "out",
      title: "Tokens out",
      sum: `${count(total(groups, ({ outputTokens }) => outputTokens))} in all`,
      kind: "bars",
      write: short,
      series: lines(({ outputTokens }) => outputTokens)
    },
    {
      key: "cost",
      title: "Cost",
      sum: `${dollars(all.cost)}${all.unpriced > 0 ? `, and ${count(all.unpriced)} calls of unknown cost` : ""}`,
      kind: "bars",
      write: dollars,
      series: lines(({ cost }) => cost)
    },
    {
      key: "saved",
      title: "Saved by the cache",
      sum: dollars(all.saved),
      kind: "bars",
      write: dollars,
      series: lines(({ saved }) => saved)
    }
  ]
}

/** The rows of a plot as a table: times with something in them, newest first. */
export const rowsOf = (
  { series, write }: Plot,
  times: ReadonlyArray<number>
): ReadonlyArray<{ readonly at: number; readonly cells: ReadonlyArray<string> }> =>
  times
    .map((at, index) => ({ at, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0))
    .map(({ at, values }) => ({ at, cells: values.map((value) => (value === null ? "" : write(value))) }))
    .toReversed()

/** Values stacked upon each other, as bars stand. */
export const stacked = (series: ReadonlyArray<Series>): ReadonlyArray<Values> => {
  let below: Values | undefined
  return series.map(({ values }) => {
    below = below === undefined ? values.map((value) => value ?? 0) : plus(below, values)
    return below
  })
}
