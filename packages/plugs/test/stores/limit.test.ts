import { Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { afterAll, expect, it } from "vitest"
import { effect } from "../../src/cost/now.ts"
import { leased } from "../../src/store/LimitStore.leases.ts"
import { LimitStore, memory } from "../../src/store/LimitStore.ts"
import { postgres as postgresLimits } from "../../src/store/LimitStore.postgres.ts"
import { redis as redisLimits } from "../../src/store/LimitStore.redis.ts"
import { sqlite } from "../../src/store/LimitStore.sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { limitContract, rate, slots } from "./limit.contract.ts"
import { postgresUrl, redisUrl } from "./servers.ts"
import { limitTables, sweep, sweepRows } from "./sweep.ts"

const lease = 5_000
const prefix = `plugline-test-${process.pid}`

limitContract("memory", memory(), { lease: undefined, runs: 100 })
limitContract("SQLite", Layer.provide(sqlite({ lease }), Sqlite.layer()), { lease, runs: 30 })
limitContract("Redis", Layer.provide(redisLimits({ lease, prefix, clock: "process" }), redis({ url: redisUrl ?? "" })), {
  lease, runs: 10, skip: redisUrl === undefined
})
limitContract("PostgreSQL", Layer.provide(postgresLimits({ lease, clock: "process" }), postgres({ url: postgresUrl ?? "" })), {
  lease, runs: 5, skip: postgresUrl === undefined
})
afterAll(async () => {
  if (redisUrl !== undefined) await sweep(redisUrl, prefix)
  if (postgresUrl !== undefined) await sweepRows(postgresUrl, limitTables, "key", `contract PostgreSQL ${process.pid} `)
})

it("100,000 keys of a stranger do not grow past the bound, nor are they a way to free tokens", () => {
  const store = Effect.runSync(Effect.provide(LimitStore, memory({ max: 1_000 })))
  const take = (key: string, now: number) => store.take("h", [rate(key, 2), rate(`${key} too`, 2)], now) as { readonly _tag: string }
  take("ada", 0)
  take("ada", 0)
  let room = 0
  for (let n = 0; n < 100_000; n++) if (take(`stranger ${n}`, Math.floor(n / 10_000))._tag === "Admitted") room++
  expect(room).toBe(499)
  // Who is known goes on, in use or not; what was used up stays so.
  expect(take("ada", 10)._tag).toBe("Refused")
  expect(take("ada", 30_000)._tag).toBe("Admitted")
  expect(take("stranger 0", 30_000)._tag).toBe("Admitted")
  expect(take("somebody new", 29_999)._tag).toBe("NoRoom")
  // What is full again makes room.
  expect(take("somebody new", 60_000)._tag).toBe("Admitted")
})

it("a store in memory forgets slots that are free", () => {
  const store = Effect.runSync(Effect.provide(LimitStore, memory({ max: 1 })))
  for (let n = 0; n < 10; n++) {
    expect(store.take("h", [slots(`user ${n}`, 1)], 0)).toMatchObject({ _tag: "Admitted" })
    expect(store.take("h", [slots("other", 1)], 0)).toMatchObject({ _tag: "NoRoom" })
    void store.give("h", [{ ask: slots(`user ${n}`, 1), units: 1 }], 0)
  }
})

it("lends on what is held, and nothing that was given back", async () => {
  const renewed: Array<string> = []
  const program = Effect.gen(function*() {
    const store = yield* leased({
      take: () => Effect.succeed({ _tag: "Admitted", levels: [] }),
      give: () => Effect.void,
      renew: (held) => Effect.sync(() => void renewed.push(...held.map(([key, holder]) => `${key} ${holder}`)))
    }, { lease })
    const both = [slots("a", 1), rate("b", 1), slots("c", 1)]
    yield* effect(store.take("one", both, 0))
    yield* effect(store.take("two", [slots("a", 1)], 0))
    yield* effect(store.give("two", [{ ask: slots("a", 1), units: 1 }], 0))
    yield* TestClock.adjust(lease / 2)
  })
  await Effect.runPromise(Effect.provide(Effect.scoped(program), TestClock.layer()))
  expect(renewed).toEqual(["a one", "c one"])
})

it("lends slots on while the process lives, and throws away what is full", async () => {
  const program = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(Layer.provideMerge(sqlite({ lease }), Sqlite.layer()), scope)
    const { statement } = yield* Effect.provide(Sqlite, context)
    const store = yield* Effect.provide(LimitStore, context)
    const ask = slots("a", 1)
    yield* effect(store.take("long", [ask, rate("b", 60)], 0))
    for (let step = 0; step < 16; step++) yield* TestClock.adjust(lease / 4)
    const during = yield* effect(store.take("other", [ask], 4 * lease))
    const rows = statement("SELECT count(*) AS n FROM plugline_limits").get()
    yield* effect(store.give("long", [{ ask, units: 1 }], 4 * lease))
    const after = yield* effect(store.take("other", [ask], 4 * lease))
    yield* Scope.close(scope, Exit.void)
    return { during: during._tag, after: after._tag, rows }
  })
  expect(await Effect.runPromise(Effect.provide(program, TestClock.layer()))).toEqual({
    during: "Refused", after: "Admitted", rows: { n: 0 }
  })
})
