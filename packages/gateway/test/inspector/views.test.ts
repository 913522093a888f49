/** What the inspector shows of pipelines and of how it goes. */
import type { Health, PipelineView, ShippedPlug } from "@plugline/inspector"
import { order } from "@plugline/plugs"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { mostGroups, mostSlots, percentile, slotsOf, sumOf } from "../../src/inspector/health.ts"
import type { Measure } from "../../src/inspector/store/TraceStore.ts"
import { type Stage, stage } from "../server/harness.ts"
import { called, openly, summaryOf } from "./support.ts"

let at: Stage
beforeAll(async () => {
  at = await stage({
    pipelines: `
  twin: []
  careful:
    - log
    - { plug: cache, ttl: 1 hour }
    - { plug: fallback, steps: [{ provider: openai, model: gpt-5-minj }] }
    - { plug: retry, attempts: 4 }
    - circuitBreaker`,
    yaml: "limits: [{ per: user, requestsPerMinute: 1000 }]\nroutes: { /v1/messages: careful }"
  })
})
afterAll(() => at.close())

const views = async (of: Stage = at): Promise<{ readonly pipelines: ReadonlyArray<PipelineView>; readonly plugs: ReadonlyArray<ShippedPlug> }> =>
  (await openly(of)("/inspector/api/pipelines")).json

describe("pipelines", () => {
  it("are shown with their routes, what they need, what was checked, and a hash that tells them apart", async () => {
    const { pipelines } = await views()
    const by = Object.fromEntries(pipelines.map((each) => [each.name, each]))
    expect(Object.keys(by).sort()).toEqual(["careful", "default", "twin"])
    expect(by.careful!.routes).toEqual(["POST /v1/messages (chat)", "POST /v1/messages (stream)"])
    expect(by.careful!.tree.map(({ name }) => name)).toEqual(["log", "cache", "rateLimit", "fallback", "retry", "circuitBreaker", "ask"])
    expect(by.default!.needs).toEqual(["LimitStore", "Providers"])
    expect(by.careful!.needs).toEqual(expect.arrayContaining(["CacheStore", "BreakerStore", "LimitStore", "Providers"]))
    expect(by.default!.hash).toBe(by.twin!.hash)
    expect(by.careful!.hash).not.toBe(by.default!.hash)
    const checks = Object.fromEntries(by.careful!.checks.map((each) => [each.name, each]))
    expect(checks.order!.ok).toBe(true)
    expect(checks.calls).toMatchObject({ ok: true, says: "one request becomes at most 8 calls (fallback 2 × retry 4); 32 are allowed" })
    expect(checks.warning).toMatchObject({ ok: false, says: expect.stringContaining("gpt-5-minj") })
    expect(by.default!.checks.every(({ says }) => says.length > 10)).toBe(true)
  })

  it("hash the same in another gateway", async () => {
    const other = await stage({ pipelines: "  other: []", yaml: "limits: [{ per: user, requestsPerMinute: 1000 }]" })
    const [one, two] = [await views(), await views(other)]
    await other.close()
    expect(two.pipelines.find(({ name }) => name === "other")!.hash).toBe(one.pipelines.find(({ name }) => name === "default")!.hash)
  })

  it("come with every plug that is shipped, each with a word and its options", async () => {
    const { plugs } = await views()
    expect(plugs.map(({ name }) => name)).toEqual(order)
    for (const { name, says, schema } of plugs) {
      expect(says, name).toMatch(/^[A-Z].*\.$/)
      expect(schema, name).toMatchObject({ type: "object" })
    }
  })
})

describe("health", () => {
  const one = (more: Partial<Measure>): Measure => ({
    seq: 1, at: 0, took: 10, failed: false, provider: "a", model: "m", tenant: undefined, pipeline: "p", inputTokens: 1, outputTokens: 2, cost: 0.1,
    saved: 0, firstToken: undefined, ...more
  })

  it("adds up calls, errors, tokens, money and times, slot by slot and line by line", () => {
    const sum = sumOf({ since: 0, slot: 100, count: 3 }, "provider")
    sum.add([
      one({ at: 10, took: 30, firstToken: 5 }), one({ at: 20, took: 10 }), one({ at: 30, took: 20, cost: undefined }),
      one({ at: 250, failed: true, cost: undefined, saved: 0.2 }), one({ at: 40, provider: "b" }), one({ at: -1 })
    ])
    const [a, b] = sum.groups()
    expect(a).toEqual({
      name: "a", calls: [3, 0, 1], errors: [0, 0, 1], inputTokens: [3, 0, 1], outputTokens: [6, 0, 2], cost: [0.2, 0, 0], saved: [0, 0, 0.2],
      unpriced: [1, 0, 0], p50: [20, null, 10], p95: [30, null, 10], p99: [30, null, 10], firstToken50: [5, null, null], firstToken95: [5, null, null]
    })
    expect(b!.name).toBe("b")
  })

  it("has a bounded number of lines and slots, whatever is asked, and loses no call", () => {
    fc.assert(fc.property(
      fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 1, max: 1e12 }), fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
      fc.array(fc.record({ name: fc.integer({ min: 0, max: 60 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 200 }),
      (since, time, asked, calls) => {
        const slots = slotsOf(since, since + time, asked)
        expect(slots.count).toBeLessThanOrEqual(mostSlots)
        expect(slots.count * slots.slot).toBeGreaterThanOrEqual(time)
        const sum = sumOf(slots, "model")
        sum.add(calls.map(({ name, share }) => one({ at: since + Math.floor(time * share), model: `m${name}` })))
        const groups = sum.groups()
        expect(groups.length).toBeLessThanOrEqual(mostGroups)
        expect(groups.flatMap(({ calls }) => calls).reduce((a, b) => a + b, 0)).toBe(calls.length)
      }
    ), { numRuns: 60 })
  })

  it("percentiles are values that were there", () => {
    expect([percentile([], 0.5), percentile([7], 0.99), percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95)]).toEqual([null, 7, 2, 4])
  })

  it("is told of the last hour by provider, with circuits, budgets and the cache", async () => {
    const before = Date.now()
    const { id } = await called(at, {}, "/v1/messages")
    await called(at, { model: "openai/500" })
    const failed = await called(at, { model: "anthropic/500", max_tokens: 9 })
    await summaryOf(openly(at), id)
    await summaryOf(openly(at), failed.id)
    const health = (await openly(at)("/inspector/api/health")).json as Health
    expect(health.times).toHaveLength(60)
    expect(health.times[0]).toBe(health.since)
    expect(health.since).toBeGreaterThanOrEqual(before - 3_600_000)
    const total = (name: string, field: "calls" | "errors") => health.groups.find((group) => group.name === name)![field].reduce((a, b) => a + b, 0)
    expect([total("openai", "calls"), total("openai", "errors")]).toEqual([2, 1])
    expect([total("anthropic", "calls"), total("anthropic", "errors")]).toEqual([1, 1])
    for (const group of health.groups) for (const list of Object.values(group)) if (Array.isArray(list)) expect(list).toHaveLength(60)
    expect(health.cache).toHaveProperty("hits")
    expect(health.circuits.length).toBeGreaterThan(0)
    const narrow = (await openly(at)(`/inspector/api/health?since=${Date.now() - 1_000}&slot=100&by=none`)).json as Health
    expect(narrow.groups.map(({ name }) => name)).toEqual(["all"])
    for (const query of ["since=x", "slot=-1", "by=nothing", "more=1"]) {
      expect((await openly(at)(`/inspector/api/health?${query}`)).status, query).toBe(400)
    }
  })

  it("queries of the list are checked", async () => {
    for (const query of ["limit=0", "limit=1001", "before=x", "status=fine", "since=now", "nothing=1", `q=${"x".repeat(600)}`]) {
      expect((await openly(at)(`/inspector/api/traces?${query}`)).status, query).toBe(400)
    }
    expect((await openly(at)("/inspector/api/traces?limit=1&q=500&status=error&provider=openai&since=0")).status).toBe(200)
  })
})
