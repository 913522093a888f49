import { describe, expect, it } from "vitest"
import { Catalog, type Model } from "../src/index.ts"

const number = (text: string | undefined) => text === undefined ? Number.POSITIVE_INFINITY : Number(text)
const own = Catalog.empty.withOverrides([
  { provider: "a", id: "dear", prices: { input: "10", output: "1" }, capabilities: { tools: true }, context: 1000, maxOutput: 10 },
  { provider: "a", id: "cheap", prices: { input: "0.10", output: "2" }, capabilities: { tools: true }, context: 2000 },
  { provider: "b", id: "cheap", prices: { input: "0.1", output: "1" }, capabilities: { tools: false }, retires: "2026-08-01" },
  { provider: "b", id: "unpriced", context: 3000, capabilities: { vision: true } },
  { provider: "b", id: "vectors", mode: "embedding", prices: { input: 0.01 } },
  { provider: "b", id: "old", status: "deprecated", prices: { input: "0.001", output: "0.001" } }
])
const ids = (models: ReadonlyArray<Model>) => models.map(({ id, provider }) => `${provider}/${id}`)

describe("find", () => {
  it("sorts by input price, then output price, then name; what has no price comes last", () => {
    expect(ids(own.find({}))).toEqual(["b/vectors", "b/cheap", "a/cheap", "a/dear", "b/unpriced"])
  })

  it("asks for what a model can do, and for what it cannot", () => {
    expect(ids(own.find({ tools: true }))).toEqual(["a/cheap", "a/dear"])
    expect(ids(own.find({ tools: false }))).toEqual(["b/cheap"])
    expect(ids(own.find({ vision: true, tools: true }))).toEqual([])
  })

  it("limits price and size, inclusively; the unknown fits no limit", () => {
    expect(ids(own.find({ maxInputPrice: "0.1", mode: "chat" }))).toEqual(["b/cheap", "a/cheap"])
    expect(ids(own.find({ maxInputPrice: 0.1, maxOutputPrice: 1 }))).toEqual(["b/cheap"])
    expect(ids(own.find({ minContext: 2000 }))).toEqual(["a/cheap", "b/unpriced"])
    expect(ids(own.find({ minOutput: 10 }))).toEqual(["a/dear"])
  })

  it("chooses provider, mode, day and state", () => {
    expect(ids(own.find({ provider: "a" }))).toEqual(["a/cheap", "a/dear"])
    expect(ids(own.find({ provider: "constructor" }))).toEqual([])
    expect(ids(own.find({ mode: "embedding" }))).toEqual(["b/vectors"])
    expect(ids(own.find({ on: "2026-07-31", mode: "chat", provider: "b" }))).toEqual(["b/cheap", "b/unpriced"])
    expect(ids(own.find({ on: "2026-08-01", mode: "chat", provider: "b" }))).toEqual(["b/unpriced"])
    expect(ids(own.find({ deprecated: true }))[0]).toBe("b/old")
  })

  it("refuses a limit that is no decimal", () => {
    expect(() => own.find({ maxInputPrice: "cheap" })).toThrow(/maxInputPrice must be a decimal.*"cheap"/)
  })

  it("finds in the built-in table what fits, in order", () => {
    const found = Catalog.find({ tools: true, vision: true, maxInputPrice: "1", minContext: 200_000, mode: "chat" })
    expect(found.length).toBeGreaterThan(20)
    found.forEach((model, index) => {
      expect(model.capabilities.tools && model.capabilities.vision).toBe(true)
      expect(number(model.prices?.input)).toBeLessThanOrEqual(1)
      expect(number(found[index - 1]?.prices?.input ?? "0")).toBeLessThanOrEqual(number(model.prices?.input))
    })
  })
})

describe("compare", () => {
  const get = (id: string) => {
    const model = Catalog.get("openai", id)
    if (model === undefined) throw new Error(id)
    return model
  }

  it("tells what differs and leaves out what does not", () => {
    const { differences, text } = Catalog.compare(get("gpt-4o"), get("gpt-4o-mini"))
    expect(differences).toContainEqual({ what: "price of input", a: "2.5", b: "0.15" })
    expect(differences.some(({ what }) => what === "context")).toBe(false)
    expect(text.split("\n")[0]).toMatch(/^ +openai\/gpt-4o +openai\/gpt-4o-mini$/)
    expect(text.split("\n")).toHaveLength(differences.length + 1)
  })

  it("says unknown where one is not known, and nothing of a model beside itself", () => {
    const { differences } = Catalog.compare(get("gpt-5.4"), get("gpt-4o"))
    expect(differences).toContainEqual({ what: "price above 272000", a: "5 in, 22.5 out", b: "unknown" })
    expect(Catalog.compare(get("gpt-4o"), get("gpt-4o")).differences).toEqual([])
  })
})

describe("capabilities", () => {
  it("lists what a model is known to do", () => {
    const model = own.get("a", "dear")
    expect(model === undefined ? [] : Catalog.capabilities(model)).toEqual(["tools"])
  })
})
