import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { Entry } from "../../src/cache/Entry.ts"
import { decode, encode } from "../../src/cache/Entry.ts"
import { effect } from "../../src/cost/now.ts"
import { CacheStore, memory, redis as redisStore, sqlite, tiered } from "../../src/store/CacheStore.ts"
import { StoreError } from "../../src/store/patience.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { contract, entry } from "./cache.contract.ts"
import { redisUrl } from "./servers.ts"

const inFile = (options: Parameters<typeof sqlite>[0] = {}) => Layer.provide(sqlite(options), Sqlite.layer())
const prefix = `plugline-test-${process.pid}`
const inRedis = Layer.provide(redisStore({ prefix }), redis(redisUrl === undefined ? {} : { url: redisUrl }))

contract("memory", memory())
contract("SQLite", inFile())
contract("memory before SQLite", tiered(memory(), inFile()))
describe.skipIf(redisUrl === undefined)("on Redis", () => {
  contract("Redis", inRedis)
  contract("memory before Redis", tiered(memory(), inRedis))

  it("Redis forgets by itself, and what others wrote there is no entry", () =>
    Effect.runPromise(Effect.provide(
      Effect.gen(function*() {
        const store = yield* CacheStore
        const { send } = yield* Redis.Redis
        yield* effect(store.set("k", entry("A", 0, 30_000), 0))
        const left = Number(yield* send("PTTL", `${prefix}:cache:{k}`))
        expect(left).toBeGreaterThan(20_000)
        expect(left).toBeLessThanOrEqual(30_000)
        for (const text of ["", "{}", "[]", "null", "{\"at\":1}", "[".repeat(600_000)]) {
          yield* send("SET", `${prefix}:cache:{k}`, text)
          expect(yield* effect(store.get("k", 0))).toBeUndefined()
        }
        yield* effect(store.remove("k"))
      }),
      Layer.mergeAll(inRedis, redis({ url: redisUrl! }))
    )))
})

const run = <A, E>(layer: Layer.Layer<CacheStore, E>, program: (store: CacheStore["Service"]) => Effect.Effect<A, unknown>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(CacheStore, program), layer, { local: true }))

describe("bytes are never above the bound", () => {
  const steps = fc.array(fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    size: fc.nat(900),
    what: fc.constantFrom("set", "set", "set", "get", "remove")
  }), { maxLength: 40 })
  for (const [name, make, text] of [
    ["memory", () => memory({ maxBytes: 4_000, maxEntryBytes: 3_000 }), 3_000],
    ["SQLite", () => inFile({ maxBytes: 2_500, maxEntryBytes: 1_000 }), 1_000]
  ] as const) {
    it(name, () =>
      fc.assert(fc.asyncProperty(steps, (steps) =>
        run(make(), (store) =>
          Effect.gen(function*() {
            let now = 1_000_000
            for (const { key, size, what } of steps) {
              now += 100_000
              if (what === "remove") yield* effect(store.remove(key))
              else if (what === "get") yield* effect(store.get(key, now))
              else {
                const kept = yield* effect(store.set(key, { ...small, result: { ...small.result, id: "x".repeat(size) } as Entry["result"] }, now))
                const found = yield* effect(store.get(key, now))
                expect(found !== undefined).toBe(kept)
              }
              const [held] = yield* effect(store.size())
              expect(held!.bytes).toBeLessThanOrEqual(name === "memory" ? 4_000 : 2_500)
              expect(held!.bytes).toBeGreaterThanOrEqual(0)
            }
            yield* effect(store.clear())
            expect((yield* effect(store.size()))[0]).toMatchObject({ entries: 0, bytes: 0 })
            expect(text).toBeGreaterThan(0)
          }))), { numRuns: 25 }))
  }
})

const small: Entry = {
  at: 0,
  result: { type: "chat", content: [{ type: "text", text: "A" }], finishReason: "stop", usage: { inputTokens: {}, outputTokens: {} } },
  saves: {}
}

describe("what was used longest ago goes first", () => {
  const sized = (id: string): Entry => ({ ...small, result: { ...small.result, id: id.repeat(300) } as Entry["result"] })
  for (const [name, layer] of [["memory", memory({ maxBytes: 3_800, maxEntryBytes: 3_800 })], ["SQLite", inFile({ maxBytes: 1_600 })]] as const) {
    it(name, () =>
      run(layer, (store) =>
        Effect.gen(function*() {
          for (const [index, key] of ["a", "b", "c"].entries()) yield* effect(store.set(key, sized(key), 1_000_000 + index))
          expect(yield* effect(store.get("a", 2_000_000))).toBeDefined()
          yield* effect(store.set("d", sized("d"), 2_000_001))
          expect(yield* effect(store.get("b", 2_000_002))).toBeUndefined()
          for (const key of ["a", "c", "d"]) expect(yield* effect(store.get(key, 2_000_002))).toBeDefined()
        })))
  }
})

it("memory gives what nobody can change", () =>
  run(memory(), (store) =>
    Effect.gen(function*() {
      const mine = structuredClone(entry("A")) as { result: { content: Array<{ text?: string }> } } & Entry
      yield* effect(store.set("k", mine, 0))
      mine.result.content[1]!.text = "changed by who asked"
      const found = (yield* effect(store.get("k", 0)))!
      expect(found).toEqual(entry("A"))
      expect(() => {
        ;(found.result as { id: string }).id = "changed by the next"
      }).toThrow(TypeError)
    })))

it("what cannot be written as JSON is a failure of the store, and an entry too large is not kept", () =>
  run(memory({ maxEntryBytes: 700 }), (store) =>
    Effect.gen(function*() {
      const odd = { ...small, result: { ...small.result, metadata: { a: { b: 1n } } } } as unknown as Entry
      expect(yield* Effect.flip(effect(store.set("k", odd, 0)))).toBeInstanceOf(StoreError)
      expect(yield* effect(store.set("k", small, 0))).toBe(true)
      expect(yield* effect(store.set("k", { ...small, result: { ...small.result, id: "x".repeat(600) } as Entry["result"] }, 0))).toBe(false)
      expect(yield* effect(store.get("k", 0))).toBeUndefined()
    })))

it("SQLite keeps entries over a restart, and two that open one file share its bound and its locks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "plugline-"))
  const layer = () => Layer.provide(sqlite({ maxBytes: 1_000 }), Sqlite.layer({ path: join(folder, "cache.db") }))
  await run(layer(), (store) => effect(store.set("k", small, 0)))
  await run(layer(), (one) =>
    Effect.promise(() =>
      run(layer(), (two) =>
        Effect.gen(function*() {
          expect(yield* effect(one.get("k", 0))).toEqual(small)
          yield* effect(two.set("l", small, 0))
          expect((yield* effect(one.size()))[0]).toMatchObject({ entries: 2 })
          expect(yield* one.lock!.take("k", "one", 100, 0)).toBe(true)
          expect(yield* two.lock!.take("k", "two", 100, 99)).toBe(false)
          expect(yield* two.lock!.take("k", "two", 200, 100)).toBe(true)
          yield* one.lock!.release("k", "one")
          expect(yield* one.lock!.take("k", "one", 300, 150)).toBe(false)
        }))))
  rmSync(folder, { recursive: true })
})

describe("two tiers", () => {
  const spy = () => {
    const asked: Array<string> = []
    const held = new Map<string, Entry>()
    const layer = Layer.succeed(CacheStore, {
      get: (key) => {
        asked.push(`get ${key}`)
        return Effect.succeed(held.get(key))
      },
      set: (key, entry) => {
        asked.push(`set ${key}`)
        held.set(key, entry)
        return Effect.succeed(true)
      },
      remove: (key) => Effect.sync(() => void held.delete(key)),
      clear: () => Effect.sync(() => held.clear()),
      size: () => [{ store: "spy", entries: held.size }]
    })
    return { asked, held, layer }
  }

  it("write to both, and fill the near one from the far one", () => {
    const far = spy()
    return run(tiered(memory(), far.layer), (store) =>
      Effect.gen(function*() {
        far.held.set("k", small)
        expect(yield* effect(store.get("k", 0))).toEqual(small)
        expect(Effect.isEffect(store.get("k", 0))).toBe(false)
        yield* effect(store.set("l", small, 0))
        expect(yield* effect(store.get("l", 0))).toEqual(small)
        expect(far.asked).toEqual(["get k", "set l"])
        expect(yield* effect(store.size())).toMatchObject([{ store: "memory", entries: 2 }, { store: "spy", entries: 2 }])
        yield* effect(store.remove("k"))
        expect(yield* effect(store.get("k", 0))).toBeUndefined()
      }))
  })

  const broken = Layer.succeed(CacheStore, {
    get: () => Effect.fail(new StoreError("cache", "down")),
    set: () => Effect.fail(new StoreError("cache", "down")),
    remove: () => Effect.fail(new StoreError("cache", "down")),
    clear: () => Effect.fail(new StoreError("cache", "down")),
    size: () => Effect.fail(new StoreError("cache", "down"))
  })

  it("serve alone where the other is down", async () => {
    for (const layer of [tiered(memory(), broken), tiered(broken, memory())]) {
      await run(layer, (store) =>
        Effect.gen(function*() {
          expect(yield* effect(store.get("k", 0))).toBeUndefined()
          expect(yield* effect(store.set("k", small, 0))).toBe(true)
          expect(yield* effect(store.get("k", 0))).toEqual(small)
        }))
    }
  })
})

it("text that is no entry is none, and an entry survives as text", () => {
  expect(decode(encode(entry("A", 5, 9)))).toEqual(entry("A", 5, 9))
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => decode(text) === undefined), { numRuns: 200 })
  const hurt = (path: ReadonlyArray<string>, value: unknown): string => {
    const copy = JSON.parse(encode(entry("A", 5, 9)))
    let at = copy
    for (const step of path.slice(0, -1)) at = at[step]
    at[path.at(-1)!] = value
    return JSON.stringify(copy)
  }
  for (const [path, value] of [
    [["at"], "1"], [["until"], "1"], [["saves"], null], [["saves", "cost"], "1e9"], [["saves", "cost"], 3], [["result"], []],
    [["result", "type"], "list_models"], [["result", "content"], {}], [["result", "content", "0"], null], [["result", "usage"], 1],
    [["result", "finishReason"], null], [["result", "choices"], [{}]], [["timeline"], [[1]]], [["timeline"], [["1", []]]], [["result", "usage", "inputTokens"], 0]
  ] as const) expect(decode(hurt(path, value)), path.join(".")).toBeUndefined()
})
