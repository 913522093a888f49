/**
 * Who waits for which limit, in the order in which they came. A line of its own for each limit, so that nobody waits
 * behind somebody who waits for something else.
 *
 * @module
 */
import { Effect } from "effect"

/** Somebody who waits. */
export interface Waiter {
  /** Counts up: who has the lower number came earlier. */
  readonly ticket: number
  /** The limit it waits for. */
  line: string | undefined
  /** ms that were still to wait when it last asked. */
  wait: number
  /** Wakes it. */
  wake: (() => void) | undefined
  /** Whether it was woken while it was awake. */
  poked: boolean
}

/** The lines of one process. */
export class Lines {
  readonly #lines = new Map<string, Array<Waiter>>()
  #ticket = 0

  /** How many limits are waited for. */
  get size(): number {
    return this.#lines.size
  }

  /** How many wait for a limit. */
  length(key: string): number {
    return this.#lines.get(key)?.length ?? 0
  }

  /** Somebody new. */
  waiter(): Waiter {
    return { ticket: ++this.#ticket, line: undefined, wait: 0, wake: undefined, poked: false }
  }

  /** The limit among these for which somebody waits who came before `ticket`. */
  ahead(keys: ReadonlyArray<string>, ticket = Infinity): string | undefined {
    if (this.#lines.size === 0) return undefined
    return keys.find((key) => {
      const line = this.#lines.get(key)
      return line !== undefined && line[0]!.ticket < ticket
    })
  }

  /** The first who waits for a limit. */
  first(key: string): Waiter | undefined {
    return this.#lines.get(key)?.[0]
  }

  /** Waits for this limit from now on, in the place it has by when it came. */
  join(waiter: Waiter, key: string): void {
    if (waiter.line === key) return
    this.leave(waiter)
    waiter.line = key
    const line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, [waiter])
    else {
      let place = line.length
      while (place > 0 && line[place - 1]!.ticket > waiter.ticket) place--
      line.splice(place, 0, waiter)
    }
  }

  /** Waits no longer; it is the next one's turn. */
  leave(waiter: Waiter): void {
    const { line: key } = waiter
    if (key === undefined) return
    waiter.line = undefined
    const line = this.#lines.get(key)!
    const place = line.indexOf(waiter)
    line.splice(place, 1)
    if (line.length === 0) this.#lines.delete(key)
    else if (place === 0) poke(line[0]!)
  }

  /** Something came free: the first in line looks again. */
  free(key: string): void {
    const first = this.first(key)
    if (first !== undefined) poke(first)
  }
}

/** Sleeps until it is woken, at most so many ms. */
export const sleep = (waiter: Waiter, ms: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (waiter.poked) {
      waiter.poked = false
      return Effect.void
    }
    return Effect.raceFirst(
      Effect.sleep(ms),
      Effect.callback<void>((resume) => {
        waiter.wake = () => resume(Effect.void)
        return Effect.sync(() => {
          waiter.wake = undefined
        })
      })
    )
  })

const poke = (waiter: Waiter): void => {
  const { wake } = waiter
  if (wake === undefined) waiter.poked = true
  else {
    waiter.wake = undefined
    wake()
  }
}
