/**
 * Reads the built-in table: a file per provider with a row per model. A provider's rows become models when the first
 * question about it comes, so that importing the catalog costs little.
 *
 * @module
 */
import type { Model } from "./Model.ts"
import { model, type Row } from "./row.ts"
import { sources, tables } from "./table/index.ts"

/** The providers of the built-in table. */
export const providers: ReadonlyArray<string> = Object.keys(tables)

/** All rows of a provider, sorted by id; none for a provider that is not in the table. */
export const rowsOf = (provider: string): ReadonlyArray<Model> => {
  const rows = Object.hasOwn(tables, provider) ? tables[provider] as ReadonlyArray<Row> : []
  return rows.map((row) => model(provider, row, sources))
}
