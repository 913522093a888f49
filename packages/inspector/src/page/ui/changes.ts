/**
 * What changed between two requests, as it is shown: the conversation, the answer, every other field by its path. Pure.
 *
 * @module
 */
import type { Diff } from "@plugline/core"
import { align, type Aligned } from "./align.ts"
import type { Piece, Said } from "./said.ts"

/** How many places changed. */
export const sizeOf = ({ added, changed, removed }: Diff.Diff): number => added.length + changed.length + removed.length

export type Entry =
  | { readonly kind: "added" | "removed"; readonly path: string; readonly value: unknown }
  | { readonly kind: "changed"; readonly path: string; readonly before: unknown; readonly after: unknown }

const entriesOf = ({ added, changed, removed }: Diff.Diff): ReadonlyArray<Entry> =>
  [
    ...changed.map((each): Entry => ({ kind: "changed", ...each })),
    ...added.map((each): Entry => ({ kind: "added", ...each })),
    ...removed.map((each): Entry => ({ kind: "removed", ...each }))
  ].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))

/** Two messages lists, if both requests are at hand: then messages are shown as messages. */
export interface Sides {
  readonly before?: { readonly messages?: ReadonlyArray<Said> | undefined; readonly result?: unknown } | undefined
  readonly after?: { readonly messages?: ReadonlyArray<Said> | undefined; readonly result?: unknown } | undefined
}

/** What is shown of a diff: the conversation, the answer, and every other field by its path. */
export interface Parted {
  readonly talk?: ReadonlyArray<Aligned>
  readonly answer?: { readonly before: ReadonlyArray<Piece> | undefined; readonly after: ReadonlyArray<Piece> | undefined }
  readonly rest: ReadonlyArray<Entry>
  /** How many changes a person sees. */
  readonly count: number
}

/** Parts a diff. Pure. */
export const part = (diff: Diff.Diff, { after, before }: Sides): Parted => {
  // Where one of the two was never there, there is nothing to be compared.
  const entries = entriesOf(diff).filter(({ path }) => path !== "")
  const talk =
    before?.messages !== undefined && after?.messages !== undefined && entries.some(({ path }) => path.startsWith("messages"))
      ? align(before.messages, after.messages)
      : undefined
  const told = entries.some(({ path }) => path.startsWith("result.content") || path === "result")
  const [was, is] = [contentOf(before?.result), contentOf(after?.result)]
  const answer = told && (was !== undefined || is !== undefined) ? { before: was, after: is } : undefined
  const rest = entries.filter(
    ({ path }) =>
      !(talk !== undefined && path.startsWith("messages")) && !(answer !== undefined && path.startsWith("result.content"))
  )
  const count =
    rest.length
    + (talk?.filter(({ kind }) => kind !== "same").length ?? 0)
    + (answer === undefined || rest.some(({ path }) => path === "result") ? 0 : 1)
  return { ...(talk !== undefined && { talk }), ...(answer !== undefined && { answer }), rest, count }
}

const contentOf = (result: unknown): ReadonlyArray<Piece> | undefined => {
  const content = typeof result === "object" && result !== null && "content" in result ? result.content : undefined
  return Array.isArray(content) ? (content as ReadonlyArray<Piece>) : undefined
}
