/**
 * Random options: legal ones, and ones that must be refused.
 *
 * @module
 */
import { Options } from "@plugline/core"
import type { JsonSchema, OptionName, Tool, ToolChoice } from "@plugline/core"
import fc from "fast-check"
import { json, jsonObject, perProvider, text } from "./data.ts"

const schema = (): fc.Arbitrary<JsonSchema> =>
  fc.dictionary(
    fc.constantFrom("city", "unit", "days"),
    fc.constantFrom({ type: "string" }, { type: "integer", minimum: 1 }),
    { maxKeys: 3 }
  ).map((properties) => ({ type: "object", properties, required: Object.keys(properties) }))

const tool = (): fc.Arbitrary<Tool> =>
  fc.oneof(
    fc.record({
      type: fc.constant("function" as const),
      name: fc.constantFrom("weather", "search"),
      description: text(),
      parameters: schema(),
      strict: fc.boolean()
    }, { requiredKeys: ["name"] }),
    fc.record({
      type: fc.constant("provider" as const),
      id: fc.constantFrom("openai.web_search", "anthropic.code"),
      args: jsonObject()
    }, { requiredKeys: ["type", "id"] })
  )

const word = (): fc.Arbitrary<string> => fc.string({ minLength: 1, maxLength: 20 })
const finite = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true }).map((value) => Object.is(value, -0) ? 0 : value)

const legal: { readonly [Name in OptionName]-?: fc.Arbitrary<Exclude<Options[Name], undefined>> } = {
  model: word(),
  temperature: finite(0, 2),
  maxTokens: fc.integer({ min: 1, max: 100_000 }),
  topP: finite(0, 1),
  topK: fc.integer({ min: 1, max: 100 }),
  frequencyPenalty: finite(-2, 2),
  presencePenalty: finite(-2, 2),
  stop: fc.oneof(text(), fc.array(text(), { maxLength: 3 })),
  seed: fc.maxSafeInteger(),
  tools: fc.array(tool(), { maxLength: 2 }),
  toolChoice: fc.constantFrom<ToolChoice[]>("auto", "none", "required", { tool: "weather" }),
  parallelToolCalls: fc.boolean(),
  responseFormat: fc.oneof(
    fc.constant({ type: "text" as const }),
    fc.record({ type: fc.constant("json" as const), schema: schema(), name: word() }, { requiredKeys: ["type"] })
  ),
  reasoning: fc.record({ effort: fc.constantFrom("low", "high"), budgetTokens: fc.nat(10_000) }, { requiredKeys: [] }),
  n: fc.integer({ min: 1, max: 4 }),
  logprobs: fc.oneof(fc.boolean(), fc.nat(20)),
  logitBias: fc.dictionary(fc.nat(50_000).map(String), fc.integer({ min: -100, max: 100 }), { maxKeys: 3 }),
  user: word(),
  serviceTier: word(),
  dimensions: fc.integer({ min: 1, max: 3072 }),
  page: word(),
  metadata: fc.dictionary(fc.string({ maxLength: 8 }), text(), { maxKeys: 3 }),
  providerOptions: perProvider()
}

/** Options that fit: any selection, each within its limits. */
export const options = (): fc.Arbitrary<Options> => fc.record(legal, { requiredKeys: [] }) as fc.Arbitrary<Options>

/** Options of which at least one has an unknown name or a value that does not fit: all must be refused. */
export const illegalOptions = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.tuple(options(), fc.constantFrom("temprature", "max_tokens", "Model", "toString", "__proto__", ""), json())
      .map(([legal, name, value]) => Object.defineProperty({ ...legal }, name, { value, enumerable: true })),
    fc.tuple(options(), fc.constantFrom(...Options.names),
      fc.constantFrom(NaN, Infinity, -1e9, null, Symbol.iterator, () => 1, [[]]))
      .filter(([, name, value]) => !Number.isFinite(value) || name !== "seed")
      .map(([legal, name, value]) => ({ ...legal, [name]: value })),
    fc.constantFrom<unknown>(null, [], "model", 7, new Map([["model", "m"]]), new Date(0))
  )

/** Anything at all in the place of options, legal or not. */
export const oddOptions = (): fc.Arbitrary<unknown> => fc.oneof(options(), illegalOptions(), json())
