/**
 * What the section `inspector` of the configuration may say.
 *
 * @module
 */
import { Schema } from "effect"
import { dirname, join, resolve } from "node:path"
import type { LlmError } from "plugline"
import type { Config } from "./Config.ts"
import type { Path as At } from "./read.ts"
import { checkPath, databaseOf } from "./stores.ts"
import { field, fieldOr, Path, Size, Span, whole } from "./values.ts"

/** A share of all: 0 for nothing, 1 for everything. */
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** The page that shows requests plug by plug, and what is kept for it. */
export const Inspector = Schema.Struct({
  enabled: fieldOr(Schema.Boolean, true, "Whether requests are written down and the page is served."),
  sample: field(
    Share,
    "Which share of the requests is kept with every step, question and answer: 0 none, 1 all. What it took and cost is kept of all. "
      + "Default: 1 where the gateway is open on this machine and needs no key, else 0."
  ),
  maxAge: fieldOr(Span, "7 days", "How long they are kept."),
  maxEntries: fieldOr(whole(1, 100_000), 10_000, "How many of the latest are kept."),
  maxBytes: fieldOr(Size, "256mb", "Most bytes of all that are kept, packed."),
  maxRecord: fieldOr(Size, "4mb", "Most bytes of the steps of one request, before they are packed; of a larger one only what it took and cost is kept."),
  path: field(
    Path,
    "The SQLite file they are kept in, below the folder of this file; `:memory:` for none. Default: `plugline-traces.db` beside the "
      + "database of the stores; none where `stores.kind` is `memory`."
  )
})

/** The section, with its defaults. */
export type Inspector = typeof Inspector.Type

/** The file that requests are kept in. */
export const tracesOf = ({ inspector, stores }: Pick<Config, "inspector" | "stores">, folder: string): string => {
  const { path } = inspector
  if (path !== undefined) return path === ":memory:" ? path : join(resolve(folder), path)
  if (stores.kind === "memory") return ":memory:"
  const database = databaseOf(stores, folder)
  return database === ":memory:" ? database : join(dirname(database), "plugline-traces.db")
}

/**
 * Refuses a file that would lie elsewhere than below the folder of the configuration.
 *
 * @throws what `refuse` gives.
 */
export const checkInspector = ({ path }: Inspector, folder: string, refuse: (path: At, message: string) => LlmError): void => {
  if (path === undefined || path === ":memory:") return
  const wrong = (name: string, message: string) => refuse(["inspector", name], `inspector.${name} ${message}`)
  checkPath(path, resolve(folder), wrong, "the folder of the configuration")
}
