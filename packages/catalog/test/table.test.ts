import { Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { make, missing } from "../sources/write.ts"
import { Catalog, type Model } from "../src/index.ts"
import { ModelRow } from "../src/overrides.ts"

const here = dirname(fileURLToPath(import.meta.url))
const models = Catalog.providers.flatMap((provider) => Catalog.models(provider))
const nameOf = ({ id, provider }: Model) => `${provider}/${id}`

/** Every decimal of a row with the way to it. */
const amounts = (value: unknown, path = ""): ReadonlyArray<readonly [path: string, amount: string]> =>
  typeof value === "string"
    ? path.endsWith("reasoningCovers") ? [] : [[path, value]]
    : typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([name, field]) => amounts(field, `${path}.${name}`))
    : []

describe("the built-in table", () => {
  it("covers every provider there is a recording of a price for", () => {
    expect(Catalog.providers).toEqual(expect.arrayContaining([
      "alibaba", "anthropic", "azure", "bedrock", "cerebras", "cohere", "databricks", "deepseek", "fireworks", "google", "groq",
      "huggingface", "mistral", "ollama", "openai", "openrouter", "perplexity", "snowflake", "together", "vertex", "voyage", "xai", "zai"
    ]))
    expect(models.length).toBeGreaterThan(1500)
  })

  it("has rows that pass the schema of rows, field by field", () => {
    const check = Schema.decodeUnknownResult(ModelRow, { onExcessProperty: "error" })
    const failing = models.filter((model) => check(model)._tag === "Failure").map(nameOf)
    expect(failing).toEqual([])
  })

  it("has each id once, in order, and no alias that is another row's id or alias", () => {
    for (const provider of Catalog.providers) {
      const rows = Catalog.models(provider)
      const ids = rows.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)].sort())
      const names = [...ids, ...rows.flatMap(({ aliases }) => aliases)]
      expect(names.length).toBe(new Set(names).size)
    }
  })

  it("finds each of its rows by id and by alias", () => {
    for (const model of models) {
      expect(Catalog.get(model.provider, model.id)).toBe(model)
      for (const alias of model.aliases) expect(Catalog.get(model.provider, alias)).toBe(model)
    }
  })

  it("has no amount that is negative, in exponents, or carries the noise of a binary float", () => {
    const odd = models.flatMap((model) =>
      amounts(model.prices).filter(([, amount]) =>
        !/^\d+(\.\d*[1-9])?$/.test(amount) || amount.replace(".", "").replace(/^0+/, "").length > 12
      ).map(([path, amount]) => `${nameOf(model)}${path} ${amount}`)
    )
    expect(odd).toEqual([])
  })

  it("has no price above $1,000 per million tokens", () => {
    const dear = models.flatMap((model) => amounts(model.prices).filter(([, amount]) => Number(amount) > 1000).map(() => nameOf(model)))
    expect(dear).toEqual([])
  })

  it("has both prices of every chat model it prices, and no zero but for models known to be free", () => {
    const free = /^(ollama\/|openai\/(omni|text)-moderation-|zai\/glm-4\.[57]-flash$|google\/gemma-|together\/.*-Free$|openrouter\/(.*:free|openrouter\/free)$)/
    for (const model of models) {
      const { mode, prices } = model
      if (prices === undefined) continue
      expect(prices.input, nameOf(model)).toBeDefined()
      if (mode !== "embedding" && mode !== "moderation") expect(prices.output, nameOf(model)).toBeDefined()
      if (prices.input === "0" && (prices.output === "0" || mode === "moderation")) expect(nameOf(model)).toMatch(free)
    }
  })

  it("has a cached prompt cheaper than a fresh one, and tiers that rise, unless a row is named here", () => {
    const odd = models.flatMap((model) => {
      const { prices } = model
      if (prices === undefined) return []
      const dearer = prices.cacheRead !== undefined && Number(prices.cacheRead) > Number(prices.input)
      const limits = prices.tiers?.map(({ above }) => above) ?? []
      const rising = limits.every((limit, index) => limit > (limits[index - 1] ?? 0))
      return dearer || !rising ? [nameOf(model)] : []
    })
    expect(odd).toEqual([])
  })

  it("keeps one row per line", () => {
    for (const provider of Catalog.providers) {
      const [open, ...lines] = readFileSync(join(here, `../src/table/${provider}.json`), "utf8").trimEnd().split("\n")
      expect([open, lines.pop()]).toEqual(["[", "]"])
      expect(lines.map((line) => JSON.parse(line.replace(/,$/, "")).id)).toEqual(Catalog.models(provider).map(({ id }) => id))
    }
  })

  it("is dated, and says where it is from", () => {
    for (const { asOf, sources } of models) {
      expect(asOf).toMatch(/^20\d\d-\d\d-\d\d$/)
      expect(sources.length).toBeGreaterThan(0)
    }
  })
})

describe("the facts that matter most", () => {
  it.each([
    ["openai", "gpt-4o", { input: "2.5", cacheRead: "1.25", output: "10" }],
    ["openai", "gpt-4o-mini", { input: "0.15", cacheRead: "0.075", output: "0.6" }],
    ["openai", "gpt-4-turbo", { input: "10", output: "30" }],
    ["openai", "gpt-4", { input: "30", output: "60" }],
    ["openai", "text-embedding-3-small", { input: "0.02" }],
    ["anthropic", "claude-haiku-4-5", { input: "1", cacheRead: "0.1", cacheWrite: "1.25", cacheWrite1h: "2", output: "5" }],
    ["google", "gemini-2.5-flash", { input: "0.3", cacheRead: "0.03", output: "2.5", audioInput: "1" }],
    ["bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", { input: "3.3", output: "16.5" }],
    ["azure", "gpt-4o", { input: "2.5", output: "10" }],
    ["xai", "grok-4.3", { input: "1.25", cacheRead: "0.2", output: "2.5", search: "0.005" }],
    ["deepseek", "deepseek-chat", { input: "0.14", cacheRead: "0.0028", output: "0.28" }],
    ["perplexity", "pplx-embed-v1-0.6b", { input: "0.004" }],
    ["openrouter", "openai/gpt-oss-20b:free", { input: "0", output: "0" }]
  ])("%s %s", (provider, id, prices) => expect(Catalog.get(provider, id)?.prices).toMatchObject(prices))

  it("prices long prompts in tiers", () => {
    expect(Catalog.get("google", "gemini-2.5-pro")?.prices?.tiers).toMatchObject([{ above: 200_000, input: "2.5", output: "15" }])
    expect(Catalog.get("openai", "gpt-5.4")?.prices?.tiers).toMatchObject([{ above: 272_000, input: "5", output: "22.5" }])
    expect(Catalog.get("alibaba", "qwen3-coder-plus")?.prices?.tiers?.map(({ above }) => above)).toEqual([32_000, 128_000, 256_000])
  })

  it("knows what models can do", () => {
    expect(Catalog.get("openai", "gpt-4o")?.capabilities).toMatchObject({ tools: true, vision: true, reasoning: false, jsonSchema: true })
    expect(Catalog.get("openai", "gpt-5.4")?.capabilities).toMatchObject({ reasoning: true, sampling: false })
    expect(Catalog.get("perplexity", "sonar")?.capabilities.tools).toBe(false)
  })
})

const folder = join(here, "../../../../shared/pricing")

describe.skipIf(!existsSync(folder) || missing(folder).length > 0)("the sources", () => {
  it("make the table that is there, byte for byte", () => {
    const { files } = make(folder)
    const table = join(here, "../src/table")
    expect(readdirSync(table).sort()).toEqual([...files.keys()].sort())
    for (const [name, text] of files) expect(readFileSync(join(table, name), "utf8") === text, name).toBe(true)
  })
})
