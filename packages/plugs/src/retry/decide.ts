/**
 * Decides whether a request that has failed is tried again, and when. Pure: given the same, it says the same.
 *
 * @module
 */
import type { LlmError, Request } from "@plugline/core"
import type { Share } from "./AttemptBudget.ts"

/** The options of `Retry`, with their defaults filled in. Times in ms. */
export interface Policy {
  readonly attempts: number
  readonly base: number
  readonly cap: number
  readonly deadline: number
  readonly enforce: boolean
  readonly budget: Share | undefined
  readonly when: ((error: LlmError, request: Request) => boolean) | undefined
}

/** Why no further attempt is made. */
export type Why =
  /** The same call would fail again. */
  | "final"
  /** As many attempts as are allowed have been made. */
  | "attempts"
  /** The next attempt would begin after the deadline. */
  | "deadline"
  /** The provider asked to wait for longer than the deadline allows. */
  | "retry-after"
  /** Too large a share of the traffic is retries already. */
  | "budget"

/** What to do about a failure: `wait` in ms, then again; or stop. */
export type Decision = { readonly _tag: "Again"; readonly wait: number } | { readonly _tag: "Stop"; readonly why: Why }

/** What is known when an attempt has failed. */
export interface Moment {
  readonly request: Request
  readonly error: LlmError
  /** How many attempts have been made. */
  readonly attempt: number
  /** How many of them before this one ended in an answer that cannot be read. */
  readonly malformed: number
  /** Time since the first attempt began, in ms. */
  readonly elapsed: number
  /** From 0 to 1, 1 excluded. */
  readonly random: number
}

/** The longest wait behind this many failed attempts, in ms: it doubles each time, up to the cap. */
export const ceiling = ({ base, cap }: Pick<Policy, "base" | "cap">, attempt: number): number =>
  Math.min(cap, base * 2 ** (attempt - 1))

/**
 * How long to wait behind this many failed attempts, in ms: anything from 0 to the ceiling, each as likely as any other
 * ("full jitter"), so that callers that failed together do not come back together. A time the provider asked for comes
 * first, and the jitter on top of it.
 */
export const delay = (policy: Pick<Policy, "base" | "cap">, attempt: number, random: number, retryAfter = 0): number =>
  Math.max(0, retryAfter) + random * ceiling(policy, attempt)

/** Whether to try again, and when. Does not look at the budget. */
export const decide = (policy: Policy, moment: Moment): Decision => {
  const { attempt, elapsed, error, random } = moment
  if (!repeatable(policy, moment)) return stop("final")
  if (attempt >= policy.attempts) return stop("attempts")
  const asked = error.retryAfter !== undefined && error.retryAfter > 0 ? error.retryAfter : 0
  if (elapsed + asked >= policy.deadline) return stop(asked > 0 ? "retry-after" : "deadline")
  const wait = delay(policy, attempt, random, asked)
  if (elapsed + wait < policy.deadline) return { _tag: "Again", wait }
  // What the provider asked for fits, only the jitter on top does not.
  return asked > 0 ? { _tag: "Again", wait: asked } : stop("deadline")
}

/** Statuses that mean the same call fails again, whatever else is said. */
const never: ReadonlySet<number> = new Set([400, 401, 403, 404, 413, 422])

const repeatable = ({ when }: Policy, { error, malformed, request }: Moment): boolean => {
  if (error.status !== undefined && never.has(error.status)) return false
  // Once it may be a slip; twice it is how this service answers, and each answer is paid for.
  if (error.reason._tag === "MalformedResponse" && malformed > 0) return false
  return when === undefined ? error.retryable : when(error, request)
}

const stop = (why: Why): Decision => ({ _tag: "Stop", why })
