import { Layer } from "effect"
import { randomUUID } from "node:crypto"
import { afterAll, describe } from "vitest"
import { memory } from "../../src/store/BudgetStore.ts"
import { postgres as postgresStore } from "../../src/store/BudgetStore.postgres.ts"
import { redis as redisStore } from "../../src/store/BudgetStore.redis.ts"
import { sqlite } from "../../src/store/BudgetStore.sqlite.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"
import { Sqlite } from "../../src/store/Sqlite.ts"
import { contract } from "./budget.contract.ts"
import { postgresUrl, redisUrl } from "./servers.ts"
import { budgetTables, sweep, sweepRows } from "./sweep.ts"

const prefix = `plugline-test-${randomUUID()}`

contract("memory", memory(), { runs: 300 })
contract("SQLite", Layer.provide(sqlite, Sqlite.layer()))
describe.skipIf(redisUrl === undefined)("", () => {
  contract("Redis", Layer.provide(redisStore({ prefix }), redis({ url: redisUrl! })), { runs: 10 })
  afterAll(() => sweep(redisUrl!, prefix))
})
describe.skipIf(postgresUrl === undefined)("", () => {
  contract("PostgreSQL", Layer.provide(postgresStore, postgres({ url: postgresUrl! })), { runs: 4 })
  afterAll(() => sweepRows(postgresUrl!, budgetTables, "account", `["test ${process.pid}"`))
})
