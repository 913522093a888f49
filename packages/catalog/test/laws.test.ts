import type { Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parse, significant, text } from "../src/decimal.ts"
import { Catalog, Cost, type Model } from "../src/index.ts"

const all = Catalog.providers.flatMap((provider) => Catalog.models(provider))
const priced = all.filter(({ prices }) => prices?.input !== undefined)
const anyModel = fc.constantFrom(...all)
const count = fc.oneof(fc.nat({ max: 2_000_000 }), fc.constantFrom(0, 1, 128_000, 200_000, 200_001, 272_001))
const maybe = (arbitrary: fc.Arbitrary<number>) => fc.option(arbitrary, { nil: undefined })

/** Usage as services send it: parts within their wholes, parts and wholes missing, now and then nonsense. */
const anyUsage: fc.Arbitrary<Usage> = fc.record({
  total: maybe(count),
  cacheRead: maybe(count),
  cacheWrite: maybe(count),
  output: maybe(count),
  reasoning: maybe(count),
  raw: fc.oneof(fc.constant(undefined), fc.jsonValue(), fc.constantFrom({ service_tier: "batch" }, { prompt_tokens_details: { audio_tokens: 5 } }))
}).map(({ cacheRead, cacheWrite, output, raw, reasoning, total }) => ({
  inputTokens: {
    ...(total !== undefined && { total }),
    ...(cacheRead !== undefined && { cacheRead }),
    ...(cacheWrite !== undefined && { cacheWrite })
  },
  outputTokens: { ...(output !== undefined && { total: output }), ...(reasoning !== undefined && { reasoning }) },
  ...(raw !== undefined && { raw: raw as NonNullable<Usage["raw"]> })
}))

const whole = (prompt: number, read: number, answer: number, thought: number): Usage => ({
  inputTokens: { total: prompt + read, cacheRead: read, cacheWrite: 0 },
  outputTokens: { total: answer + thought, reasoning: thought }
})
const same = (a: BigDecimal.BigDecimal | undefined, b: BigDecimal.BigDecimal | undefined) =>
  a === undefined || b === undefined ? a === b : BigDecimal.equals(a, b)

describe("whatever the usage, the cost", () => {
  it("never throws, and is whole or says why it is not", () => {
    fc.assert(fc.property(anyUsage, anyModel, (usage, model) => {
      const cost = Cost.of(usage, model)
      const parts = Cost.partNames.map((name) => cost[name])
      expect(cost.total === undefined).toBe(parts.includes(undefined))
      expect(cost.reasons.length > 0).toBe(cost.total === undefined)
      for (const part of parts) if (part !== undefined) expect(part.value >= 0n).toBe(true)
    }), { numRuns: 1000 })
  })

  it("has a total that is exactly the sum of its parts", () => {
    fc.assert(fc.property(anyUsage, anyModel, (usage, model) => {
      const cost = Cost.of(usage, model)
      if (cost.total === undefined) return
      expect(same(BigDecimal.sumAll(Cost.partNames.map((name) => cost[name] ?? BigDecimal.fromBigInt(0n))), cost.total)).toBe(true)
    }), { numRuns: 500 })
  })

  it("never turns the unknown into zero: tokens without a price have no cost", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(...all.filter(({ prices }) => prices === undefined)), (tokens, model) => {
      expect(Cost.of(whole(tokens, 0, tokens, 0), model).total).toBeUndefined()
    }))
    fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(...priced), (tokens, model) => {
      if (model.prices?.cacheRead === undefined) expect(Cost.of(whole(tokens, tokens, 0, 0), model).cacheRead).toBeUndefined()
      expect(Cost.of({ inputTokens: {}, outputTokens: { total: tokens } }, model).total).toBeUndefined()
    }))
  })

  it("survives JSON", () => {
    fc.assert(fc.property(anyUsage, anyModel, (usage, model) => {
      const cost = Cost.of(usage, model)
      expect(Cost.fromJson(JSON.parse(JSON.stringify(cost))).toJSON()).toEqual(cost.toJSON())
    }))
  })
})

describe("within a tier, the cost", () => {
  const flat = fc.constantFrom(...priced.filter((model: Model) => model.mode === "chat" && model.prices?.request === undefined && typeof model.prices?.search !== "object"
    && model.provider !== "perplexity" && !model.id.startsWith("perplexity/") && model.prices?.cacheRead !== undefined))
  const small = fc.nat({ max: 1500 })

  it("is linear in tokens", () => {
    fc.assert(fc.property(flat, small, small, small, small, fc.integer({ min: 2, max: 9 }), (model, prompt, read, answer, thought, times) => {
      const once = Cost.of(whole(prompt, read, answer, thought), model)
      const often = Cost.of(whole(prompt * times, read * times, answer * times, thought * times), model)
      const expected = Cost.sum(Array.from({ length: times }, () => once))
      // A model that bills its answer by whether it thought at all is linear all the same: it thinks in each or in none.
      for (const name of [...Cost.partNames, "total"] as const) expect(same(expected[name], often[name])).toBe(true)
    }), { numRuns: 300 })
  })

  it("never falls when tokens are added", () => {
    fc.assert(fc.property(flat, count, small, (model, prompt, more) => {
      const less = Cost.of(whole(prompt, 0, 10, 0), model).total
      const plus = Cost.of(whole(prompt + more, 0, 10, 0), model).total
      if (less !== undefined && plus !== undefined) expect(BigDecimal.isLessThanOrEqualTo(less, plus)).toBe(true)
    }))
  })
})

describe("sums of costs", () => {
  const costs = fc.array(fc.tuple(anyUsage, anyModel).map(([usage, model]) => Cost.of(usage, model)), { maxLength: 6 })

  it("are the same in any order and grouping", () => {
    fc.assert(fc.property(costs, fc.nat(), (list, cut) => {
      const at = list.length === 0 ? 0 : cut % list.length
      const forth = Cost.sum(list).toJSON()
      expect(Cost.sum([...list].reverse()).toJSON()).toEqual(forth)
      expect(Cost.add(Cost.sum(list.slice(0, at)), Cost.sum(list.slice(at))).toJSON()).toEqual(forth)
    }))
  })
})

describe("decimals", () => {
  it("are read and written without loss", () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -5, max: 30 }), (value, scale) => {
      const decimal = BigDecimal.make(value, scale)
      expect(same(parse(text(decimal)), decimal)).toBe(true)
    }))
  })

  it("agree with JavaScript's shortest text of a number", () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }).filter((value) => value === 0 || value > 1e-30), (value) => {
      expect(Number(text(parse(String(value)) ?? BigDecimal.fromBigInt(-1n)))).toBe(value)
    }))
  })

  it.each(["", " 1", "1 ", "0x1", "1e999999", "Infinity", "NaN", "--1", "1.2.3", "١", "1e", "."])("refuse %j", (word) => {
    expect(parse(word)).toBeUndefined()
  })

  it.each([["1.5e-07", 12, "0.00000015"], ["0.00000060000000000000010", 12, "0.0000006"], ["0.049999999999999996", 12, "0.05"], ["123456", 2, "120000"], ["-1.25", 2, "-1.3"]])(
    "%s to %i digits",
    (word, digits, shown) => expect(text(significant(parse(word) ?? BigDecimal.fromBigInt(0n), digits))).toBe(shown)
  )
})
