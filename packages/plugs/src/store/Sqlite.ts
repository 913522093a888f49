/**
 * One SQLite database in a file or in memory, on Node's own `node:sqlite`: where state lasts that no other process
 * needs.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { StoreError } from "./patience.ts"

/** How a database is opened. */
export interface SqliteOptions {
  /** The file, made where it is missing; `:memory:` for one that ends with the program. Default: `:memory:`. */
  readonly path?: string
  /** How long to wait for another process that writes, in ms. Default: 5,000. */
  readonly busyTimeout?: number
}

/** A database. */
export class Sqlite extends Context.Service<Sqlite, {
  readonly database: DatabaseSync
  /** A statement, prepared once per text. */
  readonly statement: (sql: string) => StatementSync
  /** Runs what must happen as a whole or not at all. Fails with what was thrown, after taking everything back. */
  readonly transaction: <A>(run: () => A) => Effect.Effect<A, StoreError>
  /** Runs a few statements. */
  readonly run: <A>(run: () => A) => Effect.Effect<A, StoreError>
}>()("@plugline/plugs/Sqlite") {
  /** Opens the database, and closes it with the layer. */
  static readonly layer = (options: SqliteOptions = {}): Layer.Layer<Sqlite, StoreError> => Layer.effect(Sqlite, open(options))
}

const open = Effect.fnUntraced(function*({ busyTimeout = 5_000, path = ":memory:" }: SqliteOptions) {
  const failed = (cause: unknown) =>
    new StoreError("sqlite", cause instanceof Error ? cause.message : "the database could not be asked", cause)
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        if (path.includes("\0")) throw new Error("the path of a database holds no NUL")
        const opened = new DatabaseSync(path, { timeout: busyTimeout })
        // A reader never waits for a writer, and a crash of the program loses nothing that was committed.
        opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
        return opened
      },
      catch: failed
    }),
    (database) => Effect.sync(() => database.close())
  )
  const known = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    let prepared = known.get(sql)
    if (prepared === undefined) known.set(sql, prepared = database.prepare(sql))
    return prepared
  }
  const transaction = <A>(run: () => A): A => {
    database.exec("BEGIN IMMEDIATE")
    try {
      const answer = run()
      database.exec("COMMIT")
      return answer
    } catch (thrown) {
      if (database.isTransaction) database.exec("ROLLBACK")
      throw thrown
    }
  }
  return {
    database,
    statement,
    transaction: <A>(run: () => A) => Effect.try({ try: () => transaction(run), catch: failed }),
    run: <A>(run: () => A) => Effect.try({ try: run, catch: failed })
  }
})
