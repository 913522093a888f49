/**
 * Counts what happened in the last seconds, in slots of time that slide: what is older than the window counts no more.
 * Takes the same memory however much is counted.
 *
 * @module
 */

/** How many slots a window has. It slides by one of them at a time. */
export const slotsPerWindow = 10

/** How long one slot of a window is, in ms. */
export const slotOf = (window: number): number => Math.max(1, Math.ceil(window / slotsPerWindow))

/** Several counts over one sliding window. */
export class Slots {
  readonly #width: number
  readonly #kinds: number
  /** `kinds` numbers for each slot. */
  readonly #counts: Array<number>
  /** The number of the latest slot, counted from 1970. */
  #latest = Number.NEGATIVE_INFINITY

  /** `window` in ms; `kinds`: how many counts it keeps. */
  constructor(window: number, kinds: number) {
    this.#width = slotOf(window)
    this.#kinds = kinds
    this.#counts = Array.from({ length: slotsPerWindow * kinds }, () => 0)
  }

  /** One more of a kind, counted from 0. */
  add(now: number, kind: number): void {
    this.#slide(now)
    const index = this.#index(this.#latest) + kind
    this.#counts[index] = this.#counts[index]! + 1
  }

  /** How many of a kind the window holds that ends now. */
  sum(now: number, kind: number): number {
    this.#slide(now)
    let sum = 0
    for (let at = kind; at < this.#counts.length; at += this.#kinds) sum += this.#counts[at]!
    return sum
  }

  clear(): void {
    this.#counts.fill(0)
  }

  /** Forgets what has left the window. A clock that is set back counts into the latest slot. */
  #slide(now: number): void {
    const slot = Math.floor(now / this.#width)
    if (slot <= this.#latest) return
    const gone = Math.min(slotsPerWindow, slot - this.#latest)
    for (let back = 0; back < gone; back++) {
      const from = this.#index(slot - back)
      this.#counts.fill(0, from, from + this.#kinds)
    }
    this.#latest = slot
  }

  #index(slot: number): number {
    return ((slot % slotsPerWindow) + slotsPerWindow) % slotsPerWindow * this.#kinds
  }
}
