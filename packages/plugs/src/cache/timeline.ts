/**
 * Writes down when the parts of a reply arrive, and gives them again in the same time.
 *
 * @module
 */
import type { Part, Parts, Source, Transform } from "@plugline/core"
import { Effect } from "effect"
import type { Entry } from "./Entry.ts"

/** Parts with their times, while they are being written down. */
export class Timeline {
  readonly pulls: Array<[number, Array<Part>]> = []
  readonly #begun: number
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
    this.#begun = now()
  }

  /** Reads along, and changes nothing. */
  readonly transform: Transform = {
    _tag: "Transform",
    plug: "cache",
    open: () => (part) => {
      const at = Math.max(0, this.#now() - this.#begun)
      const last = this.pulls.at(-1)
      if (last?.[0] === at) last[1].push(part)
      else this.pulls.push([at, [part]])
      return part
    }
  }
}

/** The parts of a recorded reply in their time; no pause is longer than `maxGap` ms. */
export const sourceOf = (timeline: NonNullable<Entry["timeline"]>, maxGap: number): Source => {
  let next = 0
  let before = 0
  return {
    pull: Effect.suspend(() => {
      const pull = timeline[next++]
      if (pull === undefined) return Effect.succeed<Parts | undefined>(undefined)
      const pause = Math.min(maxGap, pull[0] - before)
      before = pull[0]
      return pause > 0 ? Effect.as(Effect.sleep(pause), pull[1]) : Effect.succeed(pull[1])
    }),
    close: Effect.sync(() => {
      next = timeline.length
    })
  }
}
