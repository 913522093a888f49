/**
 * When a circuit opens, and for how long. Pure; stores in other languages say the same.
 *
 * @module
 */

/** How a circuit behaves. Times in ms. */
export interface Policy {
  /** Opens after so many failures in a row. 0: not for that. */
  readonly consecutive: number
  /** Opens when this share of the calls in the window failed, above 0 and up to 1. 0: not for that. */
  readonly failureRate: number
  /** Opens when this share of the calls in the window was slow, above 0 and up to 1. 0: not for that. */
  readonly slowRate: number
  /** How many calls the window must hold before a share counts. */
  readonly minimum: number
  readonly window: number
  /** How long it stays open the first time. */
  readonly openFor: number
  /**
   * How many times longer it stays open each time it opens again without having been well for as long as it was last
   * open.
   */
  readonly growth: number
  readonly maxOpenFor: number
  /** How many calls are let through when that time is over. All must succeed for it to close. */
  readonly probes: number
  /** After how long such a call that has not reported back is given up. */
  readonly lease: number
}

/** How a call went, as far as a circuit is concerned. */
export interface Report {
  readonly outcome: "healthy" | "failure" | "ignored"
  /** Whether it was slow though healthy. */
  readonly slow: boolean
  /** How long the provider asked to be left alone, in ms. */
  readonly retryAfter?: number | undefined
}

/** What a window holds. */
export interface Counts {
  readonly calls: number
  readonly failures: number
  readonly slow: number
  /** Failures in a row. */
  readonly consecutive: number
}

/** Why a circuit opened. */
export type Why = "consecutive" | "failures" | "slow"

/** Why a circuit should open, if it should. */
export const trips = (policy: Policy, { calls, consecutive, failures, slow }: Counts): Why | undefined => {
  if (policy.consecutive > 0 && consecutive >= policy.consecutive) return "consecutive"
  if (calls < policy.minimum) return undefined
  if (policy.failureRate > 0 && failures >= policy.failureRate * calls) return "failures"
  return policy.slowRate > 0 && slow >= policy.slowRate * calls ? "slow" : undefined
}

/** How long a circuit stays open that opens for the so-manieth time, in ms. */
export const openTime = ({ growth, maxOpenFor, openFor }: Policy, openings: number, retryAfter = 0): number =>
  Math.ceil(Math.min(maxOpenFor, Math.max(openFor * growth ** (openings - 1), retryAfter)))
