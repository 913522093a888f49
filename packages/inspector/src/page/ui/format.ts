/**
 * Numbers as people read them. What is unknown is said to be unknown, and never shown as nothing.
 *
 * @module
 */

export const unknown = "unknown"

/** A duration in ms: `4 µs`, `0.42 ms`, `312 ms`, `3.42 s`, `2 m 5 s`. */
export const duration = (ms: number): string => {
  if (!Number.isFinite(ms)) return unknown
  const size = Math.abs(ms)
  if (size === 0) return "0 ms"
  if (size < 0.1) return `${Math.max(1, Math.round(size * 1000))} µs`
  if (size < 10) return `${Number(ms.toFixed(2))} ms`
  if (size < 1000) return `${Math.round(ms)} ms`
  if (size < 60_000) return `${(ms / 1000).toFixed(2)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
}

const whole = new Intl.NumberFormat("en-US")

/** A count: `1,204`. */
export const count = (value: number | undefined): string => (value === undefined ? unknown : whole.format(value))

/** A count in little room: `1.2k`, `3.4M`. */
export const short = (value: number): string => {
  if (Math.abs(value) < 1000) return String(Math.round(value * 100) / 100)
  if (Math.abs(value) < 1_000_000) return `${trimmed(value / 1000)}k`
  return `${trimmed(value / 1_000_000)}M`
}

const trimmed = (value: number): string => (value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(1))))

/** US dollars from decimal text: as many digits as say something. */
export const cost = (usd: string | number | undefined): string => {
  if (usd === undefined || usd === "") return unknown
  const value = Number(usd)
  if (!Number.isFinite(value)) return unknown
  if (value === 0) return "$0"
  const size = Math.abs(value)
  if (size >= 100) return `$${value.toFixed(0)}`
  if (size >= 1) return `$${value.toFixed(2)}`
  // Three digits that say something, whatever zeros stand before them.
  const digits = Math.min(12, 2 - Math.floor(Math.log10(size)))
  return `$${value.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, "$1")}`
}

/** A size in bytes. */
export const bytes = (size: number): string => {
  if (size < 1024) return `${size} B`
  return size < 1024 * 1024 ? `${trimmed(size / 1024)} kB` : `${trimmed(size / 1024 / 1024)} MB`
}

/** A part of the whole: `41 %`. */
export const percent = (share: number): string => {
  const value = share * 100
  return value > 0 && value < 1 ? "< 1 %" : `${Math.round(value)} %`
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" })
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })

/** The time of day, with the date where it is not of today. */
export const time = (at: number, now = Date.now()): string =>
  new Date(at).toDateString() === new Date(now).toDateString() ? clock.format(at) : day.format(at)

/** Date and time. */
export const moment = (at: number): string => full.format(at)

/** `1 part`, `3 parts`. */
export const many = (number: number, one: string, more = `${one}s`): string => `${count(number)} ${number === 1 ? one : more}`

export type Tone = "good" | "bad" | "warn" | "info" | "accent" | "violet" | "plain"

/** What a status says. */
export const toneOfStatus = (status: number): Tone => {
  if (status === 0) return "plain"
  if (status < 400) return "good"
  return status === 499 || status === 429 ? "warn" : "bad"
}

/** What a cache did. */
export const toneOfCache = (cache: string | undefined): Tone => {
  if (cache === undefined) return "plain"
  return /^(hit|semantic|stale|shared|follow)/i.test(cache) ? "good" : /^(miss|stored|write)/i.test(cache) ? "info" : "plain"
}

/** Words for the tone of an explanation. */
export const toneOf = (tone: "good" | "warning" | "bad" | "plain"): Tone => (tone === "warning" ? "warn" : tone)
