/**
 * The order in which a person steps through a run: down to each plug, back through those that waited for the answer, and
 * then to the end of the stream.
 *
 * @module
 */
import { Diff, type RequestJson } from "@plugline/core"
import { once } from "./view.ts"
import type { Visit, Walk } from "./walk.ts"

/** One step: the request as a plug was handed it, and as it handed it on. */
export interface WalkStep {
  readonly index: number
  /** `down`: on the way to the provider; `back`: the answer on its way out; `end`: the streamed reply has ended. */
  readonly direction: "down" | "back" | "end"
  readonly visit: Visit
  /** In ms since the run began. */
  readonly at: number
  readonly before: RequestJson
  readonly after: RequestJson
  readonly diff: Diff.Diff
}

/** The steps of a run. Each recorded visit is there once on the way down and, where it called the rest of the line, once back. */
export const steps: (walk: Walk) => ReadonlyArray<WalkStep> = once(({ flat, visits }) => {
  const out: Array<Omit<WalkStep, "index">> = []
  line(visits, 0, undefined, () => {}, out)
  const ends = flat.flatMap((visit) => visit.ends.map((end) => ({ ...end, visit }))).toSorted((a, b) => a.order - b.order)
  for (const { after, at, before, visit } of ends) {
    out.push({ direction: "end", visit, at, before, after, diff: visit.ended ?? Diff.between(before, after) })
  }
  return out.map((step, index) => ({ index, ...step }))
})

/** Told of the request that comes out at the end of a list of plugs: the plug whose list it is may hand it on. */
type Beyond = (request: RequestJson | undefined) => void

type Out = Array<Omit<WalkStep, "index">>

/** A list of plugs, from one of them on. `request`: what comes out of the one before. */
const line = (visits: ReadonlyArray<Visit>, from: number, request: RequestJson | undefined, beyond: Beyond, out: Out): void => {
  let at = from
  while (at < visits.length && visits[at]!.attempt === 0) at++
  const visit = visits[at]
  if (visit === undefined) return beyond(request)
  const { branches, calls, in: given, out: answered } = visit
  const [first] = calls
  out.push({
    direction: "down",
    visit,
    at: visit.start ?? 0,
    before: given!,
    after: first?.passed ?? answered ?? given!,
    diff: visit.down!
  })
  const attempts = branches.filter(({ kind }) => kind === "attempt")
  // What follows each call, in order: drawn as what stands behind the plug, or as branches.
  const rests = calls.length > 0 && attempts.length === 0
    ? [{ passed: first!.passed, run: () => line(visits, at + 1, first!.passed, beyond, out) }]
    : attempts.map(({ visits: behind }, index) => {
      const passed = calls[index]?.passed
      return { passed, run: () => line(behind, 0, passed, beyond, out) }
    })
  let next = 0
  const handOn: Beyond = (request) => {
    // A pipeline inside the plug has come to its end, and goes on with what stands behind the plug.
    const rest = rests[next]
    if (rest === undefined || rest.passed !== request) return
    next++
    rest.run()
  }
  let attempt = 0
  for (const { kind, visits: inside } of branches) {
    if (kind === "child") line(inside, 0, undefined, handOn, out)
    // It may have been come to by way of a pipeline inside the plug.
    else if (attempt++ === next) rests[next++]!.run()
  }
  while (next < rests.length) rests[next++]!.run()
  const last = calls.at(-1)
  if (last === undefined) return line(visits, at + 1, answered, beyond, out)
  out.push({
    direction: "back",
    visit,
    at: last.receivedAt ?? visit.end ?? 0,
    before: last.received ?? last.passed,
    after: answered ?? last.received ?? last.passed,
    diff: visit.back ?? nothing
  })
}

const nothing: Diff.Diff = { added: [], removed: [], changed: [] }
