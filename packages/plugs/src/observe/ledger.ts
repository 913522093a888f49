/**
 * Turns receipts into lines of a ledger, each with the fingerprint of the one before, so that a line that was removed,
 * changed or put in is noticed. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto"
import type { Receipt } from "./receipt.ts"

/** SHA-256 of a line, without its line break. */
export const hash = (line: string): string => createHash("sha256").update(line).digest("hex")

/** How a line is written. */
export interface LineOptions {
  /** The hash of the line before; the empty text where there is none. Absent: lines are not chained. */
  readonly prev?: string | undefined
  /** How many receipts were lost since the line before. */
  readonly lost?: number
}

/** A receipt as one line, without its line break. */
export const line = (receipt: Receipt, { lost = 0, prev }: LineOptions = {}): string =>
  JSON.stringify({ ...receipt, ...(lost > 0 && { lost }), ...(prev !== undefined && { prev }) })

/** What is found in the lines of a ledger. */
export type Verdict =
  /** Nothing is missing between the first line and the last. Keep `last` elsewhere, and a cut end is noticed too. */
  | { readonly intact: true; readonly lines: number; readonly last: string }
  /** `line`, counted from 1, does not follow the one before it. */
  | { readonly intact: false; readonly line: number; readonly why: string }

/**
 * Whether lines follow each other without a gap. `after`: the hash that the first must name; `""` for the beginning of
 * a ledger. Default: any, as in a file whose beginning was rotated away.
 *
 * @example
 * ```ts
 * import { Receipt } from "@plugline/plugs"
 *
 * const found = Receipt.verify([`{"id":"a","prev":""}`, `{"id":"b","prev":"wrong"}`])
 * found // => { intact: false, line: 2, why: "the line before it was changed or removed" }
 * ```
 */
export const verify = (lines: Iterable<string>, options: { readonly after?: string } = {}): Verdict => {
  let count = 0
  let last = options.after
  for (const text of lines) {
    if (text === "") continue
    count++
    const prev = prevOf(text)
    if (prev === undefined) return { intact: false, line: count, why: "it is no line of a chained ledger" }
    if (last !== undefined && prev !== last) {
      return { intact: false, line: count, why: "the line before it was changed or removed" }
    }
    last = hash(text)
  }
  return { intact: true, lines: count, last: last ?? "" }
}

const prevOf = (text: string): string | undefined => {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read !== "object" || read === null || !("prev" in read)) return undefined
    return typeof read.prev === "string" ? read.prev : undefined
  } catch {
    return undefined
  }
}

/** The last lines that were written. */
export class Recent {
  readonly #lines: Array<string> = []
  readonly #capacity: number
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(line: string): void {
    if (this.#capacity <= 0) return
    this.#lines[this.#next] = line
    this.#next = (this.#next + 1) % this.#capacity
  }

  /** From the oldest to the latest. */
  list(): ReadonlyArray<string> {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)]
  }
}
