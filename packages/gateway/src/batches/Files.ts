/**
 * Keeps files in pieces in the database, each for its owner alone: bounded in bytes, and gone when their time is over. No name
 * that a client gives leads anywhere.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Clock, Effect, Option, Stream } from "effect"
import { randomBytes } from "node:crypto"
import type { Rows, Sql } from "./Sql.ts"

/** A file, without what is in it. Times are in ms since 1970. */
export interface FileEntry {
  readonly id: string
  readonly purpose: string
  readonly filename: string
  readonly bytes: number
  readonly created: number
  readonly expires: number
}

/** What is said of a file once all of it is there. */
export type Described = Pick<FileEntry, "purpose" | "filename" | "expires">

/** Which page of a list. */
export interface Page {
  /** Behind the entry of this id. */
  readonly after?: string | undefined
  readonly limit: number
  readonly newest: boolean
}

/** Files of many owners. */
export interface Files {
  /** Begins a file, which nobody sees before it is whole. */
  readonly begin: (id: string, owner: string) => Effect.Effect<void, StoreError>
  /** Adds a piece; false where the owner has no room for it. */
  readonly append: (id: string, owner: string, seq: number, body: Uint8Array) => Effect.Effect<boolean, StoreError>
  readonly finish: (id: string, described: Described) => Effect.Effect<FileEntry, StoreError>
  /** Writes a whole file, piece by piece; written again it is the same file. It is not held to the owner's room. */
  readonly write: (
    id: string,
    owner: string,
    described: Described,
    pieces: Stream.Stream<Uint8Array, StoreError>
  ) => Effect.Effect<number, StoreError>
  readonly find: (id: string, owner: string) => Effect.Effect<FileEntry | undefined, StoreError>
  readonly list: (owner: string, page: Page, purpose?: string) => Effect.Effect<ReadonlyArray<FileEntry>, StoreError>
  readonly read: (id: string) => Stream.Stream<Uint8Array, StoreError>
  readonly remove: (id: string) => Effect.Effect<void, StoreError>
  /** Removes what is over, and what was begun and never finished. */
  readonly sweep: Effect.Effect<void, StoreError>
}

/** A new id, which nobody can guess. */
export const newId = (prefix: "file-" | "batch_"): string => `${prefix}${randomBytes(16).toString("hex")}`

/** How long a file may take to arrive, in ms. */
const arriving = 3_600_000

const columns = "id, purpose, filename, bytes, created, expires"

/** Files in a database. `room`: most bytes of one owner. */
export const make = (sql: Sql, room: number): Files => {
  const remove = (id: string) =>
    sql.together([["DELETE FROM plugline_file_pieces WHERE file = ?", id], ["DELETE FROM plugline_files WHERE id = ?", id]])
  const begin: Files["begin"] = (id, owner) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.asVoid(sql.ask(
        "INSERT INTO plugline_files VALUES (?, ?, '', '', 0, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
        id, owner, now, now + arriving
      )))
  return {
    begin,
    remove,
    append: (id, owner, seq, body) =>
      Effect.flatMap(
        sql.ask(
          "UPDATE plugline_files SET bytes = bytes + ? WHERE id = ?"
            + " AND ? + (SELECT SUM(bytes) FROM plugline_files WHERE owner = ?) <= ? RETURNING id",
          body.length, id, body.length, owner, room
        ),
        (held) =>
          held.length === 0
            ? Effect.succeed(false)
            : Effect.as(sql.ask("INSERT INTO plugline_file_pieces VALUES (?, ?, ?)", id, seq, body), true)
      ),
    finish: (id, { expires, filename, purpose }) =>
      Effect.map(
        sql.ask(
          `UPDATE plugline_files SET purpose = ?, filename = ?, expires = ?, whole = 1 WHERE id = ? RETURNING ${columns}`,
          purpose, filename, expires, id
        ),
        (rows) => entryOf(rows[0]!)
      ),
    write: (id, owner, { expires, filename, purpose }, pieces) =>
      Effect.gen(function*() {
        yield* begin(id, owner)
        let bytes = 0
        let seq = 0
        yield* Stream.runForEach(pieces, (body) => {
          bytes += body.length
          return sql.ask(
            "INSERT INTO plugline_file_pieces VALUES (?, ?, ?) ON CONFLICT (file, seq) DO UPDATE SET body = excluded.body",
            id, seq++, body
          )
        })
        yield* sql.ask(
          "UPDATE plugline_files SET purpose = ?, filename = ?, expires = ?, bytes = ?, whole = 1 WHERE id = ?",
          purpose, filename, expires, bytes, id
        )
        return bytes
      }),
    find: (id, owner) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.map(
          sql.ask(`SELECT ${columns} FROM plugline_files WHERE id = ? AND owner = ? AND whole = 1 AND expires > ?`, id, owner, now),
          (rows) => rows[0] === undefined ? undefined : entryOf(rows[0])
        )),
    list: (owner, { after, limit, newest }, purpose) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const [from] = after === undefined
          ? []
          : yield* sql.ask("SELECT created, id FROM plugline_files WHERE id = ? AND owner = ?", after, owner)
        if (after !== undefined && from === undefined) return []
        const [beyond, way] = newest ? ["<", "DESC"] : [">", "ASC"]
        const rows = yield* sql.ask(
          `SELECT ${columns} FROM plugline_files WHERE owner = ? AND whole = 1 AND expires > ?`
            + `${purpose === undefined ? "" : " AND purpose = ?"}${from === undefined ? "" : ` AND (created, id) ${beyond} (?, ?)`}`
            + ` ORDER BY created ${way}, id ${way} LIMIT ?`,
          owner,
          now,
          ...(purpose === undefined ? [] : [purpose]),
          ...(from === undefined ? [] : [from.created as number, from.id as string]),
          limit
        )
        return rows.map(entryOf)
      }),
    read: (id) =>
      Stream.paginate(0, (seq) =>
        Effect.map(sql.ask("SELECT body FROM plugline_file_pieces WHERE file = ? AND seq = ?", id, seq), (rows) =>
          [rows.map(({ body }) => body as Uint8Array), rows.length === 0 ? Option.none() : Option.some(seq + 1)] as const)),
    sweep: Effect.flatMap(Clock.currentTimeMillis, (now) =>
      sql.together([
        ["DELETE FROM plugline_file_pieces WHERE file IN (SELECT id FROM plugline_files WHERE expires <= ?)", now],
        ["DELETE FROM plugline_files WHERE expires <= ?", now]
      ]))
  }
}

const entryOf = (row: Rows[number]): FileEntry => row as unknown as FileEntry
