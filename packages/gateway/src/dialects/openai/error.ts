/**
 * Writes an error as OpenAI does, with the type and code that its clients look for.
 *
 * @module
 */
import { type JsonObject, type JsonValue, type LlmError, Mask } from "plugline"
import { object } from "../shared/json.ts"

/** What OpenAI's clients are told of an error. */
export interface Failure extends JsonObject {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

type Tag = LlmError["reason"]["_tag"]

/** OpenAI's type and code for a reason; `null` where it has no code: the service's own counts. */
const kinds: { readonly [Each in Tag]: readonly [type: string, code: string | null] } = {
  Authentication: ["invalid_request_error", "invalid_api_key"],
  Permission: ["permission_error", null],
  NotFound: ["invalid_request_error", "model_not_found"],
  InvalidRequest: ["invalid_request_error", null],
  ContextLength: ["invalid_request_error", "context_length_exceeded"],
  ContentPolicy: ["invalid_request_error", "content_policy_violation"],
  RateLimit: ["requests", "rate_limit_exceeded"],
  Quota: ["insufficient_quota", "insufficient_quota"],
  Overloaded: ["server_error", "overloaded"],
  Server: ["server_error", null],
  Timeout: ["server_error", "timeout"],
  Network: ["server_error", "network_error"],
  MalformedResponse: ["server_error", "malformed_response"],
  CutStream: ["server_error", "cut_stream"],
  NotAnLlm: ["server_error", "not_an_llm"],
  Unsupported: ["invalid_request_error", "unsupported"],
  Configuration: ["server_error", "configuration"],
  Halted: ["invalid_request_error", "refused"],
  Plug: ["server_error", "plug"],
  Transition: ["server_error", "transition"]
}

/** Codes of ours that are more exact than those of their reasons. */
const ours: ReadonlySet<string> = new Set([
  "idempotency_running", "idempotency_unavailable", "inspector_off", "not_recorded", "unknown_pipeline", "unknown_trace", "unknown_url"
])

/** An error in OpenAI's words; one of a service that speaks the same is repeated. */
export const failure = (error: LlmError, status?: number): Failure => {
  const { reason } = error
  const [type, code] = kinds[reason._tag]
  const said = error.provider === "openai" && "raw" in reason ? object(object(reason.raw)?.error) : undefined
  const param = reason._tag === "InvalidRequest" ? reason.parameter : undefined
  const isOurs = status !== undefined && status >= 500
  return {
    message: Mask.text(reason.message),
    type: textOr(said?.type, isOurs && type === "invalid_request_error" ? "server_error" : type),
    param: param ?? null,
    code: textOr(said?.code, code === null || ours.has(reason.code ?? "") ? reason.code === undefined ? code : Mask.text(reason.code) : code)
  }
}

/** An error as a body. */
export const encodeError = (error: LlmError, status: number): JsonObject => ({ error: failure(error, status) })

const textOr = <A>(value: JsonValue | undefined, other: A): string | A =>
  typeof value === "string" && value !== "" ? Mask.text(value) : other
