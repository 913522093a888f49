/**
 * Cached answers in Redis, for several processes that share them. How much Redis keeps, and what goes first, is Redis'
 * own `maxmemory` and `maxmemory-policy` (`allkeys-lru` fits).
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { encode, isOver } from "../cache/Entry.ts"
import { Recent } from "../cache/Recent.ts"
import { CacheStore } from "../cache/Store.ts"
import { StoreError } from "./patience.ts"

/** How answers are kept in Redis. */
export interface RedisCacheOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
  /** Most characters of one entry's JSON text. Default: 8 Mi. */
  readonly maxEntryBytes?: number
}

const releaseScript = Redis.script((key: string, owner: string) => [key, owner], {
  numberOfKeys: 1,
  lua: `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`
})

/**
 * Answers in Redis. An entry and its lock hold the same tag, so that in a cluster they are in one place and entries are
 * spread.
 */
export const redis = (
  { maxEntryBytes = 8 * 1024 * 1024, prefix = "plugline" }: RedisCacheOptions = {}
): Layer.Layer<CacheStore, never, Redis.Redis> =>
  Layer.effect(
    CacheStore,
    Effect.gen(function*() {
      const { eval: evaluate, send } = yield* Redis.Redis
      const release = evaluate(releaseScript)
      const recent = new Recent()
      const place = (key: string): string => `${prefix}:cache:{${key}}`
      const failed = (error: unknown): StoreError => new StoreError("cache", "Redis could not be asked", error)
      /** The time Redis counts down, at least one ms. */
      const left = (until: number, now: number): string => String(Math.max(1, Math.ceil(until - now)))
      return {
        get: (key, now) =>
          Effect.mapBoth(send<unknown>("GET", place(key)), {
            onFailure: failed,
            onSuccess: (text) => {
              const entry = typeof text === "string" ? recent.read(key, text) : undefined
              return entry === undefined || isOver(entry, now) ? undefined : entry
            }
          }),
        set: (key, entry, now) => {
          let text: string
          try {
            text = encode(entry)
          } catch (thrown) {
            return Effect.fail(new StoreError("cache", "the entry is no JSON", thrown))
          }
          if (text.length > maxEntryBytes) return false
          const expiry = entry.until === undefined ? [] : ["PX", left(entry.until, now)]
          return Effect.mapBoth(send("SET", place(key), text, ...expiry), { onFailure: failed, onSuccess: () => true })
        },
        remove: (key) => Effect.mapError(Effect.asVoid(send("DEL", place(key))), failed),
        clear: () => Effect.mapError(sweep(send, `${prefix}:cache:{*}`), failed),
        size: () => [{ store: "redis" }],
        lock: {
          take: (key, owner, until, now) =>
            Effect.mapBoth(send<unknown>("SET", `${place(key)}:lock`, owner, "NX", "PX", left(until, now)), {
              onFailure: failed,
              onSuccess: (answer) => answer === "OK"
            }),
          release: (key, owner) => Effect.mapError(Effect.asVoid(release(`${place(key)}:lock`, owner)), failed)
        }
      }
    })
  )

/** Where a scan goes on, and the keys it has found. */
type Scanned = readonly [cursor: string, keys: ReadonlyArray<string>]

/** Removes the keys of a pattern, some hundreds at a time, so that Redis never stands still. */
const sweep = Effect.fnUntraced(function*(send: Redis.Redis["Service"]["send"], pattern: string) {
  let cursor = "0"
  do {
    const [next, keys] = yield* send<Scanned>("SCAN", cursor, "MATCH", pattern, "COUNT", "500")
    for (const key of keys) yield* send("UNLINK", key)
    cursor = String(next)
  } while (cursor !== "0")
})
