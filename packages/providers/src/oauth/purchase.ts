/**
 * Buys a token over HTTP (OAuth 2.0, RFC 6749) and says why one was refused. What pays for it stands in no value that could be
 * printed, and is taken out of whatever the service says.
 *
 * @module
 */
import { Json, LlmError, type ProviderResponse, type Reason } from "@plugline/core"
import { Effect, Redacted } from "effect"
import { originOf } from "../call/address.ts"
import type { SignInput } from "../call/definition.ts"
import * as Scrub from "../call/scrub.ts"
import type { Bought } from "../credentials/tokens.ts"
import type { Headers, Outgoing } from "../Transport.ts"
import { excerpt, type Fields, object, text } from "../wire/read.ts"
import { retryAfter } from "../wire/retryAfter.ts"

type Key = Redacted.Redacted<string>

/** What is sent to a token service. */
export interface Order {
  readonly url: string
  /** Sent as a form. Absent: the token is asked for with `GET`. */
  readonly form?: { readonly [field: string]: string }
  readonly headers?: Headers
  /** Headers that carry a secret. */
  readonly secrets?: Headers
}

/** A token that is wanted for a key. */
export interface Want {
  readonly key: Key
  /** What makes two tokens of one key differ. */
  readonly purpose: string
  /** What is sent where the token has to be bought. */
  readonly order: Effect.Effect<Order, LlmError>
}

/** The headers that carry a token for a key: one that is kept, or one that is bought now. */
export const bearer = (input: SignInput, { key, order, purpose }: Want): Effect.Effect<Headers, LlmError> =>
  Effect.map(
    input.credentials.token({ purpose, key, buy: Effect.flatMap(order, (order) => purchase(input, key, order)) }),
    (token) => plain(Redacted.value(token))
  )

/** The headers for a key that is itself the token. */
export const plain = (token: string): Headers => ({ authorization: `Bearer ${token}` })

/** The credential is not set up as it should be. Its content is never part of the message. */
export const unusable = ({ request }: SignInput, message: string): LlmError =>
  LlmError.make({ _tag: "Configuration", option: "apiKey", message }, { provider: request.provider })

// --- the purchase -----------------------------------------------------------------------------------------------------

const purchase = ({ request, transport }: SignInput, key: Key, order: Order): Effect.Effect<Bought, LlmError> => {
  const { form, secrets, url } = order
  const hidden = Scrub.secretsOf(key, secrets, form)
  return Effect.flatMap(transport.send(new Sent(order)), (response) => {
    const outcome = bought(response) ?? refusal(originOf(url), response, hidden)
    return "token" in outcome
      ? Effect.succeed(outcome)
      : Effect.fail(LlmError.make(outcome, { provider: request.provider }))
  })
}

/** No token is longer, and a service that takes longer must not hold up a call. In bytes and ms. */
const limits = { maxBytes: 1024 * 1024, timeouts: { connect: 10_000, firstToken: 30_000, idle: 30_000, total: 30_000 } }

/** The body holds a secret, so it is behind a getter: neither JSON nor an inspection shows it. */
class Sent implements Outgoing {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: Headers
  readonly secrets: Redacted.Redacted<Headers>
  readonly stream = false
  readonly maxBytes = limits.maxBytes
  readonly timeouts = limits.timeouts
  readonly #body: string | undefined

  constructor({ form, headers, secrets = {}, url }: Order) {
    this.method = form === undefined ? "GET" : "POST"
    this.url = url
    this.headers = {
      accept: "application/json",
      ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
      ...headers
    }
    this.secrets = Redacted.make(secrets)
    this.#body = form === undefined ? undefined : new URLSearchParams(form).toString()
  }

  // `as`, because `exactOptionalPropertyTypes` has no getter that may be absent.
  get body(): string {
    return this.#body as string
  }
}

// --- the answer -------------------------------------------------------------------------------------------------------

const fieldsOf = ({ body }: ProviderResponse): Fields | undefined => {
  try {
    return typeof body === "string" ? object(Json.parse(body)) : undefined
  } catch {
    return undefined
  }
}

const bought = (response: ProviderResponse): Bought | undefined => {
  const fields = response.status >= 200 && response.status < 300 ? fieldsOf(response) : undefined
  const token = text(fields?.access_token)
  if (token === undefined) return undefined
  const seconds = Number(fields?.expires_in ?? NaN)
  return { token: Redacted.make(token, { label: "token" }), ...(Number.isFinite(seconds) && { lifetime: seconds * 1000 }) }
}

const refusal = (origin: string, response: ProviderResponse, hidden: Scrub.Secrets): Reason => {
  const { headers, status } = response
  const fields = fieldsOf(response)
  // OAuth says `{ error: "invalid_grant", error_description }`, Google's own services `{ error: { status, message } }`.
  const detail = object(fields?.error)
  const code = text(fields?.error) ?? text(detail?.status)
  const shown = code === undefined ? undefined : excerpt(Scrub.text(code, hidden), 80)
  const said = Scrub.text(text(fields?.error_description) ?? text(detail?.message) ?? "", hidden)
  const what = `the token service ${origin} ${status < 300 ? "sent no token" : "refused"}`
  const details = {
    message: [what, shown, excerpt(said, 300)].filter((word) => word !== undefined && word !== "").join(": "),
    status,
    ...(shown !== undefined && { code: shown })
  }
  const wait = retryAfter(headers, detail ?? fields, said)
  const later = wait !== undefined && { retryAfter: wait }
  if (status < 300) return { _tag: "MalformedResponse", ...details }
  if (status === 429) return { _tag: "RateLimit", ...details, ...later }
  if (status >= 500 || status === 408) return { _tag: "Server", ...details, ...later }
  if (status === 401 || (code !== undefined && refusals.has(code))) return { _tag: "Authentication", ...details }
  return status === 403 ? { _tag: "Permission", ...details } : { _tag: "Configuration", option: "apiKey", ...details }
}

/** OAuth's words for a credential that is not accepted. */
const refusals: ReadonlySet<string> = new Set(["invalid_client", "invalid_grant", "unauthorized_client", "access_denied"])
