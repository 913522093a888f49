/**
 * What a budget says: why it refuses a call, and the warning on an answer whose soft limit is passed.
 *
 * @module
 */
import { LlmError, type Part, Reply, Request, Result } from "@plugline/core"
import * as Amount from "../cost/amount.ts"
import type { Now } from "../cost/now.ts"
import type { Balance } from "../store/BudgetStore.ts"
import type { Applied } from "./limit.ts"

/** The call does not fit a limit. */
export const refuse = (
  request: Request,
  { period, rule, whose }: Applied,
  { held, spent }: Balance,
  amount: Amount.Amount,
  now: number
): Request => {
  const { until } = period
  const fits = amount <= rule.amount
  const details = {
    limit: rule.name,
    whose,
    amount: Amount.text(rule.amount),
    spent: Amount.text(spent),
    held: Amount.text(held),
    asked: Amount.text(amount),
    ...(period.resetsAt !== undefined && { resetsAt: period.resetsAt })
  }
  const advice = !fits
    ? "no single call may cost that much: lower maxTokens, shorten the prompt, or take a cheaper model"
    : spent + amount <= rule.amount ? "wait until calls that are running have ended"
    : until === undefined ? "the limit must be raised"
    : `it starts anew at ${period.resetsAt}`
  return Request.fail(request, LlmError.make({
    _tag: "Quota",
    code: "budget_exceeded",
    raw: details,
    ...(fits && until !== undefined && spent + amount > rule.amount && { retryAfter: until - now }),
    message: `the budget ${rule.name} of ${whose} does not allow this call, which may cost up to ${details.asked} USD: `
      + `${details.spent} spent and ${details.held} held, of ${details.amount}; ${advice}`
  }, { provider: request.provider }))
}

/** Nobody knows what the call can cost. */
export const refuseUnpriced = (request: Request, reason: string): Request =>
  Request.fail(request, LlmError.make({
    _tag: "Configuration",
    option: "unpriced",
    value: "refuse",
    expected: "a price for the model, or unpriced: \"allow\"",
    message: `a budget cannot be kept where nobody knows what a call can cost: ${reason}. `
      + "Give the model a price with Catalog.withOverrides"
  }, { provider: request.provider }))

/** The store does not answer. */
export const refuseDown = (request: Request): Request =>
  Request.fail(request, LlmError.make({
    _tag: "Overloaded",
    code: "budget_unavailable",
    message: "the store of the budgets does not answer, and without it no call is made; "
      + "try again, or set whenDown: \"open\""
  }, { provider: request.provider }))

/** What is said of a soft limit that is passed; nothing of any other. */
export const warningOf = ({ rule, whose }: Applied, { held, spent }: Balance): ReadonlyArray<string> =>
  rule.hard || spent + held <= rule.amount ? [] : [
    `the budget ${rule.name} of ${whose} is exceeded: `
    + `${Amount.text(spent)} USD spent and ${Amount.text(held)} held, of ${Amount.text(rule.amount)}`
  ]

/** Puts warnings in front of an answer, whole or streamed. */
export const warn = (answer: Request, messages: ReadonlyArray<string>): Now<Request> => {
  const warnings = messages.map((message) => ({ type: "other" as const, message }))
  if (answer.state === "completed" && (answer.result?.type === "embeddings" || answer.result?.type === "moderations")) {
    const { result } = answer
    return Request.mapResult(answer, () => ({ ...result, warnings: [...warnings, ...result.warnings ?? []] }))
  }
  if (answer.state === "completed" && !Result.isChat(answer.result)) return answer
  return Reply.through(answer, {
    _tag: "Transform",
    plug: "budget",
    open: () => {
      let first = true
      return (part) => {
        if (!first) return part
        first = false
        return [...warnings.map((warning): Part => ({ type: "warning", warning })), part]
      }
    }
  })
}
