/**
 * API keys in SQLite: there after a restart, and shared by the processes of one machine. All of them are in memory
 * too, so that a call costs no statement; what another process writes is taken over within a second.
 *
 * @module
 */
import { Sqlite, StoreError } from "@plugline/plugs"
import { Effect, Layer } from "effect"
import { changed, type KeyRecord, KeyStore, type Known, paged, pageOf, replaced, staleness } from "./KeyStore.ts"

/** Keys in the database of the layer `Sqlite`. */
export const sqlite: Layer.Layer<KeyStore, StoreError, Sqlite> = Layer.effect(
  KeyStore,
  Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() => database.exec(schema))

    let known: ReadonlyMap<string, Known> = new Map()
    let version: unknown
    let changes: unknown
    let looked = -Infinity

    const load = (): void => {
      // Asked before the keys are read: what is written in between is another change, and is read next time.
      version = statement("PRAGMA data_version").get()?.data_version
      changes = statement(count).get()?.changes
      known = new Map(statement(all).all().map((row) => {
        const digest = row.digest as string
        return [digest, { digest, record: read(row.value) }]
      }))
    }
    /**
     * Takes over what another process wrote: it says so by another version of the data, which costs nothing to ask
     * for; that it was a key, by the number of changes to keys, since budgets in the same file change all the time.
     */
    const look = (now: number): void => {
      if (now >= looked && now - looked < staleness) return
      const seen = statement("PRAGMA data_version").get()?.data_version
      if (seen !== version) {
        if (statement(count).get()?.changes === changes) version = seen
        else load()
      }
      looked = now
    }
    const get = (id: string): KeyRecord | undefined => {
      const row = statement(one).get(id)
      return row === undefined ? undefined : read(row.value)
    }
    const add = (record: KeyRecord, digest: string): boolean =>
      statement(insert).run(record.id, digest, record.grant.tenant ?? null, JSON.stringify(record)).changes === 1
    const put = (record: KeyRecord): void => {
      statement(update).run(JSON.stringify(record), record.id)
    }
    /** What this process writes it knows at once. */
    const write = <A>(change: () => A): Effect.Effect<A, StoreError> => Effect.tap(transaction(change), () => run(load))

    yield* run(load)
    return {
      find: (digest, now) => {
        try {
          look(now)
        } catch (thrown) {
          throw new StoreError("keys", "SQLite could not be asked", thrown)
        }
        return known.get(digest)
      },
      get: (id) => run(() => get(id)),
      list: (query = {}) =>
        run(() => {
          const { after, tenant } = query
          const from = after === undefined ? 0 : statement(place).get(after)?.seq
          if (from === undefined) return { keys: [] }
          const most = pageOf(query)
          const rows = tenant === undefined
            ? statement(page).all(from, most + 1)
            : statement(pageOfTenant).all(tenant, from, most + 1)
          return paged(rows.map(({ value }) => read(value)), most)
        }),
      add: (record, digest) => write(() => add(record, digest)),
      rotate: (record, digest, ends) =>
        write(() => {
          const old = replaced(get(record.replaces ?? ""), record, ends)
          if (old === undefined || !add(record, digest)) return false
          put(old)
          return true
        }),
      change: (id, change) =>
        write(() => {
          const record = get(id)
          if (record === undefined) return undefined
          const after = changed(record, change)
          put(after)
          return after
        })
    }
  })
)

const read = (value: unknown): KeyRecord => JSON.parse(value as string) as KeyRecord

const schema = `
CREATE TABLE IF NOT EXISTS plugline_keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL UNIQUE,
  tenant TEXT, value TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS plugline_keys_tenant ON plugline_keys (tenant, seq);
CREATE TABLE IF NOT EXISTS plugline_keys_changes (
  one INTEGER PRIMARY KEY CHECK (one = 1), changes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO plugline_keys_changes VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS plugline_keys_made AFTER INSERT ON plugline_keys BEGIN
  UPDATE plugline_keys_changes SET changes = changes + 1;
END;
CREATE TRIGGER IF NOT EXISTS plugline_keys_changed AFTER UPDATE ON plugline_keys BEGIN
  UPDATE plugline_keys_changes SET changes = changes + 1;
END;
CREATE TRIGGER IF NOT EXISTS plugline_keys_gone AFTER DELETE ON plugline_keys BEGIN
  UPDATE plugline_keys_changes SET changes = changes + 1;
END`

const count = "SELECT changes FROM plugline_keys_changes"

const all = "SELECT digest, value FROM plugline_keys"
const one = "SELECT value FROM plugline_keys WHERE id = ?"
const place = "SELECT seq FROM plugline_keys WHERE id = ?"
const page = "SELECT value FROM plugline_keys WHERE seq > ? ORDER BY seq LIMIT ?"
const pageOfTenant = "SELECT value FROM plugline_keys WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
const insert = "INSERT OR IGNORE INTO plugline_keys (id, digest, tenant, value) VALUES (?, ?, ?, ?)"
const update = "UPDATE plugline_keys SET value = ? WHERE id = ?"
