import { Layer } from "effect"
import { afterAll } from "vitest"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { memory } from "../../src/store/QueueStore.memory.ts"
import { postgres as postgresQueue } from "../../src/store/QueueStore.postgres.ts"
import { redis as redisQueue } from "../../src/store/QueueStore.redis.ts"
import { sqlite } from "../../src/store/QueueStore.sqlite.ts"
import { redis } from "../../src/store/redis.ts"
import { contract } from "./queue.contract.ts"
import { postgresUrl, redisUrl } from "./servers.ts"
import { queueTables, sweep, sweepRows } from "./sweep.ts"

const prefix = `plugline-test-${process.pid}`

contract("memory", memory())
contract("SQLite", Layer.provide(sqlite, Sqlite.layer()))
if (redisUrl !== undefined) {
  contract("Redis", Layer.provide(redisQueue({ prefix }), redis({ url: redisUrl })))
  afterAll(() => sweep(redisUrl!, prefix))
}
if (postgresUrl !== undefined) {
  contract("PostgreSQL", Layer.provide(postgresQueue, postgres({ url: postgresUrl })))
  afterAll(async () => {
    for (const name of ["test", "model"]) await sweepRows(postgresUrl!, queueTables, "queue", `${name}-${process.pid}-`)
  })
}
