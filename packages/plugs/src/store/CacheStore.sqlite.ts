/**
 * Cached answers in SQLite: of one machine, and there after a restart. Never more than so many bytes; what was used
 * longest ago goes first.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { encode } from "../cache/Entry.ts"
import { Recent } from "../cache/Recent.ts"
import { CacheStore } from "../cache/Store.ts"
import { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"

/** How much is kept in SQLite. */
export interface SqliteCacheOptions {
  /** Most bytes of all entries' JSON texts and keys. Default: 1 GiB. */
  readonly maxBytes?: number
  /** Most bytes of one entry. Default: 8 MiB, or `maxBytes` where that is less. */
  readonly maxEntryBytes?: number
  /** What its tables are called behind `plugline_`: letters, digits and `_`. Default: `cache`. */
  readonly name?: string
}

interface Row {
  readonly value: string
  readonly used: number
}

interface Total {
  readonly entries: number
  readonly bytes: number
}

/** A use is written down only where the last is longer ago, in ms, so that most hits write nothing. */
const usedGrain = 60_000

/** Answers in the database of the layer {@link Sqlite}. */
export const sqlite = (
  { maxBytes = 1024 ** 3, maxEntryBytes = Math.min(maxBytes, 8 * 1024 ** 2), name = "cache" }: SqliteCacheOptions = {}
): Layer.Layer<CacheStore, StoreError, Sqlite> =>
  Layer.effect(
    CacheStore,
    Effect.gen(function*() {
      const { database, run, statement, transaction } = yield* Sqlite
      if (!/^\w{1,40}$/.test(name)) {
        return yield* Effect.fail(new StoreError("cache", `a table cannot be called ${JSON.stringify(name)}`))
      }
      const texts = textsOf(`plugline_${name}`)
      const { drop, dropOver, find, leastUsed, put, release, schema, take, total, touch, wipe } = texts
      yield* run(() => database.exec(schema))
      const failed = (cause: unknown): StoreError => new StoreError("cache", "SQLite could not be asked", cause)
      const bytes = (): number => Number(statement(total).get()?.bytes ?? 0)
      const finding = yield* run(() => statement(find))
      const recent = new Recent()
      return {
        get: (key, now) => {
          try {
            const row = finding.get(key, now) as unknown as Row | undefined
            if (row === undefined) return undefined
            if (now - row.used > usedGrain) statement(touch).run(now, key)
            return recent.read(key, row.value)
          } catch (thrown) {
            return Effect.fail(failed(thrown))
          }
        },
        set: (key, entry, now) => {
          let text: string
          try {
            text = encode(entry)
          } catch (thrown) {
            return Effect.fail(failed(thrown))
          }
          const size = Buffer.byteLength(text) + key.length
          if (size > maxEntryBytes || size > maxBytes) {
            return Effect.as(run(() => statement(drop).run(key)), false)
          }
          return transaction(() => {
            statement(drop).run(key)
            let sum = bytes()
            if (sum + size > maxBytes) {
              statement(dropOver).run(now)
              sum = bytes()
            }
            while (sum + size > maxBytes) {
              const oldest = statement(leastUsed).get() as unknown as { readonly key: string; readonly size: number }
              statement(drop).run(oldest.key)
              sum -= Number(oldest.size)
            }
            statement(put).run(key, text, size, entry.until ?? null, now)
            return true
          })
        },
        remove: (key) => Effect.asVoid(run(() => statement(drop).run(key))),
        clear: () => run(() => database.exec(wipe)),
        size: () =>
          run(() => {
            const { bytes, entries } = statement(total).get() as unknown as Total
            return [{ store: "sqlite", entries, bytes }]
          }),
        lock: {
          take: (key, owner, until, now) => run(() => statement(take).run(key, owner, until, now).changes === 1),
          release: (key, owner) => Effect.asVoid(run(() => statement(release).run(key, owner)))
        }
      }
    })
  )

/**
 * What is said to the database about tables of this name. The total is kept by the database, so that it is right
 * however many processes write.
 */
const textsOf = (table: string) => ({
  schema: `
CREATE TABLE IF NOT EXISTS ${table} (
  key TEXT PRIMARY KEY, value TEXT NOT NULL, size INTEGER NOT NULL, until REAL, used INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ${table}_used ON ${table} (used);
CREATE INDEX IF NOT EXISTS ${table}_until ON ${table} (until) WHERE until IS NOT NULL;
CREATE TABLE IF NOT EXISTS ${table}_total (
  one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO ${table}_total VALUES (1, 0, 0);
CREATE TRIGGER IF NOT EXISTS ${table}_more AFTER INSERT ON ${table} BEGIN
  UPDATE ${table}_total SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER IF NOT EXISTS ${table}_less AFTER DELETE ON ${table} BEGIN
  UPDATE ${table}_total SET entries = entries - 1, bytes = bytes - old.size;
END;
CREATE TABLE IF NOT EXISTS ${table}_locks (
  key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL
) STRICT, WITHOUT ROWID`,
  find: `SELECT value, used FROM ${table} WHERE key = ? AND (until IS NULL OR until > ?)`,
  touch: `UPDATE ${table} SET used = ? WHERE key = ?`,
  put: `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`,
  drop: `DELETE FROM ${table} WHERE key = ?`,
  dropOver: `DELETE FROM ${table} WHERE until <= ?`,
  leastUsed: `SELECT key, size FROM ${table} ORDER BY used LIMIT 1`,
  wipe: `DELETE FROM ${table}`,
  total: `SELECT entries, bytes FROM ${table}_total`,
  take: `INSERT INTO ${table}_locks VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE
  SET owner = excluded.owner, until = excluded.until WHERE ${table}_locks.until <= ?4`,
  release: `DELETE FROM ${table}_locks WHERE key = ? AND owner = ?`
})
