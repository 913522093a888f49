/**
 * Which messages of two conversations are the same, and which words of two texts: so that one new message at the front is
 * one new message, not every message changed.
 *
 * @module
 */
import { diffArrays, diffWordsWithSpace } from "diff"
import type { Said } from "./said.ts"

/** What became of a message. Places are those before and after. */
export type Aligned =
  | { readonly kind: "same"; readonly before: number; readonly after: number; readonly message: Said }
  | { readonly kind: "added"; readonly after: number; readonly message: Said }
  | { readonly kind: "removed"; readonly before: number; readonly message: Said }
  | { readonly kind: "changed"; readonly before: number; readonly after: number; readonly from: Said; readonly to: Said }

const texts = new WeakMap<object, string>()

const textOf = (message: Said): string => {
  let text = texts.get(message)
  if (text === undefined) texts.set(message, (text = JSON.stringify(message)))
  return text
}

const same = (a: Said, b: Said): boolean => a === b || textOf(a) === textOf(b)

/** Two conversations side by side, in the order in which one reads them. */
export const align = (before: ReadonlyArray<Said>, after: ReadonlyArray<Said>): ReadonlyArray<Aligned> => {
  const out: Array<Aligned> = []
  let a = 0
  let b = 0
  let gone: Array<{ readonly before: number; readonly message: Said }> = []
  const flush = (): void => {
    for (const { before, message } of gone) out.push({ kind: "removed", before, message })
    gone = []
  }
  for (const { added, removed, value } of diffArrays([...before], [...after], { comparator: same })) {
    if (removed) gone.push(...value.map((message) => ({ before: a++, message })))
    else if (added) {
      for (const message of value) {
        // One of the same role that went away here was changed into it.
        const at = gone.findIndex((each) => each.message.role === message.role)
        if (at < 0) {
          out.push({ kind: "added", after: b++, message })
          continue
        }
        for (const { before, message } of gone.splice(0, at)) out.push({ kind: "removed", before, message })
        const [from] = gone.splice(0, 1)
        out.push({ kind: "changed", before: from!.before, after: b++, from: from!.message, to: message })
      }
      flush()
    } else {
      flush()
      for (const message of value) out.push({ kind: "same", before: a++, after: b++, message })
    }
  }
  flush()
  return out
}

/** A run of words that stayed, came or went. */
export interface Words {
  readonly kind: "same" | "added" | "removed"
  readonly text: string
}

/** The words of two texts. Texts too long or too far apart to be compared in good time are one that went and one that came. */
export const words = (before: string, after: string): ReadonlyArray<Words> => {
  const found =
    before.length + after.length > 200_000 ? undefined : diffWordsWithSpace(before, after, { timeout: 250, maxEditLength: 3_000 })
  if (found === undefined)
    return [
      { kind: "removed", text: before },
      { kind: "added", text: after }
    ]
  return found.map(({ added, removed, value }) => ({ kind: added ? "added" : removed ? "removed" : "same", text: value }))
}
