/** What is written down of requests: a line of each, every step of those that are sampled, and nothing where it is off. */
import { Mock } from "@plugline/testing"
import { request as httpRequest } from "node:http"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Request } from "plugline"
import { afterEach, describe, expect, it } from "vitest"
import { question, type Site, site } from "../admin/site.ts"
import { after, ask, type Setting, type Stage, stage } from "../server/harness.ts"
import { half } from "../server/upstream.ts"
import { as, called, namesOf, openly, recordedOf, summaryOf, until } from "./support.ts"

const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
const set = async (setting: Setting = {}): Promise<Stage> => {
  const made = await stage(setting)
  closing.push(made.close)
  return made
}
const siteOf = async (setting: Parameters<typeof site>[0] = {}): Promise<Site> => {
  const made = await site(setting)
  closing.push(made.close)
  return made
}

const lines = `  full: [metrics, trackCost, { plug: cache, ttl: 1 hour }, { plug: retry, attempts: 3, base: 1 milli, cap: 2 millis }, circuitBreaker]`
const full = { pipelines: lines, yaml: "routes: { default: full }" }

describe("a call", () => {
  it("is a line in the list, under the id its client was told, with what the log and the headers say", async () => {
    const at = await set(full)
    const { headers, id, status } = await called(at)
    expect(status).toBe(200)
    expect(headers["x-plugline-trace"]).toBe(`/inspector/#/traces/${id}`)
    const summary = await summaryOf(openly(at), id)
    expect(summary).toMatchObject({
      id, route: "/v1/chat/completions", dialect: "openai", operation: "chat", streamed: false, status: 200, provider: "openai",
      asked: "openai/model-1", model: "model-1", pipeline: "full", cache: "miss", attempts: 1, inputTokens: 10, outputTokens: 5, recorded: true, seq: 1
    })
    expect(summary.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(summary.bytes).toBeGreaterThan(500)
    expect(summary).not.toHaveProperty("firstToken")
    expect(summary).not.toHaveProperty("cost")
    const again = await called(at)
    expect(await summaryOf(openly(at), again.id)).toMatchObject({ cache: "hit", seq: 2, cost: "0" })
  })

  it("is there for whoever looks right after it", async () => {
    const at = await set(full)
    for (let count = 1; count <= 20; count++) {
      const { id } = await called(at)
      const { json } = await openly(at)("/inspector/api/traces")
      expect([json.total, json.traces[0].id]).toEqual([count, id])
    }
  })

  it("is kept with every step, with what came from outside, and with the pipeline as it was", async () => {
    const at = await set(full)
    const { id } = await called(at)
    const recorded = await recordedOf(openly(at), id)
    expect(recorded.version).toBe(1)
    expect(recorded.summary.id).toBe(id)
    expect(recorded.pipeline.map(({ name }) => name)).toEqual(["metrics", "trackCost", "cache", "retry", "circuitBreaker", "ask"])
    expect(namesOf(recorded).slice(0, 6)).toEqual(["metrics", "trackCost", "cache", "retry", "circuitBreaker", "ask"])
    expect(namesOf(recorded)).toContain("send")
    expect(recorded.request.messages).toEqual([{ role: "user", content: [{ type: "text", text: "How are you?" }] }])
    expect(recorded.world.exchanges).toHaveLength(1)
    expect(recorded.world.stores!.length).toBeGreaterThan(2)
    expect(recorded.call).toMatchObject({ operation: "chat", route: "/v1/chat/completions" })
  })

  it.each(["/v1/chat/completions", "/v1/responses", "/v1/messages"])("that streams on %s is kept part by part, with the time of the first", async (path) => {
    const at = await set(full)
    const body = path === "/v1/responses" ? { input: "Hi", stream: true } : { stream: true, max_tokens: 9 }
    const { id, text } = await called(at, body, path)
    expect(text.length).toBeGreaterThan(100)
    const recorded = await recordedOf(openly(at), id)
    expect(recorded.summary).toMatchObject({ streamed: true, operation: "stream", status: 200, inputTokens: 10, outputTokens: 5 })
    expect(recorded.summary.firstToken).toBeGreaterThanOrEqual(0)
    expect(recorded.summary.firstToken).toBeLessThanOrEqual(recorded.summary.took)
    expect(recorded.trace.parts.length).toBeGreaterThan(3)
    expect(recorded.world.exchanges[0]!.bytes!.length).toBeGreaterThan(0)
  })

  it("that is tried again shows each attempt; one that fails says why", async () => {
    const at = await set(full)
    let count = 0
    at.upstream.answers.set("twice", (asked) => {
      if (++count === 1) return void asked.response.writeHead(500).end(asked.script.error(500))
      asked.response.writeHead(200, { "content-type": "application/json" }).end(asked.script.whole)
    })
    const { id, status } = await called(at, { model: "openai/twice" })
    expect(status).toBe(200)
    const recorded = await recordedOf(openly(at), id)
    expect(recorded.summary.attempts).toBe(2)
    expect(recorded.trace.steps.filter(({ name }) => name === "send").map(({ attempt }) => attempt)).toEqual([1, 2])
    const failed = await called(at, { model: "openai/500" })
    expect(await summaryOf(openly(at), failed.id)).toMatchObject({ status: 500, recorded: true, error: { reason: "Server" } })
  })

  it("whose client leaves is 499, with the steps so far", async () => {
    const at = await set(full)
    for (const stream of [false, true]) {
      at.upstream.answers.set("stalls", stream ? half : () => {})
      const before = at.upstream.asked.length
      let id = ""
      const request = httpRequest(`${at.address}/v1/chat/completions`, { method: "POST", agent: false, headers: { "content-type": "application/json" } })
      request.on("error", () => {})
      request.on("response", (response) => {
        id = String(response.headers["x-request-id"])
        response.on("error", () => {})
      })
      request.end(JSON.stringify(question({ model: "openai/stalls", stream })))
      await until(() => at.upstream.asked.length > before && (!stream || id !== ""))
      request.destroy()
      const api = openly(at)
      await until(async () => (await api("/inspector/api/traces?status=499")).json.total >= 0 && (await api("/inspector/api/traces?status=499")).json.traces.length > (stream ? 1 : 0))
      const [summary] = (await api("/inspector/api/traces?status=499")).json.traces
      expect(summary).toMatchObject({ status: 499, streamed: stream, provider: "openai", recorded: true })
      const recorded = await recordedOf(api, summary.id)
      expect(namesOf(recorded)).toContain("send")
      expect(recorded.trace.final).toBeNull()
    }
  })

  it("that never ran is a line: a body that is none, a model that is not there, somebody without a key", async () => {
    const at = await siteOf({ config: { inspector: { sample: 1 } } })
    const api = as(at, "ops")
    const broken = await ask(at.address, "/v1/chat/completions", { body: "{", method: "POST", headers: { authorization: `Bearer ${"x".repeat(5)}` } })
    expect(broken.status).toBe(401)
    expect(await summaryOf(api, String(broken.headers["x-request-id"]))).toMatchObject({
      status: 401, operation: "chat", recorded: false, pipeline: "", error: { reason: "Authentication" }
    })
    const unread = await at.as("dev", "/v1/chat/completions", { body: "{", method: "POST" })
    expect(await summaryOf(api, String(unread.headers["x-request-id"]))).toMatchObject({ status: 400, recorded: false, user: "dev", key: "dev" })
    const forbidden = await at.as("view", "/v1/messages", { body: question() })
    expect(await summaryOf(api, String(forbidden.headers["x-request-id"]))).toMatchObject({ status: 403, dialect: "anthropic" })
    const { json, status } = await api(`/inspector/api/traces/${String(unread.headers["x-request-id"])}`)
    expect([status, json.error.code]).toEqual([404, "not_recorded"])
    expect((await at.as("dev", "/v1/models")).status).toBe(200)
    await after(120)
    expect((await api("/inspector/api/traces?limit=1000")).json.traces.map(({ route }: { route: string }) => route)).not.toContain("/v1/models")
  })

  it("of strangers is written down a hundred times a minute and no more", async () => {
    const at = await siteOf()
    const known = await at.as("dev", "/v1/chat/completions", { body: question() })
    await Promise.all(Array.from({ length: 150 }, () => ask(at.address, "/v1/chat/completions", { body: question() })))
    await summaryOf(as(at, "ops"), String(known.headers["x-request-id"]))
    await until(async () => (await as(at, "ops")("/inspector/api/traces?status=401&limit=1000")).json.traces.length >= 100)
    await after(150)
    const { length } = (await as(at, "ops")("/inspector/api/traces?status=401&limit=1000")).json.traces
    // The minute may have turned meanwhile.
    expect(length).toBeLessThanOrEqual(150)
    expect([100, 101].includes(length) || length > 100, String(length)).toBe(true)
  })
})

describe("what is kept", () => {
  it("is nothing of what was said where keys are needed, unless it is chosen; all lines are there", async () => {
    const at = await siteOf()
    const { headers, status } = await at.as("dev", "/v1/chat/completions", { body: question() })
    expect(status).toBe(200)
    expect(headers).not.toHaveProperty("x-plugline-trace")
    const id = String(headers["x-request-id"])
    expect(await summaryOf(as(at, "ops"), id)).toMatchObject({ recorded: false, user: "dev", model: "model-1" })
    const { json, status: found } = await as(at, "ops")(`/inspector/api/traces/${id}`)
    expect([found, json.error.message]).toEqual([404, expect.stringContaining("inspector.sample")])
    expect((await as(at, "ops")("/inspector/api/session")).json).toMatchObject({ open: false, recording: { on: false, sample: 0 } })
  })

  it("is a share of the steps where that is said", async () => {
    const at = await set({ yaml: "inspector: { sample: 0.5 }" })
    const traced: Array<boolean> = []
    for (let count = 0; count < 60; count++) traced.push((await called(at)).headers["x-plugline-trace"] !== undefined)
    const share = traced.filter((is) => is).length
    expect(share).toBeGreaterThan(10)
    expect(share).toBeLessThan(50)
  })

  it("is no step of a request that is too large, and it says so", async () => {
    const at = await set({ yaml: "inspector: { maxRecord: 20kb }" })
    const large = await called(at, { messages: [{ role: "user", content: "word ".repeat(10_000) }] })
    expect(await summaryOf(openly(at), large.id)).toMatchObject({ recorded: false, unrecorded: "size", status: 200 })
    expect((await openly(at)(`/inspector/api/traces/${large.id}`)).json.error.message).toContain("inspector.maxRecord")
    const small = await called(at)
    expect(await summaryOf(openly(at), small.id)).toMatchObject({ recorded: true })
  })

  it("is as many as are said, the latest", async () => {
    const at = await set({ yaml: "inspector: { maxEntries: 32 }" })
    for (let count = 0; count < 40; count++) await called(at)
    const last = await called(at)
    await summaryOf(openly(at), last.id)
    const { json } = await openly(at)("/inspector/api/traces")
    expect(json.total).toBeLessThanOrEqual(32)
    expect(json.traces[0].id).toBe(last.id)
  })

  it("is in a file where the stores are, and there after a restart", async () => {
    const first = await site({ config: { stores: { kind: "sqlite", path: "state.db" }, inspector: { sample: 1 } } })
    const { headers } = await first.as("dev", "/v1/chat/completions", { body: question() })
    // What waits is written when the gateway stops.
    await first.stop()
    expect(readdirSync(first.folder)).toContain("plugline-traces.db")
    const second = await siteOf({ folder: first.folder, config: { stores: { kind: "sqlite", path: "state.db" }, inspector: { sample: 1 } } })
    const recorded = await recordedOf(as(second, "ops"), String(headers["x-request-id"]))
    expect(namesOf(recorded)).toContain("send")
    await Promise.all([first.one.close(), first.two.close()])
  })

  it("is nothing at all where it is off: no header, no API, a plain word in place of the page", async () => {
    const at = await set({ yaml: "inspector: { enabled: false }" })
    const { headers, status } = await called(at)
    expect([status, headers["x-plugline-trace"]]).toEqual([200, undefined])
    for (const path of ["/inspector/api/session", "/inspector/api/traces", "/inspector/api/traces/live", "/inspector/api/pipelines"]) {
      const { json, status } = await openly(at)(path)
      expect([status, json.error.code], path).toEqual([404, "inspector_off"])
    }
    expect(await ask(at.address, "/inspector/")).toMatchObject({ status: 404, text: expect.stringContaining("turned off") })
  })
})

it("seeded keys are in no record, no list, no stream and no file, whatever a plug does", async () => {
  const keys = ["sk-canary-openai-0123456789abcdef", "CanaryWithoutForm7351aZqPlmXw", "CanaryInAHeader55xyz09"]
  const at = await siteOf({
    config: {
      inspector: { sample: 1 },
      stores: { kind: "sqlite", path: "state.db" },
      pipelines: { default: ["metrics", "trackCost", { plug: "cache", ttl: "1 hour" }, { plug: "retry", attempts: 2, base: 1 }] }
    }
  })
  for (const service of [at.one, at.two]) {
    service.answers.set("tells", ({ headers, response }) => {
      const sent = `${headers.authorization ?? ""} ${headers["x-api-key"] ?? ""}`
      response.writeHead(401, { "content-type": "application/json", "x-echo": sent })
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${sent}`, type: sent, code: sent } }))
    })
  }
  const all = (request: Request): string => JSON.stringify(request) + String(request)
  const { loaded } = at.gateway.configuration.current()
  const { pipelineFor } = loaded
  const mock = Mock.make((request) => Mock.text(all(request))).plug
  Object.assign(loaded, { pipelineFor: (call: Parameters<typeof pipelineFor>[0]) => call.route === "/v1/responses" ? [mock] : pipelineFor(call) })
  const headers = { "x-secret": keys[2]!, cookie: `session=${keys[2]}`, "proxy-authorization": `Basic ${keys[2]}` }
  const ids: Array<string> = []
  for (const model of ["openai/model-1", "openai/tells", "anthropic/tells", "openai/500"]) {
    for (const stream of [false, true]) {
      for (const path of ["/v1/chat/completions", "/v1/responses", "/v1/messages"]) {
        const answered = await at.as("dev", path, { body: { ...question({ model, stream }), max_tokens: 9, input: "Hi" }, headers })
        ids.push(String(answered.headers["x-request-id"]))
      }
    }
  }
  const texts = new Map<string, string>()
  for (const id of ids) {
    await summaryOf(as(at, "root"), id)
    const { text } = await at.as("root", `/inspector/api/traces/${id}`)
    texts.set(id, text)
    texts.set(`replay of ${id}`, (await at.as("root", `/inspector/api/traces/${id}/replay`, { body: {} })).text)
  }
  for (const path of ["/inspector/api/traces", "/inspector/api/pipelines", "/inspector/api/health", "/inspector/api/session"]) {
    texts.set(path, (await at.as("root", path)).text)
  }
  expect([...texts.values()].join("").length).toBeGreaterThan(50_000)
  await at.stop()
  for (const file of readdirSync(at.folder).filter((name) => name.startsWith("plugline-traces"))) {
    texts.set(file, readFileSync(join(at.folder, file)).toString("latin1"))
  }
  expect([...texts.keys()]).toContain("plugline-traces.db")
  for (const [where, text] of texts) {
    for (const key of keys) expect(text.includes(key), `${where} holds ${key.slice(0, 12)}…`).toBe(false)
    expect(text, where).not.toMatch(/pl_[A-Za-z0-9_-]{30,}/)
  }
})
