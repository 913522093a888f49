/**
 * Sends the request. The key is fetched now, for this provider and this address, goes out with the bytes, and stands in no
 * value that could be printed.
 *
 * @module
 */
import { LlmError, type Operation, Plug, type ProviderRequest, type ProviderResponse, Request } from "@plugline/core"
import { Effect, Redacted } from "effect"
import { Credentials } from "../Credentials.ts"
import type { Definition } from "./definition.ts"
import { type Headers, type Outgoing, Transport } from "../Transport.ts"
import type { Wire } from "../Wire.ts"
import { conclude } from "./conclude.ts"
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

      return new Plug.Linear((request) => {
        if (request.state !== "pending") return request
        const { providerRequest: prepared } = request
        if (prepared === undefined) return conclude(request, unprepared)
        const executing = Request.execute(request)
        const streams = wire.parts !== undefined && (operation === "stream" || prepared.body?.stream === true)

        const go = (key: Key | undefined): Effect.Effect<Request> =>
          // From the answer's arrival to `putResponse` nothing may come between, or its socket would belong to nobody.
          Effect.uninterruptibleMask((restore) =>
            Effect.match(restore(transport.send(outgoingOf(provider, request, prepared, key, streams))), {
              onSuccess: (response) => answered(provider, wire, executing, response, key),
              onFailure: failed
            }))
        const failed = (error: LlmError) => conclude(executing, LlmError.from(error, { provider: provider.name }))

        const key = keyFor(provider, request, credentials)
        return Redacted.isRedacted(key) ? go(key) : Effect.matchEffect(key, {
          onSuccess: go,
          onFailure: (error) => Effect.succeed(failed(error))
        })
      })
    })
  })

const unprepared = LlmError.make({
  _tag: "Configuration",
  message: "there is nothing to send: the plug \"prepare\" must stand before \"send\""
})

const answered = (
  provider: Definition,
  wire: Wire,
  request: Request,
  response: ProviderResponse,
  key: Key | undefined
): Request => {
  const clean = Scrub.response(response, key)
  const after = Request.putResponse(request, clean)
  if (clean.status >= 200 && clean.status < 300) return after
  const body = typeof clean.body === "string" ? clean.body : ""
  const reason = wire.reason({ status: clean.status, headers: clean.headers, body }, after)
  return conclude(after, LlmError.from(reason, { provider: provider.name }))
}

// --- the key ----------------------------------------------------------------------------------------------------------

const keyFor = (
  provider: Definition,
  request: Request,
  credentials: Credentials["Service"]
): Key | Effect.Effect<Key | undefined, LlmError> => {
  const { apiKey, baseUrl = provider.baseUrl } = request.config
  if (apiKey !== undefined) return Redacted.isRedacted(apiKey) ? apiKey : Effect.fail(naked)
  const own = baseUrl === provider.baseUrl || originOf(baseUrl) === originOf(provider.baseUrl)
  const missing = (why: string) =>
    provider.needsKey && !bringsItsOwn(provider, request)
      ? Effect.fail(LlmError.make({ _tag: "Authentication", message: why }))
      : Effect.succeed(undefined)
  if (!own) {
    const [ours, theirs] = [originOf(provider.baseUrl), originOf(baseUrl)]
    return missing(`the key of ${provider.title} is for ${ours} and was not sent to ${theirs}; give config.apiKey for that address`)
  }
  return Effect.flatMap(credentials.get(provider), (key) =>
    key !== undefined && Redacted.value(key).trim() !== ""
      ? Effect.succeed(key)
      : missing(`no key for ${provider.title}: ${
        provider.keys.length === 0 ? "give" : `set ${provider.keys.join(" or ")} in the environment, or give`
      } config.apiKey`))
}

const naked = LlmError.make({
  _tag: "Configuration",
  option: "apiKey",
  expected: "a key wrapped with Redacted.make",
  message: "config.apiKey must be wrapped with Redacted.make, so that it cannot be printed"
})

const originOf = (url: string): string => URL.parse(url)?.origin ?? url

/** Whether the caller's own headers carry a credential. */
const bringsItsOwn = (provider: Definition, { config: { headers } }: Request): boolean => {
  if (headers === undefined) return false
  const given = Object.keys(headers).map((name) => name.toLowerCase())
  return Object.keys(provider.authorize("")).some((name) => given.includes(name.toLowerCase()))
}

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
  const secrets = secretsOf(provider, key, config.headers)
  if (secrets !== undefined) outgoing.secrets = secrets
  if (prepared.body !== undefined) outgoing.body = JSON.stringify(prepared.body)
  if (config.timeouts !== undefined) outgoing.timeouts = config.timeouts
  return outgoing
}

/** The headers with the key, by key, for each provider: most calls are made with the same one. */
const known = new WeakMap<Definition, WeakMap<Key, Redacted.Redacted<Headers>>>()

const secretsOf = (provider: Definition, key: Key | undefined, own: Headers | undefined): Redacted.Redacted<Headers> | undefined => {
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
