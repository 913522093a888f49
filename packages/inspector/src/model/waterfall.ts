/**
 * A run over time: a row for each visit with its own time and the time it waited for others, the moments that matter, and
 * the pauses between the parts of the reply.
 *
 * @module
 */
import type { Recorded } from "../api.ts"
import { exchanges } from "./exchanges.ts"
import { type Window } from "./spans.ts"
import { once, view } from "./view.ts"
import { type Visit, walk } from "./walk.ts"

/** One visit as bars. Times are in ms since the run began. */
export interface Row {
  readonly visit: Visit
  readonly depth: number
  readonly offset: number
  readonly total: number
  readonly own: number
  /** What the visit is made of, in order and without holes: its own time, and time in which it waited for others. */
  readonly bars: ReadonlyArray<Bar>
}

/** A piece of a visit's time. */
export interface Bar {
  readonly from: number
  readonly to: number
  readonly kind: "own" | "rest"
}

/** A moment that matters. */
export interface Mark {
  readonly at: number
  readonly kind: "attempt" | "sent" | "first-part" | "end"
  readonly label: string
  /** The id of the visit that it belongs to. */
  readonly visit?: string
}

/** A pause in the reply. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly ms: number
  /** Which part came after it. */
  readonly index: number
}

/** A run over time. */
export interface Waterfall {
  readonly total: number
  readonly rows: ReadonlyArray<Row>
  /** In order of time. */
  readonly marks: ReadonlyArray<Mark>
  /** From the first part that reached the reader to the last. Absent where the reply was whole. */
  readonly stream?: { readonly from: number; readonly to: number; readonly parts: number }
  /** The pauses between parts: the one in the middle, and the longest ones, longest first. */
  readonly gaps: { readonly median: number; readonly longest: ReadonlyArray<Gap> }
}

/** How many of the longest pauses are given. */
const most = 20

/** A run over time. */
export const waterfall: (recorded: Recorded) => Waterfall = once((recorded) => {
  const tree = walk(recorded)
  const reached = view(recorded).parts.filter(({ plug }) => plug === undefined)
  const [first, last] = [reached[0], reached.at(-1)]
  const gaps = reached.slice(1).map(({ at }, index): Gap => ({
    from: reached[index]!.at, to: at, ms: at - reached[index]!.at, index: index + 1
  })).toSorted((a, b) => b.ms - a.ms)
  return {
    total: tree.total,
    rows: tree.flat.flatMap((visit) => visit.start === undefined ? [] : [rowOf(visit)]),
    marks: marksOf(recorded, first?.at),
    ...(first !== undefined && { stream: { from: first.at, to: last!.at, parts: reached.length } }),
    gaps: { median: gaps[Math.floor(gaps.length / 2)]?.ms ?? 0, longest: gaps.slice(0, most).filter(({ ms }) => ms > 0) }
  }
})

const rowOf = (visit: Visit): Row => {
  const { branches, calls, depth, end = 0, own = 0, start = 0, total = 0 } = visit
  const waited: ReadonlyArray<Window> = [
    ...calls.map(({ passedAt, receivedAt }) => [passedAt, receivedAt ?? end] as const),
    ...branches.flatMap((branch) =>
      branch.kind === "child" && branch.start !== undefined ? [[branch.start, branch.end ?? end] as const] : [])
  ].toSorted((a, b) => a[0] - b[0])
  const bars: Array<Bar> = []
  let reached = start
  const put = (to: number, kind: Bar["kind"]): void => {
    if (to <= reached) return
    bars.push({ from: reached, to, kind })
    reached = to
  }
  for (const [from, to] of waited) {
    put(Math.min(from, end), "own")
    put(Math.min(to, end), "rest")
  }
  put(end, "own")
  return { visit, depth, offset: start, total, own, bars: bars.reduce(joined, []) }
}

/** Waits that follow each other are one. */
const joined = (bars: ReadonlyArray<Bar>, bar: Bar): ReadonlyArray<Bar> => {
  const last = bars.at(-1)
  return last?.kind === bar.kind ? [...bars.slice(0, -1), { ...last, to: bar.to }] : [...bars, bar]
}

const marksOf = (recorded: Recorded, first: number | undefined): ReadonlyArray<Mark> => {
  const { flat, total } = walk(recorded)
  const marks: Array<Mark> = flat.flatMap(({ branches, id }) =>
    branches.flatMap(({ kind, label, start }): ReadonlyArray<Mark> =>
      kind === "attempt" && start !== undefined ? [{ at: start, kind, label, visit: id }] : []))
  for (const { at, provider, request, visit } of exchanges(recorded)) {
    if (at === undefined || request === undefined) continue
    marks.push({ at, kind: "sent", label: `${provider} asked`, ...(visit !== undefined && { visit }) })
  }
  if (first !== undefined) marks.push({ at: first, kind: "first-part", label: "first part" })
  marks.push({ at: total, kind: "end", label: "end" })
  return marks.toSorted((a, b) => a.at - b.at)
}
