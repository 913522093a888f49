/**
 * Why a call failed: one table from status, codes and words of a service to the closed set of reasons. The rows are
 * tried in order, the more telling ones first: a code says more than a status, and a status more than a sentence.
 *
 * @module
 */
import { type JsonValue, LlmError, Mask, type Reason, type Request } from "@plugline/core"
import type { WireResponse } from "../Wire.ts"
import { type Failure, find, read, withType } from "./failure.ts"
import { type Fields, object, put, text } from "./read.ts"
import { retryAfter } from "./retryAfter.ts"

/** The reason of an answer with an error status. */
export const reason = (response: WireResponse, { provider }: Request): LlmError => reasonOf(response, provider)

/** The same, where there is no request. */
export const reasonOf = (response: WireResponse, provider: string): LlmError => {
  const { failure, raw } = read(response.body)
  return make(withType(failure, response.headers), raw, response.status, response.headers, provider)
}

/** The reason of an error inside an answer that opened as a success. `raw` is kept with it; default: the event. */
export const failed = (event: Fields, provider: string, raw: JsonValue = event as JsonValue): LlmError =>
  make(find(event as JsonValue), raw, undefined, {}, provider)

const make = (
  failure: Failure,
  raw: JsonValue,
  sent: number | undefined,
  headers: WireResponse["headers"],
  provider: string
): LlmError => {
  const status = sent === undefined || sent < 300 ? failure.status : sent
  const row = table.find((row) => row.when({ failure, status, message: failure.message.toLowerCase() }))!
  const requestId = headers["x-request-id"] ?? headers["request-id"] ?? headers["apim-request-id"]
    ?? headers["x-amzn-requestid"] ?? text(object(raw)?.request_id)
  const details = {
    message: Mask.text(failure.message === "" ? meaning(status) : failure.message),
    ...(status !== undefined && { status }),
    ...(failure.code !== undefined && { code: Mask.text(failure.code) }),
    raw: scrubbed(raw, 0),
    ...(requestId !== undefined && { requestId })
  }
  const wait = waits.has(row.tag) ? retryAfter(headers, failure.fields, failure.message) : undefined
  const whole: Reason = row.tag === "Timeout"
    ? { _tag: "Timeout", phase: "upstream", ...details }
    : row.tag === "InvalidRequest"
    ? { _tag: "InvalidRequest", ...details, ...(failure.parameter !== undefined && { parameter: failure.parameter }) }
    : { _tag: row.tag, ...details, ...(wait !== undefined && { retryAfter: wait }) }
  return LlmError.make(whole, { provider })
}

const waits: ReadonlySet<string> = new Set(["RateLimit", "Quota", "Overloaded", "Server"])

interface Case {
  readonly failure: Failure
  readonly status: number | undefined
  /** In lower case. */
  readonly message: string
}

type Tag =
  | "Authentication"
  | "Permission"
  | "NotFound"
  | "InvalidRequest"
  | "ContextLength"
  | "ContentPolicy"
  | "RateLimit"
  | "Quota"
  | "Overloaded"
  | "Server"
  | "Timeout"
  | "NotAnLlm"

type Condition = (it: Case) => boolean

interface Row {
  readonly tag: Tag
  readonly when: Condition
}

const said = (...words: ReadonlyArray<string>): Condition => ({ failure }) =>
  failure.words.some((word) => words.includes(word))
const status = (...codes: ReadonlyArray<number>): Condition => ({ status }) =>
  status !== undefined && codes.includes(status)
const message = (...patterns: ReadonlyArray<RegExp>): Condition => ({ message }) =>
  patterns.some((pattern) => pattern.test(message))
const any = (...conditions: ReadonlyArray<Condition>): Condition => (it) => conditions.some((when) => when(it))
const both = (...conditions: ReadonlyArray<Condition>): Condition => (it) => conditions.every((when) => when(it))
/** The client's fault, or no status at all: where a sentence may tell more than the status. */
const refused: Condition = ({ status }) => status === undefined || (status >= 400 && status < 500 && status !== 429)
const serverFault: Condition = ({ status }) => status === undefined || status >= 500
const clientFault: Condition = ({ status }) => status === undefined || status < 500

const quota: Condition = any(
  status(402),
  said(
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "exceeded_current_quota_error",
    "insufficient_balance", "insufficient_funds", "payment_required", "quota_per_day", "billing_error", "servicequotaexceededexception",
    // Z.ai's number for an account in arrears.
    "1113"
  ),
  // A plan without any of it. Google's usual sentence on quota stands above limits per minute too.
  both(said("resource_exhausted"), message(/\blimit: 0\b/)),
  both(
    clientFault,
    ({ failure }) => !failure.words.includes("resource_exhausted"),
    message(
      /exceeded your current quota/,
      /insufficient (balance|credit|fund)/,
      /credit balance is too low/,
      /(run|used) out of credits/,
      /trial key.{0,80}\/ ?month/,
      /reached your specified api usage limit/
    )
  )
)

const contextLength: Condition = any(
  said(
    "context_length_exceeded", "too_many_prompt_tokens", "context_window_exceeded", "model_max_prompt_tokens_exceeded",
    "request_too_large"
  ),
  status(413),
  both(
    refused,
    message(
      /max(imum)? context (length|window)/,
      /context (length|window|size)[^.]{0,60}(exceed|too)/,
      /exceed[^.]{0,60}context/,
      /(prompt|input) is too long/,
      /too many (prompt |input )?tokens/,
      /input tokens? exceed/,
      /input token count[^.]{0,60}(exceeds|but (the )?model only supports)/,
      /length of (all |the )?(messages|input|prompt)[^.]{0,40}too long/
    )
  )
)

const contentPolicy: Condition = any(
  said(
    "content_filter", "content_policy_violation", "responsibleaipolicyviolation", "content_filtered",
    "moderation_blocked", "data_inspection_failed", "image_content_policy_violation", "bio_policy",
    "misalignment_policy_violation",
    // Z.ai's number for unsafe content.
    "1301"
  ),
  both(
    refused,
    message(
      /content (management )?policy/,
      /content filter/,
      /flagged (by|as|for)/,
      /requires moderation/,
      /safety (system|filter|check)/,
      /usage guidelines/,
      /\b(deny|block)-?listed token/,
      /^blocked (input|output)\b/
    )
  )
)

/** xAI and Google answer a bad key with 400. */
const badKey: Condition = any(
  said("invalid_api_key", "authentication_error", "api_key_invalid", "unauthenticated", "no_api_key",
    // Amazon says these with 403.
    "unrecognizedclientexception", "invalidsignatureexception", "incompletesignatureexception", "expiredtokenexception",
    "missingauthenticationtokenexception", "missingauthenticationtoken", "signaturedoesnotmatch"),
  both(
    status(400, 403, 422),
    message(
      /(incorrect|invalid|missing|no|malformed|expired) (or missing )?(api|access)[ _-]?(key|token)/,
      /api[ _-]?key (is )?(not valid|invalid|incorrect|missing|not found|expired|was reported as leaked)/,
      /unregistered callers/,
      /security token included in the request is (invalid|expired)/
    )
  )
)

const notFound: Condition = any(
  status(404, 405, 410),
  said("model_not_found", "not_found_error", "deploymentnotfound", "model_decommissioned",
    "resourcenotfoundexception"),
  both(
    refused,
    message(
      /^(the |this )?(requested )?model\b.{0,200}\b(does not exist|not found|not supported|decommissioned|deprecated)/,
      /^(the |this )?(requested )?model\b.{0,200}\bno longer (supported|available)/,
      /no such model|unknown model|model identifier is invalid/
    )
  )
)

/** The table. */
const table: ReadonlyArray<Row> = [
  { tag: "Authentication", when: status(401) },
  { tag: "Quota", when: quota },
  { tag: "ContextLength", when: contextLength },
  { tag: "ContentPolicy", when: contentPolicy },
  { tag: "Authentication", when: badKey },
  {
    tag: "Permission",
    when: any(
      status(403),
      said("permission_error", "permission_denied", "request_forbidden", "accessdeniedexception"),
      both(refused, message(/user location is not supported/))
    )
  },
  {
    tag: "RateLimit",
    when: any(
      status(429),
      said("rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests", "too_many_requests_error",
        "throttlingexception", "resource_exhausted")
    )
  },
  { tag: "NotFound", when: notFound },
  {
    tag: "Timeout",
    when: any(
      status(408, 504, 522, 524),
      said("timeout", "vector_store_timeout", "timeout_error", "request_timeout", "deadline_exceeded", "modeltimeoutexception")
    )
  },
  {
    tag: "Overloaded",
    when: any(
      status(498, 503, 529),
      said("overloaded_error", "overloaded", "server_overloaded", "capacity_exceeded", "serviceunavailableexception",
        "modelnotreadyexception", "unavailable"),
      both(serverFault, message(/overloaded|at capacity|no capacity|too busy/))
    )
  },
  {
    tag: "Server",
    when: any(
      (it) => it.status !== undefined && it.status >= 500,
      // Amazon says with 424 that the model failed.
      said("modelerrorexception", "modelstreamerrorexception", "internalserverexception")
    )
  },
  { tag: "InvalidRequest", when: (it) => it.status !== undefined && it.status >= 400 },
  { tag: "NotAnLlm", when: (it) => it.failure.isHtml || it.status !== undefined },
  {
    tag: "InvalidRequest",
    when: said(
      "invalid_request_error", "invalid_argument", "bad_request", "badrequesterror", "tool_use_failed", "validationexception",
      "invalid_prompt", "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
      "invalid_image_mode", "image_too_large", "image_too_small", "image_parse_error", "image_file_too_large",
      "unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found"
    )
  },
  { tag: "Server", when: () => true }
]

const meaning = (status: number | undefined): string =>
  status === undefined
    ? "the service reported an error without saying which"
    : status < 400
    ? `the service answered with status ${status} in place of an answer`
    : `the service answered with status ${status} and said nothing more`

/** A service may repeat the credential it was sent. */
const scrubbed = (value: JsonValue, depth: number): JsonValue => {
  if (typeof value === "string") return Mask.text(value)
  if (typeof value !== "object" || value === null) return value
  if (depth > 64) return null
  if (Array.isArray(value)) return value.map((item: JsonValue) => scrubbed(item, depth + 1))
  const out: { [name: string]: JsonValue } = {}
  for (const [name, field] of Object.entries(value)) if (field !== undefined) put(out, name, scrubbed(field, depth + 1))
  return out
}
