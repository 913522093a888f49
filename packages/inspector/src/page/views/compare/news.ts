/**
 * Of two runs, what is new at each step: a difference that was there before is carried along, and said once. Pure.
 *
 * @module
 */
import { Diff, type RequestJson } from "@plugline/core"
import type { Recorded } from "../../../api.ts"
import { steps, type WalkStep } from "../../../model/steps.ts"
import { walk } from "../../../model/walk.ts"

/** What two runs newly differ in where they come to a plug, on one of the ways through it. */
export interface Fresh {
  readonly direction: WalkStep["direction"]
  readonly diff: Diff.Diff
  /** How many differences it only carries along. */
  readonly carried: number
  /** The requests behind it, in the first run and in the second. */
  readonly a: RequestJson
  readonly b: RequestJson
}

/** By the ids of visits that both runs made, in the order in which the second went. */
export const news = (a: Recorded, b: Recorded): ReadonlyMap<string, ReadonlyArray<Fresh>> => {
  const known = new Set<string>()
  const others = new Map(steps(walk(a)).map((step) => [placeOf(step), step]))
  const out = new Map<string, Array<Fresh>>()
  for (const step of steps(walk(b))) {
    const other = others.get(placeOf(step))
    if (other === undefined) continue
    const before = fresh(between(other.before, step.before), known)
    const after = fresh(between(other.after, step.after), known)
    const list = out.get(step.visit.id) ?? []
    list.push({
      direction: step.direction,
      diff: {
        added: [...before.diff.added, ...after.diff.added],
        removed: [...before.diff.removed, ...after.diff.removed],
        changed: [...before.diff.changed, ...after.diff.changed]
      },
      carried: after.carried,
      a: other.after,
      b: step.after
    })
    out.set(step.visit.id, list)
  }
  return out
}

const placeOf = ({ direction, visit }: WalkStep): string => `${visit.id} ${direction}`

/** Two runs are called differently; that is no difference. */
const between = (a: RequestJson, b: RequestJson): Diff.Diff => Diff.between({ ...a, id: "" }, { ...b, id: "" })

/** What of a diff was not known yet; it is from now on. */
const fresh = (diff: Diff.Diff, known: Set<string>): { readonly diff: Diff.Diff; readonly carried: number } => {
  let carried = 0
  const isNew = (...place: ReadonlyArray<unknown>): boolean => {
    const key = JSON.stringify(place)
    if (known.has(key)) {
      carried++
      return false
    }
    known.add(key)
    return true
  }
  return {
    diff: {
      added: diff.added.filter(({ path, value }) => isNew("+", path, value)),
      removed: diff.removed.filter(({ path, value }) => isNew("-", path, value)),
      changed: diff.changed.filter(({ after, before, path }) => isNew("~", path, before, after))
    },
    carried
  }
}
