import type { JsonValue, Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { describe, expect, it } from "vitest"
import { Catalog, Cost, type CostOptions, type Prices } from "../src/index.ts"

const model = (prices: Prices | undefined, more: { readonly provider?: string; readonly id?: string; readonly mode?: "chat" | "embedding" } = {}) => {
  const row = { provider: "test", id: "m", ...more, ...(prices !== undefined && { prices }) }
  const found = Catalog.empty.withOverrides([row]).get(row.provider, row.id)
  if (found === undefined) throw new Error("no model")
  return found
}
const tokens = (input: Usage["inputTokens"], output: Usage["outputTokens"], raw?: JsonValue): Usage => ({
  inputTokens: input,
  outputTokens: output,
  ...(raw !== undefined && { raw })
})
const json = (usage: Usage, prices: Prices | undefined, options?: CostOptions) => Cost.of(usage, model(prices), options).toJSON()
const plain = { input: "2.5", cacheRead: "1.25", output: "10" }

describe("a cost", () => {
  it("is tokens times prices, in parts", () => {
    expect(json(tokens({ total: 1000, cacheRead: 400, cacheWrite: 0 }, { total: 100, reasoning: 30 }), plain)).toEqual({
      currency: "USD",
      input: "0.0015",
      cacheRead: "0.0005",
      cacheWrite: "0",
      output: "0.0007",
      reasoning: "0.0003",
      other: "0",
      total: "0.003"
    })
  })

  it("divides a prompt into fresh, read and written", () => {
    const cost = json(tokens({ total: 1000, cacheRead: 400, cacheWrite: 100 }, { total: 0 }), { ...plain, cacheWrite: "4" })
    expect(cost).toMatchObject({ input: "0.00125", cacheRead: "0.0005", cacheWrite: "0.0004", total: "0.00215" })
  })

  it("is exact where binary floats are not", () => {
    expect(json(tokens({ total: 3 }, { total: 0 }), { input: "0.1", output: "1" }).input).toBe("0.0000003")
    expect(json(tokens({ total: 9_007_199_254_740_991 }, { total: 1 }), { input: "0.0833333333333", output: "600" }).total)
      .toBe("750599937.8953823433581753003")
  })

  it("prices the whole prompt as input where the service divides nothing, and says so where it matters", () => {
    const cost = Cost.of(tokens({ total: 1000 }, { total: 10 }), model({ ...plain, reasoning: "20" }))
    expect(cost.toJSON().total).toBe("0.0026")
    expect(cost.assumed).toHaveLength(2)
    expect(Cost.of(tokens({ total: 1000 }, { total: 10 }), model({ input: "1", output: "1" })).assumed).toEqual([])
  })

  it("sums the parts where the service gives no whole", () => {
    const cost = json(tokens({ uncached: 600, cacheRead: 400, cacheWrite: 0 }, { text: 70, reasoning: 30 }), plain)
    expect(cost.total).toBe("0.003")
  })

  it("asks nothing for the output of an embedding", () => {
    const cost = Cost.of(tokens({ total: 1000 }, {}), model({ input: "0.02" }, { mode: "embedding" }))
    expect(cost.toJSON().total).toBe("0.00002")
  })
})

describe("the unknown", () => {
  it.each<[string, Usage, Prices | undefined, string]>([
    ["a model without prices", tokens({ total: 1 }, { total: 1 }), undefined, "knows no price of the model"],
    ["the prompt", tokens({}, { total: 1 }), plain, "prompt is not known"],
    ["the answer", tokens({ total: 1 }, {}), plain, "answer is not known"],
    ["the price of the prompt", tokens({ total: 1 }, { total: 1 }), { output: "1" }, "price is known for tokens of the prompt"],
    ["the price of the answer", tokens({ total: 1 }, { total: 1 }), { input: "1" }, "price is known for tokens of the answer"],
    ["the price of cached tokens", tokens({ total: 2, cacheRead: 1 }, { total: 1 }), { input: "1", output: "1" }, "read from the cache"],
    ["the price of cache writes", tokens({ total: 2, cacheWrite: 1 }, { total: 1 }), plain, "written to the cache"],
    ["parts beyond the whole", tokens({ total: 2, cacheRead: 3 }, { total: 1 }), plain, "more than the whole"],
    ["thinking beyond the answer", tokens({ total: 2 }, { total: 1, reasoning: 2 }), plain, "more than the whole"],
    ["half a token", tokens({ total: 1.5 }, { total: 1 }), plain, "inputTokens.total is no count: 1.5"],
    ["fewer than none", tokens({ total: 1 }, { total: -1 }), plain, "outputTokens is no count: -1"],
    ["no number", tokens({ total: 1, cacheRead: Number.NaN }, { total: 1 }), plain, "inputTokens.cacheRead is no count: NaN"]
  ])("%s: makes the total unknown, never zero", (_, usage, prices, reason) => {
    const cost = Cost.of(usage, model(prices))
    expect(cost.total).toBeUndefined()
    expect(cost.reasons.join()).toContain(reason)
    expect(cost.toJSON()).not.toHaveProperty("total")
  })

  it("leaves the other parts known", () => {
    const cost = json(tokens({ total: 1000 }, {}), plain)
    expect(cost).toMatchObject({ input: "0.0025", cacheRead: "0" })
    expect(cost).not.toHaveProperty("output")
  })

  it("is the cost of a model nobody knows", () => {
    expect(Cost.of(tokens({ total: 1 }, { total: 1 }), undefined).reasons).toEqual(["the catalog does not know the model"])
    const nitro = Catalog.get("openrouter", "openai/gpt-oss-20b:nitro")
    expect(Cost.of(tokens({ total: 1 }, { total: 1 }), nitro).reasons[0]).toContain("the fastest")
  })
})

describe("long prompts", () => {
  const tiered = { ...plain, tiers: [{ above: 200, input: "5", cacheRead: "2.5", output: "20" }, { above: 400, input: "8", output: "30" }] }
  it.each([[200, "0.0005"], [201, "0.001005"], [400, "0.002"], [401, "0.003208"]])("%i tokens", (total, input) => {
    expect(json(tokens({ total }, { total: 0 }), tiered).input).toBe(input)
  })

  it("count their cached tokens, and price the answer too", () => {
    expect(json(tokens({ total: 201, cacheRead: 200 }, { total: 100 }), tiered)).toMatchObject({ input: "0.000005", cacheRead: "0.0005", output: "0.002" })
  })

  it("are unknown in what their tier does not name, or when their length is", () => {
    expect(json(tokens({ total: 500, cacheRead: 1 }, { total: 1 }), tiered)).not.toHaveProperty("cacheRead")
    expect(Cost.of(tokens({}, { total: 1 }), model(tiered)).reasons[0]).toContain("length of the prompt")
  })
})

describe("levels of service", () => {
  const levels: Prices = {
    ...plain,
    tiers: [{ above: 200, input: "5", output: "20" }],
    batch: { input: "1.25", output: "5", tiers: [{ above: 200, input: "2.5", output: "10" }] },
    priority: { input: "4", output: "17" }
  }
  const usage = tokens({ total: 100 }, { total: 10 })
  it.each([[undefined, "0.00025"], ["default", "0.00025"], ["auto", "0.00025"], ["on_demand", "0.00025"], ["batch", "0.000125"], ["priority", "0.0004"]])(
    "%s",
    (serviceTier, input) => expect(json(usage, levels, serviceTier === undefined ? {} : { serviceTier }).input).toBe(input)
  )

  it("are unknown without a price", () => {
    expect(json(usage, levels, { serviceTier: "flex" }).reasons).toEqual(["no price is known for the service tier \"flex\""])
    for (const serviceTier of ["scale", "constructor", "__proto__", ""]) expect(Cost.of(usage, model(levels), { serviceTier }).total).toBeUndefined()
  })

  it("have tiers of their own, and none where none are listed", () => {
    const long = tokens({ total: 201 }, { total: 10 })
    expect(json(long, levels, { serviceTier: "batch" }).input).toBe("0.0005025")
    expect(json(long, levels, { serviceTier: "priority" }).reasons?.[0]).toContain("more than 200 tokens")
  })

  it("are read from the usage, which the caller can correct", () => {
    const told = tokens({ total: 100 }, { total: 10 }, { service_tier: "batch" })
    expect(json(told, levels).input).toBe("0.000125")
    expect(json(told, levels, { serviceTier: "standard" }).input).toBe("0.00025")
    expect(json(tokens({ total: 100 }, { total: 10 }, { trafficType: "PROVISIONED_THROUGHPUT" }), levels)).not.toHaveProperty("total")
  })
})

describe("factors", () => {
  const dearer: Prices = { input: "1", output: "1", search: "0.01", factors: { us: "1.1", fast: "6" } }
  const cost = (raw: JsonValue, options?: CostOptions) => json(tokens({ total: 100 }, { total: 0 }, raw), dearer, options).total
  it("apply to tokens, not to searches", () => {
    expect(cost({})).toBe("0.0001")
    expect(cost({ inference_geo: "us" })).toBe("0.00011")
    expect(cost({ inference_geo: "us", speed: "fast" })).toBe("0.00066")
    expect(cost({ inference_geo: "us" }, { region: "us", searches: 1 })).toBe("0.01011")
    expect(cost({ inference_geo: "global", speed: "standard" }, { region: "us" })).toBe("0.00011")
    expect(cost({}, { region: "eu" })).toBe("0.0001")
  })
  it("are unknown where the usage names one that has no price", () => expect(cost({ inference_geo: "eu" })).toBeUndefined())
})

describe("sums", () => {
  const known = Cost.of(tokens({ total: 1000 }, { total: 10 }), model(plain))
  it("are unknown where one of them is, and keep every reason", () => {
    const both = Cost.add(known, Cost.of(tokens({ total: 5 }, {}), model(plain)))
    expect(both.toJSON()).toMatchObject({ input: "0.0025125", reasons: ["the count of tokens of the answer is not known"] })
    expect(both.total).toBeUndefined()
    expect(Cost.sum([]).toJSON().total).toBe("0")
    expect(Cost.sum([known, known, known]).toJSON().total).toBe("0.0078")
  })

  it("come back from JSON as they were", () => {
    const again = Cost.fromJson(JSON.parse(JSON.stringify(known)))
    expect(again.toJSON()).toEqual(known.toJSON())
    expect(Cost.fromJson({ currency: "USD", input: "much" }).reasons).toEqual(["input: what was stored is no amount"])
    expect(Cost.fromJson({ currency: "USD", total: "5" }).total).toBeUndefined()
  })
})

describe("format", () => {
  it.each([
    ["0", "$0.00"], ["0.00042", "$0.00042"], ["0.5", "$0.50"], ["0.00246825", "$0.002468"], ["0.9999999", "$1.00"], ["1", "$1.00"], ["1.005", "$1.01"],
    ["12.3456", "$12.35"], ["1234567.891", "$1234567.89"], ["0.00000006", "$0.00000006"], ["0.0000000000000000001", "$0.0000000000000000001"], ["-0.25", "-$0.25"]
  ])("%s is %s", (amount, shown) => expect(Cost.format(BigDecimal.fromStringUnsafe(amount))).toBe(shown))
  it("says unknown", () => {
    expect(Cost.format(undefined)).toBe("unknown")
    expect(Cost.format(Cost.of(tokens({}, {}), undefined))).toBe("unknown")
    expect(Cost.format(Cost.zero)).toBe("$0.00")
  })
})
