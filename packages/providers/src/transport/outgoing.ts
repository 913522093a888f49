/**
 * What is sent to a service, and the checks it passes before a byte leaves: nothing that would add a header or a request of
 * its own, and no credential that is none.
 *
 * @module
 */
import { LlmError, Mask, type Timeouts } from "@plugline/core"
import { Redacted } from "effect"

/** Header names in lower case, and their values. */
export type Headers = { readonly [name: string]: string }

/** One HTTP request, ready to be sent. */
export interface Outgoing {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: Headers
  /** Headers that carry the credential. They are opened when the bytes are written and at no other place. */
  readonly secrets?: Redacted.Redacted<Headers>
  readonly body?: string
  /** Whether a successful answer is wanted as bytes while they arrive. Default of every other answer: the whole text. */
  readonly stream: boolean
  /** In ms. Default: {@link defaultTimeouts}. */
  readonly timeouts?: Timeouts
  /** Most bytes the answer's body may have. Default: 64 MiB for a whole body, no limit for a stream. */
  readonly maxBytes?: number
}

/** The time limits in force where a call sets none, in ms. */
export const defaultTimeouts: Required<Timeouts> = { connect: 10_000, firstToken: 120_000, idle: 60_000, total: 600_000 }

/** Most bytes of a whole body, where a call sets no limit of its own: 64 MiB. */
export const defaultMaxBytes = 64 * 1024 * 1024

/** Every header that goes out, credentials included. For a transport, at the moment of sending. */
export const headersOf = (outgoing: Outgoing): Headers => ({
  "user-agent": "plugline",
  ...outgoing.headers,
  ...(outgoing.secrets === undefined ? undefined : Redacted.value(outgoing.secrets)),
  "accept-encoding": "identity"
})

/** The place a request goes to. */
export interface Target {
  readonly origin: string
  readonly path: string
}

/** An outgoing request that has passed the checks. */
export interface Checked extends Target {
  readonly headers: Headers
  readonly timeouts: Required<Timeouts>
}

/**
 * Checks what is about to be sent.
 *
 * @throws LlmError `InvalidRequest` naming the header or the address; never its value.
 */
export const check = (outgoing: Outgoing): Checked => {
  const headers = headersOf(outgoing)
  for (const name in headers) checkHeader(name, headers[name])
  const { origin, path } = target(outgoing.url)
  return { origin, path, headers, timeouts: outgoing.timeouts === undefined ? defaultTimeouts : limits(outgoing.timeouts) }
}

const limits = (given: Timeouts): Required<Timeouts> => ({
  connect: given.connect ?? defaultTimeouts.connect,
  firstToken: given.firstToken ?? defaultTimeouts.firstToken,
  idle: given.idle ?? defaultTimeouts.idle,
  total: given.total ?? defaultTimeouts.total
})

const names = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const values = /^[\t\x20-\x7e\x80-\xff]*$/
const nothing = /^(?:(?:bearer|basic)\b)?\s*(?:undefined|null|nan|\[object object\])?\s*$/i
const ours = new Set(["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"])

const checkHeader = (name: string, value: unknown): void => {
  if (!names.test(name)) throw refused(name, "is no header name in lower case")
  if (ours.has(name)) throw refused(name, "is set by the transport itself")
  if (typeof value !== "string" || !values.test(value)) throw refused(name, "holds a line break or another character no header may hold")
  if (value.includes(Mask.masked)) throw refused(name, "was masked when the request was stored; give the credential again")
  if (name === "authorization" && nothing.test(value)) throw refused(name, "holds no credential")
}

const refused = (name: string, why: string): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    parameter: `headers.${name.slice(0, 80)}`,
    message: `header ${JSON.stringify(name.slice(0, 80))} ${why}`
  })

const targets = new Map<string, Target>()

/** A URL taken apart. A program asks few addresses many times, so the last ones are kept. */
const target = (url: string): Target => {
  const known = targets.get(url)
  if (known !== undefined) return known
  const parsed = URL.parse(url)
  if (parsed === null || (parsed.protocol !== "https:" && parsed.protocol !== "http:")) {
    throw LlmError.make({ _tag: "InvalidRequest", parameter: "url", message: "the address must be an http or https URL" })
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw LlmError.make({ _tag: "InvalidRequest", parameter: "url", message: "the address must not hold a user name or password" })
  }
  const made = { origin: parsed.origin, path: `${parsed.pathname}${parsed.search}` }
  if (targets.size >= 256) targets.clear()
  targets.set(url, made)
  return made
}
