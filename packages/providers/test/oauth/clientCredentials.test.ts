import { LlmError, Pipeline, Request, Result } from "@plugline/core"
import { Credentials, type Outgoing, Provider, Transport } from "@plugline/providers"
import { it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { clientCredentials } from "../../src/oauth/clientCredentials.ts"
import { type Answer, ask, partly, server, signing, wire } from "./support.ts"

const credential = { clientId: "client-1", clientSecret: "canary-secret~0.1", tenantId: "tenant-1" }
const given = (key: object | string) => Credentials.memory({ acme: Redacted.make(typeof key === "string" ? key : JSON.stringify(key)) })

describe("a client's credential", () => {
  it.live("is sent as basic authorization, from the environment's variables, once for all calls", () =>
    Effect.gen(function*() {
      const shop = yield* server(() => ({ body: { access_token: "canary-token-1", expires_in: 3600, token_type: "bearer" } }))
      const { authorizations, layer } = partly(() => ({ body: "Hi" }))
      const provider = Provider.make({
        name: "acme",
        baseUrl: "https://api.acme.test",
        keys: [{ fields: { host: "ACME_HOST", clientId: "ACME_ID", clientSecret: "ACME_SECRET" } }],
        sign: clientCredentials({ tokenUrl: "{host}/oidc/v1/token", scope: "all-apis" }),
        wires: { chat: wire }
      })
      const env = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ACME_HOST: `${shop.url}/`, ACME_ID: "client:1", ACME_SECRET: "canary secret/1" } }))
      yield* Effect.all(Array.from({ length: 100 }, () => Pipeline.run(provider.pipelines.chat, ask())), { concurrency: "unbounded" }).pipe(
        Effect.provide(Layer.mergeAll(layer, Credentials.fromEnv).pipe(Layer.provideMerge(env))))
      expect(new Set(authorizations())).toEqual(new Set(["Bearer canary-token-1"]))
      expect(shop.asked.length).toBe(1)
      const { form, headers, path } = shop.asked[0]!
      expect([path, Object.fromEntries(form)]).toEqual(["/oidc/v1/token", { grant_type: "client_credentials", scope: "all-apis" }])
      expect(Buffer.from(String(headers.authorization).slice(6), "base64").toString()).toBe("client%3A1:canary%20secret%2F1")
    }).pipe(Effect.scoped))

  it.effect("is sent in the form where the service wants it there; a plain key goes as the provider says", () =>
    Effect.gen(function*() {
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), { body: "{\"access_token\":\"t-0123456789\"}" })))
      const provider = signing(clientCredentials({
        tokenUrl: "https://login.test/{tenantId}/oauth2/v2.0/token", secretIn: "form", scope: "s/.default", otherwise: (key) => ({ "api-key": key })
      }))
      const run = (key: object | string) => Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(transport, given(key)))
      yield* run(credential)
      expect(sent[0]!.url).toBe("https://login.test/tenant-1/oauth2/v2.0/token")
      expect(Object.fromEntries(new URLSearchParams(sent[0]!.body))).toEqual({
        grant_type: "client_credentials", scope: "s/.default", client_id: "client-1", client_secret: "canary-secret~0.1"
      })
      expect(Transport.headersOf(sent[0]!).authorization).toBe(undefined)
      yield* run("plain-key-0123")
      expect(Transport.headersOf(sent[2]!)).toMatchObject({ "api-key": "plain-key-0123" })
    }))

  const wrong: ReadonlyArray<[string, object | string]> = [
    ["one without a secret", { clientId: "c", tenantId: "t" }],
    ["one without the tenant", { clientId: "c", clientSecret: "canary-secret" }],
    ["one that is cut", "{\"clientSecret\":\"canary-secret"],
    ["one with a number for a secret", { ...credential, clientSecret: 1 }],
    ...["..", "a/b", "a@b", "a?", "a#", "", "%2e%2e"].map((tenantId): [string, object] => [`the tenant ${JSON.stringify(tenantId)}`, { ...credential, tenantId }])
  ]
  for (const [title, key] of wrong) {
    it.effect(`${title} is refused before anything is sent`, () =>
      Effect.gen(function*() {
        const provider = signing(clientCredentials({ tokenUrl: "https://login.test/{tenantId}/token" }))
        const final = yield* Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(Transport.memory(() => Effect.die("sent")), given(key)))
        expect(Request.failure(final)?.reason).toMatchObject({ _tag: "Configuration" })
        expect(JSON.stringify(final)).not.toContain("canary")
      }))
  }

  it.effect("goes over TLS or stays on this machine", () =>
    Effect.gen(function*() {
      const urls: Array<string> = []
      const transport = Transport.memory(({ url }) => Effect.sync(() => (urls.push(url), { body: "{\"access_token\":\"t-0123456789\"}" })))
      const provider = signing(clientCredentials({ tokenUrl: "{host}/token" }))
      const run = (host: string) => {
        urls.length = 0
        return Effect.as(Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(transport, given({ ...credential, host }))), undefined)
      }
      for (const [host, url] of [
        ["https://work.test", "https://work.test/token"], ["work.test", "https://work.test/token"], ["https://work.test///", "https://work.test/token"],
        ["http://127.0.0.1:81", "http://127.0.0.1:81/token"], ["http://localhost", "http://localhost/token"]
      ] as const) {
        yield* run(host)
        expect(urls[0]).toBe(url)
      }
      for (const host of ["http://work.test", "http://localhost.evil.test", "http://127.0.0.1.evil.test", "ftp://work.test", "https://u:p@work.test", "https://work.test?x", ""]) {
        yield* run(host)
        expect(urls).toEqual([])
      }
    }))
})

describe("a token service that refuses", () => {
  const cases: ReadonlyArray<[string, Answer, object]> = [
    ["the client", { status: 401, body: { error: "invalid_client", error_description: "AADSTS7000215: canary-secret~0.1" } }, { _tag: "Authentication", status: 401, code: "invalid_client" }],
    ["the grant", { status: 400, body: { error: "invalid_grant" } }, { _tag: "Authentication", status: 400 }],
    ["the scope", { status: 400, body: { error: "invalid_scope", error_description: "no such scope" } }, { _tag: "Configuration", code: "invalid_scope" }],
    ["the caller", { status: 403, body: { error: { status: "PERMISSION_DENIED", message: "not you" } } }, { _tag: "Permission", code: "PERMISSION_DENIED" }],
    ["for now", { status: 429, headers: { "retry-after": "7" }, body: {} }, { _tag: "RateLimit", retryAfter: 7_000 }],
    ["by failing", { status: 503, headers: { "retry-after": "2" }, body: "<html>" }, { _tag: "Server", status: 503, retryAfter: 2_000 }],
    ["by sending elsewhere", { status: 307, headers: { location: "https://evil.test/" }, body: "" }, { _tag: "Configuration", status: 307 }],
    ["with a page", { body: "<html>" }, { _tag: "MalformedResponse" }],
    ["with no token", { body: { token_type: "Bearer" } }, { _tag: "MalformedResponse" }],
    ["with an empty one", { body: { access_token: "" } }, { _tag: "MalformedResponse" }],
    ["with a number", { body: { access_token: 12345678 } }, { _tag: "MalformedResponse" }],
    ["with a list", { body: "[]" }, { _tag: "MalformedResponse" }],
    ["with too deep a JSON", { body: "[".repeat(100_000) }, { _tag: "MalformedResponse" }],
    ["with a line break in it", { body: { access_token: "canary\r\nx-b: 1" } }, { _tag: "InvalidRequest", parameter: "headers.authorization" }]
  ]
  for (const [title, answer, reason] of cases) {
    it.live(title, () =>
      Effect.gen(function*() {
        const shop = yield* server(() => answer)
        const { layer, sent } = partly(() => ({ body: "Hi" }))
        const provider = signing(clientCredentials({ tokenUrl: "{host}/token" }))
        const final = yield* Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(layer, given({ ...credential, host: shop.url })))
        expect(Request.failure(final)).toMatchObject({ provider: "acme", reason })
        expect(sent).toEqual([])
        expect(JSON.stringify(final)).not.toContain("canary")
        expect(shop.asked.length).toBe(1)
      }).pipe(Effect.scoped))
  }

  it.live("once sells the next time; one that is not there is an error of the network", () =>
    Effect.gen(function*() {
      const shop = yield* server((_, count) => count === 1 ? { status: 500, body: {} } : { body: { access_token: "canary-token-1" } })
      const { layer } = partly(() => ({ body: "Hi" }))
      const provider = signing(clientCredentials({ tokenUrl: "{host}/token" }))
      const run = (host: string) => Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(layer, given({ ...credential, host })))
      const twice = Effect.all([1, 2].map(() => Pipeline.run(provider.pipelines.chat, ask()))).pipe(
        Effect.provide(Layer.merge(layer, given({ ...credential, host: shop.url }))))
      expect((yield* twice).map(({ state }) => state)).toEqual(["error", "completed"])
      expect(Request.failure(yield* run("http://127.0.0.1:9"))?.reason).toMatchObject({ _tag: "Network" })
    }).pipe(Effect.scoped))

  it.effect("a client lets its key rest, so that the next call takes another", () =>
    Effect.gen(function*() {
      const other = { ...credential, clientId: "client-2", clientSecret: "canary-secret-2" }
      const transport = Transport.memory((outgoing) => {
        const id = new URLSearchParams(outgoing.body).get("client_id")
        return Effect.succeed(id === "client-1" ? { status: 401, body: "{\"error\":\"invalid_client\"}" } : { body: "{\"access_token\":\"t-0123456789\"}" })
      })
      const provider = signing(clientCredentials({ tokenUrl: "https://login.test/token", secretIn: "form" }))
      const keys = Credentials.memory({ acme: [credential, other].map((key) => Redacted.make(JSON.stringify(key))) })
      const states = yield* Effect.all([1, 2, 3, 4].map(() => Pipeline.run(provider.pipelines.chat, ask()))).pipe(Effect.provide(Layer.merge(transport, keys)))
      expect(states.map(({ state }) => state)).toEqual(["error", "completed", "completed", "completed"])
      expect(LlmError.isLlmError(states[0]!.errors[0])).toBe(true)
      expect(Result.text(states[1]!.result)).toContain("access_token")
    }))
})
