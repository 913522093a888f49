/** Amounts of money that are none: refused wherever one comes in, and unknown where a service says one. */
import { Catalog, Cost } from "@plugline/catalog"
import { LlmError, Pipeline, Request } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Amount, Budget, Cascade, Identity, Lines, Providers, TrackCost } from "../src/index.ts"
import { ask, catalog, play, usage } from "./money.ts"

/** What is no amount, as text and as number. */
const texts = [
  "NaN", "-1", "-0.01", "1e309", "1e400", "Infinity", "-Infinity", "", " ", "1,5", "0x10", "one", "1e-309", "٣", "1e", "9".repeat(400)
]
const numbers = [Number.NaN, -1, -0.01, Infinity, -Infinity]
const wrong = [...texts, ...numbers]
/** The same as they are written in YAML. */
const written = [
  ...texts.map((text) => JSON.stringify(text)), "-1", "-0.01", "1e309", ".nan", ".inf", "-.inf", "null", "true", "[]"
]

const refused = async (line: Pipeline<Budget.BudgetStore | Providers.Providers>, option: string) => {
  const services = Layer.merge(Budget.memory(), Providers.of({}))
  const error = await play(Effect.flip(Pipeline.run(line, ask())), services)
  expect(error.reason).toMatchObject({ _tag: "Configuration", option })
}

describe("an amount that is none is refused", () => {
  it("as the limit of a budget", async () => {
    for (const amount of wrong) {
      await refused([Budget.plug({ limits: [{ per: "global", amount, every: "day" }] })], "limits.0.amount")
    }
  })

  it("as what a cascade may cost", async () => {
    for (const usd of wrong) {
      await refused([Cascade.plug({ steps: [{ provider: "a" }], budget: { usd } })], "budget.usd")
    }
  })

  it("in a pipeline that is written as YAML, with its line, or when it is compiled", async () => {
    for (const amount of written) {
      const budget = `- plug: budget\n  limits:\n    - per: global\n      every: day\n      amount: ${amount}\n`
      const cascade = `- plug: cascade\n  steps:\n    - provider: a\n  budget:\n    usd: ${amount}\n`
      for (const [text, option] of [[budget, "limits.0.amount"], [cascade, "budget.usd"]] as const) {
        let line: Pipeline<never>
        try {
          line = Lines.parse(text) as Pipeline<never>
        } catch (thrown) {
          expect(LlmError.isLlmError(thrown) && thrown.message).toContain("line 5: ")
          continue
        }
        await refused(line, option)
      }
    }
  })

  it("as a price of a model, in code and in JSON", () => {
    const rows = (price: unknown) => [
      { request: price }, { search: price }, { search: { low: price } }, { factors: { us: price } },
      ...["input", "output", "cacheRead", "cacheWrite", "reasoning"].flatMap((name) => [
        { [name]: price }, { batch: { [name]: price } }, { tiers: [{ above: 1, [name]: price }] }
      ])
    ]
    for (const price of wrong) {
      for (const prices of rows(price)) {
        const make = () => Catalog.empty.withOverrides([{ provider: "a", id: "m", prices } as never])
        expect(make, JSON.stringify(prices)).toThrow(/must be/)
      }
    }
    for (const price of ["-1", "1e309", "\"NaN\"", "\"1e309\"", "null"]) {
      const row = `[{"provider":"a","id":"m","prices":{"input":${price}}}]`
      expect(() => Catalog.empty.withOverridesJson(row), price).toThrow(/must be/)
    }
  })

  it("whatever the text or number: what is taken is finite, exact and not negative", () => {
    const any = fc.oneof(fc.string(), fc.double(), fc.bigInt().map(String), fc.constantFrom(...wrong))
    fc.assert(fc.property(any, (given) => {
      const amount = Amount.parse(given)
      if (amount === undefined) return
      expect(amount >= 0n).toBe(true)
      expect(Number.isFinite(Number(given)) && Number(given) >= 0).toBe(true)
      expect(Number(Amount.text(amount))).toBeCloseTo(Number(given), 9)
    }), { numRuns: 2_000 })
    for (const given of wrong) expect(Amount.parse(given), String(given)).toBeUndefined()
  })
})

describe("a service that says it charged what is no amount", () => {
  it("has said nothing: the cost is unknown, never negative and never zero", async () => {
    for (const cost of [-1, Number.NaN, Infinity, -Infinity, "NaN", "-1", "1e309"]) {
      const said = { inputTokens: {}, outputTokens: {}, raw: { cost } as never }
      expect(Cost.reported("openrouter", said), String(cost)).toBeUndefined()
      const mock = Mock.make([Mock.text("Hi", { usage: said })])
      const program = Effect.gen(function*() {
        const final = yield* Pipeline.run([TrackCost.plug(), ...mock.pipeline], ask({ provider: "openrouter" }))
        const [total] = yield* TrackCost.totals()
        return { tracked: TrackCost.of(final), total }
      })
      const { total, tracked } = await play(program, TrackCost.memory())
      expect(tracked).toMatchObject({ source: "unknown", known: "0" })
      expect(tracked).not.toHaveProperty("total")
      expect(total).toMatchObject({ cost: "0", unknown: 1 })
    }
  })

  it("and counts of tokens that are none charge no budget less than nothing", async () => {
    for (const total of [-1_000_000, Number.NaN, Infinity, 0.5]) {
      const mock = Mock.make([Mock.text("Hi", { usage: usage(total, total) })])
      const limits = { limits: [{ per: "global" as const, amount: "1", every: "total" as const }] }
      const run = Pipeline.run([Budget.plug(limits), ...mock.pipeline], ask())
      const [standing] = await play(Effect.andThen(run, Budget.standing(limits, {})), Budget.memory())
      expect(standing).toMatchObject({ held: "0", unknown: 1 })
      expect(Amount.parse(standing!.spent)! > 0n).toBe(true)
    }
  })
})

describe("what is asked at extremes", () => {
  it("is refused before anything is held, whatever number it is", () => {
    const odd = fc.oneof(
      fc.double(), fc.integer(), fc.bigInt(), fc.string(),
      fc.constantFrom<unknown>(null, true, [], {}, -1, 0, 0.5, Infinity, -Infinity, Number.NaN, 2 ** 53)
    )
    const most = { maxTokens: Number.MAX_SAFE_INTEGER, n: 128, topK: Number.MAX_SAFE_INTEGER, dimensions: 1_000_000 }
    const names = Object.keys(most) as Array<keyof typeof most>
    fc.assert(fc.property(fc.constantFrom(...names), odd, (name, value) => {
      const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= most[name]
      const made = (): Request => ask({ options: { model: "round", [name]: value } as never })
      if (fits) expect(made().options[name]).toBe(value)
      else {
        try {
          made()
        } catch (thrown) {
          expect(LlmError.isLlmError(thrown) && thrown.reason).toMatchObject({ _tag: "InvalidRequest", parameter: name })
          return
        }
        throw new Error(`${name}: ${String(value)} was taken`)
      }
    }), { numRuns: 1_000 })
  })

  it("is held for at its most: no answer that the request allows costs more", () => {
    const own = fc.record({
      max_completion_tokens: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constantFrom(-1, Infinity, Number.NaN, 0.5)),
      generationConfig: fc.record({
        maxOutputTokens: fc.integer({ min: -5, max: 5_000 }),
        candidateCount: fc.integer({ min: -5, max: 9 })
      }),
      n: fc.integer({ min: -3, max: 200 })
    }, { requiredKeys: [] })
    const asked = fc.record({
      maxTokens: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      n: fc.integer({ min: 1, max: 128 }),
      providerOptions: fc.record({ mock: own })
    }, { requiredKeys: [] })
    fc.assert(fc.property(asked, fc.nat(50_000), fc.nat(100), (options, prompt, share) => {
      const worst = Budget.worstOf(ask({ options: { model: "round", ...options } as never }), prompt, catalog)
      if (!("amount" in worst)) throw new Error(worst.reason)
      // What a service writes that knows the option and none of its own names.
      const length = Math.min(options.maxTokens ?? 1_000, 100_000)
      const tokens = Math.floor(length * (options.n ?? 1) * share / 100)
      const { total } = Cost.of(usage(prompt, tokens), catalog.get("mock", "round"))
      expect(worst.amount >= Amount.of(total!, "up")).toBe(true)
    }), { numRuns: 500 })
  })

  it("and a budget refuses the call, instead of holding less than it can cost", async () => {
    const mock = Mock.make(() => "never")
    for (const options of [{ maxTokens: Number.MAX_SAFE_INTEGER }, { maxTokens: 1_000, n: 128 }, { n: 128 }]) {
      const budget = Budget.plug({ limits: [{ per: "tenant", amount: "0.5", every: "day" }] })
      const line = [Identity.plug({ tenant: "a" }), budget, ...mock.pipeline]
      const final = await play(Pipeline.run(line, ask({ options: { model: "round", ...options } })), Budget.memory())
      expect(final.errors[0]?.reason._tag).toBe("Quota")
    }
    expect(mock.calls.length).toBe(0)
  })
})

