/** Recorded requests run again: equal, over HTTP, whatever happened to them; and another way, where just the consequences differ. */
import type { Difference, Forked, Recorded, Replayed } from "@plugline/inspector"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { question, type Site, site } from "../admin/site.ts"
import { ask, type Stage, stage } from "../server/harness.ts"
import { as, type Asking, called, namesOf, openly, recordedOf, summaryOf } from "./support.ts"

const pipelines = `
  resilient:
    - metrics
    - trackCost
    - { plug: cache, ttl: 1 hour }
    - { plug: fallback, steps: [{ provider: anthropic, model: model-2 }] }
    - { plug: retry, attempts: 2, base: 1 milli, cap: 2 millis }
    - trackCost
    - { plug: circuitBreaker, consecutive: 50 }
    - { plug: timeout, total: 30 seconds }
  plain: [metrics, { plug: retry, attempts: 2, base: 1 milli }]`
const yaml = `
limits: [{ per: user, requestsPerMinute: 10000 }]
budgets: [{ per: user, amount: 100, every: day }]
accounting: { unpriced: allow }
routes: { default: resilient, /v1/messages: plain }`

let at: Stage
let api: Asking
beforeAll(async () => {
  at = await stage({ pipelines, yaml, providers: "  local: {}" })
  api = openly(at)
  at.upstream.answers.set("down", ({ response, script }) => void response.writeHead(503).end(script.error(503)))
})
afterAll(() => at.close())

const replay = async (id: string): Promise<Replayed> => {
  const { json, status, text } = await api(`/inspector/api/traces/${id}/replay`, { body: {} })
  expect(status, text).toBe(200)
  return json as Replayed
}
const fork = async (id: string, body: object): Promise<Forked> => {
  const { json, status, text } = await api(`/inspector/api/traces/${id}/fork`, { body })
  expect(status, text).toBe(200)
  return json as Forked
}
const equal = (replayed: Replayed): void => {
  expect(replayed.differences).toEqual([])
  expect(replayed).toMatchObject({ equal: true, pipelineChanged: false })
}
const paths = (differences: ReadonlyArray<Difference>): string => differences.map(({ path }) => path).join("\n")

describe("a replay over HTTP is equal", () => {
  it.each([false, true])("of a call that was retried and fell back (streamed: %s), and asks nobody", async (stream) => {
    const { id, status } = await called(at, { model: "openai/down", stream, max_tokens: 9 })
    expect(status).toBe(200)
    const recorded = await recordedOf(api, id)
    expect(recorded.summary).toMatchObject({ provider: "anthropic", streamed: stream })
    expect(recorded.world.exchanges.map(({ plug }) => plug)).toEqual(["send", "send", "send"])
    expect(namesOf(recorded)).toEqual(expect.arrayContaining(["fallback", "retry", "budget", "rateLimit", "circuitBreaker", "send"]))
    const before = at.upstream.asked.length
    const { json: usage } = await api("/admin/usage")
    const counted = async () => (await api("/metrics")).text.split("\n").filter((line) => /^(plugline|gen_ai)_/.test(line))
    const metrics = await counted()
    expect(metrics.length).toBeGreaterThan(5)
    const again = await replay(id)
    equal(again)
    expect(again.replayed.summary).toMatchObject({ route: "replay", parent: id, provider: "anthropic", status: 200 })
    expect(namesOf(again.replayed)).toEqual(namesOf(recorded))
    expect(at.upstream.asked.length).toBe(before)
    expect((await api("/admin/usage")).json).toEqual(usage)
    expect(await counted()).toEqual(metrics)
    equal(await replay(id))
  })

  it.each([
    ["a hit", { model: "openai/hit" }],
    ["a failure", { model: "openai/429" }],
    ["what was cut", { model: "openai/truncated", stream: true }],
    ["tools", { model: "openai/tools", tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }] }]
  ])("of %s", async (_what, body) => {
    await called(at, body)
    const { id } = await called(at, body)
    await recordedOf(api, id)
    equal(await replay(id))
  })

  it.each(["/v1/messages", "/v1/responses"])("of a stream on %s", async (path) => {
    const { id } = await called(at, { stream: true, max_tokens: 9, input: "Hi" }, path)
    await recordedOf(api, id)
    equal(await replay(id))
  })

  it("of a call under an idempotency key, and of the one that got its answer", async () => {
    for (let time = 0; time < 2; time++) {
      const { headers } = await ask(at.address, "/v1/chat/completions", {
        body: question({ model: "openai/idem" }), headers: { "idempotency-key": "k-1" }
      })
      const id = String(headers["x-request-id"])
      const recorded = await recordedOf(api, id)
      expect(recorded.call).toMatchObject({ keyed: true })
      expect(namesOf(recorded)).toContain("idempotency")
      equal(await replay(id))
    }
  })

  it("of the built-in provider", async () => {
    const { id, status } = await called(at, { model: "local/rules-1", stream: true })
    expect(status).toBe(200)
    await recordedOf(api, id)
    equal(await replay(id))
  })
})

describe("a fork", () => {
  let id: string
  let original: Recorded
  beforeAll(async () => {
    ({ id } = await called(at, { temperature: 1 }))
    original = await recordedOf(api, id)
  })

  it("with one value changed shows just what comes of it, and is kept under an id of its own", async () => {
    const before = at.upstream.asked.length
    const { differences, forked } = await fork(id, { set: [{ path: "options.temperature", value: 0 }] })
    expect(at.upstream.asked.length).toBe(before)
    expect(differences).toContainEqual({ path: "steps[\"0#1\"].in.options.temperature", before: 1, after: 0 })
    // What it was asked, what was sent, what it is known by in the cache: nothing else.
    for (const { path } of differences) expect(path).toMatch(/temperature|cache\.status"?\]?\.key|\.body|stores|hash|fingerprint/i)
    expect(forked.summary).toMatchObject({ route: "fork", parent: id, status: 200, recorded: true })
    expect(forked.summary.id).not.toBe(id)
    expect(forked.summary.seq).toBeGreaterThan(original.summary.seq)
    const kept = await recordedOf(api, forked.summary.id)
    expect(kept.fork).toEqual({ set: [{ path: "options.temperature", value: 0 }] })
    expect(kept.request.options).toMatchObject({ temperature: 0 })
    equal(await replay(kept.summary.id))
  })

  it("from a later step leaves everything before it as it was", async () => {
    const step = original.trace.steps.find(({ name }) => name === "retry")!
    const { differences } = await fork(id, {
      at: { path: String(step.path), attempt: 1 }, set: [{ path: "messages[0].content[0].text", value: "Another question" }]
    })
    expect(paths(differences)).toContain(`steps["${String(step.path)}#1"].in.messages`)
    expect(paths(differences)).not.toContain("steps[\"0#1\"].in.messages")
    expect(paths(differences)).not.toContain("steps[\"2#1\"].in.messages")
  })

  it("with other options for a plug, or another line, runs through these", async () => {
    const retry = original.trace.steps.find(({ name }) => name === "retry")!
    const { forked } = await fork(id, { options: [{ path: String(retry.path), options: { attempts: 1 } }] })
    expect(forked.summary.status).toBe(200)
    const other = await fork(id, { line: [{ name: "metrics" }, { name: "timeout", options: { total: "5 seconds" } }] })
    expect(other.forked.pipeline.map(({ name }) => name)).toEqual(["metrics", "timeout", "ask"])
    expect(namesOf(other.forked).slice(0, 3)).toEqual(["metrics", "timeout", "ask"])
    expect(other.forked.summary.hash).not.toBe(original.summary.hash)
  })

  it("that is live asks and pays, and its limits and budgets count", async () => {
    const counted = async () => (await api("/metrics")).text.split("\n")
      .flatMap((line) => /^plugline_track_cost_calls_total\S* (\d+)/.exec(line)?.slice(1).map(Number) ?? [])
      .reduce((sum, count) => sum + count, 0)
    const [before, asked] = [await counted(), at.upstream.asked.length]
    const { forked } = await fork(id, { upstream: "live", set: [{ path: "messages[0].content[0].text", value: "Live now" }] })
    expect(forked.summary).toMatchObject({ status: 200, route: "fork", parent: id })
    expect(namesOf(forked)).toEqual(expect.arrayContaining(["rateLimit", "budget"]))
    expect(at.upstream.asked.length).toBe(asked + 1)
    expect(at.upstream.asked.at(-1)!.text).toContain("Live now")
    expect(before).toBeGreaterThan(0)
    expect(await counted()).toBe(before + 1)
    equal(await replay(forked.summary.id))
  })

  it.each([
    ["a path that leads nowhere", { set: [{ path: "options.temperatur.x", value: 0 }] }],
    ["a field that is none", { set: [{ path: "nothing", value: 0 }] }],
    ["a plug that is not there", { at: { path: "99", attempt: 1 } }],
    ["a visit that never was", { at: { path: "0", attempt: 7 }, set: [{ path: "options.temperature", value: 0 }] }],
    ["an unknown plug", { line: [{ name: "retri" }] }],
    ["options that do not fit", { line: [{ name: "retry", options: { attempts: "many" } }] }],
    ["other options for what has none", { options: [{ path: "99", options: {} }] }],
    ["a field too many", { set: [], sett: [] }],
    ["no object", { set: "x" }],
    ["a live change of who asks", { upstream: "live", set: [{ path: "assigns.identity", value: { tenant: "other" } }] }],
    ["a live change of where it goes", { upstream: "live", set: [{ path: "config.baseUrl", value: "http://127.0.0.1:1" }] }],
    ["a live line with somebody else's identity", { upstream: "live", line: [{ name: "identity", options: { tenant: "other" } }] }],
    ["a live line past the limits", { upstream: "live", line: [{ name: "fallback", options: { steps: [{ provider: "anthropic" }], through: "providers" } }] }],
    ["a live cache that is shared by tenants", { upstream: "live", line: [{ name: "cache", options: { apart: ["user"] } }] }],
    ["a live line with too many calls", { upstream: "live", line: [{ name: "retry", options: { attempts: 99 } }] }]
  ])("is refused with %s, and says why", async (_what, body) => {
    const before = at.upstream.asked.length
    const { json, status } = await api(`/inspector/api/traces/${id}/fork`, { body })
    expect(status, JSON.stringify(json)).toBe(400)
    expect(json.error.message.length).toBeGreaterThan(10)
    expect(at.upstream.asked.length).toBe(before)
  })

  it("to an address inside the network is refused before anything is sent", async () => {
    const before = at.upstream.asked.length
    const image = { type: "file", mediaType: "image/png", data: { _tag: "URL", href: "http://127.0.0.1/secret" } }
    const { json, status } = await api(`/inspector/api/traces/${id}/fork`, {
      body: { upstream: "live", set: [{ path: "messages[0].content[0]", value: image }] }
    })
    if (status === 200) expect(json.forked.summary).toMatchObject({ status: 400 })
    else expect(status).toBe(400)
    expect(at.upstream.asked.length).toBe(before)
  })
})

it("a replay is equal where the stores are in a file, too", async () => {
  const kept = await stage({ pipelines, yaml: `${yaml}\nstores: { kind: sqlite }` })
  try {
    kept.upstream.answers.set("down", ({ response, script }) => void response.writeHead(503).end(script.error(503)))
    for (const body of [{}, {}, { stream: true, model: "openai/down", max_tokens: 9 }]) {
      const { id } = await called(kept, body)
      await recordedOf(openly(kept), id)
      const { json } = await openly(kept)(`/inspector/api/traces/${id}/replay`, { body: {} })
      equal(json as Replayed)
    }
  } finally {
    await kept.close()
  }
})

it("a request from a file is looked at and run again, by whoever opened it", async () => {
  const { id } = await called(at, { stream: true })
  const recorded = await recordedOf(api, id)
  const { json, status } = await api("/inspector/api/import", { body: recorded })
  expect(status).toBe(200)
  expect(json.id).toMatch(/^file_/)
  expect((await api(`/inspector/api/traces/${json.id}`)).json.trace).toEqual(recorded.trace)
  equal(await replay(json.id))
  expect((await api("/inspector/api/traces?limit=1000")).json.traces.map((each: { id: string }) => each.id)).not.toContain(json.id)
  for (const broken of [{}, { ...recorded, version: 2 }, { ...recorded, trace: {} }, { ...recorded, world: {} }, { ...recorded, summary: { id } }, { ...recorded, more: 1 }]) {
    const { json, status } = await api("/inspector/api/import", { body: broken })
    expect(status, JSON.stringify(json)).toBe(400)
  }
  expect((await api("/inspector/api/import", { method: "POST", body: "[1]" })).status).toBe(400)
})

it("a request that is not there is 404, also to be run", async () => {
  for (const path of ["", "/replay", "/fork"]) {
    const { json, status } = await api(`/inspector/api/traces/req_nobody${path}`, path === "" ? {} : { body: {} })
    expect([status, json.error.code]).toEqual([404, "unknown_trace"])
  }
})

describe("the playground", () => {
  it.each([false, true])("runs a chat through the named pipeline (streamed: %s), as a call like any other", async (stream) => {
    const { headers, status, text } = await ask(at.address, "/inspector/api/play/plain", { body: question({ stream }) })
    expect(status).toBe(200)
    expect(text).toContain(stream ? "data: [DONE]" : "chat.completion")
    expect(await summaryOf(api, String(headers["x-request-id"]))).toMatchObject({ pipeline: "plain", route: "/inspector/api/play/{pipeline}", recorded: true })
    const recorded = await recordedOf(api, String(headers["x-request-id"]))
    expect(recorded.pipeline.map(({ name }) => name)).toEqual(["metrics", "rateLimit", "retry", "budget", "ask"])
    equal(await replay(recorded.summary.id))
  })

  it("says which pipelines there are", async () => {
    const { json, status } = await api("/inspector/api/play/plian", { body: question() })
    expect([status, json.error.code]).toEqual([404, "unknown_pipeline"])
    expect(json.error.message).toContain("plain")
  })
})

describe("with keys", () => {
  let keyed: Site
  beforeAll(async () => {
    keyed = await site({
      config: {
        inspector: { sample: 1 },
        pipelines: { default: ["metrics", "trackCost"], other: ["metrics"] },
        tenants: { acme: {}, other: { pipeline: "other" } }
      }
    })
  })
  afterAll(() => keyed.close())
  const callAs = async (who: "acme" | "acmeDev" | "dev" | "other", body: object = {}): Promise<string> =>
    String((await keyed.as(who, "/v1/chat/completions", { body: question(body) })).headers["x-request-id"])

  it("one tenant's requests are nobody's but its own and the gateway's", async () => {
    const [mine, theirs, nobodys] = [await callAs("acmeDev"), await callAs("other"), await callAs("dev")]
    for (const id of [mine, theirs, nobodys]) await summaryOf(as(keyed, "root"), id)
    const seen = async (who: "acme" | "other" | "root" | "ops") =>
      (await keyed.as(who, "/inspector/api/traces?limit=1000")).json.traces.map(({ id }: { id: string }) => id)
    expect(await seen("acme")).toContain(mine)
    expect(await seen("acme")).not.toContain(theirs)
    expect(await seen("acme")).not.toContain(nobodys)
    expect(await seen("other")).not.toContain(mine)
    for (const who of ["root", "ops"] as const) expect(await seen(who)).toEqual(expect.arrayContaining([mine, theirs, nobodys]))
    for (const path of ["", "/replay", "/fork"]) {
      const { status } = await keyed.as("acme", `/inspector/api/traces/${theirs}${path}`, path === "" ? {} : { body: {} })
      expect(status).toBe(404)
    }
    expect((await keyed.as("acme", `/inspector/api/traces?q=${theirs}`)).json.traces).toEqual([])
    expect((await keyed.as("acme", "/inspector/api/traces?tenant=other")).json.traces).toEqual([])
    const { json: health } = await keyed.as("acme", "/inspector/api/health?by=tenant")
    expect(health.groups.map(({ name }: { name: string }) => name)).toEqual(["acme"])
    expect([health.circuits, health.cache]).toEqual([[], {}])
    const opened = await keyed.as("acme", "/inspector/api/import", { body: (await keyed.as("acme", `/inspector/api/traces/${mine}`)).json })
    expect(opened.status).toBe(200)
    for (const who of ["other", "root"] as const) {
      expect((await keyed.as(who, `/inspector/api/traces/${opened.json.id}`)).status).toBe(404)
    }
    expect((await keyed.as("acme", `/inspector/api/traces/${opened.json.id}/replay`, { body: {} })).json.equal).toBe(true)
  })

  it("roles see and run what they are permitted", async () => {
    const id = await callAs("dev")
    await summaryOf(as(keyed, "root"), id)
    for (const who of ["dev", "view", "acmeDev"] as const) {
      for (const path of ["session", "traces", "traces/live", `traces/${id}`, "pipelines", "health"]) {
        expect((await keyed.as(who, `/inspector/api/${path}`)).status, `${who} ${path}`).toBe(403)
      }
      for (const path of [`traces/${id}/replay`, `traces/${id}/fork`, "import"]) {
        expect((await keyed.as(who, `/inspector/api/${path}`, { body: {} })).status, `${who} ${path}`).toBe(403)
      }
    }
    expect((await keyed.as("view", "/inspector/api/play/default", { body: question() })).status).toBe(403)
    expect((await keyed.as("dev", "/inspector/api/play/default", { body: question() })).status).toBe(200)
    expect((await keyed.as("ops", "/inspector/api/session")).json).toMatchObject({ name: "ops", role: "operator", open: false })
    expect((await keyed.as("acme", "/inspector/api/session")).json).toMatchObject({ name: "acme", role: "admin", tenant: "acme" })
  })

  it("replays and forks are in the audit log, refusals too", async () => {
    const id = await callAs("dev")
    await summaryOf(as(keyed, "root"), id)
    expect((await keyed.as("ops", `/inspector/api/traces/${id}/replay`, { body: {} })).status).toBe(200)
    expect((await keyed.as("ops", `/inspector/api/traces/${id}/fork`, { body: { upstream: "live" } })).status).toBe(200)
    await keyed.as("view", `/inspector/api/traces/${id}/replay`, { body: {} })
    await keyed.as("ops", `/inspector/api/traces/${id}/fork`, { body: { at: { path: "99", attempt: 1 } } })
    const { entries } = (await keyed.as("root", `/admin/audit?target=${id}`)).json
    expect(entries.map(({ action, outcome, who }: { action: string; outcome: string; who: { name: string } }) => `${who.name} ${action} ${outcome}`)).toEqual([
      "ops inspector.fork failed", "ops inspector.fork allowed", "view inspector.replay refused", "ops inspector.fork allowed", "ops inspector.replay allowed"
    ])
  })

  it("a live fork is made by whoever runs it, for his providers and models", async () => {
    const { key } = (await keyed.as("root", "/admin/keys", { body: { name: "narrow", role: "operator", providers: ["openai"], models: ["openai/model-1"] } })).json
    const id = await callAs("dev")
    await summaryOf(as(keyed, "root"), id)
    const before = keyed.asked()
    const tried = async (set: ReadonlyArray<object>) => (await keyed.as(key, `/inspector/api/traces/${id}/fork`, { body: { upstream: "live", set } })).json.forked.summary
    expect(await tried([{ path: "provider", value: "anthropic" }])).toMatchObject({ status: 403, error: { reason: "Permission" } })
    expect(await tried([{ path: "options.model", value: "model-9" }])).toMatchObject({ status: 403, error: { reason: "Permission" } })
    expect(keyed.asked()).toBe(before)
    const made = await tried([])
    expect(made).toMatchObject({ status: 200 })
    expect(made).not.toHaveProperty("user")
    expect(keyed.asked()).toBe(before + 1)
    const { json } = await keyed.as("root", `/inspector/api/traces/${made.id}`)
    expect(json.request.assigns.identity).not.toMatchObject({ user: "dev" })
  })

  it("whoever belongs to a tenant plays with its own pipeline alone", async () => {
    const { json, status } = await keyed.as("other", "/inspector/api/play/default", { body: question() })
    expect([status, json.error.message]).toEqual([403, expect.stringContaining("\"other\"")])
    expect((await keyed.as("other", "/inspector/api/play/other", { body: question() })).status).toBe(200)
    expect((await keyed.as("acme", "/inspector/api/play/other", { body: question() })).status).toBe(403)
    expect((await keyed.as("root", "/inspector/api/play/other", { body: question() })).status).toBe(200)
    const names = (await keyed.as("other", "/inspector/api/pipelines")).json.pipelines.map(({ name }: { name: string }) => name)
    expect(names).toEqual(["other"])
  })
})
