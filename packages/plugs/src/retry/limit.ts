/**
 * Ends what takes too long: a reply that does not begin, pauses, or does not end.
 *
 * @module
 */
import { LlmError, Part, type Parts, type Source } from "@plugline/core"
import { type Clock, Effect } from "effect"
import { counter } from "../observe/series.ts"
import { count, providerLabel } from "./count.ts"

/** A limit that has passed. */
export type Phase = "first-token" | "idle" | "total"

const sentences: { readonly [Name in Phase]: string } = {
  "first-token": "nothing of the answer was there",
  idle: "nothing more of the answer came",
  total: "the answer was not complete"
}

/** Limits that have passed, by provider and by which it was. */
export const timeouts = counter("plugline.timeout.timeouts", { description: "Time limits that passed" })

/** The error of a limit, in ms, that has passed. Counted. */
export const expired = (phase: Phase, limit: number, provider: string): Effect.Effect<LlmError> =>
  Effect.as(
    count(timeouts, { provider: providerLabel(provider), phase }),
    LlmError.make({ _tag: "Timeout", phase, limit, message: `${sentences[phase]} within ${limit} ms` }, { provider, plug: "timeout" })
  )

/** The nearer of two limits that begin at different times. */
export const nearer = (
  phase: "first-token" | "idle",
  limit: number,
  total: number,
  begun: number,
  now: number
): { readonly phase: Phase; readonly limit: number; readonly left: number } => {
  const left = begun + total - now
  return limit <= left ? { phase, limit, left: limit } : { phase: "total", limit: total, left: Math.max(0, left) }
}

/** Waits for parts no longer than these limits allow, in ms. `begun`: when the exchange began. */
export const limited = (
  pull: Source["pull"],
  { begun, clock, idle, provider, total }: {
    readonly clock: Clock.Clock
    readonly begun: number
    readonly idle: number
    readonly total: number
    readonly provider: string
  }
): Source["pull"] =>
  Effect.suspend(() => {
    const { left, limit, phase } = nearer("idle", idle, total, begun, clock.currentTimeMillisUnsafe())
    return Effect.timeoutOrElse(pull, {
      duration: left,
      orElse: (): Effect.Effect<Parts> => Effect.map(expired(phase, limit, provider), (error) => [Part.error(error)])
    })
  })
