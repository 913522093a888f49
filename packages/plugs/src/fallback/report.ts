/**
 * How a request was answered where the first who was asked may not have answered it. It stands alone, so that any plug
 * can read it.
 *
 * @module
 */
import { Key, Request } from "@plugline/core"
import type { Tried } from "./walk.ts"

/** How a request was answered. Plain JSON. */
export interface Report {
  /** The name of who answered: `provider/model`, the `name` of the step, or `rule`. Absent where nobody did. */
  readonly answeredBy?: string
  /** Everyone who was asked, in order. */
  readonly steps: ReadonlyArray<Tried>
  /** Whether the answer is less than what was asked for: that of a rule, or of a step marked so. */
  readonly degraded: boolean
}

/** Where {@link Report} is written. */
export const report: Key<Report> = Key.make<Report>("fallback.report")

/** Whether an answer came from somebody else than the first who was asked. */
export const isSubstitute = (request: Request): boolean => {
  const told = Request.get(request, report)
  return told !== undefined && (told.degraded || told.steps.length > 1)
}
