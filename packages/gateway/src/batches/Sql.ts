/**
 * The database in which files and batches are kept: SQLite or PostgreSQL, behind the same three words.
 *
 * @module
 */
import { Sqlite, StoreError } from "@plugline/plugs"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** What is bound to a `?`. */
export type Value = string | number | null | Uint8Array

/** A statement and its values. */
export type Query = readonly [sql: string, ...values: ReadonlyArray<Value>]

/** What a statement answered. */
export type Rows = ReadonlyArray<{ readonly [column: string]: unknown }>

/** A database. */
export interface Sql {
  /** Runs one statement. */
  readonly ask: (...query: Query) => Effect.Effect<Rows, StoreError>
  /** Runs statements as a whole or not at all. */
  readonly together: (queries: ReadonlyArray<Query>) => Effect.Effect<void, StoreError>
}

const tables = (number: string, bytes: string, strict: string): ReadonlyArray<string> => [
  `CREATE TABLE IF NOT EXISTS plugline_files (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, purpose TEXT NOT NULL, filename TEXT NOT NULL, bytes ${number} NOT NULL,
    created ${number} NOT NULL, expires ${number} NOT NULL, whole ${number} NOT NULL
  )${strict}`,
  "CREATE INDEX IF NOT EXISTS plugline_files_owner ON plugline_files (owner, created, id)",
  "CREATE INDEX IF NOT EXISTS plugline_files_expiry ON plugline_files (expires)",
  `CREATE TABLE IF NOT EXISTS plugline_file_pieces (
    file TEXT NOT NULL, seq ${number} NOT NULL, body ${bytes} NOT NULL, PRIMARY KEY (file, seq)
  )${strict}`,
  `CREATE TABLE IF NOT EXISTS plugline_batches (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, status TEXT NOT NULL, value TEXT NOT NULL, created ${number} NOT NULL,
    expires ${number} NOT NULL, lease ${number} NOT NULL
  )${strict}`,
  "CREATE INDEX IF NOT EXISTS plugline_batches_owner ON plugline_batches (owner, created, id)",
  "CREATE INDEX IF NOT EXISTS plugline_batches_open ON plugline_batches (status, lease)",
  `CREATE TABLE IF NOT EXISTS plugline_batch_lines (
    batch TEXT NOT NULL, line ${number} NOT NULL, custom_id TEXT NOT NULL, request TEXT NOT NULL, response TEXT,
    failed ${number} NOT NULL, PRIMARY KEY (batch, line)
  )${strict}`,
  "CREATE INDEX IF NOT EXISTS plugline_batch_lines_state ON plugline_batch_lines (batch, failed, line)"
]

/** In the database of the layer `Sqlite`. */
export const sqlite: Effect.Effect<Sql, StoreError, Sqlite> = Effect.gen(function*() {
  const { database, run, statement, transaction } = yield* Sqlite
  yield* run(() => {
    for (const table of tables("REAL", "BLOB", " STRICT")) database.exec(table)
  })
  const one = ([sql, ...values]: Query): Rows => statement(sql).all(...values)
  return {
    ask: (...query) => run(() => one(query)),
    together: (queries) => transaction(() => queries.forEach((query) => void one(query)))
  }
})

/** In the database of the `SqlClient`. */
export const postgres: Effect.Effect<Sql, StoreError, SqlClient.SqlClient> = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const failed = (cause: unknown) => new StoreError("batches", "PostgreSQL could not be asked", cause)
  const one = ([text, ...values]: Query) =>
    sql.unsafe<Rows[number]>(
      numbered(text),
      values.map((value) => value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value)
    )
  const together: Sql["together"] = (queries) =>
    Effect.mapError(sql.withTransaction(Effect.forEach(queries, one, { discard: true })), failed)
  // Two processes that make the same table at once get in each other's way.
  yield* together([
    ["SELECT pg_advisory_xact_lock(hashtext('plugline_batch_tables'))"],
    ...tables("DOUBLE PRECISION", "BYTEA", "").map((table): Query => [table])
  ])
  return { ask: (...query) => Effect.mapError(one(query), failed), together }
})

/** `?` as `$1`, `$2`, …. */
const numbered = (sql: string): string => {
  let count = 0
  return sql.replace(/\?/g, () => `$${++count}`)
}
