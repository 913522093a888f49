/**
 * Calendar periods in a time zone: when the one a moment lies in began, and when it ends. Pure.
 *
 * @module
 */
import { DateTime, Option } from "effect"

/** How long a limit counts before it starts anew. */
export type Every = "day" | "week" | "month" | "total"

/** A period; `total` has neither beginning nor end. */
export interface Period {
  /** ms since 1970. */
  readonly start?: number
  readonly until?: number
  /** When it ends, ISO 8601. */
  readonly resetsAt?: string
}

const forever: Period = Object.freeze({})

/** Whether there is such a time zone: `UTC`, `Europe/Berlin`, `+02:00`. */
export const isZone = (name: string): boolean => Option.isSome(DateTime.zoneFromString(name))

/**
 * The period a moment lies in. Days are those of the time zone's calendar, so one of them a year has 23 hours and one
 * 25; weeks begin on Monday.
 */
export const periodOf = (every: Every, zone: string, now: number): Period => {
  if (every === "total") return forever
  const name = `${every} ${zone}`
  const known = latest.get(name)
  if (known !== undefined && now >= known.start! && now < known.until!) return known
  const start = DateTime.startOf(DateTime.makeZonedUnsafe(now, { timeZone: zone }), every, { weekStartsOn: 1 })
  const end = DateTime.startOf(DateTime.add(start, { [`${every}s`]: 1 }), every, { weekStartsOn: 1 })
  const period = {
    start: DateTime.toEpochMillis(start),
    until: DateTime.toEpochMillis(end),
    resetsAt: DateTime.formatIso(end)
  }
  latest.set(name, period)
  return period
}

/**
 * The last period that was asked for, of each kind: calendars are slow, and a call mostly lies in the same day as the
 * one before.
 */
const latest = new Map<string, Period>()

/**
 * What will be spent by the end of a period if it goes on as it has so far; `undefined` at its very beginning, and
 * without an end.
 */
export const forecast = (spent: bigint, { start, until }: Period, now: number): bigint | undefined => {
  if (start === undefined || until === undefined || now <= start) return undefined
  const elapsed = BigInt(Math.min(now, until) - start)
  return (spent * BigInt(until - start) + elapsed / 2n) / elapsed
}
