import { Sqlite } from "@plugline/plugs"
import { Layer, ManagedRuntime, Redacted } from "effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import * as Audit from "../../src/audit/Audit.ts"
import { KeyStore, memory, staleness } from "../../src/auth/KeyStore.ts"
import { sqlite } from "../../src/auth/KeyStore.sqlite.ts"
import type { Principal } from "../../src/auth/Auth.ts"
import { contract } from "./KeyStore.contract.ts"
import { bearer, denied, handClock, setting } from "./support.ts"

contract("memory", () => memory)
contract("SQLite", () => Layer.provide(sqlite, Sqlite.layer()))

const folders: Array<string> = []
const file = () => {
  const folder = mkdtempSync(join(tmpdir(), "plugline-keys-"))
  folders.push(folder)
  return join(folder, "keys.db")
}
const stores = (path: string) => Layer.merge(Layer.provide(sqlite, Sqlite.layer({ path })), Audit.memory())
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

it("SQLite: keys are there after a restart, and no secret is in the file", async () => {
  const path = file()
  const first = await setting({}, { host: "::1", stores: stores(path) })
  const by = first.auth.authenticate({}) as Principal
  const { key } = await first.run(first.keys.create({ by }, { name: "lasting", role: "viewer", tenant: "acme" }))
  const plain = Redacted.value(key)
  await first.end()
  for (const name of [path, `${path}-wal`]) {
    try {
      expect(readFileSync(name).includes(plain.slice(18))).toBe(false)
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "ENOENT" })
    }
  }
  const second = await setting({}, { stores: stores(path) })
  expect(second.auth.authenticate(bearer(plain))).toMatchObject({ name: "lasting", identity: { tenant: "acme" } })
  await second.end()
})

it("SQLite: what one process revokes another refuses within a second, also on an open stream", async () => {
  const path = file()
  const clock = handClock()
  const [left, right] = [
    await setting({}, { host: "::1", stores: stores(path), clock }), await setting({}, { stores: stores(path), clock })
  ]
  const by = left.auth.authenticate({}) as Principal
  const { key, record } = await left.run(left.keys.create({ by }, { name: "shared" }))
  clock.now += staleness
  const principal = right.auth.authenticate(bearer(Redacted.value(key))) as Principal
  expect(principal).toMatchObject({ id: record.id })
  expect(right.auth.valid(principal, clock.now)).toBeUndefined()
  await left.run(left.keys.revoke({ by }, record.id))
  expect(left.auth.authenticate(bearer(Redacted.value(key)))).toMatchObject(denied)
  clock.now += staleness
  expect(right.auth.valid(principal, clock.now)).toMatchObject(denied)
  expect(right.auth.authenticate(bearer(Redacted.value(key)))).toMatchObject(denied)
  await left.end()
  await right.end()
})

it("SQLite: a clock that was set back hides no revocation", async () => {
  const path = file()
  const [left, right] = [ManagedRuntime.make(stores(path)), ManagedRuntime.make(stores(path))]
  const [mine, other] = [await left.runPromise(KeyStore), await right.runPromise(KeyStore)]
  expect(mine.find("d", 1e15)).toBeUndefined()
  await right.runPromise(other.add({ id: "a", name: "a", prefix: "", account: "a", grant: {}, created: 0, by: "root" }, "d"))
  expect(mine.find("d", 1_000)).toMatchObject({ record: { id: "a" } })
  await left.dispose()
  await right.dispose()
})

it("keys that cannot be read are no keys, and open streams go on", async () => {
  const found = await setting({}, { host: "::1" })
  const by = found.auth.authenticate({}) as Principal
  const { key } = await found.run(found.keys.create({ by }, { name: "a" }))
  const principal = found.auth.authenticate(bearer(Redacted.value(key))) as Principal
  ;(found.store as { find: unknown }).find = () => {
    throw new Error("disk I/O error")
  }
  expect(found.auth.authenticate(bearer(Redacted.value(key)))).toMatchObject({ reason: { _tag: "Server", status: 503 } })
  expect(found.auth.valid(principal, found.clock.now)).toBeUndefined()
  await found.end()
})
