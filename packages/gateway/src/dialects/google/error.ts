/**
 * Writes an error as Google does: its status as a number and as a word, and details with what the client can go by.
 *
 * @module
 */
import { type JsonObject, type JsonValue, type LlmError, Mask } from "plugline"
import type { Call } from "../../Dialect.ts"
import { object } from "../shared/json.ts"

/** The body of an error. */
export const encodeError = (error: LlmError, status: number, call: Pick<Call, "id">): JsonObject => ({
  error: {
    code: status,
    message: Mask.text(error.reason.message),
    status: wordOf(status),
    details: details(error, call)
  }
})

/**
 * A prompt that Google refused, as it says so itself: an answer without candidates. `undefined` for any other error.
 */
export const refusal = ({ reason }: LlmError): JsonObject | undefined => {
  const sent = reason._tag === "ContentPolicy" ? object(reason.raw) : undefined
  return typeof object(sent?.promptFeedback)?.blockReason === "string" ? sent : undefined
}

const details = ({ reason, retryAfter }: LlmError, { id }: Pick<Call, "id">): ReadonlyArray<JsonValue> => {
  const out: Array<JsonValue> = []
  if (retryAfter !== undefined && retryAfter >= 0) {
    out.push({ "@type": `${types}RetryInfo`, retryDelay: `${Math.ceil(retryAfter) / 1000}s` })
  }
  if (reason._tag === "InvalidRequest" && reason.parameter !== undefined) {
    const violation = { field: reason.parameter, description: Mask.text(reason.message) }
    out.push({ "@type": `${types}BadRequest`, fieldViolations: [violation] })
  }
  out.push({ "@type": `${types}RequestInfo`, requestId: id })
  return out
}

const types = "type.googleapis.com/google.rpc."

const wordOf = (status: number): string => {
  if (Object.hasOwn(words, status)) return words[status]!
  return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL"
}

const words: { readonly [status: number]: string } = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
  529: "UNAVAILABLE"
}
