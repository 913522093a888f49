/**
 * Ends a request with what went wrong. Of the operation `validate` that is the answer, not a failure: it asks whether the
 * provider can be used, and this is why not.
 *
 * @module
 */
import { type LlmError, Request } from "@plugline/core"

/** The request, ended. */
export const conclude = (request: Request, error: LlmError): Request =>
  request.operation === "validate"
    ? Request.complete(request, { type: "validate", usable: false, problem: error.toJSON() })
    : Request.fail(request, error)
