/**
 * Connects to PostgreSQL, for state that several processes share and that must last. An entry of its own,
 * `@plugline/plugs/postgres`, because it needs the package `@effect/sql-pg`.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { type Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/** How PostgreSQL is reached. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string | Redacted.Redacted<string>
  /** Most connections. Default: 10. */
  readonly connections?: number
}

/** Connections to PostgreSQL, closed with the layer. */
export const postgres = (
  { connections = 10, url }: PostgresOptions
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({ url: typeof url === "string" ? Redacted.make(url) : url, maxConnections: connections })
