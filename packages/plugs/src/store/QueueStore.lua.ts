/**
 * What a queue does in Redis: one script for each operation. `KEYS[1]` is what every key of the queue begins with.
 *
 * Keys: `head` (hash: counter and passes of the classes), `job:<id>` (hash, also answers under `a:<question>`),
 * `open:<class>` (sorted set: unfinished jobs by when they came), `lane:<class>:<tenant>` (set: waiting jobs), `turns`
 * (hash: the turn of each lane), `ready:<class>:<tenant>` (sorted set: waiting jobs whose time has come, in order),
 * `ring:<class>` (sorted set: tenants with such jobs, by their turns), `later` (sorted set: delayed jobs by their
 * time), `running` (sorted set: lent jobs by the end of their lease), `done`, `dead`, `cancelled` (sorted sets: ended
 * jobs by when they expire).
 *
 * @module
 */

const shared = `
local base = KEYS[1]
local head = base .. "head"
local function job(id) return base .. "job:" .. id end
local function next_seq() return redis.call("HINCRBY", head, "seq", 1) end
local function stand(id, class, tenant)
  redis.call("SADD", base .. "lane:" .. class .. ":" .. tenant, id)
  redis.call("HSETNX", base .. "turns", class .. ":" .. tenant, next_seq())
end
local function ready(id, class, tenant, seq)
  redis.call("ZADD", base .. "ready:" .. class .. ":" .. tenant, seq, id)
  redis.call("ZADD", base .. "ring:" .. class, redis.call("HGET", base .. "turns", class .. ":" .. tenant), tenant)
end
local function leave(id, class, tenant)
  local waiting = base .. "ready:" .. class .. ":" .. tenant
  redis.call("ZREM", waiting, id)
  if redis.call("EXISTS", waiting) == 0 then redis.call("ZREM", base .. "ring:" .. class, tenant) end
  redis.call("ZREM", base .. "later", id)
  local lane = base .. "lane:" .. class .. ":" .. tenant
  redis.call("SREM", lane, id)
  if redis.call("EXISTS", lane) == 0 then redis.call("HDEL", base .. "turns", class .. ":" .. tenant) end
end
local function wait(id, runAt, now)
  local f = redis.call("HMGET", job(id), "class", "tenant", "seq")
  redis.call("HSET", job(id), "state", "waiting", "runAt", runAt)
  redis.call("ZREM", base .. "running", id)
  stand(id, f[1], f[2])
  if tonumber(runAt) <= tonumber(now) then ready(id, f[1], f[2], f[3]) else redis.call("ZADD", base .. "later", runAt, id) end
end
local function finish(id, state, outcome, expires)
  local f = redis.call("HMGET", job(id), "class", "tenant")
  leave(id, f[1], f[2])
  redis.call("ZREM", base .. "running", id)
  redis.call("ZREM", base .. "open:" .. f[1], id)
  redis.call("HSET", job(id), "state", state, "expires", expires)
  if outcome then redis.call("HSET", job(id), "outcome", outcome) else redis.call("HDEL", job(id), "outcome") end
  redis.call("ZADD", base .. state, expires, id)
end
local function alive(id, now)
  local f = redis.call("HMGET", job(id), "state", "expires")
  if not f[1] then return nil end
  if f[2] and tonumber(f[2]) <= tonumber(now) then return nil end
  return f[1]
end
local function forget(id)
  for _, state in ipairs({ "done", "dead", "cancelled" }) do redis.call("ZREM", base .. state, id) end
  redis.call("DEL", job(id))
end
local function shown(id)
  local f = redis.call("HMGET", job(id), "class", "tenant", "state", "payload", "attempts", "createdAt", "runAt", "outcome")
  return { id, f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8] }
end
`

export const push = `${shared}
local id, class, tenant, payload, runAt, now, depth = unpack(ARGV)
if alive(id, now) then return { "Known", redis.call("HGET", job(id), "payload") } end
local open = base .. "open:" .. class
if redis.call("ZCARD", open) >= tonumber(depth) then
  return { "Full", redis.call("ZRANGE", open, 0, 0, "WITHSCORES")[2] or now }
end
forget(id)
redis.call("HSET", job(id), "class", class, "tenant", tenant, "payload", payload, "createdAt", now, "attempts", 0, "fence", 0,
  "seq", next_seq())
redis.call("ZADD", open, now, id)
wait(id, runAt, now)
return { "Accepted" }`

export const take = `${shared}
local now, max, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local deliveries, keep, lost = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local classes = { "high", "normal", "batch" }
for _, id in ipairs(redis.call("ZRANGEBYSCORE", base .. "running", "-inf", now, "LIMIT", 0, 100)) do
  if tonumber(redis.call("HGET", job(id), "attempts")) >= deliveries then finish(id, "dead", lost, now + keep)
  else wait(id, redis.call("HGET", job(id), "runAt"), now) end
end
for _, id in ipairs(redis.call("ZRANGEBYSCORE", base .. "later", "-inf", now, "LIMIT", 0, 1000)) do
  local f = redis.call("HMGET", job(id), "class", "tenant", "seq")
  redis.call("ZREM", base .. "later", id)
  ready(id, f[1], f[2], f[3])
end
local stored = redis.call("HMGET", head, "virtual", "high", "normal", "batch")
local virtual = tonumber(stored[1] or 0)
local pass, weight, place = {}, {}, {}
for i, class in ipairs(classes) do
  pass[class], weight[class], place[class] = tonumber(stored[i + 1] or 0), tonumber(ARGV[6 + i]), i
end
local taken = {}
for _ = 1, max do
  local served = nil
  for _, class in ipairs(classes) do
    if redis.call("EXISTS", base .. "ring:" .. class) == 1
      and (not served or math.max(pass[class], virtual) < math.max(pass[served], virtual)) then served = class end
  end
  if not served then break end
  local ring = base .. "ring:" .. served
  local tenant = redis.call("ZRANGE", ring, 0, 0)[1]
  local lane = base .. "ready:" .. served .. ":" .. tenant
  local id = redis.call("ZRANGE", lane, 0, 0)[1]
  local turn = next_seq()
  redis.call("ZADD", ring, turn, tenant)
  redis.call("HSET", base .. "turns", served .. ":" .. tenant, turn)
  leave(id, served, tenant)
  redis.call("HSET", job(id), "state", "running")
  local attempts = redis.call("HINCRBY", job(id), "attempts", 1)
  local fence = redis.call("HINCRBY", job(id), "fence", 1)
  redis.call("ZADD", base .. "running", now + lease, id)
  virtual = math.max(pass[served], virtual)
  pass[served] = virtual + 1 / weight[served]
  for _, value in ipairs({ id, served, tenant, redis.call("HGET", job(id), "payload"), attempts, fence }) do
    taken[#taken + 1] = value
  end
end
local function exact(n) return string.format("%.17g", n) end
redis.call("HSET", head, "virtual", exact(virtual), "high", exact(pass.high), "normal", exact(pass.normal), "batch", exact(pass.batch))
return taken`

export const renew = `${shared}
local f = redis.call("HMGET", job(ARGV[1]), "state", "fence")
if f[1] ~= "running" or f[2] ~= ARGV[2] then return { 0 } end
redis.call("ZADD", base .. "running", ARGV[3], ARGV[1])
return { 1 }`

export const settle = `${shared}
local id, fence, now, kind, outcome, at = unpack(ARGV)
local f = redis.call("HMGET", job(id), "state", "fence")
if f[1] ~= "running" and f[1] ~= "waiting" then return { 0 } end
if kind == "Done" then
  finish(id, "done", outcome, at)
  return { 1 }
end
if f[1] ~= "running" or f[2] ~= fence then return { 0 } end
if kind == "Dead" then
  finish(id, "dead", outcome, at)
  return { 1 }
end
if kind == "Retry" then redis.call("HSET", job(id), "outcome", outcome) else redis.call("HINCRBY", job(id), "attempts", -1) end
wait(id, at, now)
return { 1 }`

export const find = `${shared}
if not alive(ARGV[1], ARGV[2]) then return {} end
return shown(ARGV[1])`

export const cancel = `${shared}
local state = redis.call("HGET", job(ARGV[1]), "state")
if state ~= "running" and state ~= "waiting" then return { 0 } end
finish(ARGV[1], "cancelled", nil, ARGV[2])
return { 1 }`

export const dead = `${shared}
local found = {}
for _, id in ipairs(redis.call("ZRANGEBYSCORE", base .. "dead", "(" .. ARGV[1], "+inf", "LIMIT", 0, ARGV[2])) do
  local row = shown(id)
  for i = 1, 9 do found[#found + 1] = row[i] end
end
return found`

export const redrive = `${shared}
local id, now, depth = unpack(ARGV)
if alive(id, now) ~= "dead" then return { "missing" } end
local f = redis.call("HMGET", job(id), "class", "createdAt")
local open = base .. "open:" .. f[1]
if redis.call("ZCARD", open) >= tonumber(depth) then return { "full" } end
redis.call("ZREM", base .. "dead", id)
redis.call("HSET", job(id), "attempts", 0)
redis.call("HDEL", job(id), "expires")
redis.call("ZADD", open, f[2], id)
wait(id, now, now)
return { "redriven" }`

export const remember = `${shared}
if redis.call("EXISTS", job(ARGV[1])) == 1 then redis.call("HSET", job(ARGV[1]), "a:" .. ARGV[2], ARGV[3]) end
return { 1 }`

export const stats = `${shared}
local now = tonumber(ARGV[1])
local found = {}
for i, class in ipairs({ "high", "normal", "batch" }) do
  local open = base .. "open:" .. class
  found[i * 4 - 3] = redis.call("ZCARD", open)
  found[i * 4 - 2] = 0
  found[i * 4 - 1] = 0
  found[i * 4] = math.max(0, now - tonumber(redis.call("ZRANGE", open, 0, 0, "WITHSCORES")[2] or now))
end
local at = { high = 1, normal = 5, batch = 9 }
for _, id in ipairs(redis.call("ZRANGE", base .. "running", 0, -1)) do
  local i = at[redis.call("HGET", job(id), "class")]
  found[i] = found[i] - 1
  found[i + 2] = found[i + 2] + 1
end
for _, id in ipairs(redis.call("ZRANGEBYSCORE", base .. "later", "(" .. now, "+inf")) do
  local i = at[redis.call("HGET", job(id), "class")]
  found[i + 1] = found[i + 1] + 1
end
for _, state in ipairs({ "done", "dead", "cancelled" }) do
  found[#found + 1] = redis.call("ZCOUNT", base .. state, "(" .. now, "+inf")
end
return found`

export const sweep = `${shared}
local count = 0
for _, state in ipairs({ "done", "dead", "cancelled" }) do
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", base .. state, "-inf", ARGV[1], "LIMIT", 0, 1000)) do
    forget(id)
    count = count + 1
  end
end
return { count }`
