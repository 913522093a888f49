/**
 * The tables in which a queue is kept, and the words in which operations on them are written for both databases.
 *
 * @module
 */

/** A statement and its values. */
export interface Query {
  readonly sql: string
  readonly values: ReadonlyArray<string | number | null>
}

/** What a statement answered. */
export type Rows = ReadonlyArray<{ readonly [column: string]: unknown }>

/** An operation. */
export type Steps<A> = Generator<Query, A, Rows>

/** Where the two databases differ. */
export interface Dialect {
  /** A number that holds a time in ms exactly. */
  readonly number: string
  /** Holds rows that were read until the end of the transaction. */
  readonly lock: string
  /** The same, passing over those that another holds. */
  readonly skip: string
  readonly strict: string
}

/** The tables. */
export const tables = ({ number, strict }: Dialect): ReadonlyArray<string> => [
  `CREATE TABLE IF NOT EXISTS plugline_queues (
    queue TEXT PRIMARY KEY, seq ${number} NOT NULL, virtual ${number} NOT NULL,
    high ${number} NOT NULL, normal ${number} NOT NULL, batch ${number} NOT NULL
  )${strict}`,
  `CREATE TABLE IF NOT EXISTS plugline_queue_jobs (
    queue TEXT NOT NULL, id TEXT NOT NULL, class TEXT NOT NULL, tenant TEXT NOT NULL, state TEXT NOT NULL, payload TEXT NOT NULL,
    seq ${number} NOT NULL, run_at ${number} NOT NULL, created_at ${number} NOT NULL, attempts ${number} NOT NULL,
    fence ${number} NOT NULL, lease_until ${number} NOT NULL, outcome TEXT, ended_at ${number}, expires_at ${number},
    PRIMARY KEY (queue, id)
  )${strict}`,
  "CREATE INDEX IF NOT EXISTS plugline_queue_ready ON plugline_queue_jobs (queue, state, class, tenant, seq)",
  "CREATE INDEX IF NOT EXISTS plugline_queue_leases ON plugline_queue_jobs (queue, state, lease_until)",
  "CREATE INDEX IF NOT EXISTS plugline_queue_expiry ON plugline_queue_jobs (queue, expires_at)",
  `CREATE TABLE IF NOT EXISTS plugline_queue_lanes (
    queue TEXT NOT NULL, class TEXT NOT NULL, tenant TEXT NOT NULL, turn ${number} NOT NULL, PRIMARY KEY (queue, class, tenant)
  )${strict}`,
  `CREATE TABLE IF NOT EXISTS plugline_queue_answers (
    queue TEXT NOT NULL, id TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (queue, id, question)
  )${strict}`
]
