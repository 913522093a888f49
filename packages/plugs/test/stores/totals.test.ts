import { Effect, Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { randomUUID } from "node:crypto"
import { afterAll, describe, expect, it } from "vitest"
import { effect } from "../../src/cost/now.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { type Addition, memory, totals, TotalsStore } from "../../src/store/TotalsStore.ts"
import { redis as redisTotals } from "../../src/store/TotalsStore.redis.ts"
import { sqlite } from "../../src/store/TotalsStore.sqlite.ts"
import { redisUrl } from "./servers.ts"
import { sweep } from "./sweep.ts"

const hour = 3_600_000
const contract = (name: string, layer: () => Layer.Layer<TotalsStore, unknown>, runs: number) =>
  describe(`totals in ${name}`, () => {
    const runtimes: Array<ManagedRuntime.ManagedRuntime<TotalsStore, unknown>> = []
    afterAll(() => Promise.all(runtimes.map((runtime) => runtime.dispose())))
    const fresh = () => {
      const runtime = ManagedRuntime.make(layer())
      runtimes.push(runtime)
      return {
        add: (addition: Partial<Addition>) => runtime.runPromise(Effect.flatMap(TotalsStore, (store) =>
          effect(store.add({ at: 0, labels: {}, amount: 0n, unknown: false, cached: false, ...addition })))),
        ask: (query: Parameters<typeof totals>[0]) => runtime.runPromise(totals(query)),
        run: runtime
      }
    }

    it("are told apart by what is asked, from the dearest on", async () => {
      const { add, ask } = fresh()
      await add({ labels: { model: "a", user: "ada" }, amount: 1n })
      await add({ labels: { model: "c" }, amount: 0n, at: 50 * hour })
      for (const amount of [2n, 3n]) await add({ labels: { model: "c" }, amount, unknown: true, cached: true, at: 60 * hour })
      expect(await ask({ since: 51 * hour })).toEqual([{ group: {}, cost: "0.000000000005", calls: 2, unknown: 2, cached: 2 }])
      await add({ labels: { model: "b", user: "ada" }, amount: 10n ** 12n, unknown: true })
      await add({ labels: { model: "a" }, amount: 5n, cached: true, at: 3 * hour })
      expect(await ask({ by: ["model"], until: 49 * hour })).toEqual([
        { group: { model: "b" }, cost: "1", calls: 1, unknown: 1, cached: 0 },
        { group: { model: "a" }, cost: "0.000000000006", calls: 2, unknown: 0, cached: 1 }
      ])
      expect(await ask({ by: ["user"], where: { model: "a" } })).toEqual([
        { group: {}, cost: "0.000000000005", calls: 1, unknown: 0, cached: 1 },
        { group: { user: "ada" }, cost: "0.000000000001", calls: 1, unknown: 0, cached: 0 }
      ])
      expect(await ask({ since: 3 * hour + 5, until: 49 * hour })).toMatchObject([{ calls: 1 }])
      expect(await ask({ until: hour })).toMatchObject([{ calls: 2 }])
      expect(await ask({ since: 70 * hour })).toEqual([])
    })

    it("are exact, however many add at once, and keep hostile labels apart", async () => {
      const labels = fc.record({
        user: fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.constantFrom("null", "\",\"", "'; --", "a", "u")),
        model: fc.constantFrom("a", "b")
      }, { requiredKeys: [] })
      const additions = fc.array(fc.record({ labels, amount: fc.bigInt(0n, 10n ** 15n), at: fc.nat(5 * hour), unknown: fc.boolean(), cached: fc.boolean() }), { maxLength: 20 })
      await fc.assert(fc.asyncProperty(additions, async (additions) => {
        const { run } = fresh()
        const program = Effect.flatMap(TotalsStore, (store) =>
          Effect.andThen(
            Effect.forEach(additions, (addition) => effect(store.add(addition)), { concurrency: "unbounded" }),
            Effect.suspend(() => effect(store.buckets(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)))
          ))
        const buckets = await run.runPromise(program)
        const sum = (list: ReadonlyArray<{ amount: bigint }>) => list.reduce((sum, { amount }) => sum + amount, 0n)
        expect(sum(buckets)).toBe(sum(additions))
        expect(buckets.reduce((sum, { calls }) => sum + calls, 0)).toBe(additions.length)
        for (const user of new Set(additions.map(({ labels }) => labels.user))) {
          expect(sum(buckets.filter(({ labels }) => labels.user === user))).toBe(sum(additions.filter(({ labels }) => labels.user === user)))
        }
      }), { numRuns: runs })
    })
  })

contract("memory", memory, 100)
contract("SQLite", () => Layer.provide(sqlite, Sqlite.layer()), 15)
describe.skipIf(redisUrl === undefined)("", () => {
  const prefix = `plugline-test-${randomUUID()}`
  contract("Redis", () => Layer.provide(redisTotals({ prefix: `${prefix}:${randomUUID()}` }), redis({ url: redisUrl! })), 5)
  afterAll(() => sweep(redisUrl!, prefix))
})

it("a store in memory stays small, and its sum exact", async () => {
  const program = Effect.gen(function*() {
    const store = yield* TotalsStore
    for (let index = 0; index < 5_000; index++) {
      yield* effect(store.add({ at: index * hour / 10, labels: { user: `u${index}` }, amount: 3n, unknown: false, cached: false }))
    }
    const kept = yield* effect(store.buckets(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))
    return { kept: kept.length, all: yield* totals() }
  })
  const { all, kept } = await Effect.runPromise(Effect.provide(program, memory({ max: 100 })))
  expect(kept).toBeLessThanOrEqual(100)
  expect(all).toEqual([{ group: {}, cost: "0.000000015", calls: 5_000, unknown: 0, cached: 0 }])
})
