import { Effect } from "effect"
import { Redis } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { expect, it } from "vitest"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"
import { postgresUrl, redisUrl } from "./servers.ts"

it("SQLite takes everything back when a transaction fails", async () => {
  const program = Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    database.exec("CREATE TABLE t (n INTEGER)")
    yield* Effect.exit(transaction(() => {
      statement("INSERT INTO t VALUES (?)").run(1)
      throw new Error("no")
    }))
    yield* transaction(() => statement("INSERT INTO t VALUES (?)").run(2))
    return yield* run(() => statement("SELECT n FROM t").all())
  })
  expect(await Effect.runPromise(Effect.provide(program, Sqlite.layer()))).toMatchObject([{ n: 2 }])
})

it.skipIf(redisUrl === undefined)("Redis answers", async () => {
  const program = Effect.flatMap(Redis.Redis, ({ send }) => send<string>("PING"))
  expect(await Effect.runPromise(Effect.provide(program, redis({ url: redisUrl! })))).toBe("PONG")
})

it.skipIf(postgresUrl === undefined)("PostgreSQL answers", async () => {
  const program = Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ n: number }>`SELECT 1 AS n`)
  expect(await Effect.runPromise(Effect.provide(program, postgres({ url: postgresUrl! })))).toEqual([{ n: 1 }])
})
