/**
 * Finds out which visit each end of a stream belongs to: ends name their plugs, and several plugs may have one name.
 *
 * @module
 */
import type { Body } from "./line-up.ts"
import type { SeenEnd, View } from "./view.ts"

/** Which visit saw which ends, and the ends of plugs that were never visited. */
export interface Ends {
  readonly given: ReadonlyMap<Body, ReadonlyArray<SeenEnd>>
  readonly left: ReadonlyArray<SeenEnd>
}

/**
 * Whose ends were seen. Ends name their plugs; of several of one name the innermost sees the end first, which is the one
 * that was left first.
 */
export const endsOf = (ends: ReadonlyArray<SeenEnd>, bodies: ReadonlyArray<Body>): Ends => {
  const given = new Map<Body, ReadonlyArray<SeenEnd>>()
  const waiting = new Map<string, Array<Body>>()
  const byLeaving = bodies.filter(({ step }) => step.out?.state === "streaming" && step.in.state !== "streaming")
    .toSorted((a, b) => (a.step.endedAt ?? 0) - (b.step.endedAt ?? 0) || b.order - a.order)
  for (const body of byLeaving) {
    const same = waiting.get(body.step.name)
    if (same === undefined) waiting.set(body.step.name, [body])
    else same.push(body)
  }
  const left: Array<SeenEnd> = []
  for (const end of ends) {
    // A plug that waited for the end was visited then.
    const late = bodies.find(({ step: { in: given, name } }) => name === end.plug && given === end.before)
    if (late !== undefined && !given.has(late)) {
      given.set(late, [end])
      continue
    }
    const same = waiting.get(end.plug)
    // Lanes of a race may end in another order than they were left: the one that was asked for the same is meant.
    const { options, provider } = end.before
    const fitting = same?.findIndex(({ step: { out } }) => out!.provider === provider && out!.options === options) ?? -1
    const body = same?.splice(Math.max(0, fitting), 1)[0]
    if (body === undefined) left.push(end)
    else given.set(body, [end])
  }
  return { given, left }
}

/** Who broke off a reply that had begun: the plug that the last error names, of several the one that was left last. */
export const halterOf = ({ final }: View, bodies: ReadonlyArray<Body>): Body | undefined => {
  const plug = final?.state === "error" ? final.errors.at(-1)?.plug : undefined
  return plug === undefined ? undefined : bodies.findLast(({ step: { in: given, name, out } }) =>
    name === plug && out?.state === "streaming" && (given.state !== "streaming" || out !== given))
}
