/**
 * Running totals in Redis, for several processes that count together.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { StoreError } from "./patience.ts"
import { type Bucket, hourOf, labelsOf, labelText, TotalsStore } from "./TotalsStore.ts"

/** How totals are kept in Redis. */
export interface RedisTotalsOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
  /** How long an hour's totals are kept, in days. Default: 400. */
  readonly keepDays?: number
}

/**
 * A hash per hour; its fields are the labels and what is counted. `HINCRBY` counts whole numbers of 64 bits: up to
 * 9,223,372 USD an hour.
 */
const addScript = Redis.script(
  (index: string, key: string, ...rest: ReadonlyArray<string | number>) => [index, key, ...rest],
  {
    numberOfKeys: 2,
    lua: `
redis.call("HINCRBY", KEYS[2], "a" .. ARGV[2], ARGV[3])
redis.call("HINCRBY", KEYS[2], "n" .. ARGV[2], 1)
if ARGV[4] == "1" then redis.call("HINCRBY", KEYS[2], "u" .. ARGV[2], 1) end
if ARGV[5] == "1" then redis.call("HINCRBY", KEYS[2], "c" .. ARGV[2], 1) end
if redis.call("ZADD", KEYS[1], "NX", ARGV[1], ARGV[1]) == 1 then
  redis.call("EXPIRE", KEYS[2], ARGV[6])
  redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[1] - ARGV[6] / 3600 - 1)
end
return 1`
  }
)

/** Totals in Redis. All keys hold the tag `{totals}`, so that in a cluster they are in one place. */
export const redis = (options: RedisTotalsOptions = {}): Layer.Layer<TotalsStore, never, Redis.Redis> =>
  Layer.effect(
    TotalsStore,
    Effect.gen(function*() {
      const { eval: evaluate, send } = yield* Redis.Redis
      const prefix = `${options.prefix ?? "plugline"}:{totals}`
      const keep = Math.round((options.keepDays ?? 400) * 86_400)
      const add = evaluate(addScript)
      const failed = (error: Redis.RedisError): StoreError =>
        new StoreError("totals", "Redis could not be asked", error)
      return {
        add: ({ amount, at, cached, labels, unknown }) => {
          const hour = hourOf(at)
          const counts = [amount.toString(), unknown ? 1 : 0, cached ? 1 : 0, keep]
          const added = add(`${prefix}:hours`, `${prefix}:${hour}`, hour, labelText(labels), ...counts)
          return Effect.mapError(Effect.asVoid(added), failed)
        },
        buckets: (since, until) =>
          Effect.mapError(
            Effect.gen(function*() {
              const range = [`${prefix}:hours`, String(since), String(until)]
              const hours = yield* send<ReadonlyArray<string>>("ZRANGEBYSCORE", ...range)
              const found = yield* Effect.forEach(
                hours,
                (hour) => Effect.map(send("HGETALL", `${prefix}:${hour}`), (fields) => bucketsOf(Number(hour), fields)),
                { concurrency: 16 }
              )
              return found.flat()
            }),
            failed
          )
      }
    })
  )

/**
 * A hash's fields: each kind of count under its labels. Redis gives them as a list of names and values, or as an
 * object.
 */
const bucketsOf = (hour: number, fields: unknown): ReadonlyArray<Bucket> => {
  const pairs = Array.isArray(fields)
    ? fields.flatMap((name, index) => index % 2 === 0 ? [[String(name), String(fields[index + 1])] as const] : [])
    : Object.entries(fields as Readonly<Record<string, string>>)
  const found = new Map<string, { -readonly [Name in keyof Bucket]: Bucket[Name] }>()
  for (const [field, value] of pairs) {
    const name = field.slice(1)
    let bucket = found.get(name)
    if (bucket === undefined) {
      found.set(name, bucket = { hour, labels: labelsOf(name), amount: 0n, calls: 0, unknown: 0, cached: 0 })
    }
    if (field.startsWith("a")) bucket.amount = BigInt(value)
    else if (field.startsWith("n")) bucket.calls = Number(value)
    else if (field.startsWith("u")) bucket.unknown = Number(value)
    else bucket.cached = Number(value)
  }
  return [...found.values()]
}
