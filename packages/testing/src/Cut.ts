/**
 * Cuts a stream of parts anew: the same texts in other pieces. What a plug makes of a reply must not depend on it.
 *
 * @module
 */
import type { Part, Parts } from "@plugline/core"

type Delta = Extract<Part, { readonly type: "text-delta" | "reasoning-delta" | "tool-params-delta" }>

/**
 * The same stream with its deltas joined and cut again: `sizes` says how many characters each piece holds; of several
 * numbers the last goes on, and 0 gives one empty piece. Without sizes every run of deltas becomes one.
 *
 * @example
 * ```ts
 * import { Cut } from "@plugline/testing"
 *
 * const hello = Cut.recut([{ type: "text-delta", id: "0", delta: "hello" }], [2])
 * hello.map((part) => part.type === "text-delta" ? part.delta : "") // => ["he", "ll", "o"]
 * ```
 */
export const recut = (parts: Parts, sizes: ReadonlyArray<number>): Parts => {
  const out: Array<Part> = []
  let cuts = 0
  const size = (): number => {
    const wanted = sizes[Math.min(cuts, sizes.length - 1)] ?? Infinity
    cuts++
    // A size that stays at 0 would cut for ever.
    return wanted > 0 ? wanted : cuts > sizes.length ? 1 : 0
  }
  for (const part of join(parts)) {
    if (!isDelta(part) || part.delta === "") {
      out.push(part)
      continue
    }
    // What belongs to the delta as a whole stays with its first piece.
    let piece: Delta = part
    for (let from = 0; from < part.delta.length; piece = withoutMetadata(part)) {
      const length = size()
      out.push({ ...piece, delta: part.delta.slice(from, from + length) })
      from += length
    }
  }
  return out
}

/** The stream with every run of deltas of one text joined to one. */
export const join = (parts: Parts): Parts => {
  const out: Array<Part> = []
  for (const part of parts) {
    const last = out.at(-1)
    if (last !== undefined && isDelta(part) && isDelta(last) && sameText(part, last)) {
      out[out.length - 1] = { ...last, delta: last.delta + part.delta }
    } else out.push(part)
  }
  return out
}

/** The same parts, so many at a time; of several numbers the last goes on. Default: all at once. */
export const batches = (parts: Parts, sizes: ReadonlyArray<number>): ReadonlyArray<Parts> => {
  const out: Array<Parts> = []
  for (let at = 0; at < parts.length;) {
    const size = Math.max(1, sizes[Math.min(out.length, sizes.length - 1)] ?? parts.length)
    out.push(parts.slice(at, at + size))
    at += size
  }
  return out
}

const isDelta = (part: Part): part is Delta =>
  part.type === "text-delta" || part.type === "reasoning-delta" || part.type === "tool-params-delta"

/** Whether two deltas are pieces of one text and nothing else is said with either. */
const sameText = (a: Delta, b: Delta): boolean =>
  a.type === b.type && a.id === b.id && a.choice === b.choice && a.metadata === undefined && b.metadata === undefined

const withoutMetadata = (part: Delta): Delta => {
  const { metadata: _, ...rest } = part
  return rest as Delta
}
