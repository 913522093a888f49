/**
 * Says how many tokens a call used, as far as its end tells. Pure.
 *
 * @module
 */
import { type LlmError, Request, type Usage } from "@plugline/core"
import { isServed } from "../cache/status.ts"
import { most } from "../store/LimitStore.ts"

/** Tokens that a call used; `undefined` where nobody knows. */
export const usedTokens = (final: Request): number | undefined => {
  if (isServed(final)) return 0
  const { operation, result } = final
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  const total = usage === undefined ? undefined : totalOf(usage, operation === "embeddings")
  if (total !== undefined) return total
  const error = Request.failure(final)
  return error !== undefined && result === undefined && isFree(error) ? 0 : undefined
}

const totalOf = ({ inputTokens, outputTokens }: Usage, embeddings: boolean): number | undefined => {
  const output = outputTokens.total ?? (embeddings ? 0 : undefined)
  if (inputTokens.total === undefined || output === undefined) return undefined
  const total = inputTokens.total + output
  return inputTokens.total >= 0 && output >= 0 && total <= most ? Math.ceil(total) : undefined
}

/** Whether a failure means that no tokens were used: nobody was asked, or whoever was asked refused. */
const isFree = ({ reason }: LlmError): boolean =>
  reason._tag !== "CutStream" && reason._tag !== "MalformedResponse" && (reason._tag !== "Timeout" || reason.phase === "connect")
