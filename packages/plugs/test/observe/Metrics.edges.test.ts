/** What `Metrics` counts, and what it leaves alone, where one of its conditions is all that tells them apart. */
import { Pipeline, Plug, Request } from "@plugline/core"
import { Cache, CircuitBreaker, memory, Metrics, RateLimit, Retry, SemanticCache, Timeout, TrackCost } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect, Metric } from "effect"
import { expect, it } from "vitest"
import { alone, broken, chat, hello } from "./endings.ts"
import { type Family, read } from "./exposition.ts"

const openai = chat({ provider: "openai", options: { model: "gpt-4o-mini" } })

const measured = async (effect: Effect.Effect<unknown, unknown>): Promise<ReadonlyArray<Family>> => {
  const text = Effect.andThen(effect, Metrics.prometheus())
  return read(await alone(Effect.provideService(text, Metrics.MetricNames, new Metrics.Names())))
}

const samples = (families: ReadonlyArray<Family>, name: string) =>
  families.flatMap((family) => family.samples).filter((sample) => sample.name === name)

const ask = (reply: Mock.Answer, request = openai) =>
  measured(Pipeline.run([Metrics.plug(), Mock.make([reply]).plug], request))

it("a stream that broke has a first chunk, and no first token of a success", async () => {
  const failed = await ask(Mock.cut(hello.slice(0, 2), { as: "stream", delay: 10 }))
  expect(samples(failed, "gen_ai_client_operation_time_to_first_chunk_seconds_count").map(({ value }) => value)).toEqual([1])
  expect(samples(failed, "gen_ai_server_time_to_first_token_seconds_count")).toEqual([])
})

it("prompt tokens by how the provider's cache served them, each with its own count", async () => {
  const usage = { inputTokens: { total: 100, cacheRead: 30, cacheWrite: 20 }, outputTokens: { total: 1 } }
  const found = samples(await ask(Mock.text("Hi", { usage })), "plugline_call_prompt_cache_tokens_total")
  expect(found.map(({ labels, value }) => [labels.type, value]).toSorted()).toEqual([["read", 30], ["written", 20]])
})

it("no count that is no number", async () => {
  const usage = { inputTokens: { total: Infinity }, outputTokens: { total: 7 } }
  const plug = Plug.make("odd", (request) =>
    Request.complete(request, { type: "chat", content: [], finishReason: "stop", usage }))
  const found = samples(await measured(Pipeline.run([Metrics.plug(), plug], openai)), "gen_ai_client_token_usage_sum")
  expect(found.map(({ labels, value }) => [labels.gen_ai_token_type, value])).toEqual([["output", 7]])
})

it("a call that failed is neither refused nor abandoned", async () => {
  const failed = await measured(Pipeline.run([Metrics.plug(), Plug.make("breaks", (request) => Request.fail(request, broken))], openai))
  expect(samples(failed, "gen_ai_client_operation_duration_seconds_count")).toHaveLength(1)
  expect(samples(failed, "plugline_call_refused_total")).toEqual([])
  expect(samples(failed, "plugline_call_abandoned_total")).toEqual([])
})

it("a name that is too long is no label, nor is that of the hundred and first plug", async () => {
  const long = await ask("Hi", chat({ options: { model: "m".repeat(129) } }))
  const [sample] = samples(long, "gen_ai_client_operation_duration_seconds_count")
  expect(sample!.labels.gen_ai_request_model).toBe(Metrics.other)
  const calls = Array.from({ length: 150 }, (_, index) =>
    Pipeline.run([Metrics.plug(), Plug.make(`guard${index}`, Request.refuse("no"))], openai))
  const plugs = samples(await measured(Effect.all(calls)), "plugline_call_refused_total").map(({ labels }) => labels.plug)
  expect(plugs).toHaveLength(101)
  expect(plugs).toContain(Metrics.other)
})

it("no plug has a series for each provider, model or person that callers make up", async () => {
  const mock = Mock.make((_request, call) => call % 3 === 0 ? Mock.fail(broken) : "Hi")
  const line = [
    Metrics.plug(), TrackCost.plug(), Cache.plug(), SemanticCache.plug(),
    RateLimit.plug({ limits: [{ per: "provider", requestsPerMinute: 1 }] }),
    Retry.plug({ attempts: 1 }), CircuitBreaker.plug({ consecutive: 1 }), Timeout.plug({ total: 10_000 }), mock.plug
  ]
  const calls = Array.from({ length: 600 }, (_, index) => {
    const made = { provider: `provider-${index}`, options: { model: `model-${index}` }, messages: `question ${index}` }
    return Pipeline.run(line, chat({ id: `call-${index}`, ...made }))
  })
  const series = await alone(Effect.provide(Effect.andThen(Effect.all(calls), Metric.snapshot), memory))
  const providers = new Map<string, Set<string>>()
  for (const { attributes, id } of series) {
    expect(JSON.stringify(attributes ?? {})).not.toContain("call-")
    const provider = attributes?.provider
    if (provider !== undefined) providers.set(id, (providers.get(id) ?? new Set()).add(provider))
  }
  expect([...providers.keys()]).toEqual(expect.arrayContaining([
    "plugline.cache.calls", "plugline.semantic_cache.calls", "plugline.rate_limit.calls", "plugline.track_cost.calls",
    "plugline.retry.gave_up"
  ]))
  for (const [id, names] of providers) expect(names.size, id).toBeLessThanOrEqual(201)
})
