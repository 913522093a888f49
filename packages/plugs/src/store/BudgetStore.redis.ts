/**
 * Budgets in Redis, for several processes that share them. Each step is one script, so it happens as a whole or not at
 * all.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { type Balance, BudgetStore, type Claim, type Entry, retention, type Settled } from "./BudgetStore.ts"
import { StoreError } from "./patience.ts"

/** How budgets are kept in Redis. */
export interface RedisBudgetOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
}

/**
 * Lua counts in floats, exact to 53 bits. An amount is therefore two numbers, billions and the rest, which is exact for
 * anything there is money for. `expire(i)` reads account i and charges what has run out.
 */
const prelude = `
local B = 1000000000
local function parse(s)
  if #s <= 9 then return { 0, tonumber(s) } end
  return { tonumber(string.sub(s, 1, -10)), tonumber(string.sub(s, -9)) }
end
local function add(a, b)
  local lo = a[2] + b[2]
  if lo >= B then return { a[1] + b[1] + 1, lo - B } end
  return { a[1] + b[1], lo }
end
local function sub(a, b)
  local lo = a[2] - b[2]
  if lo < 0 then return { a[1] - b[1] - 1, lo + B } end
  return { a[1] - b[1], lo }
end
local function more(a, b) return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2]) end
local function text(a)
  if a[1] < 0 then return "-" .. text(sub({ 0, 0 }, a)) end
  if a[1] == 0 then return string.format("%.0f", a[2]) end
  return string.format("%.0f%09.0f", a[1], a[2])
end
local function keys(i) return KEYS[4 * i - 3], KEYS[4 * i - 2], KEYS[4 * i - 1], KEYS[4 * i] end
local function read(i)
  local account = redis.call("HMGET", KEYS[4 * i - 3], "spent", "held", "unknown")
  return parse(account[1] or "0"), parse(account[2] or "0"), account[3] or "0"
end
local function write(i, spent, held) redis.call("HSET", KEYS[4 * i - 3], "spent", text(spent), "held", text(held)) end
local function book(i, kind, now, amount, id)
  redis.call("RPUSH", KEYS[4 * i], kind .. "|" .. now .. "|" .. amount .. "|" .. id)
end
local function expire(i, now)
  local account, due, lines = keys(i)
  local spent, held, unknown = read(i)
  local before = spent
  local ids = redis.call("ZRANGEBYSCORE", due, "-inf", now)
  for _, id in ipairs(ids) do
    local amount = string.sub(redis.call("HGET", lines, id), 2)
    spent = add(spent, parse(amount))
    held = sub(held, parse(amount))
    book(i, "expired", now, amount, id)
    redis.call("ZREM", due, id)
    redis.call("HSET", lines, id, "x" .. amount)
  end
  if #ids > 0 then write(i, spent, held) end
  return spent, held, unknown, before
end
local function push(out, ...) for _, value in ipairs({ ... }) do out[#out + 1] = value end end
`

type Script = ReadonlyArray<string | number>
const returning = (lua: string) =>
  Redis.script((keys: ReadonlyArray<string>, rest: Script) => [...keys, ...rest], {
    lua: prelude + lua,
    numberOfKeys: (keys) => keys.length
  }).withReturnType<ReadonlyArray<string>>()

/** ARGV: now, id, amount, expires, retention, then limit and end of each account (empty: none). */
const reserveScript = returning(`
local now, id, amount = ARGV[1], ARGV[2], parse(ARGV[3])
local count = #KEYS / 4
local found, refused = {}, 0
for i = 1, count do
  local spent, held, unknown, before = expire(i, now)
  found[i] = { spent, held, unknown, before }
  local limit = ARGV[4 + 2 * i]
  if refused == 0 and limit ~= "" and more(add(add(spent, held), amount), parse(limit)) then refused = i end
end
local out = { tostring(refused) }
for i = 1, count do
  local spent, held, unknown, before = unpack(found[i])
  if refused == 0 then
    local account, due, lines, ledger = keys(i)
    if redis.call("HSETNX", lines, id, "h" .. ARGV[3]) == 1 then
      held = add(held, amount)
      redis.call("ZADD", due, ARGV[4], id)
      write(i, spent, held)
    end
    local ends = ARGV[5 + 2 * i]
    if ends ~= "" then
      local last = string.format("%.0f", tonumber(ends) + tonumber(ARGV[5]))
      for _, key in ipairs({ account, due, lines, ledger }) do redis.call("PEXPIREAT", key, last) end
    end
  end
  push(out, text(spent), text(held), unknown, text(before))
end
return out`)

/** ARGV: now, id, amount, unknown. */
const settleScript = returning(`
local now, id, amount = ARGV[1], ARGV[2], parse(ARGV[3])
local out = {}
for i = 1, #KEYS / 4 do
  local account, due, lines, ledger = keys(i)
  local spent, held, unknown = read(i)
  local before = spent
  local line = redis.call("HGET", lines, id)
  local outcome = "absent"
  if line then
    local reserved = parse(string.sub(line, 2))
    redis.call("HDEL", lines, id)
    if string.sub(line, 1, 1) == "x" then
      outcome = "late"
      spent = sub(add(spent, amount), reserved)
      book(i, "correction", now, text(sub(amount, reserved)), id)
    else
      outcome = "settled"
      redis.call("ZREM", due, id)
      spent = add(spent, amount)
      held = sub(held, reserved)
      book(i, "charge", now, ARGV[3], id)
    end
    write(i, spent, held)
    if ARGV[4] == "1" then unknown = tostring(redis.call("HINCRBY", account, "unknown", 1)) end
    -- A ledger made here goes when its account goes.
    local left = redis.call("PTTL", account)
    if left > 0 then redis.call("PEXPIRE", ledger, left) end
  end
  push(out, outcome, text(before), text(spent), text(held), unknown)
end
return out`)

/** ARGV: now. */
const balancesScript = returning(`
local out = {}
for i = 1, #KEYS / 4 do
  local spent, held, unknown = expire(i, ARGV[1])
  push(out, text(spent), text(held), unknown)
end
return out`)

/**
 * Budgets in Redis. All keys hold the tag `{budget}`, so that in a cluster they are in one place and one script reaches
 * them.
 */
export const redis = (options: RedisBudgetOptions = {}): Layer.Layer<BudgetStore, never, Redis.Redis> =>
  Layer.effect(
    BudgetStore,
    Effect.gen(function*() {
      const { eval: evaluate, send } = yield* Redis.Redis
      const prefix = `${options.prefix ?? "plugline"}:{budget}`
      const reserve = evaluate(reserveScript)
      const settle = evaluate(settleScript)
      const balances = evaluate(balancesScript)
      const failed = (error: Redis.RedisError): StoreError =>
        new StoreError("budget", "Redis could not be asked", error)
      const keys = (accounts: ReadonlyArray<string>): ReadonlyArray<string> =>
        accounts.flatMap((account) => ["a", "d", "h", "l"].map((what) => `${prefix}:${what}:${account}`))
      return {
        reserve: ({ amount, claims, expires, id }, now) =>
          Effect.mapError(
            Effect.map(
              reserve(
                keys(claims.map(({ account }) => account)),
                [now, id, amount.toString(), expires, retention, ...claims.flatMap(bounds)]
              ),
              ([refused = "0", ...fields]) => {
                const rows = grouped(fields, 4)
                return {
                  ...(refused !== "0" && { refused: Number(refused) - 1 }),
                  balances: rows.map(balanceOf),
                  before: rows.map(([, , , before]) => BigInt(before!))
                }
              }
            ),
            failed
          ),
        settle: ({ accounts, amount, id, unknown }, now) =>
          Effect.mapError(
            Effect.map(settle(keys(accounts), [now, id, amount.toString(), unknown ? 1 : 0]), (fields) =>
              grouped(fields, 5).map(([outcome, before, ...balance], index): Settled => ({
                account: accounts[index]!,
                outcome: outcome as Settled["outcome"],
                before: BigInt(before!),
                balance: balanceOf(balance)
              }))),
            failed
          ),
        balances: (accounts, now) =>
          Effect.mapError(
            Effect.map(balances(keys(accounts), [now]), (fields) => grouped(fields, 3).map(balanceOf)),
            failed
          ),
        entries: (account) =>
          Effect.mapError(
            Effect.map(send<ReadonlyArray<string>>("LRANGE", `${prefix}:l:${account}`, "0", "-1"), (lines) =>
              lines.map((line) => entryOf(account, line))),
            failed
          )
      }
    })
  )

const bounds = ({ limit, until }: Claim): ReadonlyArray<string> => [limit?.toString() ?? "", until?.toString() ?? ""]

const grouped = (fields: ReadonlyArray<string>, size: number): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<ReadonlyArray<string>> = []
  for (let index = 0; index < fields.length; index += size) rows.push(fields.slice(index, index + size))
  return rows
}

const balanceOf = ([spent, held, unknown]: ReadonlyArray<string>): Balance => ({
  spent: BigInt(spent!),
  held: BigInt(held!),
  unknown: Number(unknown)
})

const entryOf = (account: string, line: string): Entry => {
  const [kind, at, amount, ...id] = line.split("|")
  return { account, hold: id.join("|"), at: Number(at), kind: kind as Entry["kind"], amount: BigInt(amount!) }
}
