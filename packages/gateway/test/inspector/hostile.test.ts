/** What nobody gets at through the inspector: other tenants' pipelines, models that are not his, limits, keys and caches of others. */
import type { Forked, Recorded, Summary } from "@plugline/inspector"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Person, question, serviceKeys, type Site, site } from "../admin/site.ts"
import { as, recordedOf, run, summaryOf } from "./support.ts"

const pipelines = {
  default: ["metrics", "trackCost", { plug: "cache", ttl: "1 hour" }, { plug: "retry", attempts: 2, base: 1 }, "circuitBreaker"],
  other: ["metrics"],
  secret: ["metrics", { plug: "cache", ttl: "77 minutes" }],
  strict: ["metrics", { plug: "rateLimit", limits: [{ per: "key", requestsPerMinute: 3 }] }, { plug: "budget", limits: [{ per: "key", amount: 50, every: "day" }], unpriced: "allow" }]
}

let at: Site
beforeAll(async () => {
  at = await site({
    config: {
      inspector: { sample: 1 },
      pipelines,
      routes: { "/v1/messages": "strict" },
      models: { cheap: "openai/model-1" },
      tenants: { acme: { models: ["openai/model-1"] }, other: { pipeline: "other" } },
      budgets: [{ per: "user", amount: 100, every: "day" }],
      limits: [{ per: "user", requestsPerMinute: 1_000 }],
      accounting: { unpriced: "allow" }
    }
  })
})
afterAll(() => at.close())

const called = async (who: Person | string, body: object = {}, path = "/v1/chat/completions"): Promise<string> => {
  const { headers } = await at.as(who, path, { body: question(body) })
  await summaryOf(as(at, "root"), String(headers["x-request-id"]))
  return String(headers["x-request-id"])
}
const fork = (who: Person | string, id: string, body: object) => at.as(who, `/inspector/api/traces/${id}/fork`, { body })
const forked = async (who: Person | string, id: string, body: object): Promise<Forked> => {
  const { json, status, text } = await fork(who, id, body)
  expect(status, text).toBe(200)
  return json as Forked
}
const opened = async (who: Person, recorded: object): Promise<string> => {
  const { json, status, text } = await at.as(who, "/inspector/api/import", { body: recorded })
  expect(status, text).toBe(200)
  return String(json.id)
}
const replayOf = async (who: Person | string, id: string) => (await at.as(who, `/inspector/api/traces/${id}/replay`, { body: {} })).json
const live = { upstream: "live" } as const
const model = (value: string) => [{ path: "options.model", value }]
/** A key of its own with few models. */
const narrow = async (more: object = {}): Promise<string> =>
  String((await at.as("root", "/admin/keys", { body: { name: "narrow", role: "operator", models: ["openai/model-1"], ...more } })).json.key)
const refused = ({ status, error }: Summary): void => expect([status, error?.reason]).toEqual([403, "Permission"])
const pathOf = ({ trace }: Recorded, name: string): string => String(trace.steps.find((step) => step.name === name)!.path)

describe("a live fork", () => {
  it("asks for no model that the tenant may not use, however often it is forked", async () => {
    const id = await called("acme")
    const before = at.asked()
    refused((await forked("acme", id, { ...live, set: model("model-9") })).forked.summary)
    refused((await forked("acme", id, { ...live, set: [{ path: "provider", value: "anthropic" }] })).forked.summary)
    const played = await forked("acme", id, { set: model("model-9") })
    refused((await forked("acme", played.forked.summary.id, live)).forked.summary)
    expect(at.asked()).toBe(before)
    expect((await forked("acme", id, live)).forked.summary.status).toBe(200)
    expect(at.asked()).toBe(before + 1)
  })

  it("believes no file about what was permitted", async () => {
    const recorded = await recordedOf(as(at, "acme"), await called("acme"))
    const file = await opened("acme", {
      ...recorded,
      request: { ...recorded.request, options: { ...recorded.request.options, model: "model-9" } },
      summary: { ...recorded.summary, asked: "openai/model-1" }
    })
    const before = at.asked()
    refused((await forked("acme", file, live)).forked.summary)
    expect(at.asked()).toBe(before)
  })

  it("changes nothing behind what has looked at it", async () => {
    const key = await narrow()
    const id = await called(key)
    const recorded = await recordedOf(as(at, "root"), id)
    const before = at.asked()
    for (const name of ["validate", "prepare", "send"]) {
      const inner = Number.parseInt(pathOf(recorded, name), 10)
      for (const place of [pathOf(recorded, name), pathOf(recorded, name).replace(String(inner), String(inner - 1))]) {
        const { status } = await fork(key, id, { ...live, at: { path: place, attempt: 1 }, set: model("model-9") })
        expect(status).toBe(400)
      }
    }
    const { json, status } = await fork(key, id, { ...live, at: { path: pathOf(recorded, "retry"), attempt: 1 }, set: model("model-9") })
    expect([status, json.error.message]).toEqual([400, expect.stringContaining("rateLimit")])
    const { json: said, status: no } = await fork(key, id, { ...live, options: [{ path: pathOf(recorded, "budget"), options: { limits: [] } }] })
    expect([no, said.error.message]).toEqual([400, expect.stringContaining("budget")])
    expect(at.asked()).toBe(before)
    const trackCost = pathOf(recorded, "trackCost")
    const { forked: { summary } } = await forked(key, id, { ...live, at: { path: trackCost, attempt: 1 }, set: [{ path: "options.temperature", value: 0 }] })
    expect(summary.status).toBe(200)
    expect(at.one.asked.at(-1)!.text).toContain("\"temperature\":0")
  })

  it("goes where the configuration says, and nowhere that a file does", async () => {
    const recorded = await recordedOf(as(at, "ops"), await called("ops"))
    const config = { ...recorded.request.config, baseUrl: `${at.two.url}/v1`, headers: { authorization: "Bearer of-the-file" }, timeouts: { total: 1 } }
    const stranger = { assigns: { "cache.control": { read: false }, identity: { tenant: "other" } }, private: { "retry.owned": true } }
    const file = await opened("ops", { ...recorded, request: { ...recorded.request, ...stranger, config, state: "completed", halted: true } })
    const [one, two] = [at.one.asked.length, at.two.asked.length]
    const { forked: made } = await forked("ops", file, live)
    expect(made.summary).toMatchObject({ status: 200 })
    expect(made.request.assigns).toEqual({ identity: { key: "ops" } })
    expect([at.one.asked.length, at.two.asked.length]).toEqual([one + 1, two])
    expect(at.one.asked.at(-1)!.headers.authorization).not.toContain("of-the-file")
  })

  it("names no address for those behind the service", async () => {
    const id = await called("ops")
    const before = at.asked()
    const set = [{ path: "options.providerOptions", value: { openai: { api_base: "http://169.254.169.254/" } } }]
    expect((await forked("ops", id, { ...live, set })).forked.summary).toMatchObject({ status: 400, error: { reason: "InvalidRequest" } })
    expect(at.asked()).toBe(before)
  })

  it("is counted once, whatever line is written, and held by limits that a pipeline has of its own", async () => {
    const key = await narrow({ name: "counted", models: ["openai/*"] })
    const id = await called(key, { max_tokens: 9 }, "/v1/messages")
    const recorded = await recordedOf(as(at, "root"), id)
    expect(recorded.summary.status).toBe(200)
    const held = async () => Number(/plugline_budget_calls_total\{outcome="held"\} (\d+)/.exec((await at.as("root", "/metrics")).text)![1])
    const names = recorded.pipeline.map(({ name }) => name)
    expect(names).toEqual(["asked", "metrics", "rateLimit", "rateLimit", "budget", "budget", "permitted", "ask"])
    const before = await held()
    const line = recorded.pipeline.filter(({ name }) => !["asked", "permitted", "ask"].includes(name)).map(({ name, options }) => ({ name, options }))
    const shown = await forked(key, id, { ...live, line })
    expect(shown.forked.pipeline.map(({ name }) => name)).toEqual(names)
    expect(await held()).toBe(before + 2)
    const { forked: bare } = await forked(key, id, { ...live, line: [] })
    expect(bare.pipeline.map(({ name }) => name)).toEqual(names.filter((name) => name !== "metrics"))
    // The call, and two forks: the minute is over for this key.
    expect((await forked(key, id, { ...live, line: [] })).forked.summary).toMatchObject({ status: 429 })
    const wider = line.map((entry, index) => index === 1 ? { name: "rateLimit", options: { limits: [{ per: "key", requestsPerMinute: 9_999 }] } } : entry)
    const { json, status } = await fork(key, id, { ...live, line: wider })
    expect([status, json.error.message]).toEqual([400, expect.stringContaining("rateLimit")])
  })

  it("becomes no more calls than a pipeline may, all options together", async () => {
    const id = await called("ops", { messages: [{ role: "user", content: "How often?" }] })
    const recorded = await recordedOf(as(at, "ops"), id)
    const before = at.asked()
    const line = [{ name: "retry", options: { attempts: 2 } }, { name: "hedge", options: { delay: 1 } }]
    const options = [{ path: "0", options: { attempts: 16 } }, { path: "1", options: { delay: 1, max: 15 } }]
    expect((await fork("ops", id, { ...live, options: [{ path: pathOf(recorded, "retry"), options: { attempts: 33 } }] })).status).toBe(400)
    expect((await fork("ops", id, { ...live, line: [...line, { name: "metrics" }], options })).status).toBe(400)
    expect(at.asked()).toBe(before)
  })

  it("answers nobody else's calls, and opens nobody else's circuits", async () => {
    const asked = { messages: [{ role: "user", content: "Who is it?" }] }
    const id = await called("ops", asked)
    const before = at.asked()
    expect((await forked("ops", id, live)).forked.summary).toMatchObject({ status: 200, cache: "miss" })
    expect(at.asked()).toBe(before + 1)
    const other = await called("ops", { messages: [{ role: "user", content: "Someone new" }] })
    const line = [{ name: "cache", options: { ttl: "1 hour", key: "one" } }]
    await forked("ops", other, { ...live, set: [{ path: "messages[0].content[0].text", value: "A question of its own" }] })
    await fork("ops", other, { ...live, line })
    expect(await summaryOf(as(at, "ops"), await called("ops", { messages: [{ role: "user", content: "A question of its own" }] }))).toMatchObject({ cache: "miss" })
    const circuits = [{ name: "circuitBreaker", options: { consecutive: 1, openFor: "1 day" } }]
    for (let time = 0; time < 3; time++) await forked("ops", id, { ...live, line: circuits, set: model("503") })
    expect((await at.as("ops", "/v1/chat/completions", { body: question({ messages: [{ role: "user", content: "Still there?" }] }) })).status).toBe(200)
  })

  it("on what was recorded is no call, and its money is nobody's", async () => {
    const id = await called("ops", { model: "openai/gpt-4o" })
    const told = async () => {
      const { calls, cost } = (await at.as("root", "/inspector/api/health?by=none")).json.groups[0] as { calls: Array<number>; cost: Array<number> }
      return [calls, cost].map((each) => each.reduce((sum, value) => sum + value, 0))
    }
    const before = await told()
    const { forked: { summary } } = await forked("ops", id, { set: [{ path: "options.temperature", value: 0 }] })
    expect(summary).toMatchObject({ upstream: "recorded", cost: expect.any(String) })
    expect(await told()).toEqual(before)
    expect((await forked("ops", id, live)).forked.summary).not.toHaveProperty("upstream")
    expect((await told())[0]).toBe(before[0]! + 1)
  })
})

describe("a file", () => {
  it("leads a tenant into no pipeline that is none of its own, also by a fork of it", async () => {
    const recorded = await recordedOf(as(at, "acme"), await called("acme"))
    const file = await opened("acme", { ...recorded, call: { ...recorded.call, pipeline: "secret", tenant: "other" }, summary: { ...recorded.summary, pipeline: "secret" } })
    const shown = JSON.stringify(await replayOf("acme", file))
    expect(shown).toContain("\"replayed\"")
    expect(shown).not.toContain("77 minutes")
    const { forked: made } = await forked("acme", file, {})
    for (const json of [made, await replayOf("acme", made.summary.id), (await forked("acme", made.summary.id, live)).forked]) {
      expect(JSON.stringify(json)).not.toContain("77 minutes")
    }
    const whole = await opened("root", { ...recorded, call: { ...recorded.call, pipeline: "secret" } })
    expect(JSON.stringify(await replayOf("root", whole))).toContain("77 minutes")
  })
})

describe("a file that is damaged", () => {
  it("is what is wrong, and not the gateway", async () => {
    const recorded = await recordedOf(as(at, "root"), await called("root", { messages: [{ role: "user", content: "Damaged" }] }))
    const values = recorded.trace.values as ReadonlyArray<unknown>
    const file = await opened("root", {
      ...recorded,
      world: { ...recorded.world, exchanges: recorded.world.exchanges.map((each) => ({ ...each, outcome: { _tag: "Answer", changes: { response: null } } })) },
      trace: { ...recorded.trace, values }
    })
    for (const [path, body] of [["replay", {}], ["fork", {}]] as const) {
      const { json, status } = await at.as("root", `/inspector/api/traces/${file}/${path}`, { body })
      expect(status, JSON.stringify(json).slice(0, 300)).toBeLessThan(500)
    }
    const steps = recorded.trace as unknown as { readonly requests: ReadonlyArray<object> }
    const broken = await opened("root", { ...recorded, trace: { ...recorded.trace, requests: steps.requests.map((each) => ({ ...each, response: null })) } })
    const { json, status } = await at.as("root", `/inspector/api/traces/${broken}/replay`, { body: {} })
    expect([status, json.error?.message]).toEqual([400, expect.stringContaining("damaged")])
  })
})

describe("a replay", () => {
  it("of a call with a key that may use few models is equal", async () => {
    const key = await narrow({ name: "few" })
    for (const body of [{}, { stream: true }, { model: "cheap" }]) {
      const id = await called(key, body)
      expect(await replayOf("root", id)).toMatchObject({ equal: true, differences: [], pipelineChanged: false })
    }
  })
})

it("no key rests because a call was replayed", async () => {
  const keys = ["sk-first-0123456789abcdef", "sk-second-0123456789abcdef"]
  const two = await site({ config: { inspector: { sample: 1 }, pipelines: { default: [] } } })
  try {
    const providers = JSON.parse(JSON.stringify({ openai: { baseUrl: `${two.one.url}/v1`, apiKey: keys, allowPrivate: true } }))
    two.write({ providers, inspector: { sample: 1 }, pipelines: { default: [] } })
    await run(two.gateway.configuration.reload)
    two.one.answers.set("picky", ({ headers, response, script }) => {
      const fits = headers.authorization === `Bearer ${keys[1]}`
      response.writeHead(fits ? 200 : 401, { "content-type": "application/json" }).end(fits ? script.whole : script.error(401))
    })
    const asked = async () => await two.as("dev", "/v1/chat/completions", { body: question({ model: "openai/picky" }) })
    const first = await asked()
    expect(first.status).not.toBe(200)
    const id = String(first.headers["x-request-id"])
    await summaryOf(as(two, "root"), id)
    for (let time = 0; time < 3; time++) {
      const { json } = await two.as("root", `/inspector/api/traces/${id}/replay`, { body: {} })
      expect(json).toMatchObject({ equal: true, differences: [] })
      expect((await two.as("root", `/inspector/api/traces/${id}/fork`, { body: { set: [{ path: "options.temperature", value: 0 }] } })).status).toBe(200)
    }
    // The first key rests, the second does not: whoever asks gets an answer.
    for (let time = 0; time < 4; time++) expect((await asked()).status).toBe(200)
  } finally {
    await two.close()
  }
})

it("a key that a service says in the error of a stream is told to nobody, though the call is recorded", async () => {
  const key = serviceKeys.anthropic
  at.two.answers.set("says it", ({ headers, response, script }) => {
    response.writeHead(200, { "content-type": "text/event-stream", "set-cookie": "sid=CanaryCookie1234567", "x-echo": String(headers["x-api-key"]) })
    const error = `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "x", message: `bad key ${String(headers["x-api-key"])}, ${String(headers["x-api-key"])}` } })}\n\n`
    response.write(script.events.slice(0, 3).join("") + error.slice(0, 70))
    setTimeout(() => response.end(error.slice(70)), 10)
  })
  for (const path of ["/v1/chat/completions", "/v1/messages"]) {
    const { headers, text } = await at.as("dev", path, { body: { ...question({ model: "anthropic/says it", stream: true }), max_tokens: 9 } })
    expect(text).toContain("bad key <redacted>, <redacted>")
    const id = String(headers["x-request-id"])
    const recorded = await recordedOf(as(at, "root"), id)
    const bytes = recorded.world.exchanges.flatMap(({ bytes = [] }) => bytes).flatMap(({ got }) => got as ReadonlyArray<string> | null ?? [])
    expect(bytes.length).toBeGreaterThan(1)
    const wire = Buffer.concat(bytes.map((each) => Buffer.from(each, "base64"))).toString("utf8")
    expect(wire).toContain("bad key <redacted>, <redacted>")
    for (const said of [text, wire, JSON.stringify(recorded)]) expect(said).not.toMatch(new RegExp(`${key}|CanaryCookie`))
    expect(await replayOf("root", id)).toMatchObject({ equal: true, differences: [] })
  }
})
