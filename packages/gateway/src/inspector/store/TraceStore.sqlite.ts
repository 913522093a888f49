/**
 * Requests that are over, in SQLite: in a file, or in the memory of this process. Several processes may share a file.
 *
 * @module
 */
import type { Summary, TracesQuery } from "@plugline/inspector"
import { Sqlite, type StoreError } from "@plugline/plugs"
import { Clock, Effect, Layer } from "effect"
import { type Bounds, type Entry, type Info, listed, type Measure, TraceStore } from "./TraceStore.ts"

/** What a row takes up beside its texts: its columns and its place in the indexes. */
const overhead = 512

/** How much is let go of at once where there is too much: not one for each that comes. */
const slack = 1 / 32

/** How often it is looked for what is too old, in ms. */
const interval = 60_000

/** Most words that are searched for. */
const mostWords = 8

/** Requests that are over, in the database of the layer `Sqlite`. */
export const sqlite = (bounds: Bounds): Layer.Layer<TraceStore, StoreError, Sqlite> =>
  Layer.effect(TraceStore, Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() => {
      database.exec(`PRAGMA journal_size_limit = 16777216; ${schema}`)
    })
    const totals = (): Info => statement(`${sums} INDEXED BY plugline_traces_at`).get() as never
    let { bytes, entries } = yield* run(totals)
    let looked = 0

    const keep = ({ record, summary }: Entry): void => {
      const text = JSON.stringify(summary)
      const words = wordsOf(summary)
      const size = Buffer.byteLength(text) + words.length + (record?.length ?? 0) + overhead
      const { lastInsertRowid } = statement(insert).run(
        summary.id,
        summary.at,
        size,
        summary.took,
        summary.status,
        summary.status >= 400 || summary.error !== undefined ? 1 : 0,
        summary.tenant ?? null,
        summary.provider ?? null,
        modelOf(summary) ?? null,
        summary.pipeline,
        summary.cache ?? null,
        whole(summary.inputTokens),
        whole(summary.outputTokens),
        summary.cost === undefined ? null : Number(summary.cost),
        summary.saved === undefined ? 0 : Number(summary.saved),
        summary.firstToken ?? null,
        record?.length ?? 0,
        words,
        text
      )
      if (record !== undefined) statement("INSERT INTO plugline_trace_records VALUES (?, ?)").run(lastInsertRowid, record)
      bytes += size
      entries++
    }
    const drop = (seq: number): void => {
      statement("DELETE FROM plugline_trace_records WHERE seq <= ?").run(seq)
      statement("DELETE FROM plugline_traces WHERE seq <= ?").run(seq)
    }
    const trim = (now: number): void => {
      const full = bytes > bounds.maxBytes || entries > bounds.maxEntries
      if (!full && now - looked < interval && now >= looked) return
      looked = now
      // By its time and not by its number: one that ran for long, or began while the clock was wrong, takes no younger ones with it.
      statement(`DELETE FROM plugline_trace_records WHERE seq IN (SELECT seq FROM plugline_traces WHERE at < ?)`).run(now - bounds.maxAge)
      statement("DELETE FROM plugline_traces WHERE at < ?").run(now - bounds.maxAge)
      // Other processes may keep theirs in the same file.
      ;({ bytes, entries } = totals())
      if (entries > bounds.maxEntries) {
        const left = Math.ceil(bounds.maxEntries * (1 - slack))
        const last = statement("SELECT seq FROM plugline_traces ORDER BY seq DESC LIMIT 1 OFFSET ?").get(left)?.seq as number
        drop(last)
      }
      if (bytes > bounds.maxBytes) {
        const last = statement(overflow).get(bounds.maxBytes * (1 - slack))?.seq as number | undefined
        if (last !== undefined) drop(last)
      }
      ;({ bytes, entries } = totals())
    }

    return {
      add: (given) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.tapError(
            transaction(() => {
              given.forEach(keep)
              trim(now)
            }),
            () => Effect.ignore(run(() => {
              ;({ bytes, entries } = totals())
            }))
          )),
      list: (query, within) =>
        run(() => {
          const limit = Math.min(query.limit ?? listed.usual, listed.most)
          const { text, values } = where(query, within)
          const rows = statement(`${line}${text} ORDER BY seq DESC LIMIT ?`).all(...values, limit + 1)
          return { traces: rows.slice(0, limit).map(summaryOf), more: rows.length > limit, total: total(within).entries }
        }),
      after: (seq, limit, within) =>
        run(() =>
          statement(`${line} WHERE seq > ?${own(within)} ORDER BY seq LIMIT ?`)
            .all(seq, ...within === undefined ? [] : [within], limit)
            .map(summaryOf)),
      find: (id, within) =>
        run(() => {
          const row = statement(`${line} WHERE id = ?${own(within)}`)
            .get(id, ...within === undefined ? [] : [within])
          if (row === undefined) return undefined
          const summary = summaryOf(row)
          const body = statement("SELECT body FROM plugline_trace_records WHERE seq = ?").get(summary.seq)?.body
          return body === undefined ? { summary } : { summary, record: body as Uint8Array }
        }),
      measures: ({ after, limit, since, until }, within) =>
        run(() =>
          statement(`${measure} WHERE seq > ? AND at >= ? AND at < ?${own(within)} AND ${paid} ORDER BY seq LIMIT ?`)
            .all(after, since, until, ...within === undefined ? [] : [within], limit)
            .map(measureOf)),
      info: (within) => run(() => total(within)),
      last: run(() => (statement("SELECT MAX(seq) AS last FROM plugline_traces").get()?.last as number | null) ?? 0)
    }

    function total(within: string | undefined): Info {
      return within === undefined ? totals() : statement(`${sums} WHERE tenant = ?`).get(within) as never
    }
  }))

const schema = `
CREATE TABLE IF NOT EXISTS plugline_traces (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, bytes INTEGER NOT NULL,
  took REAL NOT NULL, status INTEGER NOT NULL, failed INTEGER NOT NULL, tenant TEXT, provider TEXT, model TEXT, pipeline TEXT NOT NULL,
  cache TEXT, input INTEGER NOT NULL, output INTEGER NOT NULL, cost REAL, saved REAL NOT NULL, first REAL, record INTEGER NOT NULL,
  words TEXT NOT NULL, summary TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS plugline_trace_records (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS plugline_traces_at ON plugline_traces (at, bytes);
CREATE INDEX IF NOT EXISTS plugline_traces_tenant ON plugline_traces (tenant, seq, bytes) WHERE tenant IS NOT NULL;
CREATE INDEX IF NOT EXISTS plugline_traces_provider ON plugline_traces (provider, seq);
CREATE INDEX IF NOT EXISTS plugline_traces_model ON plugline_traces (model, seq);
CREATE INDEX IF NOT EXISTS plugline_traces_pipeline ON plugline_traces (pipeline, seq);
CREATE INDEX IF NOT EXISTS plugline_traces_failed ON plugline_traces (seq) WHERE failed = 1;`

const insert = `INSERT INTO plugline_traces
  (id, at, bytes, took, status, failed, tenant, provider, model, pipeline, cache, input, output, cost, saved, first, record, words, summary)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const line = "SELECT seq, record, summary FROM plugline_traces"
const sums = "SELECT COUNT(*) AS entries, COALESCE(SUM(bytes), 0) AS bytes FROM plugline_traces"

/** The latest of those that do not fit any more. */
const overflow = `SELECT seq FROM (SELECT seq, SUM(bytes) OVER (ORDER BY seq DESC) AS held FROM plugline_traces)
  WHERE held > ? ORDER BY seq DESC LIMIT 1`

const measure = `SELECT seq, at, took, failed, provider, model, tenant, pipeline, input, output, cost, saved, first FROM plugline_traces`

/** No fork on what was recorded. Within a text of JSON no quotes stand as they are. */
const paid = "instr(summary, ',\"upstream\":\"recorded\"') = 0"

/** A number of tokens as a column of whole numbers takes it: services say what they like. */
const whole = (count = 0): number => Math.max(-most, Math.min(most, Math.round(count))) || 0

const most = Number.MAX_SAFE_INTEGER

// --- searching
// ------------------------------------------------------------------------------------------------------------------

const own = (within: string | undefined): string => within === undefined ? "" : " AND tenant = ?"

/** What a query asks for as SQL, its words as bound values. */
const where = (
  { before, cache, model, pipeline, provider, q, since, status, tenant, until }: TracesQuery,
  within: string | undefined
): { readonly text: string; readonly values: ReadonlyArray<string | number> } => {
  const terms: Array<string> = []
  const values: Array<string | number> = []
  const only = (term: string, value: string | number | undefined): void => {
    if (value === undefined) return
    terms.push(term)
    values.push(value)
  }
  only("tenant = ?", within)
  only("seq < ?", before)
  only("at >= ?", since)
  only("at < ?", until)
  only("provider = ?", provider)
  only("model = ?", model)
  only("pipeline = ?", pipeline)
  only("tenant = ?", tenant)
  only("cache = ?", cache)
  if (status === "ok") terms.push("failed = 0")
  else if (status === "error") terms.push("failed = 1")
  else if (status !== undefined) only("status = ?", Number(status))
  for (const word of (q ?? "").toLowerCase().split(/\s+/).filter((each) => each !== "").slice(0, mostWords)) {
    only("instr(words, ?) > 0", word)
  }
  return { text: terms.length === 0 ? "" : ` WHERE ${terms.join(" AND ")}`, values }
}

/** Everything of a request that can be searched for. */
const wordsOf = (summary: Entry["summary"]): string => {
  const { asked, dialect, error, id, key, model, operation, parent, pipeline, provider, route, status, tenant, user } = summary
  return [
    id, parent, provider, model, asked, route, dialect, operation, pipeline, status, tenant, user, key, error?.reason, error?.plug, error?.message
  ].filter((word) => word !== undefined).join("\n").toLowerCase().slice(0, 2_000)
}

const modelOf = ({ asked, model }: Entry["summary"]): string | undefined => model ?? asked

// --- rows
// -----------------------------------------------------------------------------------------------------------------------

type Row = { readonly [column: string]: unknown }

const summaryOf = ({ record, seq, summary }: Row): Summary => {
  const kept = JSON.parse(summary as string) as Entry["summary"]
  return { ...kept, seq: Number(seq), ...((record as number) > 0 && { bytes: record as number }) }
}

const measureOf = (row: Row): Measure => ({
  seq: row.seq as number,
  at: row.at as number,
  took: row.took as number,
  failed: row.failed === 1,
  provider: (row.provider as string | null) ?? undefined,
  model: (row.model as string | null) ?? undefined,
  tenant: (row.tenant as string | null) ?? undefined,
  pipeline: row.pipeline as string,
  inputTokens: row.input as number,
  outputTokens: row.output as number,
  cost: (row.cost as number | null) ?? undefined,
  saved: row.saved as number,
  firstToken: (row.first as number | null) ?? undefined
})
