/**
 * Running totals in SQLite: of one machine, and there after a crash of the program.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"
import { hourOf, labelsOf, labelText, TotalsStore } from "./TotalsStore.ts"

interface Row {
  readonly hour: number
  readonly labels: string
  readonly amount: string
  readonly calls: number
  readonly unknown: number
  readonly cached: number
}

/**
 * Totals in the database of the layer {@link Sqlite}. Amounts are decimal text: SQLite's own sums are exact to 64 bits
 * only.
 */
export const sqlite: Layer.Layer<TotalsStore, StoreError, Sqlite> = Layer.effect(
  TotalsStore,
  Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() =>
      database.exec(`CREATE TABLE IF NOT EXISTS plugline_totals (
        hour INTEGER NOT NULL, labels TEXT NOT NULL, amount TEXT NOT NULL,
        calls INTEGER NOT NULL, unknown INTEGER NOT NULL, cached INTEGER NOT NULL,
        PRIMARY KEY (hour, labels)
      ) STRICT, WITHOUT ROWID`))
    const find = "SELECT amount FROM plugline_totals WHERE hour = ? AND labels = ?"
    const put = `INSERT INTO plugline_totals VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (hour, labels) DO UPDATE SET
      amount = excluded.amount, calls = calls + 1, unknown = unknown + excluded.unknown,
      cached = cached + excluded.cached`
    const list = "SELECT * FROM plugline_totals WHERE hour BETWEEN ? AND ?"
    return {
      add: ({ amount, at, cached, labels, unknown }) =>
        transaction(() => {
          const hour = hourOf(at)
          const name = labelText(labels)
          const before = statement(find).get(hour, name) as unknown as Row | undefined
          const after = BigInt(before?.amount ?? 0) + amount
          statement(put).run(hour, name, after.toString(), unknown ? 1 : 0, cached ? 1 : 0)
        }),
      buckets: (since, until) =>
        run(() =>
          (statement(list).all(since, until) as unknown as ReadonlyArray<Row>).map((row) => ({
            ...row,
            labels: labelsOf(row.labels),
            amount: BigInt(row.amount)
          })))
    }
  })
)
