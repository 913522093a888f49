/**
 * Limits in PostgreSQL, for several processes that share them.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { leased, type LeaseOptions, leaseOf } from "./LimitStore.leases.ts"
import { type Ask, changed, enough, fullAt, type Level, LimitStore, parts, refill } from "./LimitStore.ts"
import { StoreError } from "./patience.ts"

/** How limits are kept in PostgreSQL. Times in ms. */
export interface PostgresLimitOptions extends LeaseOptions {
  /**
   * Whose clock counts: that of the `server`, the same for all processes, or each `process`'s own. Default: `server`.
   */
  readonly clock?: "server" | "process"
}

interface Row {
  readonly key: string
  readonly level: number | null
  readonly at: number
  readonly now: number
}

/**
 * Limits in the database of a `SqlClient` for PostgreSQL. Each step is one transaction that locks the rows of its
 * limits, always in the order of their names, so that two never wait for each other. Amounts are `float8`: whole
 * numbers below 2^53, exact.
 */
export const postgres = (options: PostgresLimitOptions = {}): Layer.Layer<LimitStore, StoreError, SqlClient.SqlClient> =>
  Layer.effect(
    LimitStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const failed = (error: SqlError.SqlError): StoreError => new StoreError("limit", "PostgreSQL could not be asked", error)
      const atOnce = <A>(steps: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, StoreError> =>
        Effect.mapError(sql.withTransaction(steps), failed)

      yield* atOnce(Effect.gen(function*() {
        // Two that start at the same time would both try to make the tables.
        yield* sql`SELECT pg_advisory_xact_lock(hashtext('plugline_limits'))`
        yield* sql`CREATE TABLE IF NOT EXISTS plugline_limits (
          key text PRIMARY KEY, level float8, at float8 NOT NULL, full_at float8 NOT NULL)`
        yield* sql`CREATE INDEX IF NOT EXISTS plugline_limits_full ON plugline_limits (full_at)`
        yield* sql`CREATE TABLE IF NOT EXISTS plugline_limit_slots (
          key text NOT NULL, holder text NOT NULL, until float8 NOT NULL, PRIMARY KEY (key, holder))`
      }))

      const lease = leaseOf(options)
      const serverTime = "floor(extract(epoch FROM clock_timestamp()) * 1000)::float8"
      const time = (now: number) => options.clock === "process" ? sql`${now}::float8` : sql.literal(serverTime)

      /**
       * The rows of these limits, made where they are missing, locked until the transaction ends; and the time after
       * that.
       */
      const lock = (asks: ReadonlyArray<Ask>, given: number) =>
        Effect.gen(function*() {
          const keys = [...new Set(asks.map(({ key }) => key))].sort()
          let now = -Infinity
          const rows = new Map<string, Level | undefined>()
          // A row that is not yet written has no level, and may be swept away.
          for (const row of yield* sql<Row>`INSERT INTO plugline_limits (key, level, at, full_at)
            SELECT key, NULL, 0, 0 FROM json_array_elements_text(${JSON.stringify(keys)}::json)
            WITH ORDINALITY AS k (key, place) ORDER BY place
            ON CONFLICT (key) DO UPDATE SET key = excluded.key
            RETURNING key, level, at, ${time(given)} AS now`) {
            now = Math.max(now, row.now)
            rows.set(row.key, row.level === null ? undefined : { level: row.level, at: row.at })
          }
          return { now, rows }
        })
      const write = (all: ReadonlyArray<readonly [ask: Ask, level: Level]>) =>
        all.length === 0 ? Effect.void : Effect.asVoid(sql`UPDATE plugline_limits AS l SET level = n.level, at = n.at, full_at = n.full_at
          FROM json_to_recordset(${
          JSON.stringify(all.map(([ask, level]) => ({ key: ask.key, ...level, full_at: fullAt(level, ask) })))
        }::json) AS n (key text, level float8, at float8, full_at float8) WHERE l.key = n.key`)
      const slotsOf = (keys: ReadonlyArray<string>, now: number) =>
        Effect.gen(function*() {
          if (keys.length === 0) return new Map<string, number>()
          yield* sql`DELETE FROM plugline_limit_slots WHERE ${sql.in("key", keys)} AND until <= ${now}`
          const rows = yield* sql<{ readonly key: string; readonly n: number }>`SELECT key, count(*)::int AS n
            FROM plugline_limit_slots WHERE ${sql.in("key", keys)} GROUP BY key`
          return new Map(rows.map(({ key, n }) => [key, n]))
        })

      return yield* leased({
        take: (holder, asks, given) =>
          atOnce(Effect.gen(function*() {
            const { now, rows } = yield* lock(asks, given)
            const slots = asks.flatMap(({ key, kind }) => kind === "slots" ? [key] : [])
            const taken = yield* slotsOf(slots, now)
            const found = asks.map((ask) =>
              ask.kind === "slots"
                ? { level: (ask.capacity - (taken.get(ask.key) ?? 0)) * parts, at: now }
                : refill(rows.get(ask.key), ask, now))
            const levels = found.map(({ level }) => level)
            if (!enough(asks, levels)) return { _tag: "Refused", levels } as const
            yield* write(asks.flatMap((ask, index) => {
              const { at, level } = found[index]!
              return ask.kind === "slots" ? [] : [[ask, { at, level: level - ask.cost * parts }] as const]
            }))
            if (slots.length > 0) {
              yield* sql`INSERT INTO plugline_limit_slots (key, holder, until)
                SELECT key, ${holder}, ${now + lease}::float8 FROM json_array_elements_text(${JSON.stringify(slots)}::json) AS s (key)
                ON CONFLICT (key, holder) DO UPDATE SET until = excluded.until`
            }
            return { _tag: "Admitted", levels } as const
          })),
        give: (holder, changes, given) =>
          atOnce(Effect.gen(function*() {
            const slots = changes.flatMap(({ ask: { key, kind } }) => kind === "slots" ? [key] : [])
            const levels = changes.filter(({ ask }) => ask.kind !== "slots")
            if (levels.length > 0) {
              const { now, rows } = yield* lock(levels.map(({ ask }) => ask), given)
              yield* write(levels.flatMap((change) => {
                const known = rows.get(change.ask.key)
                return known === undefined && change.units > 0 ? [] : [[change.ask, changed(known, change, now)] as const]
              }))
            }
            if (slots.length > 0) yield* sql`DELETE FROM plugline_limit_slots WHERE ${sql.in("key", slots)} AND holder = ${holder}`
          })),
        renew: (held, given) =>
          Effect.mapError(
            Effect.asVoid(sql`UPDATE plugline_limit_slots AS s SET until = ${time(given)} + ${lease}::float8
              FROM json_to_recordset(${JSON.stringify(held.map(([key, holder]) => ({ key, holder })))}::json) AS h (key text, holder text)
              WHERE s.key = h.key AND s.holder = h.holder`),
            failed
          ),
        sweep: (given) =>
          Effect.mapError(
            Effect.gen(function*() {
              // What somebody is working on is left for the next time.
              yield* sql`DELETE FROM plugline_limits WHERE key IN (
                SELECT key FROM plugline_limits WHERE full_at <= ${time(given)} FOR UPDATE SKIP LOCKED)`
              yield* sql`DELETE FROM plugline_limit_slots WHERE (key, holder) IN (
                SELECT key, holder FROM plugline_limit_slots WHERE until <= ${time(given)} FOR UPDATE SKIP LOCKED)`
            }),
            failed
          )
      }, options)
    })
  )
