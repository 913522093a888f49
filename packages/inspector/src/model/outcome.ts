/**
 * Says what became of one visit: whether the plug changed, answered, refused or failed, and which error it brought in.
 *
 * @module
 */
import { Diff, type LlmErrorJson, type ReasonTag } from "@plugline/core"
import type { SeenEnd, SeenStep } from "./view.ts"
import type { Outcome } from "./walk.ts"

/** What is known of a visit. */
export interface Facts {
  readonly step: SeenStep
  readonly error: LlmErrorJson | undefined
  /** Whether it asks the world outside: what fails there was no decision. */
  readonly edge: boolean
  /** What it changed on the way down, back, and at the end of the stream. */
  readonly diffs: ReadonlyArray<Diff.Diff | undefined>
}

/** What became of a visit. */
export const outcomeOf = ({ diffs, edge, error, step }: Facts): Outcome => {
  const { out } = step
  if (out === undefined || step.endedAt === undefined) return "interrupted"
  const received = step.calls.at(-1)?.received ?? step.in
  if (error !== undefined) return !edge && isDecision(error.reason._tag, step) ? "halted" : "failed"
  if (out.state === "error" && received.state !== "error") return "failed"
  const handedOn = step.calls[0]?.passed ?? out
  if (isAnswered(handedOn.state) && !isAnswered(step.in.state)) return "answered"
  if (isAnswered(out.state) && !isAnswered(received.state)) return "answered"
  if (out.halted && !received.halted) return "halted"
  const changed = diffs.some((diff) => diff !== undefined && !Diff.isEmpty(diff))
  return changed ? "changed" : "ran"
}

/** The error that a plug brought in: it was not there in what came to it, and the request has ended in it. */
export const errorOf = (step: SeenStep | undefined, ends: ReadonlyArray<SeenEnd>): LlmErrorJson | undefined => {
  for (const { after, before } of ends) {
    if (after.state === "error" && before.state !== "error") return after.errors.at(-1)
  }
  if (step?.out === undefined || step.out.state !== "error") return undefined
  const received = step.calls.at(-1)?.received
  if (received !== undefined) return received.state === "error" ? undefined : step.out.errors.at(-1)
  if (step.in.state === "error") return undefined
  const error = step.out.errors.at(-1)
  // A plug with pipelines inside hands on what went wrong in them.
  return error === undefined || error.plug === undefined || error.plug === step.name ? error : undefined
}

const isAnswered = (state: string): boolean => state === "completed" || state === "streaming"

/** What a limit, a budget, a breaker or a guard refuses with; a service that was asked may answer the same. */
const refusals: ReadonlySet<ReasonTag> = new Set(["RateLimit", "Quota", "Permission", "Overloaded", "ContextLength"])

/** A refusal on purpose, in contrast to something that broke: the plug ended the request before anybody was asked. */
const isDecision = (reason: ReasonTag, step: SeenStep): boolean => {
  if (reason === "Halted" || reason === "ContentPolicy") return true
  return refusals.has(reason) && step.calls.length === 0 && step.in.state === "pending"
}
