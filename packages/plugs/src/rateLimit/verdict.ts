/**
 * What a store's answer means for a request: whether it may go on, and if not, for what and how long it must wait.
 * Pure.
 *
 * @module
 */
import { type Ask, parts, type Taken } from "../store/LimitStore.ts"

/** What came of asking once. */
export type Verdict =
  /** Let through. Without levels the store did not say how much there was. */
  | { readonly _tag: "In"; readonly asks: ReadonlyArray<Ask>; readonly levels: ReadonlyArray<number> | undefined }
  /**
   * `wait`: ms until there is enough, as far as time decides it; `slots`: somebody must end first. `key`: what to wait
   * for.
   */
  | Full
  /** Waiting is of no use or takes too long. */
  | (Blocked & { readonly _tag: "Late" | "Crowded"; readonly full: Full | undefined })
  | { readonly _tag: "NoRoom" }
  | { readonly _tag: "Down" }

/** What stands in the way. */
export interface Blocked {
  readonly wait: number
  readonly slots: boolean
  readonly key: string
}

/** A limit is reached. Without levels the store was not asked, because the provider wants to be left alone. */
export interface Full extends Blocked {
  readonly _tag: "Full"
  readonly asks: ReadonlyArray<Ask>
  readonly levels: ReadonlyArray<number> | undefined
}

/** What a store's answer means. */
export const judge = (asks: ReadonlyArray<Ask>, taken: Taken): Verdict => {
  if (taken._tag === "NoRoom") return taken
  const { levels } = taken
  if (taken._tag === "Admitted") return { _tag: "In", asks, levels }
  return { _tag: "Full", asks, levels, ...blocked(asks, levels) }
}

/**
 * What stands in the way of being let through, how long time alone needs to remove it, and which to wait for: one whose
 * slots are taken, else the one that takes longest.
 */
export const blocked = (asks: ReadonlyArray<Ask>, levels: ReadonlyArray<number>): Blocked => {
  let wait = 0
  let slots = false
  let key = ""
  asks.forEach((ask, index) => {
    const missing = ask.cost * parts - levels[index]!
    if (missing <= 0) return
    if (ask.kind === "slots") {
      if (!slots) key = ask.key
      slots = true
      return
    }
    const needs = ask.kind === "day" ? ask.resets : Math.ceil(missing / ask.rate)
    if (needs <= wait) return
    wait = needs
    if (!slots) key = ask.key
  })
  return { wait, slots, key }
}
