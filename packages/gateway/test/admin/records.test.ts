/** What must not be lost: keys that admins made, and what admins did, over a restart and where the stores are elsewhere. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { recordsOf } from "../../src/admin/records.ts"
import { Audit } from "../../src/audit/Audit.ts"
import { KeyStore } from "../../src/auth/KeyStore.ts"
import { type Body, question, type Site, site } from "./site.ts"

const sites: Array<Site> = []
const folders: Array<string> = []
afterEach(async () => {
  for (const each of sites.splice(0)) await each.close()
  for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true })
})

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "plugline-records-"))
  folders.push(made)
  return made
}

const open = async (config: object, folder?: string): Promise<Site> => {
  const opened = await site({ config, ...(folder !== undefined && { folder }) })
  sites.push(opened)
  return opened
}

describe("with sqlite", () => {
  const stores = { kind: "sqlite", path: "state.db" }

  it("keys, revocations and the audit log are there after a restart, and no key is in the file", async () => {
    const here = folder()
    const first = await open({ stores }, here)
    const { id, key } = (await first.as("root", "/admin/keys", { body: { name: "lasting", tenant: "acme" } })).json
    const gone = (await first.as("root", "/admin/keys", { body: { name: "gone" } })).json
    await first.as("root", `/admin/keys/${gone.id}`, { method: "DELETE" })
    await first.stop()
    const second = await open({ stores }, here)
    expect((await second.as(key, "/v1/chat/completions", { body: question() })).status).toBe(200)
    expect((await second.as(gone.key, "/v1/models")).status).toBe(401)
    expect((await second.as("acme", `/admin/keys/${id}`)).json).toMatchObject({ id, name: "lasting", state: "active" })
    const { entries } = (await second.as("root", "/admin/audit")).json
    expect(entries.map(({ action, outcome }: Body) => `${action} ${outcome}`)).toEqual(["keys.revoke allowed", "keys.create allowed", "keys.create allowed"])
    const files = readdirSync(here).filter((name) => name.startsWith("state.db"))
    expect(files).toContain("state.db")
    for (const file of files) {
      const bytes = readFileSync(join(here, file)).toString("latin1")
      for (const secret of [key, gone.key]) expect(bytes).not.toContain(secret.slice(18))
    }
  })

  it("a key that another process revokes is refused within a second", async () => {
    const here = folder()
    const [one, two] = [await open({ stores }, here), await open({ stores }, here)]
    const { id, key } = (await one.as("root", "/admin/keys", { body: { name: "shared" } })).json
    const refusedWithin = async (expected: number): Promise<number> => {
      const begun = performance.now()
      while ((await two.as(key, "/v1/models")).status !== expected && performance.now() - begun < 3_000) await new Promise((go) => setTimeout(go, 20))
      return performance.now() - begun
    }
    expect(await refusedWithin(200)).toBeLessThan(1_500)
    await one.as("root", `/admin/keys/${id}`, { method: "DELETE" })
    expect(await refusedWithin(401)).toBeLessThan(1_500)
  })

  it("a busy database is not read again and again for its keys", async () => {
    const here = folder()
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const opened = Effect.suspend(() => Layer.build(recordsOf({ kind: "sqlite", path: "state.db" }, here)))
      const [one, two] = [yield* opened, yield* opened]
      const [mine, theirs] = [Context.get(one, KeyStore), Context.get(two, KeyStore)]
      const sum = (letter: string) => letter.repeat(64)
      yield* theirs.add(record, sum("d"))
      const found = mine.find(sum("d"), 10_000)
      expect(found).toMatchObject({ record: { id: "key_1" } })
      yield* Context.get(two, Audit).record({ who: at, action: "x", target: "", outcome: "allowed" })
      expect(mine.find(sum("d"), 20_000)).toBe(found)
      yield* theirs.change("key_1", { revoked: 5 })
      expect(mine.find(sum("d"), 30_000)).toMatchObject({ record: { revoked: 5 } })
    })))
  })

  it("stay where they were until the next start, when the configuration says another place", async () => {
    const here = await open({ stores })
    const { key } = (await here.as("root", "/admin/keys", { body: { name: "kept" } })).json
    here.write({ stores: { kind: "memory" } })
    expect((await here.as("root", "/admin/config/reload", { method: "POST" })).json.generation).toBe(2)
    expect((await here.as(key, "/v1/models")).status).toBe(200)
  })
})

const at = { id: "root", name: "root", kind: "key", identity: {}, role: { name: "admin", permissions: [] }, permissions: [] } as const

const asked = <A, E>(layer: Layer.Layer<KeyStore | Audit, E>, effect: Effect.Effect<A, unknown, KeyStore | Audit>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(Layer.build(layer), (context) => Effect.provideContext(effect, context))) as Effect.Effect<A>)

const record = { id: "key_1", name: "x", prefix: "pk-plugline-", account: "key_1", grant: {}, created: 1, by: "root" }
const add = Effect.flatMap(KeyStore, (store) => store.add(record, "d".repeat(64)))
const get = Effect.flatMap(KeyStore, (store) => store.get("key_1"))

describe("with redis or postgres", () => {
  it.each(["redis", "postgres"] as const)("%s: a file beside the configuration keeps them", async (kind) => {
    const here = folder()
    expect(await asked(recordsOf({ kind }, here), add)).toBe(true)
    expect(await asked(recordsOf({ kind }, here), get)).toMatchObject({ id: "key_1" })
    expect(statSync(join(here, "plugline.db")).isFile()).toBe(true)
  })

  it("memory does where nothing can be written there, and sqlite fails at the start", async () => {
    const nowhere = join(folder(), "missing")
    expect(await asked(recordsOf({ kind: "redis" }, nowhere), Effect.andThen(add, get))).toMatchObject({ id: "key_1" })
    await expect(asked(recordsOf({ kind: "sqlite" }, nowhere), get)).rejects.toMatchObject({ reason: { _tag: "Configuration", option: "stores" } })
  })
})
