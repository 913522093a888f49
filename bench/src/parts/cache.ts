/**
 * What a hit takes: through the whole default pipeline, from memory, and from SQLite and Redis beside a bare get of the
 * same store.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "redis"
import { type Kept, prefix } from "../contenders/hits.ts"
import { sideBySide } from "../measure.ts"
import { alone, ratio, type Row, skipped } from "../table.ts"

const unit = "µs"

/** Questions whose answers are asked for again and again. */
const often = 200

/** So many that an answer is forgotten by the process before it is asked for again. */
const seldom = 3_000

/** The rows about the cache. */
export const rows = async (): Promise<ReadonlyArray<Row>> => {
  const folder = await mkdtemp(join(tmpdir(), "plugline-bench-"))
  try {
    const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379"
    return [...await memory(), ...await sqlite(folder), ...await redis(url)]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const entry = (name: string, argument: Kept) => ({ module: "hits", name, argument })

const memory = async (): Promise<ReadonlyArray<Row>> => {
  const argument: Kept = { store: "memory", place: "", questions: often }
  const { built, key, pipeline } = await sideBySide({
    pipeline: entry("pipeline", argument),
    built: entry("built", argument),
    key: entry("key", argument)
  }, { rounds: 12, generations: 2, turn: 30, warmUp: 500 })
  const beside = { theirs: key, name: "its key alone", unit }
  return [
    alone("A hit in memory, through the default pipeline", { ...beside, ours: pipeline, limit: 20 }),
    alone("The same, the builder made anew for each call", { ...beside, ours: built })
  ]
}

const sqlite = async (folder: string): Promise<ReadonlyArray<Row>> => [
  ...await beside("A hit in SQLite", { store: "sqlite", place: join(folder, "often"), questions: often }, 2),
  ...await beside("A hit in SQLite that this process has not read lately", {
    store: "sqlite", place: join(folder, "seldom"), questions: seldom
  })
]

const redis = async (url: string): Promise<ReadonlyArray<Row>> => {
  const what = "A hit in Redis"
  const client = await createClient({ url, socket: { connectTimeout: 500, reconnectStrategy: false } })
    .on("error", () => {}).connect().catch(() => undefined)
  if (client === undefined) return [skipped(what, "no Redis")]
  try {
    return await beside(what, { store: "redis", place: url, questions: often }, 2)
  } finally {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}:*`, COUNT: 500 })) {
      if (keys.length > 0) await client.unlink(keys)
    }
    client.destroy()
  }
}

/** A hit through the pipeline beside a bare get, each in a process and, in SQLite, a file of its own. */
const beside = async (what: string, kept: Kept, limit?: number): Promise<ReadonlyArray<Row>> => {
  const own = (name: string): Kept => kept.store === "sqlite" ? { ...kept, place: `${kept.place}-${name}.db` } : kept
  const { get, pipeline } = await sideBySide(
    { pipeline: entry("pipeline", own("pipeline")), get: entry("get", own("get")) },
    { rounds: 16, generations: 2, turn: 40, warmUp: 600 }
  )
  return [ratio(`${what}, through the default pipeline`, {
    ours: pipeline, theirs: get, name: "a bare get", unit, ...(limit !== undefined && { limit })
  })]
}
