/**
 * Remembers how long providers took of late until their first token, to tell what is slow for them.
 *
 * @module
 */
import { Context, Layer } from "effect"

/** How long it took of late, by key. */
export class Latencies extends Context.Service<Latencies, {
  /** An answer began after so many ms, or had not begun by then and was given up. */
  readonly add: (key: string, latency: number) => void
  /** What so many percent of them stayed within, in ms; `undefined` while there are fewer than `minimum`. */
  readonly percentile: (key: string, percent: number, minimum: number) => number | undefined
}>()("@plugline/plugs/Latencies") {}

/** How much is remembered. */
export interface LatenciesOptions {
  /** How many of the latest latencies of a key. Default: 200. */
  readonly samples?: number
  /** Most keys; of more, those that came first are forgotten. Default: 1,000. */
  readonly maxKeys?: number
}

/** In memory. */
export const memory = ({ maxKeys = 1_000, samples = 200 }: LatenciesOptions = {}): Layer.Layer<Latencies> =>
  Layer.sync(Latencies, () => {
    const known = new Map<string, Ring>()
    return {
      add: (key, latency) => {
        let ring = known.get(key)
        if (ring === undefined) {
          if (known.size >= maxKeys) known.delete(known.keys().next().value!)
          known.set(key, ring = new Ring(samples))
        }
        ring.add(latency)
      },
      percentile: (key, percent, minimum) => {
        const sorted = known.get(key)?.sorted()
        return sorted === undefined || sorted.length < minimum ? undefined : percentileOf(sorted, percent)
      }
    }
  })

/** The smallest of sorted values that so many percent of them do not exceed. */
export const percentileOf = (sorted: ArrayLike<number>, percent: number): number | undefined =>
  sorted[Math.max(0, Math.ceil(percent / 100 * sorted.length) - 1)]

/** The latest values; sorted at most once for every few that come. */
class Ring {
  readonly #size: number
  readonly #values: Array<number> = []
  #at = 0
  #sorted: Float64Array | undefined
  #since = 0

  constructor(size: number) {
    this.#size = size
  }

  add(value: number): void {
    this.#values[this.#at] = value
    this.#at = (this.#at + 1) % this.#size
    // Sorting again for each value would cost more than what a few of them change.
    if (++this.#since >= this.#values.length / 20) this.#sorted = undefined
  }

  sorted(): Float64Array {
    if (this.#sorted === undefined) {
      this.#sorted = Float64Array.from(this.#values).sort()
      this.#since = 0
    }
    return this.#sorted
  }
}
