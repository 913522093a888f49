import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Catalog } from "../src/index.ts"

const idOf = (provider: string, id: string) => Catalog.get(provider, id)?.id

describe("an id means a row", () => {
  it.each([
    ["openai", "gpt-4o-2024-11-20", "gpt-4o-2024-11-20"],
    ["anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"],
    ["google", "models/gemini-2.5-flash", "gemini-2.5-flash"],
    ["vertex", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"],
    ["vertex", "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929", "claude-sonnet-4-5@20250929"],
    ["vertex", "publishers/meta/models/llama-3.3-70b-instruct-maas", "meta/llama-3.3-70b-instruct-maas"],
    ["vertex", "google/gemini-2.5-flash", "gemini-2.5-flash"],
    ["vertex", "claude-sonnet-4-6@default", "claude-sonnet-4-6"],
    ["vertex", "gemini-2.5-flash@default", "gemini-2.5-flash"],
    ["vertex", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5@20250929"],
    ["azure", "gpt-4o@2024-11-20", "gpt-4o-2024-11-20"],
    ["bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0"],
    ["bedrock", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"],
    [
      "bedrock",
      "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
      "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    ],
    ["fireworks", "glm-4p7", "accounts/fireworks/models/glm-4p7"],
    ["ollama", "llama3:latest", "llama3"],
    ["openrouter", "anthropic/claude-4.5-haiku-20251001", "anthropic/claude-haiku-4.5"]
  ])("%s %s", (provider, written, id) => expect(idOf(provider, written)).toBe(id))

  it("without its date, when nothing else is left over", () => {
    expect(idOf("openai", "gpt-4o-2031-02-28")).toBe("gpt-4o")
    expect(idOf("openai", "gpt-4o-20310228")).toBe("gpt-4o")
    expect(idOf("openai", "gpt-4o-2032-02-29")).toBe("gpt-4o")
    expect(idOf("anthropic", "claude-haiku-4-5@20310228")).toBe("claude-haiku-4-5")
  })

  it.each([
    ["openai", "gpt-4o-2031-02-29"],
    ["openai", "gpt-4o-2032-02-30"],
    ["openai", "gpt-4o-2031-04-31"],
    ["openai", "gpt-4o-2031-04-00"],
    ["openai", `ft:gpt-4o-mini-2024-07-18:${"x".repeat(600)}`],
    ["openai", "gpt-4o-2031-13-01"],
    ["openai", "gpt-4o-2031-0228"],
    ["openai", "gpt-4o-2031-02-28-preview"],
    ["openai", "gpt-4o-2024-11-20-2031-02-28"],
    ["openai", "gpt-4o-0228"],
    ["openai", "gpt-4o-mini-foo"],
    ["openai", "gpt-4-turbo-foo"],
    ["openai", "gpt-4o "],
    ["openai", "GPT-4O"],
    ["openai", "gpt-4o@default"],
    ["openai", "models/gpt-4o"],
    ["google", "tunedModels/gemini-2.5-flash"],
    ["bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"],
    ["bedrock", "xx.anthropic.claude-haiku-4-5-20251001-v1:0"],
    ["azure", "gpt-4o-mini-2024-07-18.ft-0123"],
    ["mistral", "mistral-large-latest-2031-02-28"],
    ["ollama", "llama3:90b"],
    ["nobody", "gpt-4o"],
    ["openai", ""]
  ])("but %s %s means none", (provider, written) => expect(Catalog.get(provider, written)).toBeUndefined())

  it("never one it merely begins like: gpt-4-turbo is not gpt-4", () => {
    expect(Catalog.get("openai", "gpt-4-turbo")?.prices?.input).toBe("10")
    expect(Catalog.get("openai", "gpt-4")?.prices?.input).toBe("30")
    for (const model of Catalog.models("openai")) expect(idOf("openai", `${model.id}-foo`)).toBeUndefined()
  })
})

describe("prices that are not the model's", () => {
  it("a fine-tune costs what fine-tunes of its base cost, or is unknown", () => {
    expect(Catalog.get("openai", "ft:gpt-4o-mini-2024-07-18:org::abc")?.prices?.input).toBe("0.3")
    expect(Catalog.get("openai", "ft:gpt-4o-mini-2024-07-18:org:name:abc:ckpt-step-88")?.id).toBe("ft:gpt-4o-mini-2024-07-18")
    expect(Catalog.get("openai", "ft:gpt-4o-mini:org::id")).toBeUndefined()
    expect(Catalog.get("openai", "ft:gpt-5:org::id")).toBeUndefined()
  })

  it("a variant of unknown price keeps what the model can do and loses its prices, with the reason", () => {
    for (const [provider, id] of [
      ["openrouter", "openai/gpt-oss-20b:nitro"],
      ["openrouter", "openai/gpt-oss-20b:floor"],
      ["openrouter", "openai/gpt-oss-20b:online"],
      ["huggingface", "openai/gpt-oss-120b:cerebras"],
      ["bedrock", "ca.amazon.nova-lite-v1:0"]
    ] as const) {
      const model = Catalog.get(provider, id)
      expect(model?.capabilities.tools, id).toBe(true)
      expect(model?.prices, id).toBeUndefined()
      expect(model?.unpriced, id).toMatch(/price|charged/)
    }
  })

  it("a free variant has its own price, and none where it is not listed", () => {
    expect(Catalog.get("openrouter", "openai/gpt-oss-20b:free")?.prices?.input).toBe("0")
    expect(Catalog.get("openrouter", "openai/gpt-oss-20b")?.prices?.input).toBe("0.03")
    expect(Catalog.get("openrouter", "openai/gpt-5:free")).toBeUndefined()
    expect(Catalog.get("openrouter", "openai/gpt-5:constructor")).toBeUndefined()
  })

  it("a router has none of its own, and says so", () => {
    const router = Catalog.get("openrouter", "openrouter/auto")
    expect(router?.prices).toBeUndefined()
    expect(router?.unpriced).toContain("a model of its choice")
  })
})

describe("look-up takes anything", () => {
  const odd = ["__proto__", "constructor", "toString", "hasOwnProperty", "ft:", ":", "@", "-2024-01-01", "models/", "\u0000", "💥"]

  it.each(odd)("%j is nobody and nothing", (text) => {
    expect(Catalog.get(text, text)).toBeUndefined()
    expect(Catalog.models(text)).toEqual([])
    expect(Catalog.suggest(text, text)).toEqual([])
    for (const provider of Catalog.providers) expect(Catalog.get(provider, text)).toBeUndefined()
  })

  it("never throws, and never mistakes one id for another", () => {
    const piece = fc.constantFrom("gpt-4o", "ft:", ":", "-", "@", "2024-11-20", "20241120", "us.", "models/", "/", "latest", ":nitro", "mini")
    const id = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")))
    fc.assert(fc.property(fc.constantFrom(...Catalog.providers, "__proto__"), id, (provider, written) => {
      const model = Catalog.get(provider, written)
      if (model !== undefined) expect(model.provider).toBe(provider)
      Catalog.suggest(provider, written)
    }))
  })

  it("takes an endless id in no time", () => {
    const start = performance.now()
    Catalog.get("openai", `${"gpt-4o-".repeat(100_000)}2024-11-20`)
    Catalog.get("vertex", `${"projects/".repeat(50_000)}`)
    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe("suggest", () => {
  it("names what was meant, the nearest first", () => {
    expect(Catalog.suggest("openai", "gpt-4o-mni")[0]).toBe("gpt-4o-mini")
    expect(Catalog.suggest("anthropic", "claude-sonet-4.5")[0]).toBe("claude-sonnet-4-5")
    expect(Catalog.suggest("openai", "gpt-4o-mni", 1)).toHaveLength(1)
    expect(Catalog.suggest("openai", "gpt-4o-mni", 0)).toEqual([])
    expect(Catalog.suggest("voyage", "xyz")).toEqual([])
  })
})
