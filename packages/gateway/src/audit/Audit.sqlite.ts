/**
 * The audit log in SQLite: there after a restart. The database itself refuses to change or delete an entry.
 *
 * @module
 */
import { Sqlite, type StoreError } from "@plugline/plugs"
import { Clock, Effect, Layer } from "effect"
import { Audit, type Entry, entryOf, pageOf, paged } from "./Audit.ts"

/** What admins did, in the database of the layer `Sqlite`. */
export const sqlite: Layer.Layer<Audit, StoreError, Sqlite> = Layer.effect(
  Audit,
  Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() => database.exec(schema))
    return {
      record: (act) =>
        Effect.flatMap(Clock.currentTimeMillis, (at) =>
          transaction(() => {
            const entry = entryOf(act, at)
            const { lastInsertRowid } = statement(insert)
              .run(at, entry.who.id, entry.who.tenant ?? null, entry.action, entry.target, JSON.stringify(entry))
            return { seq: Number(lastInsertRowid), ...entry }
          })),
      read: (query = {}) =>
        run(() => {
          const { action, before, target, tenant, who } = query
          const size = pageOf(query)
          const rows = statement(select).all({
            before: before ?? null,
            tenant: tenant ?? null,
            who: who ?? null,
            action: action ?? null,
            target: target ?? null,
            most: size + 1
          })
          const read = rows.map(({ seq, value }): Entry => ({ seq: Number(seq), ...JSON.parse(value as string) }))
          return paged(read, size)
        })
    }
  })
)

const schema = `
CREATE TABLE IF NOT EXISTS plugline_audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, tenant TEXT,
  action TEXT NOT NULL, target TEXT NOT NULL, value TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS plugline_audit_tenant ON plugline_audit (tenant, seq);
CREATE INDEX IF NOT EXISTS plugline_audit_target ON plugline_audit (target, seq);
CREATE TRIGGER IF NOT EXISTS plugline_audit_kept BEFORE UPDATE ON plugline_audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER IF NOT EXISTS plugline_audit_whole BEFORE DELETE ON plugline_audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is only ever added to');
END`

const insert = "INSERT INTO plugline_audit (at, who, tenant, action, target, value) VALUES (?, ?, ?, ?, ?, ?)"
const select = `SELECT seq, value FROM plugline_audit
  WHERE ($before IS NULL OR seq < $before) AND ($tenant IS NULL OR tenant = $tenant) AND ($who IS NULL OR who = $who)
    AND ($action IS NULL OR action = $action) AND ($target IS NULL OR target = $target)
  ORDER BY seq DESC LIMIT $most`
