/**
 * Turns merged rows into the files of `src/table`: a file per provider with a row per line, and an index.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Row } from "../src/row.ts"
import type { Reading } from "./draft.ts"
import * as litellm from "./litellm.ts"
import { merge, type Merged } from "./merge.ts"
import * as modelsdev from "./modelsdev.ts"
import * as openrouter from "./openrouter.ts"

/**
 * The sources: what they are called, what file they are, when they were read. A new file needs its date written here.
 */
export const sources = [
  {
    letter: "l",
    name: "litellm",
    file: "litellm_model_prices_and_context_window.json",
    asOf: "2026-08-01",
    read: litellm.read
  },
  { letter: "m", name: "models.dev", file: "models_dev_api.json", asOf: "2026-07-02", read: modelsdev.read },
  {
    letter: "o",
    name: "openrouter",
    file: "openrouter_models_2026-08-01.json",
    asOf: "2026-08-01",
    read: openrouter.read
  }
]

/** Everything made of the sources in a folder. */
export interface Made {
  readonly readings: ReadonlyArray<Reading & { readonly name: string }>
  readonly merged: Merged
  /** The text of each file of the table, by name. */
  readonly files: ReadonlyMap<string, string>
}

/** Reads and merges the sources in a folder. */
export const make = (folder: string): Made => {
  const readings = sources.map(({ file, name, read }) => ({ name, ...read(readFileSync(join(folder, file), "utf8")) }))
  const merged = merge(readings.flatMap(({ drafts }) => drafts))
  return { readings, merged, files: render(merged.rows) }
}

/** Which files of the sources a folder lacks. */
export const missing = (folder: string): ReadonlyArray<string> =>
  sources.map(({ file }) => file).filter((file) => !existsSync(join(folder, file)))

const render = (rows: ReadonlyMap<string, ReadonlyArray<Row>>): ReadonlyMap<string, string> => {
  const providers = [...rows.keys()].sort()
  const files = new Map(providers.map((provider) => [`${provider}.json`, file(rows.get(provider) ?? [])]))
  return files.set("index.ts", index(providers))
}

const file = (rows: ReadonlyArray<Row>): string => `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`

const index = (providers: ReadonlyArray<string>): string => {
  const tables = providers.map((provider) =>
    named(provider) === provider ? `  ${provider}` : `  "${provider}": ${named(provider)}`
  )
  const origins = sources.map(({ asOf, letter, name }) => `  ${letter}: { name: "${name}", asOf: "${asOf}" }`)
  return [
    "// Made by scripts/catalog.ts, like the files beside it; do not edit.",
    ...providers.map((provider) => `import ${named(provider)} from "./${provider}.json" with { type: "json" }`),
    "",
    "/** The rows of each provider, sorted by id. */",
    "export const tables: { readonly [provider: string]: ReadonlyArray<unknown> } = {",
    tables.join(",\n"),
    "}",
    "",
    "/** Where the facts are from, by the letter that stands for it in a row, and the date they were read. */",
    "export const sources: { readonly [letter: string]: { readonly name: string; readonly asOf: string } } = {",
    origins.join(",\n"),
    "}",
    ""
  ].join("\n")
}

const named = (provider: string): string => provider.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
