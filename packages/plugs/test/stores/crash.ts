/**
 * Run as a program of its own, makes calls on a shared budget until it is killed, and writes down what it did: the truth that the
 * ledger is compared with. `node crash.ts kind place account log [limit calls]`.
 *
 * @module
 */
import { Effect, Layer, Logger } from "effect"
import { randomUUID } from "node:crypto"
import { appendFileSync } from "node:fs"
import { effect } from "../../src/cost/now.ts"
import { BudgetStore } from "../../src/store/BudgetStore.ts"
import { postgres as postgresStore } from "../../src/store/BudgetStore.postgres.ts"
import { redis as redisStore } from "../../src/store/BudgetStore.redis.ts"
import { sqlite } from "../../src/store/BudgetStore.sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"

/** A store of each kind, at its place. */
export const storeFor = (kind: string, place: string): Layer.Layer<BudgetStore, unknown> =>
  kind === "sqlite" ? Layer.provide(sqlite, Sqlite.layer({ path: place }))
    : kind === "redis" ? Layer.provide(redisStore({ prefix: "plugline-crash" }), redis({ url: place }))
    : Layer.provide(postgresStore, postgres({ url: place }))

if (import.meta.main) {
  const [kind = "", place = "", account = "", log = "", limit, calls] = process.argv.slice(2)
  const most = limit === undefined ? undefined : BigInt(limit)
  const one = Effect.gen(function*() {
    const store = yield* BudgetStore
    const id = randomUUID()
    const now = Date.now()
    const claims = [{ account, ...(most !== undefined && { limit: most }) }]
    const { refused } = yield* Effect.suspend(() => effect(store.reserve({ id, amount: 100n, expires: now + 3_600_000, claims }, now)))
    if (refused !== undefined) return
    appendFileSync(log, `reserved ${id}\n`)
    yield* Effect.sleep(1)
    const amount = BigInt(1 + Math.floor(Math.random() * 99))
    appendFileSync(log, `used ${id} ${amount}\n`)
    const [settled] = yield* Effect.suspend(() => effect(store.settle({ id, accounts: [account], amount, unknown: false }, Date.now())))
    if (settled?.outcome === "settled") appendFileSync(log, `settled ${id}\n`)
  })
  const program = calls === undefined
    ? Effect.all(Array.from({ length: 4 }, () => Effect.forever(one)), { concurrency: "unbounded", discard: true })
    : Effect.forEach(Array.from({ length: Number(calls) }), () => one, { concurrency: 10, discard: true })
  await Effect.runPromise(Effect.provide(program as Effect.Effect<void, unknown, BudgetStore>, Layer.merge(storeFor(kind, place), Logger.layer([]))))
}
