/**
 * Decides which turns of a conversation go when it is too long. Pure, and linear in the conversation.
 *
 * @module
 */
import type { Message } from "@plugline/core"

/** Messages that stay or go together. */
export interface Turn {
  /** Index of its first message. */
  readonly from: number
  /** Index behind its last. */
  readonly to: number
}

/** A conversation in pieces. */
export interface Turns {
  /** How many system messages it begins with: these always stay. */
  readonly leading: number
  /** The turns in order, together all other messages. */
  readonly turns: ReadonlyArray<Turn>
}

/**
 * The turns of a conversation. A turn begins with a message from the person and goes on to the next. Turns between
 * which a tool was called and answered are one: a call is never parted from its result.
 */
export const turnsOf = (messages: ReadonlyArray<Message>): Turns => {
  let leading = 0
  while (leading < messages.length && messages[leading]!.role === "system") leading++
  const starts: Array<number> = []
  const called = new Map<string, number>()
  for (let index = leading; index < messages.length; index++) {
    const { content, role } = messages[index]!
    // Several messages of the person in a row are one question.
    if (starts.length === 0 || (role === "user" && messages[index - 1]!.role !== "user")) starts.push(index)
    if (typeof content === "string") continue
    for (const part of content) {
      if (part.type === "tool-call") called.set(part.id, index)
      else if (part.type === "tool-result") {
        const call = called.get(part.id)
        // Everything from the call on belongs to the turn of the call.
        if (call !== undefined) while (starts.at(-1)! > call) starts.pop()
      }
    }
  }
  return { leading, turns: starts.map((from, index) => ({ from, to: starts[index + 1] ?? messages.length })) }
}

/**
 * How many of the oldest turns must go so that the rest counts for at most `max`, the last `keep` turns never among
 * them; `undefined` where even those are too long. `fixed`: what stays in any case.
 */
export const surplus = (
  { turns }: Turns,
  weights: ReadonlyArray<number>,
  { fixed, keep, max }: { readonly fixed: number; readonly keep: number; readonly max: number }
): number | undefined => {
  const sums = turns.map(({ from, to }) => {
    let sum = 0
    for (let index = from; index < to; index++) sum += weights[index]!
    return sum
  })
  let total = fixed
  for (const sum of sums) total += sum
  const most = Math.max(0, turns.length - Math.max(1, keep))
  let gone = 0
  while (total > max && gone < most) total -= sums[gone++]!
  return total > max ? undefined : gone
}
