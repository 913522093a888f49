/**
 * How long a service asks to wait, from wherever it says so: headers first, then the error's own words. Nothing here
 * reads a clock: a date counts only beside the `date` header of the same answer.
 *
 * @module
 */
import { DateTime, Option } from "effect"
import { type Fields, list, object, text } from "./read.ts"

type Headers = { readonly [name: string]: string }

/** A service that asks for more is not believed: 24 hours, in ms. */
export const longest = 24 * 60 * 60 * 1000

/** The wait in ms, 0 to 24 hours, or `undefined` where the service does not say. */
export const retryAfter = (headers: Headers, error: Fields | undefined, message: string): number | undefined => {
  const wait = number(headers["retry-after-ms"])
    ?? after(headers["retry-after"], headers)
    ?? ofBody(error)
    ?? ofMessage(message)
    ?? exhausted(headers)
  return wait === undefined || Number.isNaN(wait) ? undefined : Math.min(longest, Math.max(0, Math.ceil(wait)))
}

/** `Retry-After`: seconds, or a date. */
const after = (value: string | undefined, headers: Headers): number | undefined => {
  if (value === undefined) return undefined
  const seconds = number(value)
  if (seconds !== undefined) return seconds * 1000
  return duration(value) ?? until(date(value), headers)
}

/** From the answer's own date until a point in time, in ms. */
const until = (time: number | undefined, headers: Headers): number | undefined => {
  const now = date(headers.date)
  return time === undefined || now === undefined ? undefined : time - now
}

/** A date as ms since 1970. */
const date = (value: string | undefined): number | undefined => {
  const time = value === undefined ? Option.none() : DateTime.make(value)
  return Option.isSome(time) ? DateTime.toEpochMillis(time.value) : undefined
}

/** `x-ratelimit-reset-…`, or Anthropic's own, of a limit that is used up. */
const exhausted = (headers: Headers): number | undefined => {
  let longestWait: number | undefined
  for (const what of ["-requests", "-tokens", "-input-tokens", "-output-tokens", ""]) {
    const value = headers[`x-ratelimit-reset${what}`] ?? headers[`anthropic-ratelimit${what}-reset`]
    const remaining = headers[`x-ratelimit-remaining${what}`] ?? headers[`anthropic-ratelimit${what}-remaining`]
    if (value === undefined || (remaining !== undefined && Number(remaining) > 0)) continue
    const wait = reset(value, headers)
    if (wait !== undefined && (longestWait === undefined || wait > longestWait)) longestWait = wait
  }
  return longestWait
}

/** `6m0s`, seconds, or a point in time as seconds or ms since 1970, or as a date. */
const reset = (value: string, headers: Headers): number | undefined => {
  const plain = number(value)
  if (plain === undefined) return duration(value) ?? until(date(value), headers)
  if (plain >= 1e12) return until(plain, headers)
  return plain >= 1e9 ? until(plain * 1000, headers) : plain * 1000
}

const ofBody = (error: Fields | undefined): number | undefined => {
  if (error === undefined) return undefined
  const ms = error.retry_after_ms
  if (typeof ms === "number") return ms
  const seconds = error.retry_after ?? object(error.metadata)?.retry_after_seconds
  if (typeof seconds === "number") return seconds * 1000
  if (typeof seconds === "string") return number(seconds) === undefined ? duration(seconds) : Number(seconds) * 1000
  for (const detail of list(error.details) ?? []) {
    const delay = text(object(detail)?.retryDelay)
    if (delay !== undefined) return duration(delay)
  }
  return undefined
}

const waiting = /\b(?:try again|retry)\s+(?:in|after)\s+(?:about\s+)?([0-9][0-9a-zµ. ]{0,40})/i

/** "Please try again in 5.89s", "Please retry after 60 seconds". */
const ofMessage = (message: string): number | undefined => {
  const said = waiting.exec(message.slice(0, 4000))
  return said === null ? undefined : duration(said[1]!)
}

const units: { readonly [unit: string]: number } = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000
}

/**
 * A length of time as services write it: `6m0s`, `120ms`, `1.2s`, `60 seconds`. In ms; `undefined` where it is none.
 */
export const duration = (value: string): number | undefined => {
  const terms = /^(\d+(?:\.\d+)?)\s*([a-zµ]+)/i
  let rest = value.trim()
  let total: number | undefined
  for (let term = terms.exec(rest); term !== null; term = terms.exec(rest)) {
    const unit = term[2]!.toLowerCase()
    if (!Object.hasOwn(units, unit)) break
    total = (total ?? 0) + Number(term[1]) * units[unit]!
    rest = rest.slice(term[0].length).trimStart()
  }
  return total
}

/** A plain number of 0 and up. */
const number = (value: string | undefined): number | undefined =>
  value !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
