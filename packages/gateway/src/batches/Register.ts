/**
 * Keeps batches and their lines: how far each has come, and what each line was answered. A batch changes its status only from the
 * one it is known to have, and a line is answered once; so it does no harm where two processes work on the same batch.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Clock, Effect } from "effect"
import type { JsonObject } from "plugline"
import type { Pass } from "../auth/Auth.ts"
import type { Page } from "./Files.ts"
import type { Query, Rows, Sql } from "./Sql.ts"

/** How far a batch has come, in OpenAI's words. */
export type Status = "validating" | "in_progress" | "finalizing" | "cancelling" | "completed" | "failed" | "cancelled" | "expired"

/** A line that cannot be taken. */
export interface Fault {
  readonly code: string
  readonly line: number | null
  readonly message: string
  readonly param: string | null
}

/** What is known of a batch beside its status. Times are in ms since 1970. */
export interface Facts {
  readonly endpoint: string
  readonly input: string
  readonly metadata: JsonObject | null
  /** Whom its lines are asked for. */
  readonly pass: Pass
  /** Under which ids its results will stand. */
  readonly files: { readonly output: string; readonly errors: string }
  /** How long these are kept, in ms. */
  readonly keep: number
  /** When it came to which status. */
  readonly at: { readonly [Each in Status]?: number }
  /** Why it failed. */
  readonly faults?: ReadonlyArray<Fault>
  /** What it ends as, once its lines are settled. */
  readonly ending?: "completed" | "expired" | "cancelled"
  /** How its lines ended, and which files there are; of a batch that has ended. */
  readonly counts?: Counts
  readonly written?: { readonly output: boolean; readonly errors: boolean }
}

export interface Counts {
  readonly total: number
  readonly completed: number
  readonly failed: number
}

/** A batch. */
export interface Batch {
  readonly id: string
  readonly owner: string
  readonly status: Status
  readonly created: number
  readonly expires: number
  readonly facts: Facts
}

/** One line. */
export interface Line {
  readonly line: number
  readonly custom_id: string
  readonly request: string
  readonly response: string | null
}

/** A line as it is kept at first. */
export type NewLine = Pick<Line, "line" | "custom_id" | "request">

export type Register = ReturnType<typeof make>

/** Statuses in which something is to be done. */
export const open: ReadonlyArray<Status> = ["validating", "in_progress", "finalizing", "cancelling"]

const isOpen = `status IN (${open.map((status) => `'${status}'`).join(", ")})`
const lineColumns = "line, custom_id, request, response"

/** Batches in a database. */
export const make = (sql: Sql) => {
  const first = (rows: Rows): Batch | undefined => rows[0] === undefined ? undefined : batchOf(rows[0])
  const lines = (effect: Effect.Effect<Rows, StoreError>) =>
    effect as unknown as Effect.Effect<ReadonlyArray<Line>, StoreError>
  return {
    /** Takes a batch in; false where its owner has as many as he may have open. */
    add: ({ created, expires, facts, id, owner, status }: Batch, most: number) =>
      Effect.map(
        sql.ask(
          "INSERT INTO plugline_batches SELECT ?, ?, ?, ?, CAST(? AS DOUBLE PRECISION), CAST(? AS DOUBLE PRECISION), 0"
            + ` WHERE (SELECT COUNT(*) FROM plugline_batches WHERE owner = ? AND ${isOpen}) < ? RETURNING id`,
          id, owner, status, JSON.stringify(facts), created, expires, owner, most
        ),
        (rows) => rows.length === 1
      ),
    /** A batch, of this owner where one is given. */
    find: (id: string, owner?: string) =>
      Effect.map(
        owner === undefined
          ? sql.ask("SELECT * FROM plugline_batches WHERE id = ?", id)
          : sql.ask("SELECT * FROM plugline_batches WHERE id = ? AND owner = ?", id, owner),
        first
      ),
    list: (owner: string, { after, limit }: Page) =>
      Effect.gen(function*() {
        const [from] = after === undefined
          ? []
          : yield* sql.ask("SELECT created, id FROM plugline_batches WHERE id = ? AND owner = ?", after, owner)
        if (after !== undefined && from === undefined) return []
        const rows = yield* sql.ask(
          `SELECT * FROM plugline_batches WHERE owner = ?${from === undefined ? "" : " AND (created, id) < (?, ?)"}`
            + " ORDER BY created DESC, id DESC LIMIT ?",
          owner,
          ...(from === undefined ? [] : [from.created as number, from.id as string]),
          limit
        )
        return rows.map(batchOf)
      }),
    /** Brings a batch to another status, if it still has the one that is known. */
    move: ({ facts, id, status }: Batch, to: Status, more: Partial<Facts> = {}) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.map(
          sql.ask(
            "UPDATE plugline_batches SET status = ?, value = ? WHERE id = ? AND status = ? RETURNING *",
            to, JSON.stringify({ ...facts, ...more, at: { ...facts.at, [to]: now } } satisfies Facts), id, status
          ),
          first
        )),
    /** Batches with something to do that nobody works on; from now on somebody does, until that time. */
    claim: (now: number, until: number) =>
      Effect.map(
        sql.ask(`UPDATE plugline_batches SET lease = ? WHERE ${isOpen} AND lease < ? RETURNING id`, until, now),
        (rows) => rows.map(({ id }) => id as string)
      ),
    /** Works on these for longer, or no longer (0). */
    hold: (ids: Iterable<string>, until: number) =>
      sql.together([...ids].map((id): Query => ["UPDATE plugline_batches SET lease = ? WHERE id = ?", until, id])),
    addLines: (batch: string, lines: ReadonlyArray<NewLine>) =>
      sql.together(lines.map(({ custom_id, line, request }): Query => [
        "INSERT INTO plugline_batch_lines VALUES (?, ?, ?, ?, NULL, 0)", batch, line, custom_id, request
      ])),
    dropLines: (batch: string) => Effect.asVoid(sql.ask("DELETE FROM plugline_batch_lines WHERE batch = ?", batch)),
    line: (batch: string, line: number) =>
      Effect.map(
        lines(sql.ask(`SELECT ${lineColumns} FROM plugline_batch_lines WHERE batch = ? AND line = ?`, batch, line)),
        (found) => found[0]
      ),
    /** Lines that have no answer yet, in order. */
    waiting: (batch: string, after: number, limit: number) =>
      lines(sql.ask(
        `SELECT ${lineColumns} FROM plugline_batch_lines WHERE batch = ? AND line > ? AND response IS NULL ORDER BY line LIMIT ?`,
        batch, after, limit
      )),
    /** Keeps the answer to a line. The first counts, and none that comes when the batch is no longer in progress. */
    answer: (batch: string, line: number, response: string, failed: boolean) =>
      Effect.asVoid(sql.ask(
        "UPDATE plugline_batch_lines SET response = ?, failed = ? WHERE batch = ? AND line = ? AND response IS NULL"
          + " AND EXISTS (SELECT 1 FROM plugline_batches WHERE id = ? AND status = 'in_progress')",
        response, failed ? 1 : 0, batch, line, batch
      )),
    counts: (batch: string) =>
      Effect.map(
        sql.ask(
          "SELECT failed, COUNT(*) AS lines, COUNT(response) AS answered FROM plugline_batch_lines WHERE batch = ? GROUP BY failed",
          batch
        ),
        (rows): Counts => {
          const sum = (column: string, failed?: number): number =>
            rows.reduce((total, row) => failed === undefined || row.failed === failed ? total + Number(row[column]) : total, 0)
          return { total: sum("lines"), completed: sum("answered", 0), failed: sum("answered", 1) }
        }
      ),
    /** Lines that were answered well, or all others, in order. */
    settled: (batch: string, well: boolean, after: number, limit: number) =>
      lines(sql.ask(
        `SELECT ${lineColumns} FROM plugline_batch_lines WHERE batch = ? AND line > ? AND `
          + `${well ? "failed = 0 AND response IS NOT NULL" : "(failed = 1 OR response IS NULL)"} ORDER BY line LIMIT ?`,
        batch, after, limit
      )),
    /** Removes batches that came before a time and have ended, and lines of ended ones that a crash left behind. */
    sweep: (before: number) =>
      sql.together([
        [`DELETE FROM plugline_batch_lines WHERE batch IN (SELECT id FROM plugline_batches WHERE NOT ${isOpen})`],
        [`DELETE FROM plugline_batches WHERE created < ? AND NOT ${isOpen}`, before]
      ])
  }
}

const batchOf = ({ created, expires, id, owner, status, value }: Rows[number]): Batch => ({
  id: id as string,
  owner: owner as string,
  status: status as Status,
  created: created as number,
  expires: expires as number,
  facts: JSON.parse(value as string) as Facts
})
