/**
 * Writes an error as Anthropic does: one of its few types, and what happened.
 *
 * @module
 */
import { type JsonObject, type LlmError, Mask } from "plugline"
import type { Call } from "../../Dialect.ts"

/** The body of an error. */
export const encodeError = (error: LlmError, status: number, call: Pick<Call, "id">): JsonObject => ({
  type: "error",
  error: { type: typeOf(status), message: Mask.text(error.reason.message) },
  request_id: call.id
})

/** The type of an error, by the status it is answered with. */
const typeOf = (status: number): string => {
  if (Object.hasOwn(types, status)) return types[status]!
  return status < 500 ? "invalid_request_error" : "api_error"
}

const types: { readonly [status: number]: string } = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error"
}
