import { type JsonValue, LlmError } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Catalog, type OverrideInput } from "../src/index.ts"

const refusal = (rows: unknown): LlmError => {
  try {
    Catalog.withOverrides(rows as ReadonlyArray<OverrideInput>)
  } catch (error) {
    if (LlmError.isLlmError(error)) return error
  }
  throw new Error("not refused")
}

describe("a row", () => {
  it("adds a model", () => {
    const model = Catalog.withOverrides([{ provider: "mine", id: "m-1", prices: { input: "0.10", output: 2 }, asOf: "2026-08-15" }]).get("mine", "m-1")
    expect(model).toEqual({
      provider: "mine",
      id: "m-1",
      mode: "chat",
      prices: { input: "0.1", output: "2" },
      capabilities: {},
      input: ["text"],
      output: ["text"],
      aliases: [],
      asOf: "2026-08-15",
      sources: ["override"]
    })
  })

  it("changes what it names of a known model and leaves the rest; prices go as a whole, and take their date along", () => {
    const before = Catalog.get("openai", "gpt-4o")
    const after = Catalog.withOverrides([{ provider: "openai", id: "gpt-4o", prices: { input: 2, output: "8" }, capabilities: { vision: false } }])
      .get("openai", "gpt-4o")
    expect(after?.prices).toEqual({ input: "2", output: "8" })
    expect(after?.capabilities).toEqual({ ...before?.capabilities, vision: false })
    expect(after?.context).toBe(before?.context)
    expect(after?.sources).toEqual(["override", ...before?.sources ?? []])
    expect(after).not.toHaveProperty("asOf")
  })

  it("without prices leaves price and date alone", () => {
    const before = Catalog.get("openai", "gpt-4o")
    const after = Catalog.withOverrides([{ provider: "openai", id: "gpt-4o", context: 1, aliases: ["my-gpt"] }])
    expect(after.get("openai", "my-gpt")).toMatchObject({ context: 1, prices: before?.prices, asOf: before?.asOf })
    expect(after.get("openai", "my-gpt")?.sources.at(-1)).toBe("override")
  })

  it("makes known what had no price", () => {
    const router = Catalog.withOverrides([{ provider: "openrouter", id: "openrouter/auto", prices: { input: 1, output: 1 } }])
      .get("openrouter", "openrouter/auto")
    expect(router?.prices).toEqual({ input: "1", output: "1" })
    expect(router).not.toHaveProperty("unpriced")
  })

  it("takes every field of a row of the table, as JSON", () => {
    for (const [provider, id] of [["google", "gemini-2.5-pro"], ["perplexity", "sonar"], ["alibaba", "qwen-plus-latest"], ["openai", "gpt-5.4"]] as const) {
      const model = Catalog.get(provider, id)
      const { sources: _, ...again } = Catalog.empty.withOverridesJson(JSON.stringify([model])).get(provider, id) ?? { sources: [] }
      expect({ ...again, sources: model?.sources }).toEqual(model)
    }
  })

  it("reads numbers as the decimals they were meant to be, and puts tiers in order", () => {
    const prices = {
      input: 0.1 + 0.2,
      output: 1e-7,
      tiers: [{ above: 9, input: "9", output: "9" }, { above: 3, input: "3.0", output: "3e-1" }],
      batch: { input: ".50" },
      search: { low: 0.005 },
      factors: { us: 1.1 }
    }
    expect(Catalog.withOverrides([{ provider: "mine", id: "m", prices }]).get("mine", "m")?.prices).toEqual({
      input: "0.3",
      output: "0.0000001",
      tiers: [{ above: 3, input: "3", output: "0.3" }, { above: 9, input: "9", output: "9" }],
      batch: { input: "0.5" },
      search: { low: "0.005" },
      factors: { us: "1.1" }
    })
  })
})

describe("a catalog with rows of one's own", () => {
  it("leaves the one it was made from as it was", () => {
    const own = Catalog.withOverrides([{ provider: "mine", id: "m", prices: { input: 1, output: 1 } }])
    expect(Catalog.get("mine", "m")).toBeUndefined()
    expect(own.providers).toEqual([...Catalog.providers, "mine"].sort())
    expect(own.models("openai")).toBe(Catalog.models("openai"))
    expect(own.find({ provider: "mine" })).toHaveLength(1)
    expect(own.suggest("mine", "n")).toEqual(["m"])
    expect(own.withOverrides([{ provider: "mine", id: "n" }]).models("mine").map(({ id }) => id)).toEqual(["m", "n"])
  })

  it("finds a row by its id before another's alias", () => {
    expect(Catalog.get("fireworks", "glm-4p7")?.id).toBe("accounts/fireworks/models/glm-4p7")
    expect(Catalog.withOverrides([{ provider: "fireworks", id: "glm-4p7", context: 7 }]).get("fireworks", "glm-4p7")?.context).toBe(7)
  })

  it("may be called anything", () => {
    const own = Catalog.withOverrides([{ provider: "__proto__", id: "constructor", prices: { input: 1, output: 1 } }])
    expect(own.get("__proto__", "constructor")?.prices?.input).toBe("1")
    expect(own.get("constructor", "__proto__")).toBeUndefined()
  })
})

describe("a refusal names row and field", () => {
  it.each<[JsonValue | ReadonlyArray<unknown>, string]>([
    [[{ provider: "a", id: "b" }, { provider: "openai", id: "gpt-4o", contxt: 1 }], "row 2 (\"openai/gpt-4o\"): unknown field \"contxt\"; did you mean \"context\"?"],
    [[{ provider: "a", id: "b", prices: { inptu: 1 } }], "unknown field \"prices.inptu\"; did you mean \"prices.input\"?"],
    [[{ provider: "a", id: "b", prices: { tiers: [{ above: 1 }, { above: 2, outptu: 1 }] } }], "did you mean \"prices.tiers.1.output\"?"],
    [[{ provider: "a", id: "b", prices: { batch: { imput: 1 } } }], "did you mean \"prices.batch.input\"?"],
    [[{ provider: "a", id: "b", prices: { search: { hihg: 1 } } }], "did you mean \"prices.search.high\"?"],
    [[{ provider: "a", id: "b", capabilities: { tool: true } }], "did you mean \"capabilities.tools\"?"],
    [[{ provider: "a", id: "b", prices: { input: "1,5" } }], "row 1 (\"a/b\"): prices.input must be a decimal from 0 up"],
    [[{ provider: "a", id: "b", prices: { input: -1 } }], "prices.input must be a decimal from 0 up"],
    [[{ provider: "a", id: "b", prices: { input: Number.NaN } }], "prices.input must be a decimal from 0 up"],
    [[{ provider: "a", id: "b", prices: { input: true } }], "prices.input must be"],
    [[{ provider: "a", id: "b", prices: { tiers: [{ input: 1 }] } }], "prices.tiers.0.above must be given"],
    [[{ provider: "a", id: "b", context: 1.5 }], "context must be"],
    [[{ provider: "a", id: "b", retires: "soon" }], "retires must be a date like 2026-08-01"],
    [[{ provider: "a", id: "b", mode: "picture" }], "mode must be"],
    [[{ provider: "a" }], "row 1: id must be given"],
    [[{ provider: "", id: "b" }], "provider must be a text of 1 to 512 characters"],
    [[{ provider: "a", id: "b" }, { provider: "c", id: "b" }, { provider: "a", id: "b" }], "row 3 (\"a/b\") repeats row 1"],
    [["gpt-4o"], "row 1 must be an object"],
    [{ openai: {} }, "must be a list of rows"]
  ])("%j", (rows, message) => {
    const error = refusal(rows)
    expect(error.reason._tag).toBe("Configuration")
    expect(error.message).toContain(message)
  })

  it("with what would fit and what was given", () => {
    expect(refusal([{ provider: "a", id: "b", prices: { tiers: [{ above: 1, input: "x" }] } }]).reason).toMatchObject({
      option: "prices.tiers.0.input",
      value: "x",
      expected: "a decimal from 0 up, as text or number"
    })
  })

  it("and of text that is no JSON says so", () => {
    expect(() => Catalog.withOverridesJson("{")).toThrow(/no readable JSON/)
    expect(() => Catalog.withOverridesJson("[".repeat(100_000) + "]".repeat(100_000))).toThrow(/no readable JSON/)
    expect(() => Catalog.withOverridesJson("{}")).toThrow(/list of rows/)
  })

  it("whatever is given, it is taken or refused by name", () => {
    const value = fc.oneof(fc.jsonValue(), fc.record({ provider: fc.string(), id: fc.string(), prices: fc.jsonValue() }))
    fc.assert(fc.property(fc.array(value, { maxLength: 3 }), (rows) => {
      try {
        Catalog.empty.withOverrides(rows as unknown as ReadonlyArray<OverrideInput>)
      } catch (error) {
        expect(LlmError.isLlmError(error)).toBe(true)
      }
    }))
  })
})
