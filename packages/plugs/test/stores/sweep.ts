/**
 * Takes away what tests left in servers that others use too.
 *
 * @module
 */
import { Effect } from "effect"
import { Redis } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"

/** Deletes every key of a Redis that begins with `prefix:`. */
export const sweep = (url: string, prefix: string): Promise<void> => {
  const program = Effect.gen(function*() {
    const { send } = yield* Redis.Redis
    const keys = yield* send<ReadonlyArray<string>>("KEYS", `${prefix}:*`)
    if (keys.length > 0) yield* send("DEL", ...keys)
  })
  return Effect.runPromise(Effect.provide(Effect.ignore(program), redis({ url })))
}

/** Deletes the rows of a PostgreSQL whose value in this column of these tables begins with `prefix`. */
export const sweepRows = (url: string, tables: ReadonlyArray<string>, column: string, prefix: string): Promise<void> => {
  const program = Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const table of tables) {
      yield* sql`DELETE FROM ${sql(table)} WHERE starts_with(${sql(column)}, ${prefix})`
    }
  })
  return Effect.runPromise(Effect.provide(Effect.ignore(program), postgres({ url })))
}

/** The tables of a queue, each with a column `queue`. */
export const queueTables = [
  "plugline_queues", "plugline_queue_jobs", "plugline_queue_lanes", "plugline_queue_answers"
] as const

/** The tables of budgets, each with a column `account`. */
export const budgetTables = ["plugline_budget_accounts", "plugline_budget_holds", "plugline_budget_ledger"] as const

/** The tables of limits, each with a column `key`. */
export const limitTables = ["plugline_limits", "plugline_limit_slots"] as const
