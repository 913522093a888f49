/**
 * Queued jobs in PostgreSQL, for workers on several machines and jobs that must last.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { StoreError } from "./patience.ts"
import { QueueStore } from "./QueueStore.ts"
import { storeOf } from "./QueueStore.steps.ts"
import { type Rows, type Steps, tables } from "./QueueStore.tables.ts"

// PostgreSQL gives a `BIGINT` as text; a double holds every time in ms exactly.
const dialect = { number: "DOUBLE PRECISION", lock: " FOR UPDATE", skip: " FOR UPDATE SKIP LOCKED", strict: "" }

/**
 * Jobs in the database of the `SqlClient` (as of `@plugline/plugs/postgres`). Makes its tables where they are missing.
 */
export const postgres: Layer.Layer<QueueStore, StoreError, SqlClient.SqlClient> = Layer.effect(
  QueueStore,
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const failed = (cause: unknown) => new StoreError("queue", "PostgreSQL could not be asked", cause)
    // Two processes that make the same table at once get in each other's way.
    yield* Effect.mapError(
      sql.withTransaction(Effect.gen(function*() {
        yield* sql.unsafe("SELECT pg_advisory_xact_lock(hashtext('plugline_queue_tables'))")
        for (const table of tables(dialect)) yield* sql.unsafe(table)
      })),
      failed
    )
    const walk = <A>(operation: Steps<A>) =>
      Effect.gen(function*() {
        let step = operation.next()
        while (step.done !== true) {
          const rows: Rows = yield* sql.unsafe<Rows[number]>(numbered(step.value.sql), step.value.values)
          step = operation.next(rows)
        }
        return step.value
      })
    return storeOf(dialect, {
      write: (operation) => Effect.mapError(sql.withTransaction(Effect.suspend(() => walk(operation()))), failed),
      read: (operation) => Effect.mapError(Effect.suspend(() => walk(operation())), failed)
    })
  })
)

const known = new Map<string, string>()

/** `?` as `$1`, `$2`, …. */
const numbered = (sql: string): string => {
  let text = known.get(sql)
  if (text === undefined) {
    let count = 0
    known.set(sql, text = sql.replace(/\?/g, () => `$${++count}`))
  }
  return text
}
