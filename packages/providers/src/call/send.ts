/**
 * Sends the request. The key is fetched now, for this provider and this address, goes out with the bytes, and stands in no
 * value that could be printed.
 *
 * @module
 */
import { LlmError, type Operation, Plug, type ProviderRequest, type ProviderResponse, Request } from "@plugline/core"
import { Effect, Exit, Redacted } from "effect"
import { Credentials } from "../Credentials.ts"
import { environment } from "./address.ts"
import type { Definition, Sign, SignInput } from "./definition.ts"
import { type Headers, type Outgoing, Transport } from "../Transport.ts"
import type { Wire } from "../Wire.ts"
import { conclude } from "./conclude.ts"
import { keyFor } from "./key.ts"
import * as Scrub from "./scrub.ts"

type Key = Redacted.Redacted<string>

/** The fourth plug of a provider: sends `providerRequest` and puts what came back into `response`. */
export const send = (provider: Definition, operation: Operation, wire: Wire): Plug<Transport | Credentials> =>
  Plug.of({
    name: "send",
    options: { provider: provider.name, operation },
    make: Effect.gen(function*() {
      const transport = yield* Transport
      const credentials = yield* Credentials
      const env = yield* environment(provider)

      return new Plug.Linear((request) => {
        if (request.state !== "pending") return request
        const { providerRequest: prepared } = request
        if (prepared === undefined) return conclude(request, unprepared)
        const streams = wire.parts !== undefined && (operation === "stream" || prepared.body?.stream === true)
        const executing = Request.execute(request)

        const go = (key: Key | undefined): Effect.Effect<Request> => {
          const outgoing = outgoingOf(provider, request, prepared, key, streams)
          return provider.sign === undefined
            ? exchange(provider, wire, executing, credentials, key, transport.send(outgoing))
            : signed(provider, provider.sign, wire, executing, { key, outgoing, request, transport, credentials })
        }
        const found = keyFor(provider, request, prepared, credentials, env)
        if (Redacted.isRedacted(found)) return go(found)
        if (Exit.isExit(found) && Exit.isSuccess(found)) return go(found.value as Key | undefined)
        return Effect.matchEffect(found, {
          onSuccess: go,
          onFailure: (error) => Effect.succeed(failed(provider, executing, error))
        })
      })
    })
  })

const unprepared = LlmError.make({
  _tag: "Configuration",
  message: "there is nothing to send: the plug \"prepare\" must stand before \"send\""
})

/**
 * Sends, and reads how it went. From the answer's arrival to `putResponse` nothing may come between, or its socket would belong
 * to nobody.
 */
const exchange = (
  provider: Definition,
  wire: Wire,
  request: Request,
  credentials: Credentials["Service"],
  key: Key | undefined,
  sending: Effect.Effect<ProviderResponse, LlmError>
): Effect.Effect<Request> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.matchEffect(restore(sending), {
      onSuccess: (response) => {
        const after = answered(request, response, Scrub.secretsOf(key, request.config.headers))
        const reason = reasonOf(wire, after)
        return reason === undefined ? Effect.succeed(after) : refused(provider, after, credentials, key, reason)
      },
      onFailure: (error) => refused(provider, request, credentials, key, error)
    })
  )

/** The same where the credential takes more than the key. A token that the service does not accept is bought again, once. */
const signed = (
  provider: Definition,
  sign: Sign,
  wire: Wire,
  request: Request,
  input: SignInput
): Effect.Effect<Request> => {
  const { credentials, key, outgoing, transport } = input
  const own = lower(request.config.headers ?? {})
  return Effect.uninterruptibleMask((restore) => {
    const attempt = (request: Request, again: boolean): Effect.Effect<Request> => {
      const tokens: Array<Key> = []
      let carried: Headers | undefined
      const lender: Credentials["Service"] = {
        ...credentials,
        token: (purchase) =>
          Effect.tap(credentials.token(purchase), (token) => Effect.sync(() => void tokens.push(token)))
      }
      const sending = Effect.flatMap(sign({ ...input, credentials: lender }), (headers) => {
        carried = headers
        return transport.send({ ...outgoing, secrets: Redacted.make({ ...lower(headers), ...own }) })
      })
      return Effect.matchEffect(restore(sending), {
        onSuccess: (response) => {
          const after = answered(request, response, Scrub.secretsOf(key, carried, own))
          const reason = reasonOf(wire, after)
          if (reason === undefined) return Effect.succeed(after)
          const give = refused(provider, after, credentials, key, reason)
          if (reason.reason._tag !== "Authentication" || tokens.length === 0) return give
          return Effect.flatMap(Effect.forEach(tokens, credentials.forget), (worthwhile) =>
            again && worthwhile.includes(true)
              ? attempt(Request.putMetadata(request, "tokenRenewed", true), false)
              : give)
        },
        onFailure: (error) => refused(provider, request, credentials, key, error)
      })
    }
    return attempt(request, true)
  })
}

const answered = (request: Request, response: ProviderResponse, secrets: Scrub.Secrets): Request =>
  Request.putResponse(request, Scrub.response(response, secrets))

/** Why an answer is none, as the wire reads it. */
const reasonOf = (wire: Wire, request: Request): LlmError | undefined => {
  const { body, headers, status } = request.response!
  if (status >= 200 && status < 300) return undefined
  return wire.reason({ status, headers, body: typeof body === "string" ? body : "" }, request)
}

/** Ends the request, and says so to whoever knows the key. */
const refused = (
  provider: Definition,
  request: Request,
  credentials: Credentials["Service"],
  key: Key | undefined,
  error: LlmError
): Effect.Effect<Request> => {
  const ended = failed(provider, request, error)
  return key === undefined || key === request.config.apiKey
    ? Effect.succeed(ended)
    : Effect.as(credentials.report(provider, key, error), ended)
}

const failed = (provider: Definition, request: Request, error: LlmError): Request =>
  conclude(request, LlmError.from(error, { provider: provider.name }))

// --- what goes out ----------------------------------------------------------------------------------------------------

const outgoingOf = (
  provider: Definition,
  { config }: Request,
  prepared: ProviderRequest,
  key: Key | undefined,
  streams: boolean
): Outgoing => {
  const outgoing: { -readonly [Field in keyof Outgoing]: Outgoing[Field] } = {
    method: prepared.method,
    url: prepared.url,
    headers: headersOf(prepared, streams),
    stream: streams
  }
  const secrets = provider.sign === undefined ? secretsOf(provider, key, config.headers) : undefined
  if (secrets !== undefined) outgoing.secrets = secrets
  if (prepared.body !== undefined) outgoing.body = JSON.stringify(prepared.body)
  if (config.timeouts !== undefined) outgoing.timeouts = config.timeouts
  return outgoing
}

/** The headers with the key, by key, for each provider: most calls are made with the same one. */
const known = new WeakMap<Definition, WeakMap<Key, Redacted.Redacted<Headers>>>()

const secretsOf = (
  provider: Definition,
  key: Key | undefined,
  own: Headers | undefined
): Redacted.Redacted<Headers> | undefined => {
  // The caller's own headers may hold credentials too, under names nobody can know, and go before ours.
  if (own !== undefined) {
    return Redacted.make({ ...(key === undefined ? undefined : lower(provider.authorize(Redacted.value(key)))), ...lower(own) })
  }
  if (key === undefined) return undefined
  let byKey = known.get(provider)
  if (byKey === undefined) known.set(provider, byKey = new WeakMap())
  let secrets = byKey.get(key)
  if (secrets === undefined) byKey.set(key, secrets = Redacted.make(lower(provider.authorize(Redacted.value(key)))))
  return secrets
}

const headersOf = (prepared: ProviderRequest, streams: boolean): Headers => {
  const headers: Record<string, string> = { accept: streams ? "text/event-stream" : "application/json" }
  if (prepared.body !== undefined) headers["content-type"] = "application/json"
  for (const name in prepared.headers) headers[name.toLowerCase()] = prepared.headers[name]!
  return headers
}

const lower = (headers: Headers): Headers => {
  const out: Record<string, string> = {}
  for (const name in headers) out[name.toLowerCase()] = headers[name]!
  return out
}
