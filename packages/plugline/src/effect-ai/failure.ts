/**
 * Says in `effect/ai`'s words why a call failed.
 *
 * @module
 */
import type { LlmError } from "@plugline/core"
import { Duration } from "effect"
import { AiError } from "effect/ai"

/** The same failure as an `AiError`. */
export const aiError = (error: LlmError, method: string): AiError.AiError =>
  AiError.make({ module: "Plugline", method, reason: reasonOf(error) })

const reasonOf = ({ message, reason, retryAfter }: LlmError): AiError.AiErrorReason => {
  const http = reason.status === undefined ? {} : { http: { response: { status: reason.status, headers: {} } } }
  switch (reason._tag) {
    case "Authentication":
      return new AiError.AuthenticationError({ kind: "InvalidKey", ...http })
    case "Permission":
      return new AiError.AuthenticationError({ kind: "InsufficientPermissions", ...http })
    case "RateLimit":
    case "Overloaded":
      return new AiError.RateLimitError({ ...(retryAfter !== undefined && { retryAfter: Duration.millis(retryAfter) }), ...http })
    case "Quota":
      return new AiError.QuotaExhaustedError(http)
    case "ContentPolicy":
      return new AiError.ContentPolicyError({ description: message, ...http })
    case "NotFound":
    case "InvalidRequest":
    case "ContextLength":
    case "Unsupported":
    case "Configuration":
    case "Halted":
    case "Transition":
      return new AiError.InvalidRequestError({
        description: message,
        ...("parameter" in reason && reason.parameter !== undefined && { parameter: reason.parameter }),
        ...http
      })
    case "Server":
    case "Timeout":
    case "Network":
    case "CutStream":
      return new AiError.InternalProviderError({ description: message, ...http })
    case "MalformedResponse":
    case "NotAnLlm":
      return new AiError.InvalidOutputError({ description: message })
    case "Plug":
      return new AiError.UnknownError({ description: message })
  }
}
