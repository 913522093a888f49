/**
 * What is said of a call with a key, and why one is refused.
 *
 * @module
 */
import { Key, LlmError } from "@plugline/core"

/** How a call with a key was answered. Plain JSON. */
export type Outcome = {
  /** `first`: it was asked now, for the first time. `replayed`: with the answer that was given before. */
  readonly status: "first" | "replayed"
  /** How old the answer is, in ms; of one that was given before. */
  readonly age?: number
  /** Said where the answer could not be kept. */
  readonly stored?: false
  readonly why?: string
}

/** Where {@link Outcome} is written. */
export const outcome: Key<Outcome> = Key.make<Outcome>("idempotency.outcome")

/** Where a caller's key is written. */
export const keyOf: Key<string> = Key.make<string>("idempotency.key")

/** The key was used for something else. */
export const conflict = (): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    status: 409,
    code: "idempotency_conflict",
    parameter: "idempotencyKey",
    message: "this idempotency key was used for another request; take a new key, or send the same request"
  })

/** The first call with the key has not ended. */
export const running = (): LlmError =>
  LlmError.make({
    _tag: "Overloaded",
    status: 409,
    code: "idempotency_running",
    retryAfter: 1_000,
    message: "the first request with this idempotency key is still being answered; try again later, with the same key"
  })

/** It is not known whether the key was used. */
export const unavailable = (): LlmError =>
  LlmError.make({
    _tag: "Overloaded",
    status: 503,
    code: "idempotency_unavailable",
    retryAfter: 1_000,
    message: "the store of idempotency keys does not answer, so nothing was asked; try again later, with the same key"
  })

/** No key. */
export const unfit = (): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    status: 400,
    parameter: "idempotencyKey",
    message: "an idempotency key is a text of 1 to 255 visible characters"
  })
