/**
 * A pipeline as the inspector shows it: a tree of its plugs, and a hash that is the same wherever plugs and options are.
 *
 * @module
 */
import type { PlugNode } from "@plugline/inspector"
import { Canonical } from "@plugline/plugs"
import { Mask, Pipeline, type Services } from "plugline"

type Line = Pipeline<Services>

/** A pipeline to be shown. */
export interface Shown {
  readonly tree: ReadonlyArray<PlugNode>
  /** SHA-256 of the tree, 64 hexadecimal digits. */
  readonly hash: string
}

const known = new WeakMap<Line, Shown>()

/** A pipeline to be shown, secrets masked; looked at once. */
export const lineOf = (line: Line): Shown => {
  let found = known.get(line)
  if (found === undefined) {
    const tree = Mask.json(Pipeline.inspect(line)) as unknown as ReadonlyArray<PlugNode>
    known.set(line, found = { tree, hash: Canonical.fingerprint(tree) })
  }
  return found
}
