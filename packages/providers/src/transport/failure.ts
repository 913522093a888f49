/**
 * Names what went wrong on the way to a service, from the error codes of the HTTP client and the operating system.
 *
 * @module
 */
import { LlmError, Mask } from "@plugline/core"

/** How far an exchange had come when it failed. */
export interface Progress {
  /** Where to, as `https://host:port`. */
  readonly origin: string
  /** Whether the connection stood. */
  readonly connected: boolean
  /** Whether the answer's head had arrived. */
  readonly begun: boolean
  /** Whether the body is read while it arrives. */
  readonly streaming: boolean
  /** The limit on connecting, in ms. */
  readonly connectLimit: number
}

/** An error of the HTTP client as ours. */
export const failure = (cause: unknown, at: Progress): LlmError => {
  const code = codeOf(cause)
  if (code === "UND_ERR_CONNECT_TIMEOUT" || (code === "ETIMEDOUT" && !at.connected)) return timeout("connect", at.connectLimit)
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
    return LlmError.make({ _tag: "InvalidRequest", message: `the request cannot be sent: ${wordsOf(cause)}` })
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW" || isGarbage(cause)) {
    return LlmError.make({ _tag: "MalformedResponse", message: `${at.origin} answered with something that is no HTTP` }, { cause })
  }
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") {
    return LlmError.make({ _tag: "Network", message: "the transport was closed", code }, { cause })
  }
  if (at.begun) {
    return at.streaming
      ? LlmError.make({ _tag: "CutStream", message: `the connection to ${at.origin} broke before the stream had ended`, code }, { cause })
      : LlmError.make({ _tag: "Network", message: `the connection to ${at.origin} broke before the answer had ended`, code }, { cause })
  }
  return LlmError.make({
    _tag: "Network",
    code,
    message: at.connected
      ? `the connection to ${at.origin} broke before the answer began: ${wordsOf(cause)}`
      : `cannot connect to ${at.origin}: ${wordsOf(cause)}`
  }, { cause })
}

const sentences = {
  connect: "no connection",
  "first-token": "no first byte of the answer",
  idle: "nothing more of the answer",
  total: "the answer was not complete"
} as const

/** A time limit that has passed; `limit` in ms. */
export const timeout = (phase: keyof typeof sentences, limit: number): LlmError =>
  LlmError.make({ _tag: "Timeout", phase, limit, message: `${sentences[phase]} within ${limit} ms` })

/** A body over the limit. */
export const tooLarge = (limit: number): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message: `the answer is larger than the limit of ${limit} bytes` })

/** What the parser could not read; a body that ends too early is none of it. The parser's errors carry no code. */
const isGarbage = (cause: unknown): boolean =>
  cause instanceof Error && cause.name === "HTTPParserError" && !cause.message.includes("EOF")

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "UNKNOWN"
  if ("code" in cause && typeof cause.code === "string") return cause.code
  // Of several addresses that were tried, the first tells as much as any.
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0])
  return "UNKNOWN"
}

const wordsOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.errors.length > 0) return wordsOf(cause.errors[0])
  return cause instanceof Error && cause.message !== "" ? Mask.text(cause.message.slice(0, 300)) : "no reason given"
}
