import { describe, expect, it } from "vitest"
import { amount, type Draft, parseExact, type Reading } from "../sources/draft.ts"
import * as litellm from "../sources/litellm.ts"
import { merge } from "../sources/merge.ts"
import * as modelsdev from "../sources/modelsdev.ts"
import * as openrouter from "../sources/openrouter.ts"

const one = (reading: Reading): Draft => {
  const [draft] = reading.drafts
  if (draft === undefined) throw new Error("nothing read")
  return draft
}
const fromLite = (key: string, entry: string) => litellm.read(`{ ${JSON.stringify(key)}: ${entry} }`)
const fromDev = (provider: string, ...models: ReadonlyArray<string>) =>
  modelsdev.read(`{ "${provider}": { "models": { ${models.map((model, index) => `"${index}": ${model}`).join(",")} } } }`)
const fromRouter = (...models: ReadonlyArray<string>) => openrouter.read(`{ "data": [${models.join(",")}] }`)
const rowsOf = (...readings: ReadonlyArray<Reading>) => {
  const merged = merge(readings.flatMap(({ drafts }) => drafts))
  return { ...merged, list: [...merged.rows.values()].flat() }
}

describe("numbers", () => {
  it("are read as they were written, never as floats", () => {
    expect(parseExact(`{"a": 1.5e-07, "b": [0.1], "c": "x"}`)).toEqual({ a: "1.5e-07", b: ["0.1"], c: "x" })
    expect(amount("1.5e-07", 6)).toBe("0.15")
    expect(amount("0.0000006000000000000001", 6)).toBe("0.6")
    expect(amount("0.049999999999999996", 0)).toBe("0.05")
    expect(amount("0", 6)).toBe("0")
    expect(amount("-1", 6)).toBeUndefined()
    expect(amount("none", 6)).toBeUndefined()
  })
})

describe("LiteLLM", () => {
  it("says tiers, levels of service and factors in the names of fields", () => {
    const draft = one(fromLite("gpt-x", `{
      "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
      "cache_read_input_token_cost": 2.5e-07, "output_cost_per_reasoning_token": 1e-05,
      "input_cost_per_token_above_272k_tokens": 5e-06, "output_cost_per_token_above_272k_tokens": 1.5e-05,
      "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token_batches": 5e-06,
      "input_cost_per_token_priority": 5e-06, "input_cost_per_token_above_272k_tokens_priority": 1e-05,
      "regional_processing_uplift_multiplier_eu": 1.1,
      "search_context_cost_per_query": { "search_context_size_low": 0.01, "search_context_size_medium": 0.01, "search_context_size_high": 0.01 },
      "max_input_tokens": 1000, "max_output_tokens": 100, "supports_vision": true, "supports_function_calling": false
    }`))
    expect(draft).toMatchObject({ provider: "openai", id: "gpt-x", mode: "chat", context: 1000, maxOutput: 100 })
    expect(draft.prices).toEqual({
      input: "2.5",
      cacheRead: "0.25",
      output: "10",
      tiers: [{ above: 272_000, input: "5", output: "15" }],
      batch: { input: "1.25", output: "5" },
      priority: { input: "5", tiers: [{ above: 272_000, input: "10" }] },
      search: "0.01",
      factors: { eu: "1.1" }
    })
    expect(draft.capabilities).toMatchObject({ vision: true, tools: false })
  })

  it("knows two times of keeping a cache, and tiers in a list", () => {
    expect(one(fromLite("claude-x", `{ "litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
      "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
      "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05, "provider_specific_entry": { "us": 1.1, "fast": 6.0 } }`)).prices)
      .toMatchObject({ cacheWrite: "3.75", cacheWrite1h: "6", tiers: [{ above: 200_000, cacheWrite1h: "12" }], factors: { us: "1.1", fast: "6" } })
    expect(one(fromLite("dashscope/q", `{ "litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
      { "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06, "output_cost_per_reasoning_token": 4e-06, "range": [0, 32000.0] },
      { "input_cost_per_token": 3e-06, "output_cost_per_token": 6e-06, "output_cost_per_reasoning_token": 9e-06, "range": [32000, 1000000] }] }`)).prices)
      .toEqual({ input: "1", output: "2", reasoning: "4", reasoningCovers: "whole", tiers: [{ above: 32_000, input: "3", output: "6", reasoning: "9" }] })
  })

  it.each([
    ["xai/grok", "xai", "xai", "grok"],
    ["gemini/gemini-x", "gemini", "google", "gemini-x"],
    ["vertex_ai/meta/llama-maas", "vertex_ai-llama_models", "vertex", "meta/llama-maas"],
    ["gemini-x", "vertex_ai-language-models", "vertex", "gemini-x"],
    ["bedrock/us.anthropic.claude-x-v1:0", "bedrock", "bedrock", "us.anthropic.claude-x-v1:0"],
    ["azure/global-standard/gpt-x", "azure", "azure", "gpt-x"],
    ["azure_ai/claude-x", "azure_ai", "azure", "claude-x"],
    ["fireworks_ai/kimi", "fireworks_ai", "fireworks", "accounts/fireworks/models/kimi"],
    ["openrouter/openrouter/auto", "openrouter", "openrouter", "openrouter/auto"]
  ])("%s of %s is %s %s", (key, theirs, provider, id) => {
    expect(one(fromLite(key, `{ "litellm_provider": "${theirs}", "mode": "chat" }`))).toMatchObject({ provider, id })
  })

  it.each([
    ["bedrock/us-gov-west-1/anthropic.x", "bedrock", "chat", "region"],
    ["bedrock/us-east-1/1-month-commitment/anthropic.x", "bedrock", "chat", "commitment"],
    ["azure/eu/gpt-x", "azure", "chat", "data zone"],
    ["together-ai-4.1b-8b", "together_ai", "chat", "by size"],
    ["openai/container", "openai", "chat", "sandbox"],
    ["gpt-image", "openai", "image_generation", "no operation for image_generation"],
    ["gemini/gemini-x-tts", "gemini", "chat", "no operation"]
  ])("%s is left out with the reason", (key, theirs, mode, reason) => {
    const { drafts, leftOut } = fromLite(key, `{ "litellm_provider": "${theirs}", "mode": "${mode}" }`)
    expect(drafts).toEqual([])
    expect([...leftOut.keys()].join()).toContain(reason)
  })

  it("counts prices it has no place for, and passes over other providers", () => {
    expect([...fromLite("gpt-x", `{ "litellm_provider": "openai", "mode": "chat", "input_cost_per_character": 1 }`).unused]).toEqual([["input_cost_per_character", 1]])
    expect(fromLite("x", `{ "litellm_provider": "constructor", "mode": "chat" }`)).toMatchObject({ drafts: [] })
  })
})

describe("models.dev and OpenRouter", () => {
  it("are read in their own units", () => {
    expect(one(fromDev("groq", `{ "id": "m", "name": "M", "tool_call": true, "limit": { "context": 10, "input": 8, "output": 4 }, "release_date": "2025-01-02",
      "modalities": { "input": ["text", "image"], "output": ["text"] },
      "cost": { "input": 0.15, "output": 0.6, "cache_read": 0, "tiers": [{ "tier": { "size": 5 }, "input": 0.3, "output": 1.2 }] } }`))).toMatchObject({
        provider: "groq",
        context: 10,
        maxInput: 8,
        capabilities: { tools: true, vision: true, pdf: false },
        prices: { input: "0.15", output: "0.6", tiers: [{ above: 5, input: "0.3", output: "1.2" }] }
      })
    expect(one(fromRouter(`{ "id": "a/b", "canonical_slug": "a/b-20250102", "architecture": { "input_modalities": ["text", "file"], "output_modalities": ["text"] },
      "supported_parameters": ["tools"], "pricing": { "prompt": "0.0000006000000000000001", "completion": "0.000001", "internal_reasoning": "0.000001",
      "overrides": [{ "min_prompt_tokens": 7, "prompt": "0.000002", "completion": "0.000003" }] } }`))).toMatchObject({
        aliases: ["a/b-20250102"],
        capabilities: { tools: true, pdf: true, vision: false },
        prices: { input: "0.6", output: "1", tiers: [{ above: 7, input: "2", output: "3" }] }
      })
  })

  it("leave a router without a price, with the reason", () => {
    const draft = one(fromRouter(`{ "id": "openrouter/auto", "architecture": { "output_modalities": ["text"] }, "pricing": { "prompt": "-1", "completion": "-1" } }`))
    expect(draft.prices).toBeUndefined()
    expect(draft.unpriced).toContain("its choice")
  })
})

describe("sources that differ", () => {
  const lite = (input: string, more = "") =>
    fromLite("groq/m", `{ "litellm_provider": "groq", "mode": "chat", "input_cost_per_token": ${input}, "output_cost_per_token": 2e-06 ${more} }`)
  const dev = (input: string, more = "") => fromDev("groq", `{ "id": "m", "name": "M", "modalities": { "output": ["text"] }, "cost": { "input": ${input}, "output": 2 ${more} } }`)

  it("the newest says the price, whole, and the difference is reported", () => {
    const { differences, list } = rowsOf(dev("3", `, "cache_read": 0.5`), lite("1e-06"))
    expect(list[0]?.prices).toEqual({ input: "1", output: "2" })
    expect(list[0]).toMatchObject({ name: "M", from: "lm" })
    expect(differences).toEqual(["groq/m: litellm before models.dev: input 1, not 3"])
  })

  it("a gap is filled by one that agrees, and prices a hair apart are the rounder one", () => {
    expect(rowsOf(dev("1", `, "cache_read": 0.5`), lite("1.0000002e-06")).list[0]?.prices).toEqual({ input: "1", cacheRead: "0.5", output: "2" })
  })

  it("no price is made of zeros, of one direction, of a slip of the unit, or of a rent", () => {
    const { leftOut, list } = rowsOf(fromLite("groq/m", `{ "litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 0, "output_cost_per_token": 0 }`))
    expect(list[0]?.prices).toBeUndefined()
    expect([...leftOut.keys()]).toEqual(["zero, of a model not known to be free"])
    expect(rowsOf(fromLite("groq/m", `{ "litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 1 }`)).list[0]?.prices).toBeUndefined()
    expect(rowsOf(lite("0.002")).list[0]?.prices).toBeUndefined()
    expect(rowsOf(lite("1e-06", `, "cache_creation_input_token_cost": 1e-07`)).list[0]?.prices).toEqual({ input: "1", output: "2" })
  })

  it("an alias that is another's name, or two models' alias, is dropped", () => {
    const router = (id: string, slug: string) =>
      `{ "id": "${id}", "canonical_slug": "${slug}", "architecture": { "output_modalities": ["text"] }, "pricing": { "prompt": "1e-6", "completion": "1e-6" } }`
    const { list } = rowsOf(fromRouter(router("a", "b"), router("b", "c"), router("d", "x"), router("e", "x"), router("f", "g")))
    expect(list.map(({ aliases }) => aliases)).toEqual([undefined, ["c"], undefined, undefined, ["g"]])
  })
})
