/**
 * Queued jobs in SQLite: of one machine, shared by its processes, and there after a crash of any of them.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { StoreError } from "./patience.ts"
import { QueueStore } from "./QueueStore.ts"
import { storeOf } from "./QueueStore.steps.ts"
import { type Steps, tables } from "./QueueStore.tables.ts"
import { Sqlite } from "./Sqlite.ts"

const dialect = { number: "REAL", lock: "", skip: "", strict: " STRICT" }

/** Jobs in the database of the layer {@link Sqlite}. Each operation is one `BEGIN IMMEDIATE` transaction. */
export const sqlite: Layer.Layer<QueueStore, StoreError, Sqlite> = Layer.effect(
  QueueStore,
  Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() => {
      for (const table of tables(dialect)) database.exec(table)
    })
    const walk = <A>(operation: Steps<A>): A => {
      let step = operation.next()
      while (step.done !== true) step = operation.next(statement(step.value.sql).all(...step.value.values))
      return step.value
    }
    return storeOf(dialect, {
      write: (operation) => transaction(() => walk(operation())),
      read: (operation) => run(() => walk(operation()))
    })
  })
)
