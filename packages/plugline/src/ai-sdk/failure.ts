/**
 * Says in the AI SDK's words why a call failed.
 *
 * @module
 */
import { LlmError } from "@plugline/core"

/** An error that the AI SDK takes for one of its own, known by its marks. */
class CallError extends Error {
  readonly statusCode: number | undefined
  readonly isRetryable = false
  readonly url = ""
  readonly requestBodyValues = {}
  readonly responseBody: string | undefined
  readonly responseHeaders: Record<string, string> | undefined
  readonly data: unknown

  constructor(cause: LlmError) {
    super(cause.message, { cause })
    const { raw, status } = cause.reason
    this.statusCode = status
    this.responseBody = raw === undefined ? undefined : JSON.stringify(raw)
    this.responseHeaders = cause.retryAfter === undefined ? undefined : { "retry-after-ms": String(cause.retryAfter) }
    this.data = cause.toJSON()
  }

  override get name(): string {
    return "AI_APICallError"
  }
}

Object.assign(CallError.prototype, {
  [Symbol.for("vercel.ai.error")]: true,
  [Symbol.for("vercel.ai.error.AI_APICallError")]: true
})

/** The same failure as the AI SDK's `APICallError`, our error as its `cause`. */
export const callError = (thrown: unknown): Error => new CallError(LlmError.fromUnknown(thrown))
