/**
 * What a router knows of its targets: how busy they are, how fast they begin to answer, and how often they fail. Kept
 * in memory, for one process, and forgotten where nobody has asked for a target in a long time.
 *
 * @module
 */
import { Context, Layer } from "effect"

/** What is known of a target now. */
export interface Health {
  /** Requests that have been sent and whose reply has not ended. */
  readonly inFlight: number
  /**
   * How long it takes until an answer begins, in ms: an average in which later answers weigh more. Absent: never
   * measured.
   */
  readonly latency?: number
  /** Share of failures among recent requests, 0 to 1. */
  readonly failures: number
  /** Whether it is to be asked: not failing too often, and not told to wait. */
  readonly healthy: boolean
}

/** How a request to a target ended, as far as the target's health goes. `none`: it says nothing of it. */
export type Outcome = "good" | "bad" | "none"

/** What a router knows. Targets go by name; `now` is in ms. */
export class RouteState extends Context.Service<RouteState, {
  readonly look: (target: string, now: number) => Health
  /** A request is sent. */
  readonly begin: (target: string, now: number) => void
  /** An answer has begun, so many ms after the request was sent. */
  readonly answered: (target: string, ms: number) => void
  /** A request has ended. `pause`: how long the target asked to be left alone, in ms. */
  readonly end: (target: string, outcome: Outcome, now: number, pause?: number) => void
  /** Whose turn it is in a pool: counts from 0. */
  readonly turn: (pool: string) => number
}>()("@plugline/plugs/RouteState") {}

/** Options of {@link memory}. */
export interface RouteStateOptions {
  /** After how many ms a request counts half. Default: 30 seconds. */
  readonly halfLife?: number
  /** Share of failures from which on a target is unhealthy. Default: 0.5. */
  readonly threshold?: number
  /** Fewer recent requests than this say nothing. Default: 3. */
  readonly minimum?: number
  /** The longest a target is left alone because it asked for it, in ms. Default: 5 minutes. */
  readonly longestPause?: number
  /** How many targets and pools are kept. Default: 10,000. */
  readonly most?: number
}

interface Entry {
  inFlight: number
  latency: number | undefined
  /** Requests and failures among them, each counting half after every half-life. */
  total: number
  bad: number
  at: number
  pausedUntil: number
}

/** How much a new measurement weighs in the average. */
const weight = 0.2

/** A router's knowledge in memory. */
export const memory = (options: RouteStateOptions = {}): Layer.Layer<RouteState> => Layer.sync(RouteState, () => make(options))

/** {@link memory} as a plain value. */
export const make = (
  { halfLife = 30_000, longestPause = 300_000, minimum = 3, most = 10_000, threshold = 0.5 }: RouteStateOptions = {}
): RouteState["Service"] => {
  const entries = new Map<string, Entry>()
  const turns = new Map<string, number>()

  /** The entry of a target that is asked; the longest unused makes room, unless it is being waited for. */
  const entryOf = (target: string, now: number): Entry => {
    let entry = entries.get(target)
    if (entry === undefined) {
      entry = { inFlight: 0, latency: undefined, total: 0, bad: 0, at: now, pausedUntil: 0 }
      if (entries.size >= most) {
        for (const [name, { inFlight }] of entries) {
          if (inFlight > 0) continue
          entries.delete(name)
          break
        }
      }
    } else entries.delete(target)
    entries.set(target, entry)
    return entry
  }

  const fading = (entry: Entry, now: number): number => 2 ** (-Math.max(0, now - entry.at) / halfLife)

  return {
    look: (target, now) => {
      const entry = entries.get(target)
      if (entry === undefined) return unknown
      const total = entry.total * fading(entry, now)
      const failures = entry.total === 0 ? 0 : entry.bad / entry.total
      return {
        inFlight: entry.inFlight,
        failures,
        healthy: now >= entry.pausedUntil && !(total >= minimum - 0.5 && failures >= threshold),
        ...(entry.latency !== undefined && { latency: entry.latency })
      }
    },
    begin: (target, now) => {
      entryOf(target, now).inFlight++
    },
    answered: (target, ms) => {
      const entry = entries.get(target)
      if (entry !== undefined) entry.latency = entry.latency === undefined ? ms : entry.latency + weight * (ms - entry.latency)
    },
    end: (target, outcome, now, pause) => {
      const entry = entries.get(target)
      if (entry === undefined) return
      entry.inFlight = Math.max(0, entry.inFlight - 1)
      if (outcome !== "none") {
        const left = fading(entry, now)
        entry.total = entry.total * left + 1
        entry.bad = entry.bad * left + (outcome === "bad" ? 1 : 0)
        entry.at = now
      }
      if (pause !== undefined && pause > 0) entry.pausedUntil = Math.max(entry.pausedUntil, now + Math.min(pause, longestPause))
    },
    turn: (pool) => {
      const turn = turns.get(pool) ?? 0
      if (turn === 0 && turns.size >= most) turns.delete(turns.keys().next().value!)
      turns.set(pool, (turn + 1) % Number.MAX_SAFE_INTEGER)
      return turn
    }
  }
}

const unknown: Health = { inFlight: 0, failures: 0, healthy: true }
