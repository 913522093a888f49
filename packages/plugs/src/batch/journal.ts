/**
 * Remembers what a batch has been answered, so that one that was broken off goes on where it stood: what was answered
 * is not asked again, and an item whose request has changed since is.
 *
 * @module
 */
import type { Result } from "@plugline/core"
import { Effect, Semaphore, type Scope } from "effect"
import { type FileHandle, open } from "node:fs/promises"
import { StoreError } from "../store/patience.ts"
import { Sqlite } from "../store/Sqlite.ts"

/** What was answered so far, by an item's id and the fingerprint of its request. */
export interface Journal {
  readonly find: (id: string, fingerprint: string) => Effect.Effect<Result | undefined, StoreError>
  /** Once this has succeeded, the answer outlives the process. */
  readonly write: (id: string, fingerprint: string, result: Result) => Effect.Effect<void, StoreError>
}

/**
 * A journal in a text file, one answer a line. A line that was cut off by a crash is passed over, and asked again. What
 * is written outlives the process; the last lines may be lost where the machine itself stops.
 */
export const jsonl = (path: string): Effect.Effect<Journal, StoreError, Scope.Scope> =>
  Effect.gen(function*() {
    const known = new Map<string, Result>()
    const file = yield* Effect.acquireRelease(
      attempt(() => open(path, "a+"), path),
      (file) => Effect.ignore(attempt(() => file.close(), path))
    )
    const whole = yield* attempt(() => read(file, known), path)
    // What follows a line that was cut off must not become part of it.
    if (!whole) yield* attempt(() => file.appendFile("\n"), path)
    const one = yield* Semaphore.make(1)
    return {
      find: (id, fingerprint) => Effect.sync(() => known.get(nameOf(id, fingerprint))),
      write: (id, fingerprint, result) =>
        one.withPermit(Effect.map(
          attempt(() => file.appendFile(`${JSON.stringify({ id, fingerprint, result })}\n`), path),
          () => void known.set(nameOf(id, fingerprint), result)
        ))
    }
  })

const read = async (file: FileHandle, known: Map<string, Result>): Promise<boolean> => {
  const text = await file.readFile("utf8")
  for (const line of text.split("\n")) {
    if (line === "") continue
    try {
      const { fingerprint, id, result } = JSON.parse(line) as { readonly [field: string]: unknown }
      if (typeof id === "string" && typeof fingerprint === "string" && typeof result === "object" && result !== null) {
        known.set(nameOf(id, fingerprint), result as Result)
      }
    } catch {
      // Cut off: the item is asked again.
    }
  }
  return text === "" || text.endsWith("\n")
}

const nameOf = (id: string, fingerprint: string): string => `${fingerprint} ${id}`

const attempt = <A>(f: () => Promise<A>, path: string): Effect.Effect<A, StoreError> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) => new StoreError("journal", `the journal ${JSON.stringify(path)} cannot be used`, cause)
  })

/** A journal in the database of the layer `Sqlite`. `name`: tells the journals in it apart. */
export const sqlite = (name: string): Effect.Effect<Journal, StoreError, Sqlite> =>
  Effect.gen(function*() {
    const { database, run, statement } = yield* Sqlite
    yield* run(() =>
      database.exec(`CREATE TABLE IF NOT EXISTS plugline_batch (
        journal TEXT NOT NULL, id TEXT NOT NULL, fingerprint TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (journal, id, fingerprint)
      ) STRICT, WITHOUT ROWID`))
    const select = "SELECT result FROM plugline_batch WHERE journal = ? AND id = ? AND fingerprint = ?"
    const insert = "INSERT OR REPLACE INTO plugline_batch VALUES (?, ?, ?, ?)"
    return {
      find: (id, fingerprint) =>
        run(() => {
          const row = statement(select).get(name, id, fingerprint)
          return row === undefined ? undefined : JSON.parse(String(row.result)) as Result
        }),
      write: (id, fingerprint, result) => run(() => void statement(insert).run(name, id, fingerprint, JSON.stringify(result)))
    }
  })
