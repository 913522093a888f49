/**
 * What each kind of error means to whoever meets it, and what to do about it.
 *
 * @module
 */
import type { LlmErrorJson, ReasonTag } from "@plugline/core"
import { variables } from "./credentials.ts"
import { duration } from "./say.ts"

/** What to do about an error, in a sentence. */
export const adviceFor = ({ plug, provider, reason }: LlmErrorJson): string => {
  const whom = provider ?? "the service"
  const variable = provider !== undefined && Object.hasOwn(variables, provider) ? variables[provider] : undefined
  if (reason._tag === "Timeout") return timeouts[reason.phase] ?? timeouts.total
  if ((reason._tag === "RateLimit" || reason._tag === "Overloaded") && reason.retryAfter !== undefined && reason.retryAfter > 0) {
    return `Ask again in ${duration(reason.retryAfter)}, or let a retry or fallback do it.`
  }
  if (reason._tag === "Authentication") return `Check the key of ${whom}${variable === undefined ? "" : ` (${variable})`}.`
  if (reason._tag === "Halted" && plug !== undefined) {
    return `See why the plug ${plug} refuses such requests; its options are in the pipeline.`
  }
  if (reason._tag === "Plug" && plug !== undefined) {
    return `This is a mistake in the plug ${plug}: walk to it to see what it was handed.`
  }
  return table[reason._tag as ReasonTag] ?? "Walk the request to see where it happened."
}

const timeouts: { readonly [phase: string]: string; readonly total: string } = {
  connect: "Check that the address can be reached from here.",
  "first-token": "Give it more time until the first token, ask for a shorter answer, or let a fallback take over.",
  idle: "The stream stood still for too long: allow longer pauses, or let it be asked again.",
  total: "Give it more time in all, ask for a shorter answer, or stream it.",
  upstream: "The service gave up by itself: ask again, or ask for less."
}

const table: { readonly [Tag in ReasonTag]: string } = {
  Authentication: "Check the key.",
  Permission: "Use a key that may do this, or ask for a model it may use.",
  NotFound: "Check the model's name and the address of the service.",
  InvalidRequest: "Change the request where it says so: asking the same again will fail again.",
  ContextLength: "Shorten the conversation (tokens.trim does), or ask a model with a larger context.",
  ContentPolicy: "Change what is asked: the same text will be refused again.",
  RateLimit: "Ask more slowly, or let a retry wait for its turn.",
  Quota: "Raise the account's quota or credit: waiting does not help.",
  Overloaded: "Ask again later, or let a retry or fallback do it.",
  Server: "Ask again; if it stays, see the status page of the service.",
  Timeout: timeouts.total,
  Network: "Check the network and the address of the service; a retry helps where it breaks now and then.",
  MalformedResponse: "Look at the wire to see what came back; the service or something in front of it has changed.",
  CutStream: "Ask again: the answer stopped before its end.",
  NotAnLlm: "Check the base URL: something else answers there.",
  Unsupported: "Ask a provider that has this.",
  Configuration: "Change the configuration where it says so.",
  Halted: "See which plug ended the request.",
  Plug: "Walk to the plug to see what it was handed.",
  Transition: "This is a mistake in the plug that moved the request: walk to it."
}
