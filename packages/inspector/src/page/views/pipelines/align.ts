/**
 * Two pipelines as one list: what both have, what one alone has, and what is made with other options. Pure.
 *
 * @module
 */
import { diffArrays } from "diff"
import type { PlugNode } from "../../../api.ts"

/** A plug of one pipeline or of both. */
export type Paired =
  | {
      readonly kind: "same" | "options"
      readonly a: PlugNode
      readonly b: PlugNode
      readonly children: ReadonlyArray<{ readonly label: string; readonly line: ReadonlyArray<Paired> }>
    }
  | { readonly kind: "removed"; readonly a: PlugNode }
  | { readonly kind: "added"; readonly b: PlugNode }

/** Plugs are the same by their names, in their order; options and what is inside are then compared. */
export const pair = (a: ReadonlyArray<PlugNode>, b: ReadonlyArray<PlugNode>): ReadonlyArray<Paired> => {
  const out: Array<Paired> = []
  let left = 0
  let right = 0
  for (const { added, count, removed } of diffArrays(
    a.map(({ name }) => name),
    b.map(({ name }) => name)
  )) {
    for (let index = 0; index < count; index++) {
      if (removed) out.push({ kind: "removed", a: a[left++]! })
      else if (added) out.push({ kind: "added", b: b[right++]! })
      else out.push(both(a[left++]!, b[right++]!))
    }
  }
  return out
}

const both = (a: PlugNode, b: PlugNode): Paired => {
  const labels = [...new Set([...Object.keys(a.children), ...Object.keys(b.children)])]
  return {
    kind: JSON.stringify(a.options) === JSON.stringify(b.options) ? "same" : "options",
    a,
    b,
    children: labels.map((label) => ({ label, line: pair(a.children[label] ?? [], b.children[label] ?? []) }))
  }
}

/** How many plugs are not the same. */
export const differing = (line: ReadonlyArray<Paired>): number =>
  line.reduce(
    (sum, each) =>
      sum
      + (each.kind === "same" ? 0 : 1)
      + ("children" in each ? each.children.reduce((inside, { line }) => inside + differing(line), 0) : 0),
    0
  )
