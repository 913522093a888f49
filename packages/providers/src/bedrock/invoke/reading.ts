/**
 * Makes a reader of events out of what reads one event: it ends in exactly one finish or error, whatever happens.
 *
 * @module
 */
import { LlmError, Part, type Parts } from "@plugline/core"
import { errorOf } from "../../wire/outlet.ts"
import { excerpt, type Fields, object } from "../../wire/read.ts"
import type { Reader } from "./makers.ts"

/** What is done with the events of one answer. */
export interface Reading {
  readonly add: (event: Fields) => void
  /** Whether the answer may end here. */
  readonly isFinished: () => boolean
  /** Whether nothing can follow. */
  readonly isComplete: () => boolean
  readonly finish: () => void
}

/** A reader that puts its parts into `out`. */
export const reading = (provider: string, out: Array<Part>, what: Reading): Reader => {
  const { add, finish, isComplete, isFinished } = what
  let ended = false
  const take = (read: () => void): Parts => {
    if (ended) return []
    try {
      read()
    } catch (thrown) {
      ended = true
      out.push(Part.error(errorOf(thrown, provider)))
    }
    return out.splice(0)
  }
  return {
    push: (value) =>
      take(() => {
        const event = object(value)
        if (event === undefined) {
          const message = `an event of the stream is no object: ${excerpt(JSON.stringify(value))}`
          throw LlmError.make({ _tag: "MalformedResponse", message })
        }
        add(event)
        if (!isComplete()) return
        ended = true
        finish()
      }),
    end: () =>
      take(() => {
        if (!isFinished()) throw LlmError.make({ _tag: "CutStream", message: "the stream ended before the answer did" })
        ended = true
        finish()
      }),
    get ended() {
      return ended
    }
  }
}
