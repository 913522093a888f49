/**
 * Where `RateLimit` keeps how much is left: token buckets, days and slots, taken from all together or from none. In
 * memory here; `RateLimit.sqlite` for the processes of one machine, `RateLimit.redis` and `RateLimit.postgres` for
 * those of several.
 *
 * `effect/persistence/RateLimiter` takes from one key at a time, never forgets a key in memory, and believes a cost
 * that is negative or no number; so these stores are written anew.
 *
 * @module
 */
import { Context, Layer } from "effect"
import { Lines } from "../rateLimit/Lines.ts"
import { Paces } from "../rateLimit/Paces.ts"
import type { Now } from "../cost/now.ts"
import type { StoreError } from "./patience.ts"

/**
 * One thing that is asked of one limit. Amounts are whole units: calls, tokens.
 *
 * A `rate` fills up again by and by, a `day` is full again when its day is over, of `slots` one is taken until it is
 * given back.
 */
export interface Ask {
  /** What the limit is kept under. That of a `day` names the day. */
  readonly key: string
  readonly kind: "rate" | "day" | "slots"
  /** The most that is there. */
  readonly capacity: number
  /** The most that is there for anybody: what is as full as this can be forgotten. */
  readonly ceiling: number
  /** Units that come back in a minute; 0 for days and slots. */
  readonly rate: number
  readonly cost: number
  /** ms until a `day` is over. */
  readonly resets: number
}

/**
 * What is put right afterwards: units that are given back, or, below 0, taken in addition. Of slots: the slot is given
 * back.
 */
export interface Change {
  readonly ask: Ask
  readonly units: number
}

/** What came of asking: `levels` is what was there before, one for each that was asked, in {@link parts}. */
export type Taken =
  | { readonly _tag: "Admitted" | "Refused"; readonly levels: ReadonlyArray<number> }
  /** There is no room to keep another limit, and none that could be forgotten. */
  | { readonly _tag: "NoRoom" }

/** What keeps the limits. `now` is in ms since 1970; a store that several machines share goes by its own clock. */
export interface LimitBackend {
  /** Takes from all, or from none. `holder` names who has the slots. */
  readonly take: (holder: string, asks: ReadonlyArray<Ask>, now: number) => Now<Taken, StoreError>
  /** Puts right what was taken. */
  readonly give: (holder: string, changes: ReadonlyArray<Change>, now: number) => Now<void, StoreError>
  /** How often to look whether somebody else has given a slot back, in ms; `Infinity` where nobody else can. */
  readonly poll: number
}

/** Where limits are kept. A store in memory answers at once, any other with an Effect. */
export class LimitStore extends Context.Service<LimitStore, LimitBackend & {
  /** Who waits here, in this process. */
  readonly lines: Lines
  /** How far limits are lowered by what providers answered. */
  readonly paces: Paces
  /** A name that no other call has, in any process. */
  readonly holder: () => string
}>()("@plugline/plugs/LimitStore") {
  /** The service over what keeps the limits. `origin`: what names of holders begin with, different in each process. */
  static readonly over = (backend: LimitBackend, origin: string): LimitStore["Service"] => {
    let count = 0
    return { ...backend, lines: new Lines(), paces: new Paces(), holder: () => `${origin}${++count}` }
  }
}

/**
 * A unit is counted in so many parts, so that what comes back in a ms, at a rate by the minute, is a whole number of
 * them.
 */
export const parts = 60_000

/** The largest amount of a limit, and the largest that can be taken: beyond it parts would not be exact. */
export const most = 100_000_000_000

/** How much there was, in {@link parts}, and when, in ms. Below 0: more was used than had been there. */
export interface Level {
  readonly level: number
  readonly at: number
}

/**
 * How much there is now. A clock that was set back by more than a minute counts from there; one that trembles does not
 * count twice.
 */
export const refill = (known: Level | undefined, { capacity, rate }: Ask, now: number): Level => {
  const full = capacity * parts
  if (known === undefined) return { level: full, at: now }
  const passed = now - known.at
  if (passed >= 0) return { level: Math.min(full, known.level + passed * rate), at: now }
  return { level: Math.min(full, known.level), at: passed < -60_000 ? now : known.at }
}

/** Whether every limit has what is asked of it. */
export const enough = (asks: ReadonlyArray<Ask>, levels: ReadonlyArray<number>): boolean => {
  for (let index = 0; index < asks.length; index++) {
    if (levels[index]! < asks[index]!.cost * parts) return false
  }
  return true
}

/** When a limit can be forgotten, because it is as full as it can be. */
export const fullAt = ({ level, at }: Level, { ceiling, rate, resets }: Ask): number => {
  const missing = ceiling * parts - level
  return missing <= 0 ? at : at + (rate > 0 ? Math.ceil(missing / rate) : resets)
}

/** What is there after a change. */
export const changed = (known: Level | undefined, { ask, units }: Change, now: number): Level => {
  const { at, level } = refill(known, ask, now)
  return { at, level: Math.min(ask.capacity * parts, level + units * parts) }
}

/** How many limits are kept in memory. */
export interface MemoryLimitOptions {
  /**
   * Most limits that are kept. Only a limit that is full again is forgotten; where all are in use, whoever needs one
   * more is refused. Default: 100,000.
   */
  readonly max?: number
}

interface Entry extends Level {
  level: number
  at: number
  fullAt: number
}

/** Limits in memory: those of one process, gone with it. */
export const memory = ({ max = 100_000 }: MemoryLimitOptions = {}): Layer.Layer<LimitStore> =>
  Layer.sync(LimitStore, () => LimitStore.over(inMemory(max), ""))

const inMemory = (max: number): LimitBackend => {
  const entries = new Map<string, Entry>()
  const slots = new Map<string, number>()
  let nextSweep = -Infinity

  /** Makes room by forgetting all that is full again, at most once a second: so many keys cost little time. */
  const sweep = (now: number): void => {
    if (now < nextSweep && nextSweep - now <= 1_000) return
    nextSweep = now + 1_000
    for (const [key, entry] of entries) if (entry.fullAt <= now) entries.delete(key)
  }
  const room = (asks: ReadonlyArray<Ask>, now: number): boolean => {
    if (entries.size + slots.size + asks.length <= max) return true
    let needed = 0
    for (const { key, kind } of asks) if (!(kind === "slots" ? slots : entries).has(key)) needed++
    if (entries.size + slots.size + needed <= max) return true
    sweep(now)
    return entries.size + slots.size + needed <= max
  }
  const write = (ask: Ask, { at, level }: Level): void => {
    const entry = entries.get(ask.key)
    const full = fullAt({ at, level }, ask)
    if (entry === undefined) entries.set(ask.key, { level, at, fullAt: full })
    else {
      entry.level = level
      entry.at = at
      entry.fullAt = full
    }
  }
  return {
    poll: Infinity,
    take: (_holder, asks, now) => {
      const found: Array<Level> = []
      const levels: Array<number> = []
      for (const ask of asks) {
        const level = ask.kind === "slots"
          ? { level: (ask.capacity - (slots.get(ask.key) ?? 0)) * parts, at: now }
          : refill(entries.get(ask.key), ask, now)
        found.push(level)
        levels.push(level.level)
      }
      if (!enough(asks, levels)) return { _tag: "Refused", levels }
      if (!room(asks, now)) return { _tag: "NoRoom" }
      for (let index = 0; index < asks.length; index++) {
        const ask = asks[index]!
        const { at, level } = found[index]!
        if (ask.kind === "slots") slots.set(ask.key, (slots.get(ask.key) ?? 0) + 1)
        else write(ask, { at, level: level - ask.cost * parts })
      }
      return { _tag: "Admitted", levels }
    },
    give: (_holder, changes, now) => {
      for (const change of changes) {
        const { ask } = change
        if (ask.kind === "slots") {
          const left = (slots.get(ask.key) ?? 0) - 1
          if (left > 0) slots.set(ask.key, left)
          else slots.delete(ask.key)
        } else {
          const known = entries.get(ask.key)
          // What was forgotten was full: nothing can be given back to it.
          if (known !== undefined || change.units < 0) write(ask, changed(known, change, now))
        }
      }
    }
  }
}
