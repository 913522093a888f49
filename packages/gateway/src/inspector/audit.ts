/**
 * Writes down in the audit log what somebody ran from the inspector. Unlike what is about the whole gateway, those of a tenant may do
 * it, with that tenant's requests.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Effect } from "effect"
import type { LlmError } from "plugline"
import type { Ask } from "../admin/act.ts"
import { Audit, type Outcome } from "../audit/Audit.ts"

/** Does something, with a line in the audit log before it and another where it fails. */
export const audited = <A, R>(
  { id, principal, requestId }: Ask,
  action: string,
  work: Effect.Effect<A, LlmError | StoreError, R>
): Effect.Effect<A, LlmError | StoreError, R | Audit> =>
  Effect.gen(function*() {
    const audit = yield* Audit
    const note = (outcome: Outcome) => audit.record({ who: principal, action, target: id, outcome, requestId })
    yield* note("allowed")
    return yield* Effect.tapError(work, () => note("failed"))
  })
