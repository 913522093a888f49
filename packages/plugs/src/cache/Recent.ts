/**
 * Remembers the entries that a store has read more than once, so that an answer that is asked for again and again is
 * not parsed each time. The store is asked nevertheless: what counts is the text it holds now, and an entry is given
 * only for exactly the text it was read from.
 *
 * @module
 */
import { decode, type Entry, frozen } from "./Entry.ts"

interface Known {
  readonly text: string
  /**
   * Nothing after the first reading, which most entries never get beyond. Frozen, because many callers are given it.
   */
  readonly entry: Entry | undefined
}

/** Most characters of one entry's text: what is longer is read each time. */
const longest = 65_536

/** Most characters in each of the two halves. */
const most = 1024 ** 2

/** The entries that were read lately, by key. What was not read again while half of it filled up is forgotten. */
export class Recent {
  #young = new Map<string, Known>()
  #old = new Map<string, Known>()
  #characters = 0

  /** The entry of a text; `undefined` where that is none. */
  read(key: string, text: string): Entry | undefined {
    const young = this.#young.get(key)
    const known = young ?? this.#old.get(key)
    const again = known !== undefined && known.text === text
    let entry = again ? known.entry : undefined
    if (entry !== undefined && young !== undefined) return entry
    if (entry === undefined) {
      entry = again ? frozen(text) : decode(text)
      if (entry === undefined || text.length > longest) return entry
    }
    this.#put(key, { text, entry: again ? entry : undefined })
    return entry
  }

  #put(key: string, known: Known): void {
    const before = this.#young.get(key)
    this.#characters += known.text.length - (before?.text.length ?? 0)
    this.#young.set(key, known)
    if (this.#characters <= most) return
    this.#old = this.#young
    this.#young = new Map()
    this.#characters = 0
  }
}
