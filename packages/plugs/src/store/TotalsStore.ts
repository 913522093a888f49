/**
 * Running totals of what calls cost, by who and what they were for. In memory here; `TrackCost.sqlite` keeps them in a
 * file, `TrackCost.redis` where several processes share them. All three add exactly, also when many add at once.
 *
 * Totals are kept by the hour, so what they take up depends on how many hours, models and people there are, not on how
 * many calls. `effect/Metric` counts in floats and forgets at the end of the program; what is paid is counted here
 * instead.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { type Amount, text } from "../cost/amount.ts"
import { andThen, effect, type Now } from "../cost/now.ts"
import type { StoreError } from "./patience.ts"

/** What totals can be told apart by. */
export const dimensions = ["pipeline", "provider", "model", "key", "user", "tenant", "team"] as const

/** Something totals can be told apart by. */
export type Dimension = typeof dimensions[number]

/** What one call is counted under; what is absent is not told apart. */
export type Labels = { readonly [Name in Dimension]?: string }

/** What one call adds. */
export interface Addition {
  /** When it ended, ms since 1970. */
  readonly at: number
  readonly labels: Labels
  readonly amount: Amount
  /** Whether it is not known, or not wholly known, what it cost. `amount` is then what is known. */
  readonly unknown: boolean
  readonly cached: boolean
}

/** What is asked of the totals. */
export interface TotalsQuery {
  /** Tell apart by these. Default: nothing is told apart. */
  readonly by?: ReadonlyArray<Dimension>
  /** From the hour in which this time lies, ms since 1970. Default: from the beginning. */
  readonly since?: number
  /** Up to and with the hour in which this time lies. Default: to the end. */
  readonly until?: number
  /** Only what was counted under these. Default: all. */
  readonly where?: Labels
}

/** One total. */
export interface Total {
  /** What it is counted under, of what was asked to be told apart. */
  readonly group: Labels
  /** USD, decimal text: all that is known. */
  readonly cost: string
  readonly calls: number
  /**
   * Calls of which it is not known, or not wholly known, what they cost: where there are any, the true cost is higher.
   */
  readonly unknown: number
  /** Calls that were answered from a cache. */
  readonly cached: number
}

/** What is kept for an hour under its labels. */
export interface Bucket {
  /** Hours since 1970. */
  readonly hour: number
  readonly labels: Labels
  readonly amount: Amount
  readonly calls: number
  readonly unknown: number
  readonly cached: number
}

/** Where totals are kept. A store in memory answers at once, any other with an Effect. */
export class TotalsStore extends Context.Service<TotalsStore, {
  readonly add: (addition: Addition) => Now<void, StoreError>
  /** The hours from `since` to `until`, both included. */
  readonly buckets: (since: number, until: number) => Now<ReadonlyArray<Bucket>, StoreError>
}>()("@plugline/plugs/TotalsStore") {}

/** The hour a time lies in. */
export const hourOf = (at: number): number => Math.floor(at / 3_600_000)

/** The totals that were asked for, the most expensive first. */
export const totals = (query: TotalsQuery = {}): Effect.Effect<ReadonlyArray<Total>, StoreError, TotalsStore> =>
  Effect.flatMap(TotalsStore, (store) => {
    const since = query.since === undefined ? Number.MIN_SAFE_INTEGER : hourOf(query.since)
    const until = query.until === undefined ? Number.MAX_SAFE_INTEGER : hourOf(query.until)
    return effect(andThen(store.buckets(since, until), (buckets) => sum(buckets, query)))
  })

/** Adds up what hours hold, by what a query tells apart. */
export const sum = (buckets: Iterable<Bucket>, { by = [], where = {} }: TotalsQuery): ReadonlyArray<Total> => {
  const groups = new Map<string, { labels: Labels; amount: Amount; calls: number; unknown: number; cached: number }>()
  const asked = Object.entries(where)
  for (const bucket of buckets) {
    if (!asked.every(([name, value]) => bucket.labels[name as Dimension] === value)) continue
    const labels = pick(bucket.labels, by)
    const name = labelText(labels)
    const group = groups.get(name)
    if (group === undefined) {
      const { amount, cached, calls, unknown } = bucket
      groups.set(name, { labels, amount, calls, unknown, cached })
    } else {
      group.amount += bucket.amount
      group.calls += bucket.calls
      group.unknown += bucket.unknown
      group.cached += bucket.cached
    }
  }
  return [...groups.values()]
    .sort((a, b) => a.amount === b.amount ? 0 : a.amount < b.amount ? 1 : -1)
    .map(({ amount, cached, calls, labels, unknown }) =>
      ({ group: labels, cost: text(amount), calls, unknown, cached }))
}

/** Labels as text: equal labels have equal texts, and no label can be made to look like two. */
export const labelText = (labels: Labels): string => JSON.stringify(dimensions.map((name) => labels[name] ?? null))

/** Labels from their text. */
export const labelsOf = (text: string): Labels => {
  const values: unknown = JSON.parse(text)
  const labels: { [Name in Dimension]?: string } = {}
  if (Array.isArray(values)) {
    dimensions.forEach((name, index) => {
      const value: unknown = values[index]
      if (typeof value === "string") labels[name] = value
    })
  }
  return labels
}

const pick = (labels: Labels, by: ReadonlyArray<Dimension>): Labels => {
  const picked: { [Name in Dimension]?: string } = {}
  for (const name of dimensions) if (by.includes(name) && labels[name] !== undefined) picked[name] = labels[name]
  return picked
}

/** How many totals are kept in memory. */
export interface MemoryTotalsOptions {
  /**
   * Most totals (an hour times its labels). Beyond it the oldest are added up without labels: the sum of all stays
   * exact. Default: 50,000.
   */
  readonly max?: number
}

/** Totals in memory: those of one process, gone with it. */
export const memory = ({ max = 50_000 }: MemoryTotalsOptions = {}): Layer.Layer<TotalsStore> =>
  Layer.sync(TotalsStore, () => {
    const kept = new Map<string, { -readonly [Name in keyof Bucket]: Bucket[Name] }>()
    const put = (given: Bucket): void => {
      const name = `${given.hour} ${labelText(given.labels)}`
      const bucket = kept.get(name)
      if (bucket === undefined) kept.set(name, { ...given })
      else {
        bucket.amount += given.amount
        bucket.calls += given.calls
        bucket.unknown += given.unknown
        bucket.cached += given.cached
      }
    }
    /** A tenth of all at a time, the first that came first, so that it is seldom done. */
    const shrink = (): void => {
      let left = Math.ceil(max / 10)
      for (const [name, bucket] of kept) {
        if (left-- <= 0) break
        kept.delete(name)
        put({ ...bucket, labels: nobody })
      }
      if (kept.size <= max) return
      // Nothing but hours without labels is left: they are added up in the latest of them.
      const all = [...kept.values()]
      kept.clear()
      const latest = all.reduce((latest, { hour }) => Math.max(latest, hour), Number.MIN_SAFE_INTEGER)
      for (const bucket of all) put({ ...bucket, hour: latest, labels: nobody })
    }
    return {
      add: ({ amount, at, cached, labels, unknown }) => {
        put({ hour: hourOf(at), labels, amount, calls: 1, unknown: unknown ? 1 : 0, cached: cached ? 1 : 0 })
        if (kept.size > max) shrink()
      },
      buckets: (since, until) =>
        [...kept.values()].filter(({ hour }) => hour >= since && hour <= until).map((bucket) => ({ ...bucket }))
    }
  })

const nobody: Labels = Object.freeze({})
