/**
 * Limits in SQLite: shared by the processes of one machine, and there after a crash of the program.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { leased, type LeaseOptions, leaseOf } from "./LimitStore.leases.ts"
import { changed, enough, fullAt, type Ask, type Level, LimitStore, parts, refill } from "./LimitStore.ts"
import type { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"

/** How limits are kept in SQLite. Times in ms. */
export interface SqliteLimitOptions extends LeaseOptions {}

/** Limits in the database of the layer {@link Sqlite}. Each step is one transaction, in which nobody else writes. */
export const sqlite = (options: SqliteLimitOptions = {}): Layer.Layer<LimitStore, StoreError, Sqlite> =>
  Layer.effect(
    LimitStore,
    Effect.gen(function*() {
      const { database, run, statement, transaction } = yield* Sqlite
      yield* run(() =>
        database.exec(`CREATE TABLE IF NOT EXISTS plugline_limits (
            key TEXT PRIMARY KEY, level INTEGER NOT NULL, at INTEGER NOT NULL, full_at INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE IF NOT EXISTS plugline_limit_slots (
            key TEXT NOT NULL, holder TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (key, holder)
          ) STRICT, WITHOUT ROWID`))
      const lease = leaseOf(options)
      const find = (key: string) =>
        statement("SELECT level, at FROM plugline_limits WHERE key = ?").get(key) as unknown as Level | undefined
      const put = (ask: Ask, level: Level) =>
        statement("INSERT OR REPLACE INTO plugline_limits VALUES (?, ?, ?, ?)").run(ask.key, level.level, level.at, fullAt(level, ask))
      const taken = (key: string, now: number) => {
        const row = statement("SELECT count(*) AS n FROM plugline_limit_slots WHERE key = ? AND until > ?").get(key, now)
        return (row as unknown as { readonly n: number }).n
      }
      return yield* leased({
        take: (holder, asks, now) =>
          transaction(() => {
            const found = asks.map((ask) =>
              ask.kind === "slots" ? { level: (ask.capacity - taken(ask.key, now)) * parts, at: now } : refill(find(ask.key), ask, now))
            const levels = found.map(({ level }) => level)
            if (!enough(asks, levels)) return { _tag: "Refused", levels }
            asks.forEach((ask, index) => {
              const { at, level } = found[index]!
              if (ask.kind !== "slots") put(ask, { at, level: level - ask.cost * parts })
              else statement("INSERT OR REPLACE INTO plugline_limit_slots VALUES (?, ?, ?)").run(ask.key, holder, now + lease)
            })
            return { _tag: "Admitted", levels }
          }),
        give: (holder, changes, now) =>
          transaction(() => {
            for (const change of changes) {
              const { ask, units } = change
              if (ask.kind === "slots") statement("DELETE FROM plugline_limit_slots WHERE key = ? AND holder = ?").run(ask.key, holder)
              else {
                const known = find(ask.key)
                if (known !== undefined || units < 0) put(ask, changed(known, change, now))
              }
            }
          }),
        renew: (held, now) =>
          transaction(() => {
            const renew = statement("UPDATE plugline_limit_slots SET until = ? WHERE key = ? AND holder = ?")
            for (const [key, holder] of held) renew.run(now + lease, key, holder)
          }),
        sweep: (now) =>
          transaction(() => {
            statement("DELETE FROM plugline_limits WHERE full_at <= ?").run(now)
            statement("DELETE FROM plugline_limit_slots WHERE until <= ?").run(now)
          })
      }, options)
    })
  )
