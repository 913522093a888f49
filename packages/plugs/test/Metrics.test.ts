import { Catalog } from "@plugline/catalog"
import { Pipeline, Plug, Request } from "@plugline/core"
import { Identity, Metrics } from "@plugline/plugs"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Effect, Metric } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as CacheStatus from "../src/cache/status.ts"
import { alone, broken, chat, endings, hello, run } from "./observe/endings.ts"
import { type Family, read } from "./observe/exposition.ts"

/** Runs it where nobody else measures; answers what was measured, read back from the text. */
const measured = async (effect: Effect.Effect<unknown, unknown>, options: Metrics.PrometheusOptions = {}): Promise<ReadonlyArray<Family>> =>
  read(await alone(Effect.provideService(Effect.andThen(effect, Metrics.prometheus(options)), Metrics.MetricNames, new Metrics.Names())))

const ask = (reply: Mock.Answer, request = chat(), options: Parameters<typeof Metrics.plug>[0] = {}) =>
  measured(Pipeline.run([Metrics.plug(options), Mock.make([reply]).plug], request))

const value = (families: ReadonlyArray<Family>, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
  families.flatMap(({ samples }) => samples).find((sample) =>
    sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value

const openai = chat({ provider: "openai", options: { model: "gpt-4o-mini" } })

describe("laws", () => {
  for (const law of Laws.plug(Metrics.plug(), { numRuns: 20 })) it(law.law, law.check)

  it("measures each request once, in every ending, and gives text that can be read", () =>
    fc.assert(fc.asyncProperty(endings(), async (ending) => {
      const families = await measured(run([Metrics.plug()], ending, openai))
      expect(value(families, "gen_ai_client_operation_duration_seconds_count"), ending.name).toBe(1)
    }), { numRuns: 100 }))
})

describe("measures", () => {
  it("duration, tokens and the first token, in OpenTelemetry's words", async () => {
    const families = await ask(Mock.parts(hello, { delay: 100, between: 20 }), openai)
    const labels = { gen_ai_operation_name: "chat", gen_ai_provider_name: "openai", gen_ai_request_model: "gpt-4o-mini" }
    expect(value(families, "gen_ai_client_operation_duration_seconds_sum", labels)).toBe(0.18)
    expect(value(families, "gen_ai_client_operation_duration_seconds_bucket", { le: "0.16" })).toBe(0)
    expect(value(families, "gen_ai_client_operation_duration_seconds_bucket", { le: "0.32" })).toBe(1)
    expect(value(families, "gen_ai_client_operation_time_to_first_chunk_seconds_sum", labels)).toBe(0.12)
    expect(value(families, "gen_ai_server_time_to_first_token_seconds_sum", labels)).toBe(0.12)
    expect(value(families, "gen_ai_client_token_usage_sum", { ...labels, gen_ai_token_type: "input" })).toBe(10)
    expect(value(families, "gen_ai_client_token_usage_sum", { ...labels, gen_ai_token_type: "output" })).toBe(2)
    expect(value(families, "plugline_call_prompt_cache_tokens_total", { provider: "openai", type: "read" })).toBe(4)
    expect(value(families, "plugline_call_cost_usd_total", { provider: "openai" })).toBe(0.0000024)
    expect(value(families, "plugline_call_unpriced_total")).toBeUndefined()
    expect(families.find(({ name }) => name === "gen_ai_client_operation_duration_seconds")).toMatchObject({ type: "histogram", help: "GenAI operation duration" })
    expect(families.map(({ name }) => name)).toEqual(families.map(({ name }) => name).sort())
  })

  it("no first token of a whole answer, no tokens that nobody counted", async () => {
    const families = await ask(Mock.text("Hi", { as: "whole" }), openai)
    expect(families.map(({ name }) => name)).toEqual(["gen_ai_client_operation_duration_seconds", "plugline_call_cost_usd_total", "plugline_call_unpriced_total"])
  })

  it("no tokens of an answer from a cache", async () => {
    const usage = { inputTokens: { total: 10 }, outputTokens: { total: 2 } }
    const cached = Plug.make("cache", (request) =>
      CacheStatus.mark(Request.halt(request, { type: "chat", content: [], finishReason: "stop", usage }), { status: "hit" }))
    const families = await measured(Pipeline.run([Metrics.plug(), cached], openai))
    expect(families.map(({ name }) => name)).toEqual(["gen_ai_client_operation_duration_seconds", "plugline_call_cost_usd_total"])
    expect(value(families, "plugline_call_cost_usd_total")).toBe(0)
  })

  it("errors by their type, refusals by plug, and calls that were left", async () => {
    const failed = await ask(Mock.fail(broken), openai)
    expect(value(failed, "gen_ai_client_operation_duration_seconds_count", { error_type: "server" })).toBe(1)
    const refused = await measured(Pipeline.run([Metrics.plug(), Plug.make("guard", Request.refuse("no"))], openai))
    expect(value(refused, "plugline_call_refused_total", { plug: "guard" })).toBe(1)
    const left = await measured(Effect.scoped(Pipeline.open([Metrics.plug(), Mock.make([Mock.stall(hello.slice(0, 2))]).plug], openai)))
    expect(value(left, "plugline_call_abandoned_total", { ending: "left" })).toBe(1)
  })

  it("the model that answered, if asked", async () => {
    const families = await ask(Mock.text("Hi", { model: "gpt-4o-mini-2024-07-18" }), openai, { responseModel: true })
    expect(value(families, "gen_ai_client_operation_duration_seconds_count", { gen_ai_response_model: "gpt-4o-mini-2024-07-18" })
      ?? value(families, "gen_ai_client_operation_duration_seconds_count", { gen_ai_response_model: "gpt-4o-mini" })).toBe(1)
  })
})

describe("labels", () => {
  it("stay bounded, whatever callers and providers make up", async () => {
    const mock = Mock.make((_request, call) => Mock.text("Hi", { model: `answered-${call}` }))
    const families = await measured(Effect.forEach(Array.from({ length: 300 }, (_, index) => index), (index) =>
      Pipeline.run([Identity.plug({ user: `user-${index}`, tenant: `tenant-${index}` }), Metrics.plug({ responseModel: true, models: ["mine"] }), mock.plug],
        chat({ id: `id-${index}`, provider: `provider-${index}`, options: { model: index === 299 ? "mine" : `model-${index}"\\`, user: `person-${index}` } }))))
    const labels = new Map<string, Set<string>>()
    for (const { samples } of families) {
      for (const sample of samples) {
        for (const [label, value] of Object.entries(sample.labels)) labels.set(label, (labels.get(label) ?? new Set()).add(value))
      }
    }
    expect(labels.get("gen_ai_provider_name")!.size).toBe(51)
    const models = new Set([...labels.get("gen_ai_request_model")!, ...labels.get("gen_ai_response_model")!])
    expect(models.size).toBe(22)
    expect(models).toContain("other")
    expect(models).toContain("mine")
    const all = [...labels.values()].flatMap((values) => [...values]).join()
    expect(all).not.toMatch(/user-|tenant-|person-|id-/)
  })

  it("hold models of the catalog by their one name, past any bound", async () => {
    const names = Catalog.models("openai").slice(0, 30).map(({ id }) => id)
    const families = await measured(Effect.forEach(names, (model) =>
      Pipeline.run([Metrics.plug({ unknownModels: 0 }), Mock.make(["Hi"]).plug], chat({ provider: "openai", options: { model } }))))
    const found = families.find(({ name }) => name === "gen_ai_client_operation_duration_seconds")!.samples.map(({ labels }) => labels.gen_ai_request_model)
    expect(new Set(found)).toEqual(new Set(names))
    expect(value(await ask("Hi", chat({ options: { model: "own" } }), { unknownModels: 0 }), "gen_ai_client_operation_duration_seconds_count", { gen_ai_request_model: "other" })).toBe(1)
  })
})

describe("text for Prometheus", () => {
  const text = (...metrics: ReadonlyArray<Effect.Effect<unknown>>) => measured(Effect.all(metrics))

  it("keeps the format's rules for every kind of metric, whatever its names hold", () =>
    fc.assert(fc.asyncProperty(fc.array(fc.record({
      kind: fc.constantFrom("counter", "gauge", "histogram", "frequency", "summary", "bigint"),
      name: fc.oneof(fc.constantFrom("a.b", "a_b", "aB", "2x", "", "é", "a.b.total"), Arbitrary.utf16({ maxLength: 12 })),
      description: Arbitrary.utf16({ maxLength: 12 }),
      attributes: fc.dictionary(fc.oneof(fc.constantFrom("le", "unit", "a.b", "a_b", "quantile", "key", "__x"), Arbitrary.utf16({ maxLength: 6 })),
        fc.oneof(fc.constantFrom("s", "ms", "\n", "\"", "\\", "\r", "{token}", "constructor"), Arbitrary.utf16({ maxLength: 6 })), { maxKeys: 4 }),
      value: fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(Infinity, -Infinity, 0, -0, 1e300))
    }), { maxLength: 6 }), async (given) => {
      await text(...given.map(({ attributes, description, kind, name, value }) => {
        const shared = { description, attributes }
        switch (kind) {
          case "counter":
            return Metric.update(Metric.counter(name, shared), value)
          case "bigint":
            return Metric.update(Metric.counter(name, { ...shared, bigint: true }), 12n)
          case "gauge":
            return Metric.update(Metric.gauge(name, shared), value)
          case "frequency":
            return Metric.update(Metric.frequency(name, shared), String(value))
          case "summary":
            return Metric.update(Metric.summary(name, { ...shared, maxAge: "1 hour", maxSize: 10, quantiles: [0.5, 0.99] }), value)
          default:
            return Metric.update(Metric.histogram(name, { ...shared, boundaries: [1, 2, 3] }), value)
        }
      }))
    }), { numRuns: 300 }))

  it("names metrics in snake_case with their unit, counters with _total, times in seconds", async () => {
    const families = await text(
      Metric.update(Metric.counter("plugline.rateLimit.waits", { attributes: { unit: "ms" } }), 1_500),
      Metric.update(Metric.gauge("queue-depth"), 3),
      Metric.update(Metric.histogram("took", { boundaries: [100, 1_000], attributes: { unit: "ms", route: "a" } }), 250),
      Metric.update(Metric.frequency("words"), "a\"b\nc\\d")
    )
    expect(families.map(({ name, samples, type }) => [name, type, samples.map(({ labels, value }) => [labels, value])])).toEqual([
      ["plugline_rate_limit_waits_seconds_total", "counter", [[{}, 1.5]]],
      ["queue_depth", "gauge", [[{}, 3]]],
      ["took_seconds", "histogram", [
        [{ route: "a", le: "0.1" }, 0], [{ route: "a", le: "1" }, 1], [{ route: "a", le: "+Inf" }, 1], [{ route: "a" }, 0.25], [{ route: "a" }, 1]
      ]],
      ["words_total", "counter", [[{ key: "a\"b\nc\\d" }, 1]]]
    ])
    expect((await text(Metric.update(Metric.counter("jobs.total"), 1)))[0]!.name).toBe("jobs_total")
    const labelled = await text(
      Metric.update(Metric.histogram("h", { boundaries: [1, Infinity], attributes: { le: "mine" } }), 0.5),
      Metric.update(Metric.frequency("f", { attributes: { key: "mine" } }), "word")
    )
    expect(labelled.map(({ samples }) => samples[0]!.labels)).toEqual([{ key_2: "mine", key: "word" }, { le_2: "mine", le: "1" }])
    expect((await measured(Metric.update(Metric.gauge("x"), 1), { prefix: "my.app" }))[0]!.name).toBe("my_app_x")
    expect(await measured(Effect.void)).toEqual([])
  })
})

describe("attributes of a span", () => {
  it("are OpenTelemetry's, without content", () => {
    const asked = Request.make({ provider: "xai", operation: "completion", messages: "private", options: { model: "m", maxTokens: 5, n: 2, stop: "private" } })
    expect(Metrics.attributes(asked)).toEqual({
      "gen_ai.operation.name": "text_completion",
      "gen_ai.provider.name": "x_ai",
      "gen_ai.request.model": "m",
      "gen_ai.request.max_tokens": 5,
      "gen_ai.request.choice.count": 2
    })
    const usage = { inputTokens: { total: 9, cacheRead: 3, cacheWrite: 2 }, outputTokens: { total: 4, reasoning: 1 } }
    const answered = Request.complete(Request.make({ provider: "mistral", messages: "Hi" }), {
      type: "chat", id: "r1", model: "large", content: [{ type: "text", text: "private" }], finishReason: "stop", usage, choices: [{ index: 1, content: [], finishReason: "length" }]
    })
    expect(Metrics.attributes(answered)).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "mistral_ai",
      "gen_ai.response.model": "large",
      "gen_ai.response.id": "r1",
      "gen_ai.response.finish_reasons": ["stop", "length"],
      "gen_ai.usage.input_tokens": 9,
      "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.cache_read.input_tokens": 3,
      "gen_ai.usage.cache_creation.input_tokens": 2,
      "gen_ai.usage.reasoning.output_tokens": 1
    })
    expect(Metrics.attributes(Request.fail(asked, broken))).toMatchObject({ "error.type": "server", "http.response.status_code": 500 })
    expect(Metrics.providerName("constructor")).toBe("constructor")
  })
})
