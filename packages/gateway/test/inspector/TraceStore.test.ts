/** Requests that are over, in SQLite: in memory, in a file, over a restart, shared by two processes, and where the file is broken. */
import { Sqlite } from "@plugline/plugs"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import { open, type Opened } from "../../src/inspector/store/open.ts"
import { sqlite } from "../../src/inspector/store/TraceStore.sqlite.ts"
import { contract, entry } from "./TraceStore.contract.ts"

const folders: Array<string> = []
const scopes: Array<Scope.Closeable> = []
afterEach(async () => {
  for (const scope of scopes.splice(0)) await Effect.runPromise(Scope.close(scope, Exit.void))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const file = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "plugline-traces-"))
  folders.push(folder)
  return join(folder, "traces.db")
}

contract("memory", (bounds) => Layer.provide(sqlite(bounds), Sqlite.layer()))
contract("a file", (bounds) => Layer.provide(sqlite(bounds), Sqlite.layer({ path: file() })))

const settings = { enabled: true, maxAge: 60_000, maxEntries: 100, maxBytes: 1_000_000, maxRecord: 1_000 }

const opened = async (path: string, said: Array<string> = []): Promise<Opened & { readonly close: () => Promise<void> }> => {
  const scope = Scope.makeUnsafe()
  scopes.push(scope)
  const log = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
  const found = await Effect.runPromise(Effect.provide(Scope.provide(open(settings, path), scope), log))
  return { ...found, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

it("requests in a file are there after a restart, and numbers go on", async () => {
  const path = file()
  const first = await opened(path)
  await Effect.runPromise(first.store.add([entry("a", {}, new Uint8Array([1, 2])), entry("b")]))
  await first.close()
  const second = await opened(path)
  await Effect.runPromise(second.store.add([entry("c")]))
  expect((await Effect.runPromise(second.store.list({}))).traces.map(({ id, seq }) => [id, seq])).toEqual([["c", 3], ["b", 2], ["a", 1]])
  expect([...(await Effect.runPromise(second.store.find("a")))!.record!]).toEqual([1, 2])
})

it("two processes share a file and keep to its bounds together", async () => {
  const path = file()
  const [one, two] = [await opened(path), await opened(path)]
  for (let round = 0; round < 30; round++) {
    await Effect.runPromise(one.store.add(Array.from({ length: 4 }, (_, index) => entry(`one-${round}-${index}`))))
    await Effect.runPromise(two.store.add(Array.from({ length: 4 }, (_, index) => entry(`two-${round}-${index}`))))
  }
  const { entries } = await Effect.runPromise(one.store.info())
  expect(await Effect.runPromise(one.store.last)).toBe(240)
  // Each looks when what it knows of is full.
  expect(entries).toBeLessThanOrEqual(2 * settings.maxEntries)
  expect((await Effect.runPromise(two.store.list({ limit: 1 }))).traces[0]!.id).toBe("two-29-3")
})

it.each([
  ["is no database", (path: string) => writeFileSync(path, "this is no database, and nothing that could be one".repeat(100))],
  ["lies in no folder", (path: string) => rmSync(join(path, ".."), { recursive: true })]
])("a file that %s keeps nobody from going on, and it is said", async (_what, spoil) => {
  const path = file()
  spoil(path)
  const said: Array<string> = []
  const { path: at, store } = await opened(path, said)
  expect(at).toBe(":memory:")
  expect(said.join("\n")).toContain("until the next start only")
  await Effect.runPromise(store.add([entry("a")]))
  expect((await Effect.runPromise(store.list({}))).total).toBe(1)
})
