/**
 * The errors that limits refuse requests with, in sentences that say what to do.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { most } from "../store/LimitStore.ts"
import { type Claim, words } from "./limits.ts"
import type { Verdict } from "./verdict.ts"

/** Why a request was refused, as the error its caller gets. */
export const refusal = (
  verdict: Exclude<Verdict, { _tag: "In" }>,
  claims: ReadonlyArray<Claim>,
  provider: string
): LlmError => {
  if (verdict._tag === "NoRoom") {
    return LlmError.make({
      _tag: "Overloaded",
      message: "too many callers are being counted at the moment; try again in a second, or raise the store's max",
      retryAfter: 1_000
    })
  }
  if (verdict._tag === "Down") {
    return LlmError.make({
      _tag: "Overloaded",
      message: "the store of the limits does not answer, and calls are refused until it does (whenDown: \"closed\")",
      retryAfter: 1_000
    })
  }
  const full = verdict._tag === "Full" ? verdict : verdict.full
  const claim = claims.find(({ ask }) => ask.key === verdict.key)
  const retryAfter = Math.max(verdict.wait, verdict.slots ? 1_000 : 1)
  const paused = full !== undefined && full.levels === undefined
  // A day that is over while somebody waits for it is no claim any more.
  const limit = claim === undefined ? "a limit" : `the limit of ${words(claim)}`
  const crowd = verdict._tag === "Crowded" ? ", and too many wait for it" : ""
  const why = paused ? `${provider} asked for a pause` : `${limit} is reached${crowd}`
  return LlmError.make({ _tag: "RateLimit", message: `${why}; try again in ${seconds(retryAfter)}`, retryAfter })
}

/** A guess of tokens that is none. */
export const notTokens = (value: unknown): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "tokens",
    value: typeof value === "number" && Number.isFinite(value) ? value : String(value),
    expected: "a function that gives a whole number from 1 up",
    message: `option tokens must give a whole number from 1 to ${most.toLocaleString("en-US")}, not ${String(value)}`
  })

/** A question that is larger than a limit will ever be. */
export const never = (claim: Claim, asked: number): LlmError =>
  LlmError.make({
    _tag: "Quota",
    message: `about ${asked.toLocaleString("en-US")} tokens are asked at once, and no more than ${
      claim.measure.capacity.toLocaleString("en-US")
    } can ever be let through (${words(claim)}); send less or raise the limit`
  })

const seconds = (ms: number): string => ms < 1_000 ? `${ms} ms` : `${Math.ceil(ms / 1_000).toLocaleString("en-US")} s`
