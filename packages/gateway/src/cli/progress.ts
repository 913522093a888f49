/**
 * How far a batch has come, as one line of a terminal.
 *
 * @module
 */
import type { Batch } from "@plugline/plugs"

/** Where progress is shown. */
export interface Meter {
  readonly write: (text: string) => void
  readonly columns: number
  /** Whether a line can be written over. */
  readonly terminal: boolean
}

/** The terminal of this process, beside what it writes for others. */
export const meter: Meter = {
  write: (text) => void process.stderr.write(text),
  columns: process.stderr.columns || 80,
  terminal: process.stderr.isTTY === true
}

/** Progress as a bar, with how fast it goes and how long it may still take. */
export const bar = (progress: Batch.Progress, columns: number): string => {
  const { cost, done, eta, failed, resumed, total = 0 } = progress
  const ended = done + failed
  const facts = [
    `${ended}/${total}`,
    rate(ended - resumed, progress.elapsed),
    ...(eta === undefined || ended === total ? [] : [`${duration(eta)} left`]),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(Number(cost) > 0 ? [money(cost)] : [])
  ].join("  ")
  const room = Math.min(40, columns - facts.length - 5)
  if (room < 5) return facts.slice(0, Math.max(0, columns - 1))
  const full = total === 0 ? room : Math.round(ended / total * room)
  return `[${"█".repeat(full)}${"░".repeat(room - full)}]  ${facts}`
}

/** A length of time in ms, for people. */
export const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1_000)
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`
}

/** USD, for people: small amounts keep their first digits. */
export const money = (text: string): string => {
  const amount = Number(text)
  return `$${amount >= 1 || amount === 0 ? amount.toFixed(2) : Number(amount.toPrecision(3))}`
}

const rate = (asked: number, elapsed: number): string => {
  if (asked === 0 || elapsed === 0) return "-/s"
  const each = asked / elapsed * 1_000
  return `${each >= 10 ? Math.round(each) : each.toFixed(1)}/s`
}
