import { Redacted } from "effect"
import { LlmError } from "plugline"
import { afterEach, describe, expect, it } from "vitest"
import type { Principal } from "../../src/auth/Auth.ts"
import * as Secret from "../../src/auth/secret.ts"
import { bearer, denied, forbidden, type Setting, setting, start } from "./support.ts"

const settings: Array<Setting> = []
afterEach(async () => {
  for (const each of settings.splice(0)) await each.end()
})

const names = ["root", "acme", "ops", "dev", "view", "narrow", "scoped"] as const
const secrets = Object.fromEntries(names.map((name) => [name, Secret.make()])) as Record<(typeof names)[number], string>
const set = async () => {
  const key = (name: (typeof names)[number], more: object) => ({ name, hash: `sha256:${Secret.digest(secrets[name])}`, ...more })
  const made = await setting({
    keys: [
      key("root", { role: "admin" }), key("acme", { role: "admin", tenant: "acme" }), key("ops", { role: "operator" }), key("dev", {}),
      key("view", { role: "viewer" }), key("narrow", { role: "admin", models: ["gpt-*"] }),
      key("scoped", { role: "admin", scopes: ["keys:write", "keys:read", "chat", "models"] })
    ],
    roles: { chatter: { permissions: ["chat"] } }
  })
  settings.push(made)
  const as = (name: (typeof names)[number]) => ({ by: made.auth.authenticate(bearer(secrets[name])) as Principal, requestId: "r1" })
  const fails = (effect: Parameters<typeof made.run>[0]) => made.run(effect).then(() => undefined, (thrown: unknown) => thrown)
  return { ...made, as, fails, use: (key: Redacted.Redacted<string>) => made.auth.authenticate(bearer(Redacted.value(key))) }
}

describe("a key that an admin makes", () => {
  it("is shown once, known by its beginning, and good for what was said", async () => {
    const { as, keys, run, use } = await set()
    const { key, record } = await run(keys.create(as("root"), {
      name: "bot", role: "developer", tenant: "acme", user: "u", models: ["gpt-*"], limits: { requestsPerMinute: 5 }, expires: "2027-01-02"
    }))
    expect(Redacted.value(key)).toMatch(/^pk-plugline-/)
    expect(use(key)).toMatchObject({
      id: record.id, name: "bot", kind: "key", identity: { key: record.id, tenant: "acme", user: "u" }, models: ["gpt-*"], limits: { requestsPerMinute: 5 },
      role: { name: "developer" }, expires: start + 86_400_000
    })
    const listed = await run(keys.list(as("root")))
    expect(listed.keys).toEqual([record])
    expect(JSON.stringify(listed)).not.toContain(Redacted.value(key).slice(18))
    expect(await run(keys.get(as("ops"), record.id))).toEqual(record)
  })

  it("ends at its time, and can be dated", async () => {
    const { as, auth, clock, keys, run, use } = await set()
    const { key, record } = await run(keys.create(as("root"), { name: "bot", expires: "2027-01-02" }))
    const principal = use(key) as Principal
    clock.now = start + 86_399_999
    expect(use(key)).toBe(principal)
    clock.now += 1
    expect(use(key)).toMatchObject(denied)
    expect(auth.valid(principal, clock.now)).toMatchObject(denied)
    await run(keys.expire(as("root"), record.id, { expires: "2027-01-03T00:00:00Z" }))
    expect(use(key)).toMatchObject({ id: record.id })
    expect(auth.valid(use(key) as Principal, clock.now)).toBeUndefined()
  })

  it("is refused at once when it is revoked, also on an open stream, and stays so", async () => {
    const { as, auth, clock, fails, keys, run, use } = await set()
    const { key, record } = await run(keys.create(as("root"), { name: "bot" }))
    const principal = use(key) as Principal
    expect(auth.valid(principal, clock.now)).toBeUndefined()
    await run(keys.revoke(as("root"), record.id))
    expect(use(key)).toMatchObject(denied)
    expect(auth.valid(principal, clock.now)).toMatchObject(denied)
    clock.now += 5
    expect(await run(keys.revoke(as("root"), record.id))).toMatchObject({ revoked: start })
    await run(keys.expire(as("root"), record.id, { expires: "2028-01-01" }))
    expect(use(key)).toMatchObject(denied)
    expect(await fails(keys.rotate(as("root"), record.id))).toMatchObject({ reason: { status: 409 } })
  })

  it("is rotated with an overlap, into one that counts for the same", async () => {
    const { as, clock, fails, keys, run, use } = await set()
    const old = await run(keys.create(as("root"), { name: "bot", tenant: "acme", limits: { concurrency: 1 } }))
    clock.now += 1_000
    const next = await run(keys.rotate(as("root"), old.record.id, { overlap: "1 hour" }))
    expect(next.record).toMatchObject({ name: "bot", account: old.record.id, replaces: old.record.id, grant: old.record.grant })
    for (const { key } of [old, next]) expect(use(key)).toMatchObject({ identity: { key: old.record.id, tenant: "acme" } })
    expect(await fails(keys.rotate(as("root"), old.record.id))).toMatchObject({ reason: { status: 409 } })
    expect(await fails(keys.expire(as("root"), old.record.id, { expires: "2028-01-01" }))).toMatchObject({ reason: { status: 409 } })
    clock.now += 3_600_000
    expect(use(old.key)).toMatchObject(denied)
    expect(use(next.key)).toMatchObject({ id: next.record.id })
    const last = await run(keys.rotate(as("root"), next.record.id, { overlap: 0 }))
    expect(use(next.key)).toMatchObject(denied)
    expect(use(last.key)).toMatchObject({ identity: { key: old.record.id } })
  })
})

describe("who makes keys", () => {
  it("has to be permitted to", async () => {
    const { as, audit, fails, keys, run } = await set()
    const { record } = await run(keys.create(as("root"), { name: "bot" }))
    for (const name of ["ops", "dev", "view"] as const) {
      for (const act of [
        keys.create(as(name), { name: "x" }), keys.rotate(as(name), record.id), keys.revoke(as(name), record.id),
        keys.expire(as(name), record.id, { expires: "2028-01-01" })
      ]) expect(await fails(act)).toMatchObject(forbidden)
      if (name === "ops") continue
      expect(await fails(keys.list(as(name)))).toMatchObject(forbidden)
      expect(await fails(keys.get(as(name), record.id))).toMatchObject(forbidden)
    }
    expect((await run(keys.list(as("root")))).keys).toEqual([record])
    const refused = (await run(audit.read())).entries.filter(({ outcome }) => outcome === "refused")
    expect(refused.length).toBe(16)
    expect(refused.at(-1)).toMatchObject({ action: "keys.create", who: { id: "ops", role: "operator" }, requestId: "r1" })
  })

  it("gives nothing away that he may not do", async () => {
    const { as, fails, keys, run, use } = await set()
    for (const role of ["admin", "operator", "developer", "viewer"]) {
      expect(await fails(keys.create(as("scoped"), { name: "x", role })), role).toMatchObject(forbidden)
    }
    expect(use((await run(keys.create(as("scoped"), { name: "x", role: "chatter" }))).key)).toMatchObject({ permissions: ["chat"] })
    expect(use((await run(keys.create(as("scoped"), { name: "x", role: "admin", scopes: ["chat", "models"] }))).key))
      .toMatchObject({ permissions: ["chat", "models"] })
    expect(await fails(keys.create(as("narrow"), { name: "x", role: "viewer" }))).toMatchObject(forbidden)
    const mighty = await run(keys.create(as("root"), { name: "mighty", role: "admin" }))
    expect(await fails(keys.rotate(as("scoped"), mighty.record.id))).toMatchObject(forbidden)
    expect(await fails(keys.expire(as("scoped"), mighty.record.id, { expires: "2030-01-01" }))).toMatchObject(forbidden)
  })

  it("stays in his tenant, and another's keys are not there for him", async () => {
    const { as, fails, keys, run } = await set()
    const foreign = (await run(keys.create(as("root"), { name: "foreign", tenant: "other" }))).record
    const shared = (await run(keys.create(as("root"), { name: "nobody's" }))).record
    const own = (await run(keys.create(as("acme"), { name: "own" }))).record
    expect(own.grant.tenant).toBe("acme")
    expect(await fails(keys.create(as("acme"), { name: "x", tenant: "other" }))).toMatchObject(forbidden)
    for (const { id } of [foreign, shared, { id: "key_none" }, { id: "' OR 1=1 --" }]) {
      for (const act of [
        keys.get(as("acme"), id), keys.rotate(as("acme"), id), keys.revoke(as("acme"), id), keys.expire(as("acme"), id, { expires: "2028-01-01" })
      ]) expect(await fails(act)).toMatchObject({ reason: { _tag: "NotFound", status: 404, message: "there is no such key" } })
    }
    expect((await run(keys.list(as("acme")))).keys).toEqual([own])
    expect((await run(keys.list(as("acme"), { tenant: "other" }))).keys).toEqual([])
    expect((await run(keys.list(as("root"), { tenant: "other" }))).keys).toEqual([foreign])
    expect((await run(keys.list(as("root")))).keys.length).toBe(3)
  })

  it("is told what does not fit", async () => {
    const { as, fails, keys, run } = await set()
    const { record } = await run(keys.create(as("root"), { name: "bot" }))
    for (const input of [
      undefined, null, [], "x", {}, { name: "" }, { name: "a\nb" }, { name: "a", role: 1 }, { name: "a", id: "key_1" }, { name: "a", created: 0 },
      { name: "a", account: "other" }, { name: "a", by: "root" }, { name: "a", digest: "0" }, { name: "a", expires: "soon" }, { name: "a", role: "root" },
      { name: "a", role: "__proto__" }, { name: "a", budgets: [{ amount: "1e9", every: "day" }] }, JSON.parse('{"name":"a","__proto__":{"role":"admin"}}')
    ]) expect(await fails(keys.create(as("root"), input)), JSON.stringify(input)).toMatchObject({ reason: { _tag: "InvalidRequest", status: 400 } })
    for (const input of [{ overlap: -1 }, { overlap: "x" }, { overlap: Infinity }, { more: 1 }, null]) {
      expect(await fails(keys.rotate(as("root"), record.id, input))).toMatchObject({ reason: { _tag: "InvalidRequest", status: 400 } })
    }
    expect(await fails(keys.expire(as("root"), record.id, {}))).toMatchObject({ reason: { status: 400 } })
    expect((await run(keys.list(as("root")))).keys).toEqual([record])
  })
})

describe("the audit log", () => {
  it("says of each act who, what, to what, and how it was before and after", async () => {
    const { as, audit, clock, keys, run } = await set()
    const { record } = await run(keys.create(as("acme"), { name: "bot" }))
    clock.now += 1
    const next = await run(keys.rotate(as("acme"), record.id, { overlap: "1 hour" }))
    clock.now += 1
    await run(keys.revoke(as("root"), next.record.id))
    const { entries } = await run(audit.read())
    expect(entries).toMatchObject([
      { seq: 3, at: start + 2, action: "keys.revoke", target: next.record.id, who: { id: "root" }, before: { name: "bot" }, after: { revoked: start + 2 } },
      { seq: 2, at: start + 1, action: "keys.rotate", target: record.id, before: { id: record.id }, after: { id: next.record.id, old: { ends: start + 3_600_001 } } },
      { seq: 1, at: start, action: "keys.create", target: record.id, who: { id: "acme", kind: "key", role: "admin", tenant: "acme" }, requestId: "r1" }
    ])
    expect(entries[2]).not.toHaveProperty("before")
  })

  it("that cannot be written lets nothing happen", async () => {
    const { as, audit, fails, keys, run, use } = await set()
    const { key, record } = await run(keys.create(as("root"), { name: "bot" }))
    ;(audit as { record: unknown }).record = () => {
      throw new Error("disk full")
    }
    for (const act of [keys.create(as("root"), { name: "x" }), keys.rotate(as("root"), record.id), keys.revoke(as("root"), record.id)]) {
      expect(await fails(act)).toBeDefined()
    }
    expect((await run(keys.list(as("root")))).keys).toEqual([record])
    expect(LlmError.isLlmError(use(key))).toBe(false)
  })
})
