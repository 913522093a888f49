/**
 * Keeps extra attempts, of retries and of hedges, to a share of the traffic: when a provider fails as a whole, sending
 * it three times the load does not help it up again.
 *
 * In memory only, and for one process: each process keeps its own share, so all together keep it too.
 *
 * @module
 */
import { Context, type Duration, Layer } from "effect"
import { Slots } from "./Slots.ts"
import { ms } from "./span.ts"

/** How much may be extra. */
export interface Share {
  /** Most extra attempts per request, as in 0.2. */
  readonly share: number
  /**
   * Extra attempts per window that are always allowed: without them a program that seldom calls could never try again.
   */
  readonly reserve: number
}

/** What was asked of late, and how much of it was extra. */
export class AttemptBudget extends Context.Service<AttemptBudget, {
  /** A request has begun. `now` in ms. */
  readonly began: (key: string, now: number) => void
  /** Takes one extra attempt, if there is one to be had. */
  readonly take: (key: string, now: number, share: Share) => boolean
}>()("@plugline/plugs/AttemptBudget") {}

/** How the traffic is counted. */
export interface AttemptBudgetOptions {
  /** The time over which shares are counted. Default: 30 seconds. */
  readonly window?: Duration.Input
  /** Most keys that are told apart; of more, those that came first are forgotten. Default: 1,000. */
  readonly maxKeys?: number
}

/** Whether one more extra attempt stays within the share. */
export const allows = ({ reserve, share }: Share, requests: number, extra: number): boolean =>
  extra + 1 <= Math.max(reserve, Math.floor(share * requests))

/** Counts in memory, in ten slots that slide over the window. */
export const memory = (options: AttemptBudgetOptions = {}): Layer.Layer<AttemptBudget> =>
  Layer.sync(AttemptBudget, () => {
    const window = ms(options.window, 30_000)
    const { maxKeys = 1_000 } = options
    const counts = new Map<string, Slots>()
    const of = (key: string): Slots => {
      let found = counts.get(key)
      if (found === undefined) {
        if (counts.size >= maxKeys) counts.delete(counts.keys().next().value!)
        counts.set(key, found = new Slots(window, 2))
      }
      return found
    }
    return {
      began: (key, now) => of(key).add(now, requests),
      take: (key, now, share) => {
        const slots = of(key)
        if (!allows(share, slots.sum(now, requests), slots.sum(now, extra))) return false
        slots.add(now, extra)
        return true
      }
    }
  })

const requests = 0
const extra = 1
