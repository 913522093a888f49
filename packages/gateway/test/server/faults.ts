/**
 * What a client sees of each way in which a service fails, as one table: the tests hold the gateway to it, and
 * `docs/gateway/faults.md` shows it.
 *
 * @module
 */
import type { ReasonTag } from "plugline"

/** How a call ends, where nothing has been said to the client yet. */
export interface Refused {
  readonly status: number
  readonly reason: ReasonTag
  /** What `retry-after` says. */
  readonly retryAfter?: string
}

/** How a stream ends of which the client has read something: with an error event, for this reason. */
export interface Broken {
  readonly event: ReasonTag
}

/** One way to fail. */
export interface Fault {
  readonly name: string
  /** What the service does. */
  readonly does: string
  /** How its providers are called in the tests, before a dash; absent for a service that is reached. */
  readonly place?: "refused" | "nowhere" | "tls"
  readonly whole: Refused
  readonly streamed: Refused | Broken
}

const refused = (status: number, reason: ReasonTag, retryAfter?: string): Refused =>
  ({ status, reason, ...(retryAfter !== undefined && { retryAfter }) })
const both = (one: Refused) => ({ whole: one, streamed: one })

/** All sixteen kinds, one of them twice. */
export const faults: ReadonlyArray<Fault> = [
  { name: "refused", does: "nothing listens at its address", place: "refused", ...both(refused(502, "Network")) },
  { name: "nowhere", does: "its name has no address", place: "nowhere", ...both(refused(502, "Network")) },
  { name: "tls", does: "its encryption cannot be agreed on", place: "tls", ...both(refused(502, "Network")) },
  { name: "silent", does: "takes the request and never answers", ...both(refused(504, "Timeout")) },
  { name: "slow first token", does: "answers with a head, and then with nothing", ...both(refused(504, "Timeout")) },
  {
    name: "stall",
    does: "stops in the middle and keeps the connection",
    whole: refused(504, "Timeout"),
    streamed: { event: "Timeout" }
  },
  {
    name: "reset",
    does: "resets the connection in the middle",
    whole: refused(502, "Network"),
    streamed: { event: "CutStream" }
  },
  {
    name: "truncated",
    does: "closes the connection in the middle of an event",
    whole: refused(502, "Network"),
    streamed: { event: "CutStream" }
  },
  {
    name: "no end",
    does: "ends in order before the answer has",
    whole: refused(502, "MalformedResponse"),
    streamed: { event: "CutStream" }
  },
  { name: "429", does: "answers 429", ...both(refused(429, "RateLimit")) },
  { name: "429 after", does: "answers 429 with `retry-after: 7`", ...both(refused(429, "RateLimit", "7")) },
  { name: "500", does: "answers 500", ...both(refused(500, "Server")) },
  { name: "503", does: "answers 503", ...both(refused(503, "Overloaded")) },
  { name: "529", does: "answers 529", ...both(refused(529, "Overloaded")) },
  {
    name: "error in 200",
    does: "answers 200 with an error in place of an answer",
    ...both(refused(503, "Overloaded"))
  },
  { name: "malformed JSON", does: "answers with broken JSON", ...both(refused(502, "MalformedResponse")) },
  {
    name: "malformed event",
    does: "says something that cannot be read: JSON that is no answer, or in the middle of a stream",
    whole: refused(502, "NotAnLlm"),
    streamed: { event: "MalformedResponse" }
  }
]
