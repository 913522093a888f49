/**
 * Says which calendar day a time lies in, in a time zone, and when that day ends: days of 23 and 25 hours included.
 *
 * @module
 */
import { DateTime, Option } from "effect"

/** A calendar day. */
export interface Day {
  /** `2026-11-21` */
  readonly name: string
  /** ms since 1970. */
  readonly begins: number
  /** The first ms of the next day. */
  readonly ends: number
}

/** The day a time lies in. */
export const of = (now: number, zone: DateTime.TimeZone): Day => {
  const zoned = DateTime.setZone(DateTime.makeUnsafe(now), zone)
  return {
    name: DateTime.formatIsoDate(zoned),
    begins: DateTime.toEpochMillis(DateTime.startOf(zoned, "day")),
    ends: DateTime.toEpochMillis(DateTime.endOf(zoned, "day")) + 1
  }
}

/** The day a time lies in; asked for the same day again it costs nothing. */
export const calendar = (zone: DateTime.TimeZone): (now: number) => Day => {
  let day: Day | undefined
  return (now) => day !== undefined && now >= day.begins && now < day.ends ? day : day = of(now, zone)
}

/** A time zone by its name, `Europe/Paris` or `+02:00`; `undefined` where there is none. */
export const zoneOf = (name: string): DateTime.TimeZone | undefined => Option.getOrUndefined(DateTime.zoneFromString(name))
