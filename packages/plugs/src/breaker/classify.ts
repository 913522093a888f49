/**
 * Tells what a finished call says about the health of the service it went to.
 *
 * @module
 */
import { type LlmError, type ReasonTag, Request } from "@plugline/core"
import type { Report } from "./policy.ts"

/**
 * `failure`: the service failed or could not be reached (transport errors, timeouts, 408, 500 and above). `healthy`: it
 * worked, if only to refuse what was asked (400, 401, 403, 404, 413, 422). `ignored`: says nothing about it (429, used
 * up quotas, refusals of our own plugs, calls that were given up).
 */
export const classify = (request: Request): Report["outcome"] => {
  if (request.state === "completed") return "healthy"
  const error = Request.failure(request)
  return error === undefined ? "ignored" : ofError(error, request.response !== undefined)
}

/** Plugs of ours that refuse a call as overloaded before the service is asked. */
const refusing: ReadonlySet<string> = new Set(["budget", "circuitBreaker", "queue", "rateLimit"])

const ofError = (error: LlmError, answered: boolean): Report["outcome"] => {
  const { reason, status } = error
  if ((error.plug !== undefined && refusing.has(error.plug)) || reason._tag === "Quota" || status === 429) return "ignored"
  if (status !== undefined && (status === 408 || status >= 500)) return "failure"
  if (status !== undefined && status >= 400) return "healthy"
  const outcome = outcomes[reason._tag]
  // Without an answer these come from here: a missing key, a request that cannot be written.
  return outcome === "healthy" && !answered ? "ignored" : outcome
}

const outcomes: { readonly [Tag in ReasonTag]: Report["outcome"] } = {
  Network: "failure",
  Timeout: "failure",
  Server: "failure",
  Overloaded: "failure",
  CutStream: "failure",
  MalformedResponse: "failure",
  NotAnLlm: "failure",
  Authentication: "healthy",
  Permission: "healthy",
  NotFound: "healthy",
  InvalidRequest: "healthy",
  ContextLength: "healthy",
  ContentPolicy: "healthy",
  RateLimit: "ignored",
  Quota: "ignored",
  Unsupported: "ignored",
  Configuration: "ignored",
  Halted: "ignored",
  Plug: "ignored",
  Transition: "ignored"
}
