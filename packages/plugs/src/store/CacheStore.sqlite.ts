/**
 * Cached answers in SQLite: of one machine, and there after a restart. Never more than so many bytes; what was used
 * longest ago goes first.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { decode, encode } from "../cache/Entry.ts"
import { CacheStore } from "../cache/Store.ts"
import { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"

/** How much is kept in SQLite. */
export interface SqliteCacheOptions {
  /** Most bytes of all entries' JSON texts and keys. Default: 1 GiB. */
  readonly maxBytes?: number
  /** Most bytes of one entry. Default: 8 MiB, or `maxBytes` where that is less. */
  readonly maxEntryBytes?: number
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
  { maxBytes = 1024 ** 3, maxEntryBytes = Math.min(maxBytes, 8 * 1024 ** 2) }: SqliteCacheOptions = {}
): Layer.Layer<CacheStore, StoreError, Sqlite> =>
  Layer.effect(
    CacheStore,
    Effect.gen(function*() {
      const { database, run, statement, transaction } = yield* Sqlite
      yield* run(() => database.exec(schema))
      const failed = (cause: unknown): StoreError => new StoreError("cache", "SQLite could not be asked", cause)
      const bytes = (): number => Number(statement(total).get()?.bytes ?? 0)
      return {
        get: (key, now) => {
          try {
            const row = statement(find).get(key, now) as unknown as Row | undefined
            if (row === undefined) return undefined
            if (now - row.used > usedGrain) statement(touch).run(now, key)
            return decode(row.value)
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
        clear: () => run(() => database.exec("DELETE FROM plugline_cache")),
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

/** The total is kept by the database, so that it is right however many processes write. */
const schema = `
CREATE TABLE IF NOT EXISTS plugline_cache (
  key TEXT PRIMARY KEY, value TEXT NOT NULL, size INTEGER NOT NULL, until REAL, used INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS plugline_cache_used ON plugline_cache (used);
CREATE INDEX IF NOT EXISTS plugline_cache_until ON plugline_cache (until) WHERE until IS NOT NULL;
CREATE TABLE IF NOT EXISTS plugline_cache_total (
  one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO plugline_cache_total VALUES (1, 0, 0);
CREATE TRIGGER IF NOT EXISTS plugline_cache_more AFTER INSERT ON plugline_cache BEGIN
  UPDATE plugline_cache_total SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER IF NOT EXISTS plugline_cache_less AFTER DELETE ON plugline_cache BEGIN
  UPDATE plugline_cache_total SET entries = entries - 1, bytes = bytes - old.size;
END;
CREATE TABLE IF NOT EXISTS plugline_cache_locks (
  key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL
) STRICT, WITHOUT ROWID`

const find = "SELECT value, used FROM plugline_cache WHERE key = ? AND (until IS NULL OR until > ?)"
const touch = "UPDATE plugline_cache SET used = ? WHERE key = ?"
const put = "INSERT INTO plugline_cache VALUES (?, ?, ?, ?, ?)"
const drop = "DELETE FROM plugline_cache WHERE key = ?"
const dropOver = "DELETE FROM plugline_cache WHERE until <= ?"
const leastUsed = "SELECT key, size FROM plugline_cache ORDER BY used LIMIT 1"
const total = "SELECT entries, bytes FROM plugline_cache_total"
const take = `INSERT INTO plugline_cache_locks VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE
  SET owner = excluded.owner, until = excluded.until WHERE plugline_cache_locks.until <= ?4`
const release = "DELETE FROM plugline_cache_locks WHERE key = ? AND owner = ?"
