import { Effect, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Entry } from "../../src/cache/Entry.ts"
import { unit } from "../../src/cache/likeness.ts"
import { effect } from "../../src/cost/now.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { memory, sqlite, VectorStore } from "../../src/store/VectorStore.ts"

const entry = (text: string, until?: number): Entry => ({
  at: 0,
  ...(until !== undefined && { until }),
  result: { type: "chat", content: [{ type: "text", text }], finishReason: "stop", usage: { inputTokens: {}, outputTokens: {} } },
  saves: {}
})

const stores = {
  memory: (options: Parameters<typeof memory>[0] = {}) => memory(options) as Layer.Layer<VectorStore, unknown>,
  SQLite: (options: Parameters<typeof memory>[0] = {}) => Layer.provide(sqlite(options), Sqlite.layer())
}

const vector = (...numbers: ReadonlyArray<number>) => unit(numbers)!

for (const [name, make] of Object.entries(stores)) {
  const run = <A>(layer: Layer.Layer<VectorStore, unknown>, program: (store: VectorStore["Service"]) => Effect.Effect<A, unknown>) =>
    Effect.runPromise(Effect.provide(Effect.flatMap(VectorStore, program), layer, { local: true }))

  describe(name, () => {
    it("finds the nearest of its partition, near enough and not over", () =>
      run(make(), (store) =>
        Effect.gen(function*() {
          const near = (partition: string, least: number, now = 0) => effect(store.nearest(partition, vector(1, 0), least, now))
          expect(yield* near("p", -1)).toBeUndefined()
          yield* effect(store.add("p", "1", vector(1, 1), entry("far"), 0))
          yield* effect(store.add("p", "2", vector(1, 0.1), entry("near", 100), 0))
          yield* effect(store.add("p", "3", vector(1, 0, 0), entry("another space"), 0))
          yield* effect(store.add("p", "4", vector(1), entry("a smaller space"), 0))
          yield* effect(store.add("q", "1", vector(1, 0), entry("another partition"), 0))
          expect(yield* near("p", 0.9, 99)).toEqual({ entry: entry("near", 100), similarity: expect.closeTo(0.995, 3) })
          expect(yield* near("p", 0.999)).toBeUndefined()
          expect((yield* near("p", 0.5, 100))?.entry).toEqual(entry("far"))
          yield* effect(store.add("p", "1", vector(1, 0), entry("replaced"), 0))
          expect((yield* near("p", 1))?.entry).toEqual(entry("replaced"))
          yield* effect(store.clear())
          expect(yield* near("p", -1)).toBeUndefined()
          expect(yield* effect(store.size())).toEqual({ entries: 0, bytes: 0 })
        })))

    it("holds no more of a partition than is said, the latest", () =>
      run(make({ maxPerPartition: 2 }), (store) =>
        Effect.gen(function*() {
          for (const id of ["a", "b", "c"]) {
            yield* effect(store.add("p", id, vector(1, 0), entry(id), 0))
            yield* effect(store.add(`other ${id}`, id, vector(1, 0), entry(id), 0))
          }
          expect((yield* effect(store.size())).entries).toBe(5)
          yield* effect(store.add("p", "b", vector(0, 1), entry("b again"), 0))
          expect((yield* effect(store.nearest("p", vector(0, 1), 0.9, 0)))?.entry).toEqual(entry("b again"))
          expect((yield* effect(store.nearest("p", vector(1, 0), 0.9, 0)))?.entry).toEqual(entry("c"))
        })))

    it("is never above its bound in bytes", () =>
      fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.nat(9), fc.nat(800)), { maxLength: 30 }), (steps) =>
        run(make({ maxBytes: 4_000 }), (store) =>
          Effect.gen(function*() {
            for (const [partition, id, size] of steps) {
              const kept = yield* effect(store.add(String(partition), String(id), vector(id, 1), entry("x".repeat(size)), 0))
              expect((yield* effect(store.nearest(String(partition), vector(id, 1), 0.9999, 0))) !== undefined).toBe(kept)
              const { bytes } = yield* effect(store.size())
              expect(bytes).toBeGreaterThanOrEqual(0)
              expect(bytes).toBeLessThanOrEqual(4_000)
            }
          }))), { numRuns: 25 }))

    it("an entry too large, or without a text of its own, is not kept", () =>
      run(make({ maxBytes: 1_000 }), (store) =>
        Effect.gen(function*() {
          expect(yield* effect(store.add("p", "1", vector(1), entry("x".repeat(1_000)), 0))).toBe(false)
          const odd = { ...entry("A"), saves: { inputTokens: 1n } } as unknown as Entry
          expect((yield* Effect.flip(effect(store.add("p", "1", vector(1), odd, 0))))._tag).toBe("StoreError")
        })))
  })
}
