import { Layer } from "effect"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { memory } from "../../src/store/QueueStore.memory.ts"
import { postgres as postgresQueue } from "../../src/store/QueueStore.postgres.ts"
import { redis as redisQueue } from "../../src/store/QueueStore.redis.ts"
import { sqlite } from "../../src/store/QueueStore.sqlite.ts"
import { redis } from "../../src/store/redis.ts"
import { contract } from "./queue.contract.ts"
import { postgresUrl, redisUrl } from "./servers.ts"

contract("memory", memory())
contract("SQLite", Layer.provide(sqlite, Sqlite.layer()))
if (redisUrl !== undefined) {
  contract("Redis", Layer.provide(redisQueue({ prefix: `plugline-test-${process.pid}` }), redis({ url: redisUrl })))
}
if (postgresUrl !== undefined) contract("PostgreSQL", Layer.provide(postgresQueue, postgres({ url: postgresUrl })))
