/**
 * Which services a run asked, one try after the other, and how each went.
 *
 * @module
 */
import type { LlmErrorJson } from "@plugline/core"
import type { Recorded } from "../api.ts"
import { exchanges } from "./exchanges.ts"
import { service } from "./say.ts"
import { once } from "./view.ts"
import { type Visit, walk } from "./walk.ts"

/** One try. */
export interface Tried {
  /** `openai/gpt-5-mini`. */
  readonly name: string
  readonly provider: string
  readonly outcome: "answered" | "failed" | "interrupted"
  readonly status?: number
  readonly error?: LlmErrorJson
  readonly took?: number
  /** The id of the visit that asked. */
  readonly visit?: string
}

/** The services that were asked, in order. Where the wire was not kept, the plugs at the end of each line tell. */
export const services: (recorded: Recorded) => ReadonlyArray<Tried> = once((recorded) => {
  const sent = exchanges(recorded)
  if (sent.length === 0) return walk(recorded).flat.filter(isService).map(ofVisit)
  return sent.map(({ error, model, outcome, provider, response, took, visit }) => {
    const status = response?.status ?? error?.reason.status
    return {
      name: service(provider, model),
      provider,
      outcome,
      took,
      ...(status !== undefined && { status }),
      ...(error !== undefined && { error }),
      ...(visit !== undefined && { visit })
    }
  })
})

/**
 * Whether a visit asked a service, as far as can be told: it ended the line by itself, and neither from a store nor by a
 * refusal.
 */
const isService = ({ branches, calls, in: given, outcome, out }: Visit): boolean => {
  if (given === undefined || given.state !== "pending" && given.state !== "executing") return false
  if (calls.length > 0 || branches.some((branch) => branch.outcome !== "skipped")) return false
  return outcome === "answered" ? out?.halted !== true : outcome === "interrupted" || outcome === "failed"
}

const ofVisit = ({ error, id, in: given, outcome, total }: Visit): Tried => ({
  name: service(given!.provider, given!.options.model),
  provider: given!.provider,
  outcome: outcome === "answered" ? "answered" : outcome === "interrupted" ? "interrupted" : "failed",
  ...(total !== undefined && { took: total }),
  ...(error !== undefined && { error }),
  ...(error?.reason.status !== undefined && { status: error.reason.status }),
  visit: id
})
