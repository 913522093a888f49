/**
 * Questions whose answers a cache has: through the whole default pipeline of `openai`, and as a bare get of the same
 * store.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { Cache, type CacheStore, memory, Sqlite } from "@plugline/plugs"
import { redis } from "@plugline/plugs/redis"
import { Credentials, Transport } from "@plugline/providers"
import { Context, Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { build, Pipeline } from "plugline"
import { createClient } from "redis"
import { question, text, whole } from "../exchange.ts"
import type { Contender, Contenders } from "../worker.ts"

/** Which store, and how many questions are asked in turn. */
export interface Kept {
  readonly store: "memory" | "sqlite" | "redis"
  /** A file, a URL. */
  readonly place: string
  readonly questions: number
}

/** What the keys in Redis begin with. */
export const prefix = "plugline-bench"

type Stored = Layer.Layer<Cache.Flights | CacheStore.CacheStore | Sqlite, unknown>

const stored = ({ place, store }: Kept): Stored => {
  const database = Sqlite.layer(store === "sqlite" ? { path: place } : {})
  if (store === "sqlite") return Layer.provideMerge(Cache.sqlite(), database)
  const cache = store === "memory" ? Cache.memory() : Layer.provide(Cache.redis({ prefix }), redis({ url: place }))
  return Layer.merge(cache, database)
}

/** The provider is in memory too: it is asked once for each question. */
const provider = Layer.merge(
  Transport.memory(() => Effect.succeed({ body: whole })),
  Credentials.memory({ openai: Redacted.make("sk-bench") })
)

const asking = (index: number) =>
  build("openai", [
    { role: "system", content: question.system },
    { role: "user", content: `${question.user} ${index}` }
  ], { model: question.model }).withCache()

/** Asks every question once, so that all answers are kept, and gives what is needed to ask again. */
const filled = async (kept: Kept) => {
  const runtime = ManagedRuntime.make(Layer.mergeAll(provider, memory, stored(kept)))
  const builders = Array.from({ length: kept.questions }, (_, index) => asking(index))
  const pipeline = builders[0]!.pipeline()
  const requests: Array<Request> = []
  const keys: Array<string> = []
  for (const builder of builders) {
    const request = await runtime.runPromise(builder.request("req_bench"))
    const final = await runtime.runPromise(Pipeline.execute(pipeline, request))
    requests.push(request)
    keys.push(Cache.of(final)!.key!)
  }
  const context = await runtime.context()
  return { context, pipeline, requests, keys }
}

type Filled = Awaited<ReturnType<typeof filled>>

type Services = Filled["context"] extends Context.Context<infer R> ? R : never

const check = (final: Request): void => {
  const { result } = final
  const part = result?.type === "chat" ? result.content[0] : undefined
  const { status } = Cache.of(final) ?? {}
  if (status !== "hit" || part?.type !== "text" || part.text !== text) throw new Error("this was no hit")
}

/** Runs something for each index in turn, in one fiber that has the services at hand. */
const repeat = (
  { context, requests: { length } }: Filled,
  body: (index: number) => Effect.Effect<void, unknown, Services>
): Contender => {
  const run = Effect.runPromiseWith(context)
  let at = 0
  return (count) => {
    let done = 0
    return run(Effect.whileLoop({
      while: () => done < count,
      body: () => body(at = (at + 1) % length),
      step: () => {
        done++
      }
    }))
  }
}

const pipeline = async (kept: Kept): Promise<Contender> => {
  const ready = await filled(kept)
  return repeat(ready, (index) => Effect.map(Pipeline.execute(ready.pipeline, ready.requests[index]!), check))
}

/** The call made anew each time, as it is written in a program. */
const built = async (kept: Kept): Promise<Contender> =>
  repeat(await filled(kept), (index) => Effect.map(asking(index).execute(), ({ request }) => check(request)))

const key = async (kept: Kept): Promise<Contender> => {
  const { requests } = await filled(kept)
  let at = 0
  return (count) => {
    for (let run = 0; run < count; run++) {
      if (Cache.key(requests[at = (at + 1) % requests.length]!).length !== 64) throw new Error("this was no key")
    }
  }
}

const got = (value: unknown): void => {
  if (typeof value !== "string" || value.length < text.length) throw new Error("nothing was there")
}

/** The text of the entry, and nothing done with it. */
const get = async (kept: Kept): Promise<Contender> => {
  const { context, keys } = await filled(kept)
  let at = 0
  const next = (): string => keys[at = (at + 1) % keys.length]!
  if (kept.store === "redis") {
    const client = await createClient({ url: kept.place }).connect()
    return async (count) => {
      for (let run = 0; run < count; run++) got(await client.get(`${prefix}:cache:{${next()}}`))
    }
  }
  const statement = Context.get(context, Sqlite).database.prepare("SELECT value FROM plugline_cache WHERE key = ?")
  return (count) => {
    for (let run = 0; run < count; run++) got(statement.get(next())?.value)
  }
}

export const contenders: Contenders<Kept> = { pipeline, built, key, get }
