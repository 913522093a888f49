import { Clock, Effect } from "effect"
import { base64url, generateKeyPair, SignJWT } from "jose"
import { createHmac } from "node:crypto"
import { inspect } from "node:util"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { LlmError } from "plugline"
import type { Principal } from "../../src/auth/Auth.ts"
import { bearer, denied, forbidden, issuer, type Setting, setting, start } from "./support.ts"

let idp: Awaited<ReturnType<typeof issuer>>
let elsewhere: Awaited<ReturnType<typeof issuer>>
const settings: Array<Setting> = []

beforeAll(async () => {
  idp = await issuer()
  elsewhere = await issuer()
})
afterEach(async () => {
  idp.answer = undefined
  for (const each of settings.splice(0)) await each.end()
  idp.asked.length = elsewhere.asked.length = 0
})
afterAll(async () => {
  await idp.end()
  await elsewhere.end()
})

const answered = (_: unknown) => true

const set = async (jwt: object = {}, more: object = {}) => {
  const made = await setting({ jwt: { issuer: idp.url, audience: "plugline", ...jwt }, ...more })
  settings.push(made)
  return made
}

describe("a token", () => {
  it("says who asks", async () => {
    const { auth, clock, run, who } = await set({
      claims: { tenant: "https://example.com/tenant", team: "groups.team", user: "email", tier: "plan", role: "realm_access.roles" },
      roles: { "llm-admins": "admin", staff: "developer" }
    })
    const token = await idp.sign({
      email: "ada@example.com", "https://example.com/tenant": "acme", groups: { team: 7 }, plan: "premium", realm_access: { roles: ["other", "staff"] }
    })
    const asked = auth.authenticate(bearer(token))
    expect(Effect.isEffect(asked)).toBe(true)
    const principal = await run(asked as Effect.Effect<Principal, LlmError>)
    expect(principal).toMatchObject({
      id: "jwt:ada", name: "ada", kind: "jwt", role: { name: "developer" }, expires: start + 630_000,
      identity: { key: "jwt:ada", tenant: "acme", team: "7", user: "ada@example.com", tier: "premium" }
    })
    expect(idp.asked).toEqual(["/.well-known/openid-configuration", "/keys"])
    expect(await who(bearer(token))).toEqual(principal)
    expect(idp.asked.length).toBe(2)
    expect(auth.valid(principal, clock.now + 629_999)).toBeUndefined()
    expect(auth.valid(principal, clock.now + 630_000)).toMatchObject(denied)
    expect(auth.valid({ ...principal }, clock.now)).toMatchObject(denied)
  })

  it.each(["ES256", "EdDSA", "PS256"])("may be signed by %s", async (algorithm) => {
    const other = await issuer(algorithm)
    const { who } = await set({ issuer: other.url })
    expect(await who(bearer(await other.sign()))).toMatchObject({ id: "jwt:ada", role: { name: "viewer" } })
    await other.end()
  })

  it("may be for one of several audiences, and comes as a key where keys come", async () => {
    const { who } = await set({ audience: ["a", "b"] })
    expect(await who({ "x-api-key": await idp.sign({ aud: ["c", "b"] }) })).toMatchObject({ id: "jwt:ada" })
    expect(await who(bearer(await idp.sign({ aud: ["c"] })))).toMatchObject(denied)
  })

  it("that is wrong is refused, and nobody else is asked", async () => {
    const { who } = await set()
    expect(await who(bearer(await idp.sign()))).toMatchObject({ id: "jwt:ada" })
    const asked = idp.asked.length
    const stranger = await generateKeyPair("RS256")
    const good = await idp.sign()
    const [head, body, signature] = good.split(".") as [string, string, string]
    const encode = (value: object) => base64url.encode(JSON.stringify(value))
    const claims = { iss: idp.url, aud: "plugline", sub: "ada", exp: start / 1_000 + 600 }
    const hs = (secret: string, header: object) => {
      const text = `${encode(header)}.${encode(claims)}`
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`
    }
    const publicKey = (await idp.jwks()).keys[0]!
    const wrong: { readonly [name: string]: string } = {
      "alg none": `${encode({ alg: "none", kid: "one" })}.${body}.`,
      "alg none, signed": `${encode({ alg: "none", kid: "one" })}.${body}.${signature}`,
      "alg None": `${encode({ alg: "None", kid: "one" })}.${body}.`,
      "no alg": `${encode({ kid: "one" })}.${body}.${signature}`,
      "the public key as a secret": hs(JSON.stringify(publicKey), { alg: "HS256", kid: "one" }),
      "the modulus as a secret": hs(publicKey.n!, { alg: "HS256", kid: "one" }),
      "a secret of none": hs("", { alg: "HS256" }),
      "another alg than the key's": `${encode({ alg: "PS256", kid: "one" })}.${body}.${signature}`,
      "wrong issuer": await idp.sign({ iss: "https://evil.example" }),
      "no issuer": await idp.sign({ iss: undefined } as never),
      "issuer with a slash more": await idp.sign({ iss: `${idp.url}/` }),
      "wrong audience": await idp.sign({ aud: "other" }),
      "no audience": await idp.sign({ aud: undefined } as never),
      expired: await idp.sign({ exp: start / 1_000 - 31 }),
      "without end": await idp.sign({ exp: undefined } as never),
      "an end that is a text": await idp.sign({ exp: "9999999999" } as never),
      "from the future": await idp.sign({ nbf: start / 1_000 + 31 }),
      "without subject": await idp.sign({ sub: undefined } as never),
      "a subject of two lines": await idp.sign({ sub: "a\r\nx-role: admin" }),
      "an empty subject": await idp.sign({ sub: "" }),
      "signed by a stranger": await idp.sign({}, { key: stranger.privateKey }),
      "jku elsewhere": await elsewhere.sign({ iss: idp.url }, { header: { jku: `${elsewhere.url}/keys` } }),
      "jku elsewhere, well signed": await idp.sign({}, { header: { jku: `${elsewhere.url}/keys` } }),
      "x5u elsewhere": await idp.sign({}, { header: { x5u: `${elsewhere.url}/keys` } }),
      "a key of its own": await elsewhere.sign({ iss: idp.url }, { header: { jwk: (await elsewhere.jwks()).keys[0] } }),
      "kid as an address": await elsewhere.sign({ iss: idp.url }, { header: { kid: `${elsewhere.url}/keys` } }),
      "kid as a path": await idp.sign({}, { header: { kid: "../../../../dev/null" } }),
      "kid as SQL": await idp.sign({}, { header: { kid: "' UNION SELECT 'x" } }),
      "a long kid": await idp.sign({}, { header: { kid: "x".repeat(201) } }),
      "a crit of the unknown": `${encode({ alg: "RS256", kid: "one", crit: ["odd"], odd: 1 })}.${body}.${signature}`,
      "another body": `${head}.${encode({ ...claims, sub: "eve" })}.${signature}`,
      "no signature": `${head}.${body}.`,
      "cut": good.slice(0, -10),
      "no JSON": `${base64url.encode("eyJ{")}.${body}.${signature}`,
      "two parts": `${head}.${body}`,
      "four parts": `${good}.x`
    }
    for (const [name, token] of Object.entries(wrong)) {
      const found = await who(bearer(token))
      expect(found, name).toMatchObject(denied)
      const text = inspect(found, { depth: 10 })
      expect(text.includes(token) || text.includes(signature), name).toBe(false)
    }
    expect(idp.asked.length).toBe(asked)
    expect(elsewhere.asked).toEqual([])
  })

  it("that can be told to be wrong by itself makes nobody ask the issuer", async () => {
    const { who } = await set()
    const hmac = new SignJWT({ iss: idp.url, aud: "plugline", sub: "ada", exp: start / 1_000 + 600 })
    for (const token of [
      await hmac.setProtectedHeader({ alg: "HS256", kid: "one" }).sign(new TextEncoder().encode("s".repeat(64))),
      await idp.sign({ iss: elsewhere.url }), await idp.sign({ exp: start / 1_000 - 60 }), await idp.sign({}, { header: { jku: "x" } })
    ]) expect(await who(bearer(token))).toMatchObject(denied)
    expect(idp.asked).toEqual([])
  })

  it("holds to the second, give or take the tolerance", async () => {
    const { clock, who } = await set({ clockTolerance: "10 seconds" })
    const [token, early] = [await idp.sign({ exp: start / 1_000 + 60 }), await idp.sign({ nbf: start / 1_000 + 60 })]
    clock.now = start + 69_999
    expect(await who(bearer(token))).toMatchObject({ id: "jwt:ada" })
    clock.now = start + 70_000
    expect(await who(bearer(token))).toMatchObject(denied)
    clock.now = start + 49_999
    expect(await who(bearer(early))).toMatchObject(denied)
    clock.now = start + 50_000
    expect(await who(bearer(early))).toMatchObject({ id: "jwt:ada" })
  })

  it("without the tenant that the claims have to say is refused", async () => {
    const { who } = await set({ claims: { tenant: "org" } })
    expect(await who(bearer(await idp.sign({ org: "acme" })))).toMatchObject({ identity: { tenant: "acme" } })
    for (const org of [undefined, null, "", " ", {}, [], ["acme"], true, 1.5, "a\nb", "x".repeat(201)]) {
      expect(await who(bearer(await idp.sign({ org } as never))), String(org)).toMatchObject(denied)
    }
  })

  it("gets no role but one that is known, and no more than a viewer's where it names none", async () => {
    const { who } = await set({ claims: { role: "role" } })
    expect(await who(bearer(await idp.sign()))).toMatchObject({ role: { name: "viewer" } })
    expect(await who(bearer(await idp.sign({ role: ["x", "operator", "admin"] })))).toMatchObject({ role: { name: "admin" } })
    for (const role of ["root", "Admin", "", "__proto__", "constructor", ["x"], [], { admin: 1 }, 1]) {
      expect(await who(bearer(await idp.sign({ role }))), String(role)).toMatchObject(forbidden)
    }
    const unmapped = await set({ claims: { role: "role" }, roles: { boss: "admin" } })
    expect(await unmapped.who(bearer(await idp.sign({ role: "admin" })))).toMatchObject(forbidden)
    expect(await unmapped.who(bearer(await idp.sign({ role: "boss" })))).toMatchObject({ role: { name: "admin" } })
    await expect(set({ role: "root" })).rejects.toMatchObject({ reason: { option: "auth.jwt.role" } })
    await expect(set({ roles: { boss: "root" } })).rejects.toMatchObject({ reason: { option: "auth.jwt.roles.boss" } })
  })

  it("cannot be configured to be signed with a shared secret, nor from an address that others can read along", async () => {
    for (const jwt of [{ algorithms: ["HS256"] }, { algorithms: ["none"] }, { algorithms: [] }, { issuer: "http://issuer.example" }, { audience: [] },
      { issuer: "https://user:canary@issuer.example" }, { jwksUrl: "http://10.0.0.1/keys" }]) {
      const error = await set(jwt).then(() => undefined, String)
      expect(error).toContain("SchemaError")
      expect(error).not.toContain("canary")
    }
  })
})

describe("the issuer's keys", () => {
  it("are fetched once for many at a time, and however many unknown keys are named", async () => {
    const { clock, who } = await set({ cooldown: "30 seconds" })
    const good = await idp.sign()
    const flood = await Promise.all(Array.from({ length: 50 }, (_, index) => elsewhere.sign({ iss: idp.url }, { header: { kid: `k${index}` } })))
    const all = await Promise.all([...Array.from({ length: 20 }, () => who(bearer(good))), ...flood.map((token) => who(bearer(token)))])
    expect(all.slice(0, 20).every((found) => !LlmError.isLlmError(found))).toBe(true)
    for (const found of all.slice(20)) expect(found).toMatchObject(denied)
    expect(idp.asked).toEqual(["/.well-known/openid-configuration", "/keys"])
    clock.now += 29_999
    await Promise.all(flood.map((token) => who(bearer(token))))
    expect(idp.asked.length).toBe(2)
    clock.now += 1
    await Promise.all(flood.map((token) => who(bearer(token))))
    expect(idp.asked.length).toBe(3)
    for (let round = 0; round < 20; round++) {
      clock.now += 1_000
      for (const token of flood.slice(0, 5)) await who(bearer(token))
    }
    expect(idp.asked.length).toBe(3)
    expect(await who(bearer(good))).toMatchObject({ id: "jwt:ada" })
    expect(elsewhere.asked).toEqual([])
  })

  it("may change: a new one is found once the cool-down is over, a withdrawn one is not taken any more", async () => {
    const own = await issuer()
    const { clock, who } = await set({ issuer: own.url })
    expect(await who(bearer(await own.sign()))).toMatchObject({ id: "jwt:ada" })
    await own.add("two")
    const token = await own.sign({}, { kid: "two" })
    expect(await who(bearer(token))).toMatchObject(denied)
    clock.now += 30_000
    expect(await who(bearer(token))).toMatchObject({ id: "jwt:ada" })
    const { keys } = await own.jwks()
    own.answer = (_, response) => answered(response.end(JSON.stringify({ keys: keys.slice(1) })))
    const old = await own.sign({ exp: start / 1_000 + 6_000 })
    expect(await who(bearer(old))).toMatchObject({ id: "jwt:ada" })
    clock.now += 600_000
    expect(await who(bearer(old))).toMatchObject(denied)
    await own.end()
  })

  it("are waited for no longer than the time-out, and asked for less and less often while nobody answers", async () => {
    const { clock, who } = await set({ timeout: 100 })
    idp.answer = () => true
    const token = await idp.sign()
    const unavailable = { reason: { _tag: "Server", status: 503, retryAfter: 5_000 } }
    const from = process.hrtime.bigint()
    expect(await who(bearer(token))).toMatchObject(unavailable)
    expect(Number(process.hrtime.bigint() - from) / 1e6).toBeLessThan(2_000)
    for (let round = 0; round < 60; round++) {
      expect(await who(bearer(token))).toMatchObject(unavailable)
      clock.now += 1_000
    }
    expect(idp.asked.length).toBeLessThanOrEqual(7)
    expect(idp.asked.length).toBeGreaterThan(3)
    idp.answer = undefined
    clock.now += 30_000
    expect(await who(bearer(await idp.sign({ exp: start / 1_000 + 900 })))).toMatchObject({ id: "jwt:ada" })
  })

  it("are used on for an hour while nobody answers, and no longer", async () => {
    const { clock, who } = await set()
    const token = await idp.sign({ exp: start / 1_000 + 100_000 })
    expect(await who(bearer(token))).toMatchObject({ id: "jwt:ada" })
    idp.answer = (_, response) => answered(response.writeHead(500).end())
    clock.now += 600_000 + 3_599_999
    expect(await who(bearer(token))).toMatchObject({ id: "jwt:ada" })
    clock.now += 1
    expect(await who(bearer(token))).toMatchObject({ reason: { status: 503 } })
  })

  it("come from no other place, whatever the issuer answers", async () => {
    const token = await idp.sign()
    const document = (body: object) => (request: { readonly url?: string }, response: { end: (text: string) => unknown }) =>
      request.url === "/.well-known/openid-configuration" && (response.end(JSON.stringify(body)), true)
    for (const answer of [
      document({ issuer: idp.url, jwks_uri: `${elsewhere.url}/keys` }),
      document({ issuer: elsewhere.url, jwks_uri: `${idp.url}/keys` }),
      document({ issuer: idp.url, jwks_uri: "file:///etc/passwd" }),
      document({ issuer: idp.url }),
      document([]),
      (_: unknown, response: { writeHead: (status: number, headers: object) => { end: () => unknown } }) =>
        (response.writeHead(302, { location: `${elsewhere.url}/keys` }).end(), true),
      (_: unknown, response: { end: (text: string) => unknown }) => (response.end("<html>"), true),
      (request: { readonly url?: string }, response: { end: (text: string) => unknown }) => request.url !== "/keys" && (response.end(`${JSON.stringify({ issuer: idp.url, jwks_uri: `${idp.url}/keys` })}${" ".repeat(300_000)}`), true),
      (_: unknown, response: { end: (text: string) => unknown }) => (response.end(JSON.stringify({ issuer: idp.url, jwks_uri: `${idp.url}/keys`, keys: 1 })), true)
    ]) {
      idp.answer = answer as never
      const { who } = await set()
      expect(await who(bearer(token))).toMatchObject({ reason: { _tag: "Server", status: 503 } })
    }
    expect(elsewhere.asked).toEqual([])
    idp.answer = undefined
    const { who } = await set({ jwksUrl: `${elsewhere.url}/keys` })
    expect(await who(bearer(await elsewhere.sign({ iss: idp.url }, { header: { jku: `${elsewhere.url}/keys` } })))).toMatchObject({ id: "jwt:ada" })
    expect(elsewhere.asked).toEqual(["/keys"])
  })

  it("that are secrets or of no use let nobody in", async () => {
    const secret = { kty: "oct", k: base64url.encode("s".repeat(64)), kid: "one", alg: "HS256" }
    const token = await new SignJWT({ iss: idp.url, aud: "plugline", sub: "ada", exp: start / 1_000 + 60 })
      .setProtectedHeader({ alg: "HS256", kid: "one" }).sign(new TextEncoder().encode("s".repeat(64)))
    for (const keys of [[secret], [{ kty: "RSA", kid: "one" }], [{ kty: "RSA", kid: "one", n: "AQAB", e: "AQAB", alg: "RS256" }], [null], [], [{ ...(await idp.jwks()).keys[0], use: "enc" }]]) {
      idp.answer = (_, response) => answered(response.end(JSON.stringify({ keys })))
      const { who } = await set({ jwksUrl: `${idp.url}/keys` })
      for (const each of [token, await idp.sign()]) {
        const found = await who(bearer(each))
        expect(LlmError.isLlmError(found) && [401, 503].includes(found.status!), inspect(found)).toBe(true)
      }
    }
  })

  it("still come where whoever asked first has left", async () => {
    const { auth, clock, run, who } = await set()
    clock.now = realClock.currentTimeMillisUnsafe()
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    let held = false
    idp.answer = (request, response) => {
      if (held || request.url !== "/keys") return false
      held = true
      void gate.then(async () => response.end(JSON.stringify(await idp.jwks())))
      return true
    }
    const token = await idp.sign()
    const asked = auth.authenticate(bearer(token)) as Effect.Effect<Principal, LlmError>
    const first = Effect.provideService(Effect.timeoutOption(asked, 100), Clock.Clock, realClock)
    expect((await run(first))._tag).toBe("None")
    const second = who(bearer(token))
    go()
    expect(await second).toMatchObject({ id: "jwt:ada" })
    expect(idp.asked).toEqual(["/.well-known/openid-configuration", "/keys"])
  })
})

const realClock = Effect.runSync(Effect.clockWith((clock) => Effect.succeed(clock)))

describe("the scopes of a token", () => {
  const permissionsOf = async (jwt: object, more: object): Promise<ReadonlyArray<string> | LlmError> => {
    const { who } = await set({ role: "developer", ...jwt })
    const found = await who(bearer(await idp.sign(more as never)))
    return LlmError.isLlmError(found) ? found : (found as Principal).permissions
  }
  const named = { claims: { scope: "scope" } }

  it("are what of its role it may do, where a claim is named for them", async () => {
    expect(await permissionsOf({}, { scope: "chat" })).toContain("embeddings")
    expect(await permissionsOf(named, { scope: "openid chat profile models" })).toEqual(["chat", "models"])
    expect(await permissionsOf({ claims: { scope: "scp" } }, { scp: ["chat", "offline_access"] })).toEqual(["chat"])
    // Nothing is added to the role by a scope, and a wildcard is none.
    expect(await permissionsOf(named, { scope: "chat keys:write *" })).toEqual(["chat"])
  })

  it("may have other names", async () => {
    const scopes = { "llm.ask": ["chat", "models"], "llm.all": ["*"] }
    expect(await permissionsOf({ ...named, scopes }, { scope: "llm.ask chat embeddings" })).toEqual(["chat", "models"])
    const all = await permissionsOf({ ...named, scopes }, { scope: "llm.all" })
    expect(all).toEqual(await permissionsOf({}, {}))
    expect(await permissionsOf({ ...named, scopes }, { scope: "constructor toString" })).toEqual([])
  })

  it("are none where the claim is missing, and a token with something else in their place is refused", async () => {
    expect(await permissionsOf(named, {})).toEqual([])
    expect(await permissionsOf(named, { scope: null })).toEqual([])
    for (const scope of [7, { chat: true }, ["chat", 7]]) expect(await permissionsOf(named, { scope })).toMatchObject(denied)
  })
})

describe("several issuers", () => {
  const both = (more: object = {}) => set({ role: "developer" }, { issuers: [{ issuer: elsewhere.url, audience: "plugline", ...more }] })

  it("vouch each for their own, with keys, roles and claims of their own", async () => {
    const { who } = await both({ role: "viewer", claims: { scope: "scp" }, tenant: "acme" })
    const [one, other] = [await who(bearer(await idp.sign())), await who(bearer(await elsewhere.sign({ scp: "models" })))] as [Principal, Principal]
    expect([one.role.name, other.role.name, other.permissions]).toEqual(["developer", "viewer", ["models"]])
    expect(one.identity).toEqual({ key: "jwt:ada", user: "ada" })
    // The same subject of another issuer is somebody else: other limits, budgets and caches.
    expect(other.identity).toEqual({ key: `jwt ${elsewhere.url} ada`, user: `${elsewhere.url} ada`, tenant: "acme" })
    expect([one.id, other.id]).toEqual(["jwt:ada", `jwt ${elsewhere.url} ada`])
  })

  it("cannot vouch for each other's", async () => {
    const { who } = await both()
    expect(await who(bearer(await elsewhere.sign({ iss: idp.url })))).toMatchObject(denied)
    expect(await who(bearer(await idp.sign({ iss: elsewhere.url })))).toMatchObject(denied)
    expect(await who(bearer(await idp.sign({ iss: "https://third.example" })))).toMatchObject(denied)
    const imitated = await who(bearer(await idp.sign({ sub: `${elsewhere.url} ada` }))) as Principal
    expect(imitated.id).toBe(`jwt:${elsewhere.url} ada`)
  })

  it("are trusted as long as they are named, and each is asked for its own keys alone", async () => {
    const { auth, clock, who } = await both()
    const other = await who(bearer(await elsewhere.sign())) as Principal
    expect([idp.asked.length, elsewhere.asked.length > 0]).toEqual([0, true])
    expect(auth.valid(other, clock.now)).toBeUndefined()
    const pass = auth.pass(other)
    if (LlmError.isLlmError(pass)) throw pass
    expect(auth.honour(pass, clock.now)).toMatchObject({ id: other.id })
    const { auth: alone } = await set()
    expect(alone.honour(pass, clock.now)).toMatchObject(denied)
    expect(alone.valid(other, clock.now)).toMatchObject(denied)
  })

  it("are enough to be asked from anywhere, and refused where one is named twice or has no such role", async () => {
    const only = { issuers: [{ issuer: elsewhere.url, audience: "plugline" }] }
    const made = await setting(only)
    settings.push(made)
    const { who } = made
    expect(await who(bearer(await elsewhere.sign()))).toMatchObject({ id: `jwt ${elsewhere.url} ada` })
    expect(await who({})).toMatchObject(denied)
    await expect(set({}, { issuers: [{ issuer: idp.url, audience: "x" }] })).rejects.toThrow("auth.issuers.0.issuer must be an issuer that is not named before")
    await expect(both({ role: "boss" })).rejects.toThrow(/auth\.issuers\.0\.role must be one of admin/)
    await expect(both({ tenant: "a", claims: { tenant: "t" } })).rejects.toThrow(/either tenant or claims\.tenant/)
  })
})
