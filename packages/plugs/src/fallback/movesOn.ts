/**
 * Decides whether another provider may succeed where one has failed. Pure.
 *
 * @module
 */
import type { LlmError, ReasonTag, Request } from "@plugline/core"

/** Decides whether a step is taken after what went wrong before it. */
export type When = (error: LlmError, request: Request) => boolean

const others: { readonly [Tag in ReasonTag]: boolean } = {
  // The fault of that provider, its account, its key or its model.
  Authentication: true,
  Permission: true,
  NotFound: true,
  Quota: true,
  NotAnLlm: true,
  Unsupported: true,
  Configuration: true,
  // Passing.
  RateLimit: true,
  Overloaded: true,
  Server: true,
  Timeout: true,
  Network: true,
  MalformedResponse: true,
  CutStream: true,
  // The request's own fault: another would refuse it too, or, worse, answer it.
  InvalidRequest: false,
  ContextLength: false,
  ContentPolicy: false,
  // A plug has refused or is broken: a guard must not be walked around.
  Halted: false,
  Plug: false,
  Transition: false
}

/**
 * Whether another provider is asked after this error: after failures that pass, and after what is the matter with that
 * provider, its key, quota or model. What is the caller's own fault, and what a plug has refused, stays as it is.
 */
export const movesOn = (error: LlmError): boolean => {
  const { reason, retryable, status } = error
  // These say that the request itself is at fault, unless the service meant its key or quota by it.
  const faulty = status === 400 || status === 413 || status === 422
  return others[reason._tag] && !(faulty && retryable)
}
