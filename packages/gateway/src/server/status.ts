/**
 * What an error is on HTTP: its status, and when to come again.
 *
 * @module
 */
import type { LlmError, ReasonTag } from "plugline"

/** The status of each reason that has none of its own from a service. */
const byReason: { readonly [Tag in ReasonTag]: number } = {
  Authentication: 502,
  Permission: 403,
  NotFound: 404,
  InvalidRequest: 400,
  ContextLength: 400,
  ContentPolicy: 400,
  RateLimit: 429,
  Quota: 429,
  Overloaded: 503,
  Server: 502,
  Timeout: 504,
  Network: 502,
  MalformedResponse: 502,
  CutStream: 502,
  NotAnLlm: 502,
  Unsupported: 400,
  Configuration: 500,
  Halted: 400,
  Plug: 500,
  Transition: 500
}

/**
 * The status an error is answered with: the service's own where it answered with an error, but for what is between the
 * gateway and it; else that of its reason.
 */
export const statusOf = (error: LlmError): number => {
  const { provider, status } = error
  // A service that refuses our credential says nothing of the caller's.
  if (provider !== undefined && (status === 401 || status === 407)) return 502
  return status !== undefined && status >= 400 && status < 600 ? status : byReason[error.reason._tag]
}

/** `Retry-After` in whole seconds, at most a day; `undefined` where nothing is known. */
export const retryAfterOf = (error: LlmError): string | undefined => {
  const { retryAfter } = error
  if (retryAfter === undefined || !(retryAfter >= 0)) return undefined
  return String(Math.min(86_400, Math.max(1, Math.ceil(retryAfter / 1_000))))
}
