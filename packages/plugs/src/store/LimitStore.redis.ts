/**
 * Limits in Redis, for several processes that share them.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { leased, type LeaseOptions, leaseOf } from "./LimitStore.leases.ts"
import { type Ask, type Change, LimitStore, parts } from "./LimitStore.ts"
import { StoreError } from "./patience.ts"

/** How limits are kept in Redis. Times in ms. */
export interface RedisLimitOptions extends LeaseOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
  /**
   * Whose clock counts: that of the `server`, the same for all processes, or each `process`'s own. Default: `server`.
   */
  readonly clock?: "server" | "process"
}

/**
 * The same sums as `refill`, `changed` and `fullAt` of `LimitStore.ts`, so that a step is one visit to the server.
 * Amounts are in parts: whole numbers below 2^53, which Lua's numbers hold exactly and `%.0f` writes exactly.
 */
const shared = `
local function time(given)
  if given ~= "" then return tonumber(given) end
  local now = redis.call("TIME")
  return now[1] * 1000 + math.floor(now[2] / 1000)
end
local function refill(key, capacity, rate, now)
  local known = redis.call("HMGET", key, "level", "at")
  if not known[1] then return capacity, now, false end
  local level, at = tonumber(known[1]), tonumber(known[2])
  local passed = now - at
  if passed >= 0 then return math.min(capacity, level + passed * rate), now, true end
  if passed < -60000 then at = now end
  return math.min(capacity, level), at, true
end
local function write(key, level, at, ceiling, rate, resets, now)
  local missing = ceiling - level
  if missing <= 0 then return redis.call("DEL", key) end
  redis.call("HSET", key, "level", string.format("%.0f", level), "at", string.format("%.0f", at))
  local ms = at - now + 1000
  if rate > 0 then ms = ms + math.ceil(missing / rate) else ms = ms + resets end
  redis.call("PEXPIRE", key, string.format("%.0f", math.min(ms, 1e13)))
end
`

const takeScript = Redis.script(
  (keys: ReadonlyArray<string>, now: string, holder: string, lease: number, asks: ReadonlyArray<Ask>) => [
    ...keys, now, holder, lease,
    ...asks.flatMap(({ capacity, ceiling, cost, kind, rate, resets }) => [
      kind, capacity * parts, ceiling * parts, rate, cost * parts, resets
    ])
  ],
  {
    numberOfKeys: (keys) => keys.length,
    lua: `${shared}
local now = time(ARGV[1])
local levels, ats, enough = {}, {}, 1
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 6
  local capacity = tonumber(ARGV[a + 2])
  if ARGV[a + 1] == "slots" then
    redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
    levels[i] = capacity - redis.call("ZCARD", key) * ${parts}
  else
    levels[i], ats[i] = refill(key, capacity, tonumber(ARGV[a + 4]), now)
  end
  if levels[i] < tonumber(ARGV[a + 5]) then enough = 0 end
end
if enough == 1 then
  for i, key in ipairs(KEYS) do
    local a = 3 + (i - 1) * 6
    if ARGV[a + 1] == "slots" then
      redis.call("ZADD", key, now + ARGV[3], ARGV[2])
      redis.call("PEXPIRE", key, ARGV[3])
    else
      write(key, levels[i] - tonumber(ARGV[a + 5]), ats[i], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]), tonumber(ARGV[a + 6]), now)
    end
  end
end
local out = { tostring(enough) }
for i = 1, #levels do out[i + 1] = string.format("%.0f", levels[i]) end
return out`
  }
).withReturnType<ReadonlyArray<string>>()

const giveScript = Redis.script(
  (keys: ReadonlyArray<string>, now: string, holder: string, changes: ReadonlyArray<Change>) => [
    ...keys, now, holder,
    ...changes.flatMap(({ ask: { capacity, ceiling, kind, rate, resets }, units }) => [
      kind, capacity * parts, ceiling * parts, rate, units * parts, resets
    ])
  ],
  {
    numberOfKeys: (keys) => keys.length,
    lua: `${shared}
local now = time(ARGV[1])
for i, key in ipairs(KEYS) do
  local a = 2 + (i - 1) * 6
  if ARGV[a + 1] == "slots" then
    redis.call("ZREM", key, ARGV[2])
  else
    local capacity, rate, change = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
    local level, at, known = refill(key, capacity, rate, now)
    if known or change < 0 then
      write(key, math.min(capacity, level + change), at, tonumber(ARGV[a + 3]), rate, tonumber(ARGV[a + 6]), now)
    end
  end
end
return 1`
  }
)

const renewScript = Redis.script(
  (keys: ReadonlyArray<string>, now: string, lease: number, holders: ReadonlyArray<string>) => [...keys, now, lease, ...holders],
  {
    numberOfKeys: (keys) => keys.length,
    lua: `${shared}
local now = time(ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call("ZADD", key, "XX", now + ARGV[2], ARGV[i + 2])
  redis.call("PEXPIRE", key, ARGV[2])
end
return 1`
  }
)

/** Limits in Redis. All keys hold the tag `{limits}`, so that in a cluster they are in one place. */
export const redis = (options: RedisLimitOptions = {}): Layer.Layer<LimitStore, never, Redis.Redis> =>
  Layer.effect(
    LimitStore,
    Effect.gen(function*() {
      const { eval: evaluate } = yield* Redis.Redis
      const prefix = `${options.prefix ?? "plugline"}:{limits}:`
      const lease = leaseOf(options)
      const timeOf = (now: number): string => options.clock === "process" ? String(now) : ""
      const failed = (error: Redis.RedisError): StoreError => new StoreError("limit", "Redis could not be asked", error)
      const take = evaluate(takeScript)
      const give = evaluate(giveScript)
      const renew = evaluate(renewScript)
      return yield* leased({
        take: (holder, asks, now) =>
          Effect.mapBoth(take(asks.map(({ key }) => prefix + key), timeOf(now), holder, lease, asks), {
            onFailure: failed,
            onSuccess: ([enough, ...levels]) => ({ _tag: enough === "1" ? "Admitted" : "Refused", levels: levels.map(Number) })
          }),
        give: (holder, changes, now) =>
          Effect.mapError(Effect.asVoid(give(changes.map(({ ask }) => prefix + ask.key), timeOf(now), holder, changes)), failed),
        renew: (held, now) =>
          // In pieces, so that nobody waits long for the server.
          Effect.forEach(piecesOf(held), (piece) =>
            Effect.mapError(
              renew(piece.map(([key]) => prefix + key), timeOf(now), lease, piece.map(([, holder]) => holder)),
              failed
            ), { discard: true })
      }, options)
    })
  )

const piecesOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const pieces: Array<ReadonlyArray<A>> = []
  for (let from = 0; from < all.length; from += 500) pieces.push(all.slice(from, from + 500))
  return pieces
}
