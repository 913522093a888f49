import { Pipeline, Request, Result } from "@plugline/core"
import { Credentials, type Outgoing, Transport } from "@plugline/providers"
import { it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { createVerify, generateKeyPairSync } from "node:crypto"
import { describe, expect } from "vitest"
import { machine, serviceAccount } from "../../src/oauth/serviceAccount.ts"
import { ask, partly, server, signing } from "./support.ts"

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
const account = (tokenUri?: string) => ({
  type: "service_account",
  project_id: "project",
  private_key_id: "kid-1",
  private_key: pem,
  client_email: "me@project.iam.gserviceaccount.com",
  ...(tokenUri !== undefined && { token_uri: tokenUri })
})
const person = (tokenUri?: string) => ({
  type: "authorized_user",
  client_id: "id.apps.googleusercontent.com",
  client_secret: "canary-client-secret",
  refresh_token: "canary-refresh-token",
  quota_project_id: "project-of-quota",
  ...(tokenUri !== undefined && { token_uri: tokenUri })
})
const given = (key: object | string) =>
  Credentials.memory({ acme: Redacted.make(typeof key === "string" ? key : JSON.stringify(key)) })
const part = (jwt: string, index: number) => JSON.parse(Buffer.from(jwt.split(".")[index]!, "base64url").toString())

describe("a service account", () => {
  it.effect("buys a token with its signed claims, once for all calls", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const shop = yield* server(() => ({ body: { access_token: "ya29.canary-token", expires_in: 3599, token_type: "Bearer" } }))
      const url = `${shop.url}/token`
      const { authorizations, layer } = partly(() => ({ body: "Hi" }))
      const provider = signing(serviceAccount({ scope: "scope/a scope/b", tokenUris: [url] }))
      const all = yield* Effect.all(Array.from({ length: 1_000 }, () => Pipeline.run(provider.pipelines.chat, ask())), { concurrency: "unbounded" }).pipe(
        Effect.provide(Layer.merge(layer, given(account(url)))))
      expect(new Set(all.map(({ result }) => Result.text(result)))).toEqual(new Set(["Hi"]))
      expect(new Set(authorizations())).toEqual(new Set(["Bearer ya29.canary-token"]))
      expect(shop.asked.length).toBe(1)
      const { form, headers, method, path } = shop.asked[0]!
      expect([method, path, headers["content-type"]]).toEqual(["POST", "/token", "application/x-www-form-urlencoded"])
      expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer")
      const jwt = form.get("assertion")!
      expect(part(jwt, 0)).toEqual({ alg: "RS256", typ: "JWT", kid: "kid-1" })
      expect(part(jwt, 1)).toEqual({
        iss: "me@project.iam.gserviceaccount.com", scope: "scope/a scope/b", aud: url, iat: 1_700_000_000, exp: 1_700_003_600
      })
      const [head, claims, signature] = jwt.split(".")
      expect(createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(publicKey, signature!, "base64url")).toBe(true)
    }).pipe(Effect.scoped))

  it.effect("buys another a minute before the token expires", () =>
    Effect.gen(function*() {
      const shop = yield* server((_, count) => ({ body: { access_token: `ya29.token-${count}`, expires_in: "3600" } }))
      const { authorizations, layer } = partly(() => ({ body: "Hi" }))
      const provider = signing(serviceAccount({ tokenUris: [shop.url] }))
      yield* Effect.gen(function*() {
        for (const wait of [0, 3_539_999, 1]) {
          yield* TestClock.adjust(wait)
          yield* Pipeline.run(provider.pipelines.chat, ask())
        }
      }).pipe(Effect.provide(Layer.merge(layer, given(account(shop.url)))))
      expect(authorizations()).toEqual(["Bearer ya29.token-1", "Bearer ya29.token-1", "Bearer ya29.token-2"])
    }).pipe(Effect.scoped))
})

describe("a person's login", () => {
  it.live("buys a token with the refresh token, and says whose quota counts", () =>
    Effect.gen(function*() {
      const shop = yield* server(() => ({ body: { access_token: "ya29.canary", expires_in: 3599 } }))
      const { layer, sent } = partly(() => ({ body: "Hi" }))
      const provider = signing(serviceAccount({ tokenUris: [shop.url] }))
      yield* Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(layer, given(person(shop.url))))
      expect(Object.fromEntries(shop.asked[0]!.form)).toEqual({
        grant_type: "refresh_token", client_id: "id.apps.googleusercontent.com", client_secret: "canary-client-secret", refresh_token: "canary-refresh-token"
      })
      expect(Transport.headersOf(sent[0]!)).toMatchObject({ authorization: "Bearer ya29.canary", "x-goog-user-project": "project-of-quota" })
    }).pipe(Effect.scoped))
})

describe("where the secret goes", () => {
  /** The addresses that were asked. */
  const asked = (key: object | string, options: Parameters<typeof serviceAccount>[0] = {}) =>
    Effect.gen(function*() {
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), { body: "{\"access_token\":\"ya29.t\",\"expires_in\":60}" })))
      const final = yield* Effect.provide(Pipeline.run(signing(serviceAccount(options)).pipelines.chat, ask()), Layer.merge(transport, given(key)))
      return { sent, urls: sent.map(({ url }) => url), reason: Request.failure(final)?.reason, final }
    })

  it.effect("is Google's own address, also where the file does not say", () =>
    Effect.gen(function*() {
      const api = "https://api.acme.test/ask"
      expect((yield* asked(account())).urls).toEqual(["https://oauth2.googleapis.com/token", api])
      expect((yield* asked(account("https://www.googleapis.com/oauth2/v4/token"))).urls).toEqual(["https://www.googleapis.com/oauth2/v4/token", api])
      expect((yield* asked(account("https://accounts.google.com/o/oauth2/token"))).urls).toEqual(["https://accounts.google.com/o/oauth2/token", api])
      expect((yield* asked(person())).urls).toEqual(["https://oauth2.googleapis.com/token", api])
    }))

  it.effect("is nobody else, whatever the file says", () =>
    Effect.gen(function*() {
      for (const uri of [
        "https://evil.test/token", "http://oauth2.googleapis.com/token", "https://oauth2.googleapis.com.evil.test/token", "https://oauth2.googleapis.com@evil.test/",
        "https://oauth2.googleapis.com:8443/token", "", "token", "//oauth2.googleapis.com/token"
      ]) {
        for (const key of [account(uri), person(uri)]) {
          const { reason, urls } = yield* asked(key, { tokenUris: ["https://sts.mine.test/token"] })
          expect([urls, reason]).toMatchObject([[], { _tag: "Configuration" }])
        }
      }
      expect((yield* asked(account("https://sts.mine.test/token"), { tokenUris: ["https://sts.mine.test/token"] })).urls[0]).toBe("https://sts.mine.test/token")
    }))

  it.effect("the machine's identity is asked for only where it is the key", () =>
    Effect.gen(function*() {
      const { sent } = yield* asked(Redacted.value(machine), { scope: "a b" })
      expect(sent[0]).toMatchObject({ method: "GET", headers: { "metadata-flavor": "Google" } })
      expect(sent[0]!.url).toBe("http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?scopes=a%2Cb")
      expect(sent[0]!.body).toBe(undefined)
      expect(Transport.headersOf(sent[1]!).authorization).toBe("Bearer ya29.t")
      const none = yield* Effect.provide(Pipeline.run(signing(serviceAccount()).pipelines.chat, ask()), Layer.merge(Transport.memory(() => Effect.die("asked")), Credentials.none))
      expect(Request.failure(none)?.reason).toMatchObject({ _tag: "Authentication" })
    }))

  it.effect("a token is used as it is, another key as the provider says", () =>
    Effect.gen(function*() {
      const { sent } = yield* asked("ya29.ready-token")
      expect(sent.map((outgoing) => Transport.headersOf(outgoing).authorization)).toEqual(["Bearer ya29.ready-token"])
      const other = yield* asked("plain-key-0123", { otherwise: (key) => ({ "x-goog-api-key": key }) })
      expect(Transport.headersOf(other.sent[0]!)).toMatchObject({ "x-goog-api-key": "plain-key-0123" })
    }))

  it.effect("what is no such credential is an error that shows nothing of it", () =>
    Effect.gen(function*() {
      const { private_key: _, ...keyless } = account()
      const { refresh_token: __, ...tokenless } = person()
      for (const [key, tag] of [
        [keyless, "Configuration"],
        [tokenless, "Configuration"],
        ["{\"type\":\"service_account\",\"client_email\":\"canary", "Configuration"],
        [{ ...account(), private_key: "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n" }, "Configuration"],
        [{ ...account(), private_key: pem.replaceAll("PRIVATE KEY", "RSA PRIVATE KEY") }, "Configuration"],
        [{ type: "external_account", audience: "canary" }, "Unsupported"],
        [{ canary: "canary" }, "Unsupported"]
      ] as const) {
        const { final, reason, urls } = yield* asked(key)
        expect([urls, reason]).toMatchObject([[], { _tag: tag }])
        expect(JSON.stringify(final)).not.toContain("canary")
        expect(JSON.stringify(final)).not.toContain(pem.slice(100, 120))
      }
    }))
})
