/**
 * Everything that can go wrong with a call, as one error with a closed set of reasons that carry what a handler needs.
 *
 * Reasons are plain JSON, so an error can be stored in a request, sent over a wire and read back. The names follow
 * `effect/ai`'s `AiError` where it has a word. Handle them with `Effect.catchTag("LlmError", …)` or, one reason at a time,
 * with `Effect.catchReason("LlmError", "RateLimit", …)`.
 *
 * @module
 */
import type { Json } from "./Json.ts"
import * as Mask from "./Mask.ts"

/** What every reason may carry of the service's own answer. */
export interface Details {
  /** What happened, in one sentence for a person. */
  readonly message: string
  /** HTTP status of the answer. */
  readonly status?: number
  /** The service's own error code or type, as sent. */
  readonly code?: string
  /** The service's error body, as sent. */
  readonly raw?: Json
  /** The service's id of the request, for its support. */
  readonly requestId?: string
}

/** The reasons a call can fail for. */
export type Reason =
  /** The service does not accept the credential, or there is none. */
  | (Details & { readonly _tag: "Authentication" })
  /** The credential is fine but may not do this. */
  | (Details & { readonly _tag: "Permission" })
  /** No such model, deployment or address. */
  | (Details & { readonly _tag: "NotFound" })
  /** The request is malformed; `parameter` says where. */
  | (Details & { readonly _tag: "InvalidRequest"; readonly parameter?: string })
  /** The prompt, or prompt and answer together, do not fit the model's context window. */
  | (Details & { readonly _tag: "ContextLength" })
  /** The service refused prompt or answer for its content. */
  | (Details & { readonly _tag: "ContentPolicy" })
  /** Too many requests or tokens for now; `retryAfter` in ms where the service said so. */
  | (Details & { readonly _tag: "RateLimit"; readonly retryAfter?: number })
  /** The account's quota or credit is used up: waiting does not help. */
  | (Details & { readonly _tag: "Quota"; readonly retryAfter?: number })
  /** The service is up but has no capacity now. */
  | (Details & { readonly _tag: "Overloaded"; readonly retryAfter?: number })
  /** The service failed. */
  | (Details & { readonly _tag: "Server"; readonly retryAfter?: number })
  /** A time limit passed; `phase` says which, `limit` is in ms. */
  | (Details & { readonly _tag: "Timeout"; readonly phase: "connect" | "first-token" | "idle" | "total" | "upstream"; readonly limit?: number })
  /** The connection could not be made or broke. */
  | (Details & { readonly _tag: "Network" })
  /** The service answered with something that cannot be read. */
  | (Details & { readonly _tag: "MalformedResponse" })
  /** The stream ended before the answer did. */
  | (Details & { readonly _tag: "CutStream" })
  /** What answered is no language model service: a login page, a proxy, another API. */
  | (Details & { readonly _tag: "NotAnLlm" })
  /** The provider has no such operation or feature; `alternatives` names who has. */
  | (Details & { readonly _tag: "Unsupported"; readonly alternatives?: ReadonlyArray<string> })
  /** A plug, option, provider or pipeline is set up wrongly. */
  | (Details & { readonly _tag: "Configuration"; readonly option?: string; readonly value?: Json; readonly expected?: string })
  /** A plug refused the request, or the line ended without an answer. */
  | (Details & { readonly _tag: "Halted" })
  /** A plug threw, failed, or handed on something that is no request. */
  | (Details & { readonly _tag: "Plug" })
  /** A request was moved along an edge its state machine does not have. */
  | (Details & { readonly _tag: "Transition"; readonly from: string; readonly to: string })

/** The name of a reason. */
export type ReasonTag = Reason["_tag"]

/** One row of the table of reasons: whether the same call may succeed when repeated, and what it means. */
export interface ReasonInfo {
  readonly retryable: boolean
  readonly meaning: string
}

/** The table of reasons; `docs/errors.md` shows the same rows. */
export const reasons: { readonly [Tag in ReasonTag]: ReasonInfo } = {
  Authentication: { retryable: false, meaning: "The credential is missing or not accepted." },
  Permission: { retryable: false, meaning: "The credential may not do this." },
  NotFound: { retryable: false, meaning: "No such model, deployment or address." },
  InvalidRequest: { retryable: false, meaning: "The request is malformed." },
  ContextLength: { retryable: false, meaning: "The prompt does not fit the model's context window." },
  ContentPolicy: { retryable: false, meaning: "Refused for its content." },
  RateLimit: { retryable: true, meaning: "Too many requests or tokens for now." },
  Quota: { retryable: false, meaning: "The account's quota or credit is used up." },
  Overloaded: { retryable: true, meaning: "The service has no capacity now." },
  Server: { retryable: true, meaning: "The service failed." },
  Timeout: { retryable: true, meaning: "A time limit passed." },
  Network: { retryable: true, meaning: "The connection could not be made or broke." },
  MalformedResponse: { retryable: true, meaning: "The service's answer cannot be read." },
  CutStream: { retryable: true, meaning: "The stream ended before the answer did." },
  NotAnLlm: { retryable: false, meaning: "What answered is no language model service." },
  Unsupported: { retryable: false, meaning: "The provider has no such operation or feature." },
  Configuration: { retryable: false, meaning: "A plug, option, provider or pipeline is set up wrongly." },
  Halted: { retryable: false, meaning: "A plug refused the request, or no plug answered it." },
  Plug: { retryable: false, meaning: "A plug threw, failed, or handed on no request." },
  Transition: { retryable: false, meaning: "A request was moved along an edge its state machine does not have." }
}

/** Where an error arose. */
export interface Origin {
  /** The provider that was being called. */
  readonly provider?: string | undefined
  /** The plug that reported it. The runner fills it in. */
  readonly plug?: string | undefined
  /** Which attempt it was, counted from 1. */
  readonly attempt?: number | undefined
  /** The exception behind it. Kept for debugging, never written to JSON. */
  readonly cause?: unknown
}

/** An {@link LlmError} as plain JSON. */
export interface LlmErrorJson {
  readonly _tag: "LlmError"
  readonly reason: Reason
  readonly provider?: string
  readonly plug?: string
  readonly attempt?: number
}

/**
 * The one error of Plugline.
 *
 * @example
 * ```ts
 * import { LlmError } from "@plugline/core"
 *
 * const error = LlmError.make({ _tag: "RateLimit", message: "slow down", status: 429, retryAfter: 1500 }, { provider: "openai" })
 * error.retryable // => true
 * error.retryAfter // => 1500
 * error.message // => "openai: slow down (RateLimit, status 429)"
 * ```
 */
export class LlmError extends Error {
  readonly _tag = "LlmError"
  readonly reason: Reason
  readonly provider: string | undefined
  readonly plug: string | undefined
  readonly attempt: number | undefined

  constructor(reason: Reason, origin: Origin = {}) {
    super(describe(reason, origin), origin.cause === undefined ? undefined : { cause: origin.cause })
    this.reason = reason
    this.provider = origin.provider
    this.plug = origin.plug
    this.attempt = origin.attempt
  }

  override get name(): string {
    return "LlmError"
  }

  /** Whether the same call may succeed when it is repeated. */
  get retryable(): boolean {
    return reasons[this.reason._tag].retryable
  }

  /** HTTP status of the answer, where there was one. */
  get status(): number | undefined {
    return this.reason.status
  }

  /** How long the service asked to wait, in ms. */
  get retryAfter(): number | undefined {
    return "retryAfter" in this.reason ? this.reason.retryAfter : undefined
  }

  toJSON(): LlmErrorJson {
    return {
      _tag: "LlmError",
      reason: Mask.json(this.reason) as unknown as Reason,
      ...(this.provider !== undefined && { provider: this.provider }),
      ...(this.plug !== undefined && { plug: this.plug }),
      ...(this.attempt !== undefined && { attempt: this.attempt })
    }
  }
}

/** Makes an error from a reason and, where known, its origin. */
export const make = (reason: Reason, origin?: Origin): LlmError => new LlmError(reason, origin)

/** Whether a value is an {@link LlmError}. */
export const isLlmError = (value: unknown): value is LlmError => value instanceof LlmError

/** The same error with its origin completed: what is already known stays. */
export const from = (error: LlmError, origin: Origin): LlmError =>
  new LlmError(error.reason, {
    provider: error.provider ?? origin.provider,
    plug: error.plug ?? origin.plug,
    attempt: error.attempt ?? origin.attempt,
    cause: error.cause ?? origin.cause
  })

/**
 * Whatever was thrown, as an error: an `LlmError` stays itself, anything else becomes the reason `Plug` with its message.
 * The message is scrubbed of credentials, the original is kept as `cause`.
 */
export const fromUnknown = (thrown: unknown, origin: Origin = {}): LlmError =>
  isLlmError(thrown)
    ? from(thrown, origin)
    : make({ _tag: "Plug", message: messageOf(thrown) }, { ...origin, cause: thrown })

/** Reads an error back from its JSON; anything that is none becomes the reason `MalformedResponse`. */
export const fromJson = (value: unknown): LlmError => {
  const data = value as Partial<LlmErrorJson> | null | undefined
  const reason = typeof data === "object" ? data?.reason : undefined
  if (data?._tag === "LlmError" && typeof reason === "object" && reason !== null && Object.hasOwn(reasons, reason._tag)) {
    return make({ ...reason, message: typeof reason.message === "string" ? reason.message : reason._tag }, {
      provider: data.provider,
      plug: data.plug,
      attempt: data.attempt
    })
  }
  return make({ _tag: "MalformedResponse", message: "an error part carries no readable error", raw: Mask.json(value) })
}

const describe = (reason: Reason, origin: Origin): string => {
  const where = [origin.provider, origin.plug === undefined ? undefined : `plug ${JSON.stringify(origin.plug)}`]
    .filter((word) => word !== undefined)
    .join(", ")
  const status = reason.status === undefined ? "" : `, status ${reason.status}`
  return `${where === "" ? "" : `${where}: `}${Mask.text(reason.message)} (${reason._tag}${status})`
}

/** A thrown value's own words; nothing a hostile getter or `toString` does gets out of here. */
const messageOf = (thrown: unknown): string => {
  try {
    if (thrown instanceof Error) return Mask.text(`${thrown.name}: ${thrown.message}`)
    if (typeof thrown === "string") return Mask.text(thrown)
    return Mask.text(JSON.stringify(Mask.json(thrown)) ?? String(thrown))
  } catch {
    return "something unreadable was thrown"
  }
}
