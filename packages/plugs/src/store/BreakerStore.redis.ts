/**
 * Circuits in Redis, for several processes that share them: what one process sees opens the circuit for all, and probes
 * are as many as asked for in all of them together. Each step is one script, so it happens as a whole or not at all.
 *
 * The scripts do what `BreakerStore.ts` does in memory, on a hash per circuit: `s` state, `f` opened by hand, `g`
 * generation, `u` open until, `o` openings, `l` how long last open, `r` well at, `t` since, `n` failures in a row, `w`
 * length of a slot, `b0` to `b9` the slots ("number calls failures slow"), `p` probes ("id:until,…"), `k` probes that
 * succeeded, `q` id of the latest probe.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import type { Policy } from "../breaker/policy.ts"
import { slotOf, slotsPerWindow } from "../retry/Slots.ts"
import { BreakerStore, type Permit, probePause, type Refusal, type Snapshot, type State, type Transition, transitionsHub } from "./BreakerStore.ts"
import { StoreError } from "./patience.ts"

/** How circuits are kept in Redis. */
export interface RedisBreakerOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
  /** How long a circuit that nobody uses is remembered, in ms. Default: an hour. */
  readonly idle?: number
  /** Whose clock counts: the server's, which is the same for all, or this process's. Default: `server`. */
  readonly clock?: "server" | "process"
}

/** All keys hold the tag `{breaker}`, so that in a cluster they are in one place. */
export const redis = (options: RedisBreakerOptions = {}): Layer.Layer<BreakerStore, never, Redis.Redis> =>
  Layer.effect(
    BreakerStore,
    Effect.gen(function*() {
      const { eval: evaluate, send } = yield* Redis.Redis
      const transitions = yield* transitionsHub
      const { idle = 3_600_000, prefix = "plugline" } = options
      const index = `${prefix}:{breaker}:circuits`
      const ours = options.clock === "process"
      const run = (script: ReturnType<typeof scriptOf>) => {
        const call = evaluate(script)
        return (circuit: string, now: number, ...rest: ReadonlyArray<string | number>): Effect.Effect<ReadonlyArray<string>, StoreError> =>
          Effect.mapError(
            call([`${prefix}:{breaker}:c:${circuit}`, index], [ours ? now : -1, idle, circuit, ...rest]),
            failed
          )
      }
      const admit = run(admitScript)
      const report = run(reportScript)
      const order = run(orderScript)
      const read = run(readScript)
      return {
        admit: (circuit, policy, now) => Effect.map(admit(circuit, now, policy.probes, policy.lease), (said) => admissionOf(circuit, said)),
        report: (circuit, policy, permit, { outcome, retryAfter = 0, slow }, now) =>
          Effect.map(
            report(circuit, now, permit.generation, permit.probe, outcome, slow ? 1 : 0, Math.min(retryAfter, policy.maxOpenFor), ...numbersOf(policy)),
            (said) => transitionOf(circuit, said)
          ),
        order: (circuit, told, now) =>
          Effect.map(order(circuit, now, told.to, told.to === "open" ? told.for ?? -1 : -1), (said) => transitionOf(circuit, said)),
        read: (circuit, now) => Effect.map(read(circuit, now), (said) => snapshotOf(circuit, said)),
        circuits: () => Effect.mapError(send<ReadonlyArray<string>>("ZRANGE", index, "0", "-1"), failed),
        transitions
      }
    })
  )

const failed = (error: Redis.RedisError): StoreError => new StoreError("breaker", "Redis could not be asked", error)

const numbersOf = (policy: Policy): ReadonlyArray<number> => [
  policy.consecutive, policy.failureRate, policy.slowRate, policy.minimum, slotOf(policy.window), policy.openFor, policy.growth,
  policy.maxOpenFor, policy.probes
]

const admissionOf = (circuit: string, [tag, state, ...rest]: ReadonlyArray<string>): Permit | Refusal => {
  if (tag === "no") {
    const retryAfter = Number(rest[0])
    return { _tag: "Refusal", state: state as "open" | "half-open", ...(retryAfter >= 0 && { retryAfter }) }
  }
  const moved = transitionOf(circuit, rest.slice(2))
  return {
    _tag: "Permit",
    state: state as "closed" | "half-open",
    generation: Number(rest[0]),
    probe: Number(rest[1]),
    ...(moved !== undefined && { moved })
  }
}

const transitionOf = (circuit: string, [from, to, why, at, openFor]: ReadonlyArray<string>): Transition | undefined =>
  from === undefined || from === to ? undefined : {
    circuit,
    from: from as State,
    to: to as State,
    why: why as Transition["why"],
    at: Number(at),
    ...(Number(openFor) >= 0 && { openFor: Number(openFor) })
  }

const snapshotOf = (circuit: string, said: ReadonlyArray<string>): Snapshot | undefined => {
  const [state, forced, since, left, calls, failures, slow, consecutive, openings, probing] = said
  return state === undefined ? undefined : {
    circuit,
    state: state as State,
    forced: forced === "1",
    since: Number(since),
    ...(Number(left) >= 0 && { retryAfter: Number(left) }),
    calls: Number(calls),
    failures: Number(failures),
    slow: Number(slow),
    consecutive: Number(consecutive),
    openings: Number(openings),
    probing: Number(probing)
  }
}

/**
 * ARGV: now (below 0: the server's time), idle, the circuit's name, then what each script needs. Times are whole ms,
 * generations are the server's time in microseconds or one more than the last, so that a circuit that was forgotten
 * takes no report meant for the old.
 */
const prelude = `
local key, index = KEYS[1], KEYS[2]
local time = redis.call("TIME")
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = tonumber(ARGV[1])
if now < 0 then now = math.floor(micros / 1000) end
local idle, name = tonumber(ARGV[2]), ARGV[3]
local function int(n) return string.format("%.0f", n) end
local function after(g) return int(math.max((tonumber(g) or 0) + 1, micros)) end
local function live(probes)
  local list, soonest = {}, math.huge
  for id, till in string.gmatch(probes or "", "(%d+):(%d+)") do
    if tonumber(till) > now then
      list[#list + 1] = id .. ":" .. till
      soonest = math.min(soonest, tonumber(till))
    end
  end
  return list, soonest
end
local function keep(extra)
  redis.call("PEXPIRE", key, int(idle + extra))
  redis.call("ZADD", index, int(now + extra), name)
  redis.call("ZREMRANGEBYSCORE", index, "-inf", int(now - idle))
end
local function move(from, to, generation, why, openFor)
  redis.call("HDEL", key, "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
  redis.call("HSET", key, "s", to, "g", after(generation), "n", 0, "p", "", "k", 0, "t", int(now))
  return { from, to, why, int(now), int(openFor) }
end
local function slots(width, fields, from)
  local latest = math.floor(now / width)
  local calls, failures, slow = 0, 0, 0
  for i = from, from + ${slotsPerWindow - 1} do
    local slot, c, f, l = string.match(fields[i] or "", "(%-?%d+) (%d+) (%d+) (%d+)")
    if slot and tonumber(slot) > latest - ${slotsPerWindow} then
      calls, failures, slow = calls + c, failures + f, slow + l
    end
  end
  return calls, failures, slow
end
`

const scriptOf = (lua: string) =>
  Redis.script((keys: ReadonlyArray<string>, rest: ReadonlyArray<string | number>) => [...keys, ...rest], {
    lua: prelude + lua,
    numberOfKeys: (keys) => keys.length
  }).withReturnType<ReadonlyArray<string>>()

/** ARGV 4: probes, 5: lease. Gives `no, state, retryAfter` or `ok, state, generation, probe, transition…`. */
const admitScript = scriptOf(`
local f = redis.call("HMGET", key, "s", "f", "g", "u", "p", "k", "q")
local state, generation = f[1], f[3]
if not state then
  generation = after(0)
  redis.call("HSET", key, "s", "closed", "g", generation, "t", int(now))
  keep(0)
  return { "ok", "closed", generation, "0" }
end
if state == "closed" then return { "ok", "closed", generation, "0" } end
local out = { "ok", "half-open" }
local moved, probes, succeeded = {}, f[5], tonumber(f[6]) or 0
if state == "open" then
  if f[2] == "1" then return { "no", "open", "-1" } end
  local left = (tonumber(f[4]) or 0) - now
  if left > 0 then return { "no", "open", int(left) } end
  moved = move("open", "half-open", generation, "time", -1)
  generation, probes, succeeded = redis.call("HGET", key, "g"), "", 0
end
local list, soonest = live(probes)
if #list > 0 and #list + succeeded >= tonumber(ARGV[4]) then
  return { "no", "half-open", int(math.min(${probePause}, soonest - now)) }
end
local probe = int((tonumber(f[7]) or 0) + 1)
list[#list + 1] = probe .. ":" .. int(now + tonumber(ARGV[5]))
redis.call("HSET", key, "p", table.concat(list, ","), "q", probe)
keep(tonumber(ARGV[5]))
out[3], out[4] = generation, probe
for _, word in ipairs(moved) do out[#out + 1] = word end
return out`)

/**
 * ARGV 4: generation, 5: probe, 6: outcome, 7: slow, 8: retryAfter, 9: consecutive, 10: failureRate, 11: slowRate, 12:
 * minimum, 13: length of a slot, 14: openFor, 15: growth, 16: maxOpenFor, 17: probes. Gives a transition or nothing.
 */
const reportScript = scriptOf(`
local f = redis.call("HMGET", key, "s", "g", "p", "k", "o", "l", "r", "n", "w",
  "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
local state, generation = f[1], f[2]
if not state or generation ~= ARGV[4] then return {} end
local outcome, slow = ARGV[6], ARGV[7] == "1"
local failed = outcome == "failure"
local function open(why)
  local openings = tonumber(f[5]) or 0
  if state == "closed" and now >= (tonumber(f[7]) or 0) then openings = 0 end
  openings = openings + 1
  local long = math.max(tonumber(ARGV[14]) * tonumber(ARGV[15]) ^ (openings - 1), tonumber(ARGV[8]))
  long = math.ceil(math.min(tonumber(ARGV[16]), long))
  redis.call("HSET", key, "f", 0, "u", int(now + long), "o", int(openings), "l", int(long))
  local moved = move(state, "open", generation, why, long)
  keep(long)
  return moved
end
if state == "half-open" then
  local rest, mine = {}, false
  for id, till in string.gmatch(f[3] or "", "(%d+):(%d+)") do
    if id == ARGV[5] then mine = true else rest[#rest + 1] = id .. ":" .. till end
  end
  if not mine then return {} end
  redis.call("HSET", key, "p", table.concat(rest, ","))
  if outcome == "ignored" then return {} end
  if failed or (slow and tonumber(ARGV[11]) > 0) then return open("probe") end
  local succeeded = redis.call("HINCRBY", key, "k", 1)
  if succeeded < tonumber(ARGV[17]) then return {} end
  redis.call("HSET", key, "r", int(now + (tonumber(f[6]) or 0)))
  local moved = move("half-open", "closed", generation, "probes", -1)
  keep(0)
  return moved
end
if state ~= "closed" or outcome == "ignored" then return {} end
local consecutive = failed and (tonumber(f[8]) or 0) + 1 or 0
local width = tonumber(ARGV[13])
if f[9] ~= ARGV[13] then
  redis.call("HDEL", key, "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
  for i = 10, 19 do f[i] = false end
end
local latest = math.floor(now / width)
local at = latest % ${slotsPerWindow}
local slot, c, e, l = string.match(f[10 + at] or "", "(%-?%d+) (%d+) (%d+) (%d+)")
if not slot or tonumber(slot) < latest then slot, c, e, l = latest, 0, 0, 0 end
if failed then e = e + 1 elseif slow then l = l + 1 end
f[10 + at] = int(slot) .. " " .. int(c + 1) .. " " .. int(e) .. " " .. int(l)
local calls, failures, slows = slots(width, f, 10)
local why
if tonumber(ARGV[9]) > 0 and consecutive >= tonumber(ARGV[9]) then why = "consecutive"
elseif calls >= tonumber(ARGV[12]) then
  if tonumber(ARGV[10]) > 0 and failures >= tonumber(ARGV[10]) * calls then why = "failures"
  elseif tonumber(ARGV[11]) > 0 and slows >= tonumber(ARGV[11]) * calls then why = "slow" end
end
if why then return open(why) end
redis.call("HSET", key, "n", int(consecutive), "w", ARGV[13], "b" .. int(at), f[10 + at])
keep(0)
return {}`)

/** ARGV 4: to, 5: for (below 0: until told otherwise). Gives a transition; from and to may be the same. */
const orderScript = scriptOf(`
local f = redis.call("HMGET", key, "s", "g", "l")
local from = f[1] or "closed"
if ARGV[4] == "open" then
  local long = tonumber(ARGV[5])
  redis.call("HSET", key, "f", long < 0 and 1 or 0, "u", int(now + math.max(0, long)))
  local moved = move(from, "open", f[2], "manual", long)
  keep(math.max(0, long))
  if long < 0 then
    redis.call("PERSIST", key)
    redis.call("ZADD", index, "+inf", name)
  end
  return moved
end
redis.call("HSET", key, "f", 0, "r", int(now + (tonumber(f[3]) or 0)))
if ARGV[4] == "reset" then redis.call("HSET", key, "o", 0) end
local moved = move(from, "closed", f[2], "manual", -1)
keep(0)
return moved`)

/**
 * Gives `state, forced, since, left, calls, failures, slow, consecutive, openings, probing`, or nothing. Changes
 * nothing.
 */
const readScript = scriptOf(`
local f = redis.call("HMGET", key, "s", "f", "t", "u", "p", "n", "o", "w", "", "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
local state, since = f[1], f[3]
if not state then return {} end
local till, left = tonumber(f[4]) or 0, -1
if state == "open" and f[2] ~= "1" then
  left = till - now
  if left <= 0 then state, since, left = "half-open", int(till), -1 end
end
local calls, failures, slow = slots(tonumber(f[8]) or 1, f, 10)
return { state, f[2] or "0", since, int(left), int(calls), int(failures), int(slow), f[6] or "0", f[7] or "0", int(#(live(f[5]))) }`)
