/** The builder's methods for the plugs that are shipped. */
import { Cache, Fallback, order, Presets, Retry, TrackCost } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect, Redacted } from "effect"
import * as fc from "fast-check"
import { build, type Builder, Credentials, layer, make, Pipeline, Plug, Request, Transport } from "plugline"
import { Layer } from "effect"
import { describe, expect, it } from "vitest"

const own = Plug.make("own", (request) => request)

type Change = (builder: Builder<"chat", unknown>) => Builder<"chat", unknown>

const changes: { readonly [name: string]: Change } = {
  cache: (b) => b.withCache({ ttl: "1 minute" }),
  semanticCache: (b) => b.withSemanticCache(),
  retry: (b) => b.withRetry({ attempts: 2 }),
  hedge: (b) => b.withHedge(),
  circuitBreaker: (b) => b.withCircuitBreaker(),
  rateLimit: (b) => b.withRateLimit({ limits: [{ per: "user", requestsPerMinute: 5 }] }),
  fallback: (b) => b.withFallback({ answer: "Later." }),
  route: (b) => b.withRoute({ targets: [{ provider: "local" }] }),
  cascade: (b) => b.withCascade({ steps: [{ provider: "local" }] }),
  trackCost: (b) => b.withCostTracking(),
  idempotency: (b) => b.withIdempotency(),
  budget: (b) => b.withBudget({ limits: [{ per: "user", amount: "1", every: "day" }] }),
  promptCache: (b) => b.withPromptCache(),
  receipt: (b) => b.withReceipt(),
  log: (b) => b.withLog(),
  metrics: (b) => b.withMetrics()
}

const start = build("local", "What is 6 times 7?") as Builder<"chat", unknown>

describe("the shipped plugs in a builder", () => {
  it("stand behind one's own, in an order of their own, whatever the order of the calls", () => {
    fc.assert(fc.property(fc.shuffledSubarray(Object.keys(changes)), (names) => {
      const builder = names.reduce((made, name) => changes[name]!(made), start.withPlug(own))
      const expected = order.filter((name) => names.includes(name))
      expect(Pipeline.names(builder.pipeline())).toEqual(["validate", "own", ...expected, "respond"])
      expect(builder.debugInfo().edits).toEqual(["with own", ...names.map((name) => `with ${name}`)])
    }), { numRuns: 60 })
  })

  it("can be replaced, taken away and built around by their names", () => {
    const names = (builder: Builder<"chat", unknown>) => Pipeline.names(builder.pipeline())
    const both = start.withCache({ ttl: 1000 }).withRetry().withCache({ ttl: 2000 })
    expect(names(both)).toEqual(["validate", "cache", "retry", "respond"])
    expect(both.inspect()[1]).toMatchObject({ options: { ttl: 2000 } })
    expect(names(both.withoutPlug("cache"))).toEqual(["validate", "retry", "respond"])
    expect(names(both.insertAfter("cache", own))).toEqual(["validate", "cache", "own", "retry", "respond"])
    expect(names(both.withCostTracking().withoutCostTracking())).toEqual(names(both))
    expect(() => both.withoutCostTracking().pipeline()).toThrow("trackCost")
    expect(names(Presets.resilient().reduce((made: Builder<"chat", unknown>, plug) => made.withStandard(plug), start)))
      .toEqual(["validate", "metrics", "trackCost", "retry", "circuitBreaker", "timeout", "respond"].filter((name, index, all) => all.indexOf(name) === index)
        .sort((a, b) => (a === "validate" ? -1 : b === "validate" ? 1 : a === "respond" ? 1 : b === "respond" ? -1 : order.indexOf(a) - order.indexOf(b))))
  })

  it("work together on the default layer", async () => {
    const mock = Mock.make([Mock.fail({ _tag: "Overloaded", message: "busy" }), "42"])
    const call = build("local", "What is 6 times 7?").withPipeline(mock.pipeline).withCache().withRetry({ base: 1 }).withCostTracking()
    const both = await Effect.runPromise(Effect.provide(Effect.all([call.execute(), call.execute()]), layer))
    expect(both.map(({ text }) => text)).toEqual(["42", "42"])
    expect(both.map(({ request }) => Cache.of(request)?.status)).toEqual(["miss", "hit"])
    expect(Request.get(both[0]!.request, Retry.attempts)?.length).toBe(2)
    expect(TrackCost.of(both[1]!.request)).toBeDefined()
    expect(mock.calls.length).toBe(2)
  })
})

describe("a fallback to another provider", () => {
  it("sends it neither the key nor the headers of the first", async () => {
    const seen: Array<{ readonly host: string; readonly headers: object }> = []
    const transport = Transport.memory((outgoing) =>
      Effect.sync(() => {
        const { host } = new URL(outgoing.url)
        seen.push({ host, headers: Transport.headersOf(outgoing) })
        return host === "api.openai.com"
          ? { status: 500, body: `{"error":{"message":"down"}}` }
          : { body: JSON.stringify({ type: "message", role: "assistant", content: [{ type: "text", text: "I am here." }], stop_reason: "end_turn", usage: { input_tokens: 1, output_tokens: 1 } }) }
      }))
    const credentials = Credentials.memory({ openai: Redacted.make("sk-of-openai-1234"), anthropic: Redacted.make("sk-ant-5678-canary") })
    const { build, run } = make({ layer: Layer.merge(transport, credentials) })
    const answer = await run(
      build("openai", "Anyone?").withModel("gpt-5-mini").withApiKey("sk-of-the-caller-9").withConfig({ headers: { "x-secret": "openai-only" } })
        .withFallback({ provider: "anthropic", model: "claude-haiku-4-5" }).execute()
    )
    expect(answer.text).toBe("I am here.")
    expect(Request.get(answer.request, Fallback.report)).toMatchObject({ answeredBy: "anthropic/claude-haiku-4-5", degraded: false })
    expect(seen.map(({ host }) => host)).toEqual(["api.openai.com", "api.anthropic.com"])
    expect(JSON.stringify(seen[0])).toContain("sk-of-the-caller-9")
    expect(JSON.stringify(seen[1])).not.toMatch(/sk-of|openai-only/)
    expect(JSON.stringify(seen[1])).toContain("sk-ant-5678-canary")
  })
})
