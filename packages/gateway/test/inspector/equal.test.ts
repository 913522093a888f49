/** A replay is equal where nothing changed: behind every plug that waits, asks again, asks others or goes on behind the answer. */
import type { Replayed, Summary } from "@plugline/inspector"
import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { question } from "../admin/site.ts"
import { after, ask, type Stage, stage } from "../server/harness.ts"
import { type Asked, head } from "../server/upstream.ts"
import { openly, recordedOf, summaryOf } from "./support.ts"

const pipelines = `
  stale: [{ plug: cache, ttl: 1 milli, stale: 1 hour }]
  semantic: [{ plug: semanticCache, threshold: 0.8 }]
  waits: [{ plug: rateLimit, whenFull: wait, maxWait: 5 seconds, limits: [{ per: global, concurrency: 1 }] }]
  refused: [{ plug: rateLimit, limits: [{ per: global, requestsPerMinute: 1 }] }]
  poor: [{ plug: budget, limits: [{ per: global, amount: 0.0000001, every: day }], unpriced: allow }]
  breaker: [{ plug: retry, attempts: 4, base: 20 millis, cap: 100 millis }, { plug: circuitBreaker, consecutive: 2, openFor: 40 millis }]
  hedge: [{ plug: retry, attempts: 2, base: 1 milli }, { plug: hedge, delay: 5 millis, max: 1 }]
  cascade: [{ plug: cascade, steps: [{ provider: openai, model: "500" }, { provider: anthropic, model: big }] }]
  route: [{ plug: route, targets: [{ provider: openai, model: a }, { provider: anthropic, model: b }, { provider: google, model: c }] }]
  quick: [{ plug: timeout, total: 80 millis, firstToken: 60 millis, idle: 40 millis }]
  writes: [log, receipt, tokens.trim, tokens.limit, promptCache]
  plain: []`

let at: Stage
beforeAll(async () => {
  at = await stage({ pipelines, timeouts: "{ connect: 200, firstToken: 200, idle: 200, total: 2000 }", providers: "  local: {}" })
  let [late, broken] = [0, 0]
  const well = (asked: Asked): void => {
    head(asked)
    asked.response.end(asked.streams ? asked.script.events.join("") : asked.script.whole)
  }
  at.upstream.answers.set("late", (asked) => void setTimeout(() => well(asked), late++ % 2 === 0 ? 30 : 2))
  at.upstream.answers.set("flaky", (asked) => broken++ % 2 === 0 ? asked.response.writeHead(503).end(asked.script.error(503)) : well(asked))
  at.upstream.answers.set("drips", (asked) => {
    head(asked)
    const bytes = Buffer.from(asked.streams ? asked.script.events.join("") : asked.script.whole)
    let from = 0
    const drip = (): void => {
      if (asked.response.destroyed) return
      if (from >= bytes.length) return void asked.response.end()
      asked.response.write(bytes.subarray(from, from += 41))
      setTimeout(drip, 1)
    }
    drip()
  })
})
afterAll(() => at.close())

const equal = async (id: string): Promise<void> => {
  await recordedOf(openly(at), id)
  const { json, status, text } = await openly(at)(`/inspector/api/traces/${id}/replay`, { body: {} })
  expect(status, text).toBe(200)
  const { differences, equal } = json as Replayed
  expect(differences.slice(0, 5)).toEqual([])
  expect(equal).toBe(true)
}
const played = async (pipeline: string, model: string, stream: boolean): Promise<string> => {
  const body = question({ model: `openai/${model}`, stream, messages: [{ role: "user", content: `${pipeline} ${model}` }] })
  return String((await ask(at.address, `/inspector/api/play/${pipeline}`, { body })).headers["x-request-id"])
}

const names = pipelines.split("\n").flatMap((line) => /^ {2}(\w+):/.exec(line)?.[1] ?? [])

describe.each(names)("behind %s", (pipeline) => {
  it.each(["well", "500", "late", "flaky", "truncated", "drips"])("of what a service that is %s answers, three at a time, whole and streamed", async (model) => {
    for (const stream of [false, true]) {
      const ids = await Promise.all(Array.from({ length: 3 }, () => played(pipeline, model, stream)))
      for (const id of ids) await equal(id)
    }
  })
})

it("goes on behind the answer as far as it had gone: a refresh that was over when it was written down, and one that was not", async () => {
  for (const model of ["well", "late", "drips", "silent"]) {
    for (const stream of [false, true]) {
      await played("stale", model, stream)
      for (let time = 0; time < 3; time++) {
        await after(5)
        await equal(await played("stale", model, stream))
      }
    }
  }
})

it("of a call whose client left, at whatever time", async () => {
  const api = openly(at)
  const latest = async () => (await api("/inspector/api/traces?limit=1")).json.traces[0] as Summary | undefined
  let count = 0
  for (const [pipeline, model] of [["plain", "drips"], ["breaker", "500"], ["hedge", "late"], ["stale", "drips"], ["waits", "late"]] as const) {
    for (const ms of [1, 4, 9, 20]) {
      for (const stream of [false, true]) {
        const before = (await latest())?.seq ?? 0
        const request = httpRequest(`${at.address}/inspector/api/play/${pipeline}`, { method: "POST", agent: false, headers: { "content-type": "application/json" } })
        request.on("error", () => {})
        request.on("response", (response) => response.resume().on("error", () => {}))
        request.end(JSON.stringify(question({ model: `openai/${model}`, stream, messages: [{ role: "user", content: `${pipeline} ${ms} ${stream}` }] })))
        await once(request, "finish")
        await after(ms)
        request.destroy()
        let found: Summary | undefined
        // One that was gone before it was read is no call.
        for (let time = 0; time < 30 && (found?.seq ?? 0) <= before; time++) {
          await after(10)
          found = await latest()
        }
        if (found === undefined || found.seq <= before || !found.recorded) continue
        count++
        await equal(found.id)
      }
    }
  }
  expect(count).toBeGreaterThan(10)
})

it.each(["openai", "anthropic", "google", "local"])("on every route, of %s", async (provider) => {
  const model = `${provider}/${provider === "local" ? "rules-1" : "well"}`
  const schema = { type: "object", properties: { a: { type: "number" } }, required: ["a"], additionalProperties: false }
  const tool = { type: "function", function: { name: "f", parameters: { type: "object", properties: { a: { type: "string" } } } } }
  let count = 0
  for (const stream of [false, true]) {
    for (const [path, body] of [
      ["/v1/chat/completions", question({ model, stream, tools: [tool] })],
      ["/v1/chat/completions", question({ model, stream, reasoning_effort: "low" })],
      ["/v1/chat/completions", question({ model, stream, response_format: { type: "json_schema", json_schema: { name: "x", schema } } })],
      ["/v1/messages", { ...question({ model, stream }), max_tokens: 50 }],
      ["/v1/messages/count_tokens", question({ model })],
      ["/v1/responses", { model, stream, input: "Hi" }],
      ["/v1/completions", { model, stream, prompt: "Hi" }],
      ["/v1/embeddings", { model, input: ["a", "b"] }],
      ["/v1/moderations", { model, input: ["a", "b"] }],
      ["/api/chat", question({ model, stream })],
      ["/api/generate", { model, stream, prompt: "Hi" }]
    ] as const) {
      const id = String((await ask(at.address, path, { body })).headers["x-request-id"])
      const { json: { traces } } = await openly(at)(`/inspector/api/traces?q=${id}`)
      // What this provider cannot do at all never ran.
      if (traces.length === 0 || (await summaryOf(openly(at), id)).recorded === false) continue
      count++
      await equal(id)
    }
  }
  expect(count).toBeGreaterThan(8)
})
