import type { JsonValue, Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { describe, expect, it } from "vitest"
import { Catalog, Cost, type CostOptions, type Prices } from "../src/index.ts"
import { text } from "../src/decimal.ts"

const cost = (
  prices: Prices,
  input: Usage["inputTokens"],
  output: Usage["outputTokens"],
  raw: JsonValue,
  options: CostOptions = {},
  name: { readonly provider: string; readonly id: string } = { provider: "test", id: "m" }
) =>
  Cost.of({ inputTokens: input, outputTokens: output, raw }, Catalog.empty.withOverrides([{ ...name, prices }]).get(name.provider, name.id), options)

describe("how long a cache is kept", () => {
  const prices = { input: "3", cacheRead: "0.3", cacheWrite: "3.75", cacheWrite1h: "6", output: "15" }
  const written = (raw: JsonValue, rates: Prices = prices) => cost(rates, { total: 300, cacheRead: 0, cacheWrite: 300 }, { total: 0 }, raw)

  it("is read from Anthropic's and Bedrock's usage", () => {
    expect(written({ cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } }).toJSON().cacheWrite).toBe("0.001575")
    expect(written({ cacheDetails: [{ ttl: "5m", inputTokens: 100 }, { ttl: "1h", inputTokens: 200 }] }).toJSON().cacheWrite).toBe("0.001575")
  })

  it("is five minutes where nothing says otherwise, which is an assumption", () => {
    const silent = written({})
    expect(silent.toJSON().cacheWrite).toBe("0.001125")
    expect(silent.assumed.join()).toContain("five minutes")
  })

  it("is unknown where an hour has no price, or is longer than the whole", () => {
    const { cacheWrite1h: _, ...short } = prices
    expect(written({ cache_creation: { ephemeral_1h_input_tokens: 200 } }, short).total).toBeUndefined()
    expect(written({ cache_creation: { ephemeral_1h_input_tokens: 301 } }).total).toBeUndefined()
  })
})

describe("sound and pictures", () => {
  const prices = { input: "0.3", cacheRead: "0.03", output: "2.5", audioInput: "1", audioCacheRead: "0.1", audioOutput: "20", imageOutput: "30" }

  it("are priced apart from text, as OpenAI counts them", () => {
    const raw = { prompt_tokens_details: { audio_tokens: 40 }, completion_tokens_details: { audio_tokens: 6 } }
    expect(cost(prices, { total: 100, cacheRead: 0 }, { total: 10 }, raw).toJSON()).toMatchObject({ input: "0.000058", output: "0.00013" })
  })

  it("are priced apart from text, as Google counts them, cached or not", () => {
    const raw = {
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 60 }, { modality: "AUDIO", tokenCount: 40 }],
      cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 10 }, { modality: "TEXT", tokenCount: 10 }],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 7 }]
    }
    expect(cost(prices, { total: 100, cacheRead: 20 }, { total: 10 }, raw).toJSON()).toMatchObject({
      input: "0.000045",
      cacheRead: "0.0000013",
      output: "0.0002175"
    })
  })

  it("are unknown without a price, or when it is unclear how much was cached", () => {
    const text = { input: "0.3", cacheRead: "0.03", output: "2.5" }
    const raw = { prompt_tokens_details: { audio_tokens: 40 } }
    expect(cost(text, { total: 100, cacheRead: 0 }, { total: 10 }, raw).reasons).toEqual(["no price is known for sound in the prompt"])
    expect(cost(text, { total: 100 }, { total: 10 }, { completion_tokens_details: { audio_tokens: 1 } }).total).toBeUndefined()
    expect(cost(prices, { total: 100, cacheRead: 50 }, { total: 10 }, raw).reasons.join()).toContain("how much of the sound")
    expect(cost(prices, { total: 100, cacheRead: 0 }, { total: 10 }, { prompt_tokens_details: { audio_tokens: 101 } }).total).toBeUndefined()
  })

  it("make no difference where sound costs what text does", () => {
    const same = { input: "1", cacheRead: "0.1", audioInput: "1", output: "1" }
    expect(cost(same, { total: 100, cacheRead: 50 }, { total: 0 }, { prompt_tokens_details: { audio_tokens: 40 } }).toJSON().total).toBe("0.000055")
  })
})

describe("thinking", () => {
  it("has its own price where one is listed", () => {
    expect(cost({ input: "2", output: "8", reasoning: "3" }, { total: 0 }, { total: 10, reasoning: 4 }, {}).toJSON())
      .toMatchObject({ output: "0.000048", reasoning: "0.000012" })
  })

  it("makes the answer cost what it costs, where that is how the provider bills", () => {
    const qwen = { input: "0.4", output: "1.2", reasoning: "4", reasoningCovers: "whole" } as const
    expect(cost(qwen, { total: 0 }, { total: 10, reasoning: 4 }, {}).toJSON()).toMatchObject({ output: "0.000024", reasoning: "0.000016" })
    expect(cost(qwen, { total: 0 }, { total: 10, reasoning: 0 }, {}).toJSON()).toMatchObject({ output: "0.000012", reasoning: "0" })
  })
})

describe("searches and fees", () => {
  const single = { input: "1", output: "1", search: "0.01" }
  const sized = { input: "1", output: "1", search: { low: "0.005", high: "0.012" } }
  const other = (prices: Prices, raw: JsonValue, options?: CostOptions, name?: { readonly provider: string; readonly id: string }) =>
    cost(prices, { total: 0 }, { total: 0 }, raw, options, name).toJSON().other

  it("are counted by the usage, or by the caller", () => {
    expect(other(single, {})).toBe("0")
    expect(other(single, { server_tool_use: { web_search_requests: 3 } })).toBe("0.03")
    expect(other(single, { server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 0 } })).toBe("0.02")
    expect(other(single, {}, { searches: 5 })).toBe("0.05")
    expect(other({ input: "1", output: "1" }, { server_tool_use: { web_search_requests: 1 } })).toBeUndefined()
    expect(other(single, {}, { searches: -1 })).toBeUndefined()
  })

  it("are made for every answer where the price goes by size", () => {
    expect(other(sized, { search_context_size: "low" })).toBe("0.005")
    expect(other(sized, {}, { searchSize: "high", searches: 2 })).toBe("0.024")
    expect(other(sized, { search_context_size: "medium" })).toBeUndefined()
    expect(other(sized, {})).toBeUndefined()
    expect(other(sized, {}, { searches: 0 })).toBe("0")
  })

  it("of Perplexity's models are unknown until counted", () => {
    expect(other(single, {}, {}, { provider: "perplexity", id: "sonar-deep-research" })).toBeUndefined()
    expect(other(single, {}, {}, { provider: "openrouter", id: "perplexity/sonar" })).toBeUndefined()
    expect(other(single, { num_search_queries: 4, citation_tokens: 0 }, {}, { provider: "perplexity", id: "sonar-deep-research" })).toBe("0.04")
  })

  it("go with fees for the request and tokens of sources", () => {
    expect(other({ ...single, request: "0.005", citation: "2" }, { citation_tokens: 1000 })).toBe("0.007")
    expect(other(single, { citation_tokens: 1 })).toBeUndefined()
  })

  it.each<JsonValue>([
    { server_side_tool_usage_details: { x_search_calls: 1 } },
    { server_tool_use: { code_execution_requests: 1 } },
    { num_sources_used: 2 },
    { prompt_audio_seconds: 20 },
    { num_server_side_tools_used: 1 }
  ])("are unknown for other tools: %j", (raw) => expect(other(single, raw)).toBeUndefined())

  it("are none for fetching a page", () => expect(other(single, { server_tool_use: { web_fetch_requests: 2 } })).toBe("0"))
})

describe("Cohere's billed units", () => {
  const prices = { input: "1", output: "2" }
  it("are what is paid for", () => {
    const raw = { billed_units: { input_tokens: 5, output_tokens: 3 }, tokens: { input_tokens: 500, output_tokens: 4 }, cached_tokens: 400 }
    expect(cost(prices, { total: 500, cacheRead: 400, uncached: 100 }, { total: 4, reasoning: 2 }, raw).toJSON())
      .toMatchObject({ input: "0.000005", cacheRead: "0", output: "0.000006", reasoning: "0", total: "0.000011" })
  })
  it("of pictures or rankings have no price here, and half of them leave the other half unknown", () => {
    expect(cost(prices, {}, {}, { billed_units: { input_tokens: 5, output_tokens: 3, images: 1 } }).reasons.join()).toContain("images")
    expect(cost(prices, { total: 5 }, { total: 4 }, { billed_units: { input_tokens: 5 } }).toJSON()).not.toHaveProperty("output")
    expect(cost(prices, { total: 5 }, { total: 4 }, { billed_units: {} }).toJSON().total).toBe("0.000013")
  })
})

describe("what a provider says it charged", () => {
  const said = (provider: string, raw: JsonValue) => {
    const money = Cost.reported(provider, { inputTokens: {}, outputTokens: {}, raw })
    return money === undefined ? undefined : text(money)
  }
  it.each<[string, JsonValue, string | undefined]>([
    ["openrouter", { cost: 0.00216775 }, "0.00216775"],
    ["openrouter", { cost: 6e-8 }, "0.00000006"],
    ["openrouter", { cost: 0 }, "0"],
    ["openrouter", { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } }, "0.021"],
    ["openrouter", { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: null } }, undefined],
    ["openrouter", { cost: -1 }, undefined],
    ["openrouter", {}, undefined],
    ["perplexity", { cost: { total_cost: 0.0051 } }, "0.0051"],
    ["perplexity", { cost: { total_cost: 1, currency: "EUR" } }, undefined],
    ["xai", { cost_in_usd_ticks: 11_446_500 }, "0.00114465"],
    ["azure", { cost_in_usd_ticks: 0 }, undefined],
    ["deepinfra", { estimated_cost: 0.0001 }, "0.0001"],
    ["openai", { cost: 1 }, undefined],
    ["__proto__", { cost: 1 }, undefined],
    ["openrouter", "no object", undefined]
  ])("%s %j", (provider, raw, money) => expect(said(provider, raw)).toBe(money))

  it("is a decimal", () => {
    expect(BigDecimal.isBigDecimal(Cost.reported("openrouter", { inputTokens: {}, outputTokens: {}, raw: { cost: 1 } }))).toBe(true)
    expect(Cost.reported("openrouter", { inputTokens: {}, outputTokens: {} })).toBeUndefined()
  })
})
