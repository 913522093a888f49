/**
 * Two runs side by side, plug by plug: what is not the same, and nothing else.
 *
 * @module
 */
import { Diff, Json, type RequestJson } from "@plugline/core"
import type { Recorded, Summary } from "../api.ts"
import { type Outcome, type Visit, walk } from "./walk.ts"

/** One place of the two runs. In each diff `before` is the first run and `after` the second. */
export interface ComparedStep {
  /** `2.yes.0#1`: path and attempt. */
  readonly id: string
  readonly name: string
  readonly path: string
  readonly attempt: number
  readonly state: "same" | "different" | "only-a" | "only-b"
  readonly a?: Visit
  readonly b?: Visit
  /** What the plug was handed. */
  readonly in: Diff.Diff
  /** What it handed on, back or forth. */
  readonly out: Diff.Diff
  /** What the plug itself did another way: each path that it changed, with what the first and the second run put there. */
  readonly did: Diff.Diff
  /** Where they differ: what became of the plug in each. */
  readonly outcomes?: readonly [a: Outcome, b: Outcome]
}

/** Two runs, compared. */
export interface Comparison {
  /** Whether they went the same way; times, ids and the summaries do not count. */
  readonly same: boolean
  /** What differs of the summaries, but for ids and times. */
  readonly summary: Diff.Diff
  readonly steps: ReadonlyArray<ComparedStep>
  readonly request: Diff.Diff
  readonly final: Diff.Diff
  readonly pipeline: Diff.Diff
  /** The text of each answer. */
  readonly text: { readonly a: string; readonly b: string }
}

/** Compares two runs. Places are aligned by path and attempt, in the order of the first run. */
export const compare = (a: Recorded, b: Recorded): Comparison => {
  const [left, right] = [walk(a), walk(b)]
  const steps = merged(left.flat, right.flat).map(comparedStep).filter((step) => step !== undefined)
  const request = between(a.request, b.request)
  const final = between(left.final, right.final)
  const pipeline = Diff.between(a.pipeline, b.pipeline)
  return {
    same: steps.every(({ state }) => state === "same") && Diff.isEmpty(request) && Diff.isEmpty(final),
    summary: Diff.between(lasting(a.summary), lasting(b.summary)),
    steps,
    request,
    final,
    pipeline,
    text: { a: textOf(left.final), b: textOf(right.final) }
  }
}

/** A place as it was in each run; absent where it was not there. */
type Pair = readonly [a: Visit | undefined, b: Visit | undefined]

/** Both lists as one: what is in both stands once, what is in one alone stands where it is there. */
const merged = (a: ReadonlyArray<Visit>, b: ReadonlyArray<Visit>): ReadonlyArray<Pair> => {
  const places = new Map(b.map((visit, index) => [visit.id, index]))
  const inA = new Set(a.map(({ id }) => id))
  const out: Array<Pair> = []
  let reached = 0
  for (const visit of a) {
    const at = places.get(visit.id)
    if (at !== undefined && at >= reached) {
      for (; reached < at; reached++) if (!inA.has(b[reached]!.id)) out.push([undefined, b[reached]])
      reached = at + 1
    }
    out.push([visit, at === undefined ? undefined : b[at]])
  }
  for (; reached < b.length; reached++) if (!inA.has(b[reached]!.id)) out.push([undefined, b[reached]])
  return out
}

const comparedStep = ([a, b]: Pair): ComparedStep | undefined => {
  const { attempt, id, name, path } = (a ?? b)!
  if (a === undefined || b === undefined) {
    // What was visited in neither is no difference between the runs, but one of the pipelines.
    if (attempt === 0) return undefined
    const place = { id, name, path, attempt, in: nothing, out: nothing, did: nothing }
    return a !== undefined ? { ...place, state: "only-a", a } : { ...place, state: "only-b", ...(b !== undefined && { b }) }
  }
  const given = between(a.in, b.in)
  const out = joined([
    both(a.calls[0]?.passed, b.calls[0]?.passed),
    between(a.out, b.out),
    both(a.ends.at(-1)?.after, b.ends.at(-1)?.after)
  ])
  const differ = a.outcome !== b.outcome
  const renamed = a.name !== b.name || !Json.equals(a.options, b.options)
  const same = !differ && !renamed && Diff.isEmpty(given) && Diff.isEmpty(out)
  return {
    id, name, path, attempt, state: same ? "same" : "different", a, b, in: given, out, did: deeds(a, b),
    ...(differ && { outcomes: [a.outcome, b.outcome] as const })
  }
}

/** What each of two visits put where, and where that is not the same. */
const deeds = (a: Visit, b: Visit): Diff.Diff => {
  const [left, right] = [deedsOf(a), deedsOf(b)]
  const added: Array<Diff.Diff["added"][number]> = []
  const removed: Array<Diff.Diff["removed"][number]> = []
  const changed: Array<Diff.Diff["changed"][number]> = []
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const [before, after] = [left.get(path), right.get(path)]
    if (!right.has(path)) removed.push({ path, value: before })
    else if (!left.has(path)) added.push({ path, value: after })
    else {
      const inside = Diff.between(before, after, path)
      added.push(...inside.added)
      removed.push(...inside.removed)
      changed.push(...inside.changed)
    }
  }
  return { added, removed, changed }
}

/** By path what a plug put there last; `undefined` for what it took away. */
const deedsOf = ({ back, down, ended }: Visit): ReadonlyMap<string, unknown> => {
  const out = new Map<string, unknown>()
  for (const diff of [down, back, ended]) {
    for (const { path, value } of diff?.added ?? []) out.set(path, value)
    for (const { after, path } of diff?.changed ?? []) out.set(path, after)
    for (const { path } of diff?.removed ?? []) out.set(path, undefined)
  }
  return out
}

const nothing: Diff.Diff = { added: [], removed: [], changed: [] }

/** Several diffs as one; of what stands in several of them, the last word counts. */
const joined = (diffs: ReadonlyArray<Diff.Diff>): Diff.Diff => {
  const last = <A extends { readonly path: string }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
    [...new Map(all.map((each) => [each.path, each])).values()]
  return {
    added: last(diffs.flatMap(({ added }) => added)),
    removed: last(diffs.flatMap(({ removed }) => removed)),
    changed: last(diffs.flatMap(({ changed }) => changed))
  }
}

/** What differs of two requests, but for their ids. */
const between = (a: RequestJson | undefined, b: RequestJson | undefined): Diff.Diff =>
  a === undefined || b === undefined
    ? a === b ? nothing : Diff.between(a, b)
    : Diff.between({ ...a, id: "" }, { ...b, id: "" })

/** The same for what only visits that went on have. */
const both = (a: RequestJson | undefined, b: RequestJson | undefined): Diff.Diff =>
  a === undefined || b === undefined ? nothing : between(a, b)

/** What of a summary does not change from run to run. */
const lasting = (summary: Summary) => {
  const { bytes: _bytes, id: _id, parent: _parent, route: _route, seq: _seq, ...rest } = summary
  const { at: _at, firstToken: _first, took: _took, ...lasts } = rest
  return lasts
}

const textOf = (request: RequestJson | undefined): string => {
  const { result } = request ?? {}
  if (result === undefined || !("content" in result)) return ""
  return result.content.map((part) => part.type === "text" ? part.text : "").join("")
}
