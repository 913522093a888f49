import { Redacted } from "effect"
import fc from "fast-check"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { once } from "node:events"
import { inspect } from "node:util"
import { LlmError } from "plugline"
import { Budget, RateLimit } from "@plugline/plugs"
import { Schema } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { budgetsOf, limitsOf, type Principal, refused } from "../../src/auth/Auth.ts"
import { find } from "../../src/auth/credential.ts"
import * as Secret from "../../src/auth/secret.ts"
import { bearer, denied, forbidden, handClock, type Setting, setting, start } from "./support.ts"

const [first, second, third] = [Secret.make(), Secret.make(), Secret.make()]
const hashOf = (key: string) => `sha256:${Secret.digest(key)}`
const open: Array<Setting> = []
const set = async (...given: Parameters<typeof setting>) => {
  const made = await setting(...given)
  open.push(made)
  return made
}
afterEach(async () => {
  for (const each of open.splice(0)) await each.end()
})
const one = { keys: [{ name: "one", hash: hashOf(first) }] }

describe("who asks", () => {
  it("is known by a key in each of its places, at once", async () => {
    const { auth } = await set({ keys: [{ name: "one", hash: hashOf(first), role: "operator", tenant: "acme", team: "t", user: "u", tier: "x" }] })
    for (const [headers, query] of [
      [bearer(first)], [{ authorization: `bearer  ${first}` }], [{ "x-api-key": first }], [{ "x-goog-api-key": first }], [{}, `alt=sse&key=${first}`],
      [{ ...bearer(first), "x-api-key": first }, `key=${first}`]
    ] as const) {
      expect(auth.authenticate(headers, [], query)).toMatchObject({
        id: "one", name: "one", kind: "key", identity: { key: "one", tenant: "acme", team: "t", user: "u", tier: "x" }, role: { name: "operator" }
      })
    }
  })

  it("gets one and the same answer, whatever is wrong", async () => {
    const { auth, clock } = await set({
      keys: [...one.keys, { name: "over", hash: hashOf(second), expires: "2027-01-01" }]
    })
    const none = inspect(refused().toJSON())
    const wrong: ReadonlyArray<Parameters<typeof auth.authenticate>> = [
      [{}], [{ authorization: "" }], [{ authorization: "Bearer" }], [{ authorization: "Bearer " }], [{ authorization: `Basic ${first}` }],
      [{ authorization: first }], [{ authorization: `Bearer ${first} ${first}` }], [{ authorization: `Bearer ${first}, Bearer ${first}` }],
      [{ "x-api-key": "" }], [{ ...bearer(first), "x-api-key": "" }], [{ ...bearer(first), "x-api-key": third }],
      [{ ...bearer(first) }, [], `key=${third}`], [{}, [], `key=${first}&key=${first}`], [{ authorization: [`Bearer ${first}`, `Bearer ${first}`] }],
      [bearer(first), ["Authorization", `Bearer ${first}`, "Host", "a", "AUTHORIZATION", `Bearer ${third}`]],
      [{ "x-api-key": first }, ["x-api-key", first, "X-Api-Key", first]],
      [bearer(third)], [bearer(second)], [bearer(`${first}x`)], [bearer(first.slice(0, -1))], [bearer("x".repeat(10_000))],
      [bearer("undefined")], [bearer("eyJhbGciOiJub25lIn0.e30.")], [{ host: "127.0.0.1", "x-forwarded-for": "127.0.0.1" }]
    ]
    expect(clock.now).toBe(start)
    for (const asked of wrong) {
      const found = auth.authenticate(...asked)
      expect(found, inspect(asked)).toMatchObject(denied)
      expect(inspect((found as LlmError).toJSON())).toBe(none)
    }
  })

  it("is nobody where two credentials are good, but not the same", async () => {
    const { auth } = await set({ keys: [...one.keys, { name: "two", hash: hashOf(second) }] })
    expect(auth.authenticate({ ...bearer(first), "x-api-key": second })).toMatchObject(denied)
    expect(auth.authenticate({ "x-api-key": first, "x-goog-api-key": second })).toMatchObject(denied)
    expect(auth.authenticate(bearer(first), [], `key=${second}`)).toMatchObject(denied)
  })

  it("sends what can be a credential, or is not looked up at all", () => {
    for (const text of ["a b", "a,b", "a\"b", "é", "a\u0000", "", " a", "=", "a=b", "x".repeat(8_193)]) {
      expect(find({ "x-api-key": text }, undefined, undefined), text).toBe("bad")
    }
    expect(find({ "x-api-key": "a-._~+/1==" }, undefined, undefined)).toEqual({ credential: "a-._~+/1==" })
    expect(find({ cookie: "key=a", "api-key": "b" }, ["cookie", "key=a"], "keys=a&Key=b")).toBe("none")
  })

  it("is not taken for somebody because of a second header that Node hides", async () => {
    const { auth } = await set(one)
    const seen: Array<unknown> = []
    const server = createServer((request, response) => {
      seen.push(auth.authenticate(request.headers, request.rawHeaders))
      response.end()
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const send = (headers: ReadonlyArray<string>) => new Promise((done) =>
      request({ port: (server.address() as AddressInfo).port, headers: ["Host", "a", ...headers] }, (response) => response.resume().on("end", done)).end())
    await send(["Authorization", `Bearer ${first}`])
    await send(["Authorization", `Bearer ${first}`, "Authorization", `Bearer ${third}`])
    await send(["X-Api-Key", first, "X-Api-Key", first])
    server.closeAllConnections()
    server.close()
    expect(seen).toMatchObject([{ id: "one" }, denied, denied])
  })

  it("is nobody to any text that is no key", () =>
    fc.assert(fc.asyncProperty(fc.array(fc.tuple(
      fc.constantFrom("authorization", "x-api-key", "x-goog-api-key", "host", "cookie"),
      fc.oneof(fc.string(), fc.string().map((text) => `Bearer ${text}`), fc.constantFrom(`Bearer${first}`, first.toUpperCase(), hashOf(first), Secret.digest(first)))
    )), fc.string(), async (headers, query) => {
      const { auth } = shared
      expect(auth.authenticate(Object.fromEntries(headers), headers.flat(), query)).toMatchObject(denied)
    })))

  it("is told apart by what comes after 200 shared letters", async () => {
    const [left, right] = ["a", "b"].map((last) => `${"abcdefghijklmnopqrst".repeat(10)}${last.repeat(20)}`)
    const { auth } = await set({ keys: [{ name: "left", key: left }, { name: "right", key: "env:RIGHT" }] }, { env: { RIGHT: right! } })
    expect(auth.authenticate(bearer(left!))).toMatchObject({ id: "left" })
    expect(auth.authenticate(bearer(right!))).toMatchObject({ id: "right" })
    expect(auth.authenticate(bearer(left!.slice(0, 200)))).toMatchObject(denied)
  })

  it("has to be whom the digest says, even where a store answers with another", async () => {
    const setting = await set(one)
    const { record } = await setting.run(setting.keys.create({ by: await admin() }, { name: "victim" }))
    ;(setting.store as { find: unknown }).find = () => ({ record, digest: Secret.digest("other") })
    expect(setting.auth.authenticate(bearer(second))).toMatchObject(denied)
  })
})

const admin = async () => (await set({})).auth.configured[0] ?? (await set({}, { host: "::1" })).auth.authenticate({}) as Principal
const shared = await setting(one)

describe("an open gateway", () => {
  it("takes everybody on loopback alone, and only where nothing is configured", async () => {
    const { auth } = await set({}, { host: "127.0.0.1" })
    for (const headers of [{}, bearer(""), bearer(first), bearer("anything"), { "x-api-key": "sk-placeholder" }]) {
      expect(auth.authenticate(headers)).toMatchObject({ kind: "open", id: "open", identity: {}, role: { name: "admin" } })
    }
    expect((await set({}, { host: "0.0.0.0" })).auth.authenticate({})).toMatchObject(denied)
    expect((await set(one, { host: "127.0.0.1" })).auth.authenticate({ host: "127.0.0.1" })).toMatchObject(denied)
  })

  it("knows the keys that were made all the same, and refuses one that is revoked", async () => {
    const { auth, clock, keys, run } = await set({}, { host: "localhost" })
    const by = auth.authenticate({}) as Principal
    const { key, record } = await run(keys.create({ by }, { name: "trial", role: "viewer" }))
    const principal = auth.authenticate(bearer(Redacted.value(key))) as Principal
    expect(principal).toMatchObject({ id: record.id, role: { name: "viewer" } })
    await run(keys.revoke({ by }, record.id))
    expect(auth.authenticate(bearer(Redacted.value(key)))).toMatchObject(denied)
    expect(auth.valid(principal, clock.now)).toMatchObject(denied)
    expect(auth.valid(by, clock.now)).toBeUndefined()
  })
})

describe("a key of the configuration", () => {
  it("is over from its time on, also for a stream that is open", async () => {
    const { auth, clock } = await set({ keys: [{ name: "one", hash: hashOf(first), expires: "2027-01-01T00:01:00Z" }] })
    const principal = auth.authenticate(bearer(first)) as Principal
    clock.now += 59_999
    expect(auth.authenticate(bearer(first))).toBe(principal)
    expect(auth.valid(principal, clock.now)).toBeUndefined()
    clock.now += 1
    expect(auth.authenticate(bearer(first))).toMatchObject(denied)
    expect(auth.valid(principal, clock.now)).toMatchObject(denied)
  })

  it("that another replaces is taken for the overlap, and counts for the same account", async () => {
    const { auth, clock } = await set({
      keys: [
        { name: "old", hash: hashOf(first) },
        { name: "new", hash: hashOf(second), replaces: { name: "old", since: "2027-01-01", overlap: "1 hour" } },
        { name: "newest", hash: hashOf(third), replaces: { name: "new", since: "2027-01-01", overlap: "2 hours" } }
      ]
    })
    for (const key of [first, second, third]) expect(auth.authenticate(bearer(key))).toMatchObject({ identity: { key: "old" } })
    clock.now += 3_600_000
    expect(auth.authenticate(bearer(first))).toMatchObject(denied)
    expect(auth.authenticate(bearer(second))).toMatchObject({ id: "new" })
    clock.now += 3_600_000
    expect(auth.authenticate(bearer(second))).toMatchObject(denied)
    expect(auth.authenticate(bearer(third))).toMatchObject({ id: "newest" })
  })

  it("that is taken out or given another hash ends its streams", async () => {
    const clock = handClock()
    const before = await set(one, { clock })
    const principal = before.auth.authenticate(bearer(first)) as Principal
    const same = await set({ keys: [...one.keys, { name: "two", hash: hashOf(second) }] }, { clock })
    expect(same.auth.valid(principal, clock.now)).toBeUndefined()
    for (const keys of [[{ name: "one", hash: hashOf(second) }], [{ name: "two", hash: hashOf(second) }]]) {
      expect((await set({ keys }, { clock })).auth.valid(principal, clock.now)).toMatchObject(denied)
    }
  })

  it.each([
    ["two of one name", [{ name: "a", hash: hashOf(first) }, { name: "a", hash: hashOf(second) }], "auth.keys.1.name"],
    ["two of one key", [{ name: "a", hash: hashOf(first) }, { name: "b", key: first }], "auth.keys.1.key"],
    ["a role there is not", [{ name: "a", hash: hashOf(first), role: "root" }], "auth.keys.0.role"],
    ["a role of the prototype", [{ name: "a", hash: hashOf(first), role: "constructor" }], "auth.keys.0.role"],
    ["a variable that is not set", [{ name: "a", key: "env:NOWHERE" }], "auth.keys.0.key"],
    ["a variable that is empty", [{ name: "a", key: "env:EMPTY" }], "auth.keys.0.key"],
    ["a short key", [{ name: "a", key: "env:SHORT" }], "auth.keys.0.key"],
    ["a key that is no random one", [{ name: "a", key: "changeme".repeat(5) }], "auth.keys.0.key"],
    ["a key that no header can hold", [{ name: "a", key: "env:BLANK" }], "auth.keys.0.key"],
    ["a key with a typing error", [{ name: "a", key: "env:TYPO" }], "auth.keys.0.key"],
    ["the replacement of nothing", [{ name: "a", hash: hashOf(first), replaces: { name: "b", since: "2027-01-01" } }], "auth.keys.0.replaces.name"],
    ["the replacement of itself", [{ name: "a", hash: hashOf(first), replaces: { name: "a", since: "2027-01-01" } }], "auth.keys.0.replaces.name"],
    ["a circle", [
      { name: "a", hash: hashOf(first), replaces: { name: "b", since: "2027-01-01" } },
      { name: "b", hash: hashOf(second), replaces: { name: "a", since: "2027-01-01" } }
    ], "auth.keys.0.replaces.name"],
    ["two replacements of one", [
      { name: "a", hash: hashOf(first) },
      { name: "b", hash: hashOf(second), replaces: { name: "a", since: "2027-01-01" } },
      { name: "c", hash: hashOf(third), replaces: { name: "a", since: "2027-01-01" } }
    ], "auth.keys.2.replaces.name"]
  ])("is refused at load: %s", async (_, keys, option) => {
    const env = {
      SHORT: "canary-AbC0123456789", EMPTY: " ", BLANK: "canary 0123456789 0123456789 0123456789",
      TYPO: `${first.slice(0, -1)}${first.endsWith("a") ? "b" : "a"}`
    }
    const error = await setting({ keys }, { env }).then(() => undefined, (thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: { _tag: "Configuration", option } })
    const said = inspect(error, { depth: 10 }) + JSON.stringify(error)
    for (const secret of [first, second, "canary", env.TYPO, "changemechange"]) expect(said).not.toContain(secret)
  })

  it.each([
    { name: "a" }, { name: "a", hash: hashOf(first), key: first }, { name: "key_1", hash: hashOf(first) }, { name: "", hash: hashOf(first) },
    { name: "a\nb", hash: hashOf(first) }, { name: "a", hash: first }, { name: "a", hash: hashOf(first), scopes: ["everything"] },
    { name: "a", hash: hashOf(first), expires: "2027-02-30" }, { name: "a", hash: hashOf(first), expires: "2027-01-01T00:00:00" },
    { name: "a", hash: hashOf(first), expires: "tomorrow" }, { name: "a", hash: hashOf(first), tenant: "a\r\nb" },
    { name: "a", hash: hashOf(first), limits: { requestsPerMinute: 0 } }, { name: "a", hash: hashOf(first), limits: { requests: 1 } },
    { name: "a", hash: hashOf(first), budgets: [{ amount: -1, every: "day" }] }, { name: "a", hash: hashOf(first), budgets: [{ amount: "NaN", every: "day" }] },
    { name: "a", hash: hashOf(first), budgets: [{ amount: Infinity, every: "day" }] }
  ])("is refused by its form: %j", async (key) => {
    const error = await setting({ keys: [key] }).then(() => undefined, String)
    expect(error).toContain("SchemaError")
    expect(error).not.toContain(first)
  })

  it("brings limits and budgets along that the plugs take", async () => {
    const { auth } = await set({
      keys: [{
        name: "one", hash: hashOf(first),
        limits: { requestsPerMinute: { rate: 10, burst: 20 }, tokensPerDay: 1_000, concurrency: 2 },
        budgets: [{ amount: "1.50", every: "day" }, { amount: 20, every: "month", kind: "soft" }, { amount: 3, every: "day" }]
      }]
    })
    const principal = auth.authenticate(bearer(first)) as Principal
    const limits = Schema.decodeUnknownSync(RateLimit.Options)({ limits: limitsOf(principal) }).limits
    expect(limits).toEqual([{ per: ["key"], name: "key one", requestsPerMinute: { rate: 10, burst: 20 }, tokensPerDay: 1_000, concurrency: 2 }])
    const budgets = Schema.decodeUnknownSync(Budget.Options)({ limits: budgetsOf(principal) }).limits
    expect(budgets.map(({ amount, name, only }) => [name, amount, only])).toEqual([
      ["key one day", "1.50", { key: "one" }], ["key one month 2", 20, { key: "one" }], ["key one day 3", 3, { key: "one" }]
    ])
    expect(limitsOf((await set(one)).auth.authenticate(bearer(first)) as Principal)).toEqual([])
  })
})

describe("a secret", () => {
  it("has a form of its own, in which a typing error shows", () => {
    const key = Secret.make()
    expect(key).toMatch(/^pk-plugline-[0-9A-Za-z]{49}$/)
    expect(Secret.isWellFormed(key)).toBe(true)
    fc.assert(fc.property(fc.nat(key.length - 1), fc.constantFrom(..."0aZ_-"), (at, letter) => {
      const other = key.slice(0, at) + letter + key.slice(at + 1)
      expect(Secret.isWellFormed(other)).toBe(other === key)
    }))
    expect(new Set(Array.from({ length: 1_000 }, Secret.make)).size).toBe(1_000)
    expect(Secret.visible(key)).toBe(key.slice(0, 18))
  })

  it("appears in nothing that is made of it", async () => {
    const canary = `canary-${Secret.make().slice(12)}`
    const { audit, auth, clock, keys, run, store } = await set({
      keys: [{ name: "one", key: canary, role: "admin" }, { name: "two", key: "env:TWO" }]
    }, { env: { TWO: second } })
    const by = auth.authenticate(bearer(canary)) as Principal
    const issued = await run(keys.create({ by, requestId: `r-${second}` }, { name: `for ${second}`, tenant: "acme" }))
    const plain = Redacted.value(issued.key)
    const rotated = await run(keys.rotate({ by }, issued.record.id))
    const seen: Array<unknown> = [
      auth, auth.configured, by, issued, rotated, auth.authenticate(bearer(plain)), auth.authenticate(bearer(`${plain}x`)),
      auth.authenticate({ ...bearer(canary), "x-api-key": second }), auth.valid(by, clock.now + 1e15), store, keys,
      await run(audit.read()), await run(store.list()), await run(keys.list({ by })),
      auth.allows(by, { permission: second, model: `m-${second}` }),
      await run(keys.create({ by }, { name: 1, [plain]: plain })).catch((thrown: unknown) => thrown)
    ]
    const hidden = [canary, plain, Redacted.value(rotated.key), Secret.digest(canary), Secret.digest(plain)]
    for (const each of seen) {
      const text = [inspect(each, { depth: 20, showHidden: true }), JSON.stringify(each), String(each), each instanceof Error ? each.stack : ""].join("\n")
      for (const secret of hidden) expect(text).not.toContain(secret)
      if (each instanceof LlmError.LlmError) expect(text).not.toContain(second)
    }
    expect(JSON.stringify(await run(audit.read()))).not.toContain(second)
    expect(issued.record.prefix).toBe(plain.slice(0, 18))
  })
})

describe("what is not allowed", () => {
  it("is answered with 403 and why, in one line", async () => {
    const { auth } = await set({ keys: [{ name: "one", hash: hashOf(first), models: ["gpt-*"], providers: ["openai"] }] })
    const principal = auth.authenticate(bearer(first)) as Principal
    expect(auth.allows(principal, { permission: "chat", provider: "openai", model: "gpt-5", alias: "openai/gpt-5" })).toBeUndefined()
    const error = auth.allows(principal, { permission: "chat", provider: "openai", model: "x\r\nset-cookie: a\u2028", alias: `x\r\n${"y".repeat(500)}` })
    expect(error).toMatchObject(forbidden)
    expect(error!.reason.message).not.toMatch(/[\r\n\u2028]/)
    expect(error!.reason.message.length).toBeLessThan(250)
  })
})
