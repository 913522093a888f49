/**
 * A process of its own that asks for the same limits as others: `node child.ts <store> <place> <scope> <calls>`. It prints how many of
 * its calls were let through, and gives nothing back.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { effect } from "../../src/cost/now.ts"
import { type Ask, LimitStore } from "../../src/store/LimitStore.ts"
import { postgres as postgresLimits } from "../../src/store/LimitStore.postgres.ts"
import { redis as redisLimits } from "../../src/store/LimitStore.redis.ts"
import { sqlite } from "../../src/store/LimitStore.sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"

const [, , kind, place, scope, calls] = process.argv as [string, string, string, string, string, string]

const layer: Layer.Layer<LimitStore, unknown> = kind === "redis"
  ? Layer.provide(redisLimits({ prefix: scope }), redis({ url: place }))
  : kind === "postgres"
  ? Layer.provide(postgresLimits(), postgres({ url: place }))
  : Layer.provide(sqlite(), Sqlite.layer({ path: place }))

const limit = (name: string, each: Partial<Ask>): Ask => ({
  key: `${scope} ${name}`, kind: "rate", capacity: 0, ceiling: each.capacity ?? 0, rate: 0, cost: 1, resets: 0, ...each
})

const program = Effect.gen(function*() {
  const store = yield* LimitStore
  const asks = [
    limit("calls", { kind: "day", capacity: 50, resets: 3_600_000 }),
    limit("tokens", { capacity: 100_000, rate: 1, cost: 7 }),
    limit("slots", { kind: "slots", capacity: 60 })
  ]
  const taken = yield* Effect.forEach(
    Array.from({ length: Number(calls) }),
    () => effect(store.take(store.holder(), asks, Date.now())),
    { concurrency: "unbounded" }
  )
  return taken.filter(({ _tag }) => _tag === "Admitted").length
})

console.log(await Effect.runPromise(Effect.provide(program, layer)))
