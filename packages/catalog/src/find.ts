/**
 * Chooses models by what they can do and cost.
 *
 * @module
 */
import { LlmError, Suggest } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { parse } from "./decimal.ts"
import { type Capability, capabilityNames, type Mode, type Model } from "./Model.ts"

/**
 * What a model must be. A capability that is asked for (`tools: true`) must be known; one that is asked to be absent
 * must be known to be absent. A model of unknown price or size fits no limit on it.
 */
export interface Query extends Partial<Readonly<Record<Capability, boolean>>> {
  readonly provider?: string
  /** Default: any. */
  readonly mode?: Mode
  /** USD per 1,000,000 prompt tokens, as text or number. */
  readonly maxInputPrice?: string | number
  /** USD per 1,000,000 written tokens. */
  readonly maxOutputPrice?: string | number
  /** Tokens of prompt and answer. */
  readonly minContext?: number
  /** Tokens it can write. */
  readonly minOutput?: number
  /** A day (`2026-08-01`): leaves out models the provider has ended by then. Default: none is left out for that. */
  readonly on?: string
  /** Whether deprecated and unlisted models are among them. Default: no. */
  readonly deprecated?: boolean
}

/**
 * The models that fit, the cheapest first.
 *
 * @throws LlmError `Configuration` for a limit on a price that is no decimal.
 */
export const search = (models: ReadonlyArray<Model>, query: Query): ReadonlyArray<Model> => {
  const maxInput = limit("maxInputPrice", query)
  const maxOutput = limit("maxOutputPrice", query)
  const wanted = capabilityNames.filter((name) => query[name] !== undefined)
  return models
    .filter((model) =>
      (query.mode === undefined || model.mode === query.mode)
      && (query.deprecated === true || (model.status !== "deprecated" && model.status !== "unlisted"))
      && (query.on === undefined || model.retires === undefined || model.retires > query.on)
      && atLeast(model.context, query.minContext)
      && atLeast(model.maxOutput, query.minOutput)
      && wanted.every((name) => model.capabilities[name] === query[name])
    )
    .map((model) => ({ model, input: priceOf(model.prices?.input), output: priceOf(model.prices?.output) }))
    .filter(({ input, output }) => within(input, maxInput) && within(output, maxOutput))
    .sort((a, b) => inOrder(a.input, b.input) || inOrder(a.output, b.output) || byName(a.model, b.model))
    .map(({ model }) => model)
}

const limit = (option: "maxInputPrice" | "maxOutputPrice", query: Query): BigDecimal.BigDecimal | undefined => {
  const value = query[option]
  if (value === undefined) return undefined
  const parsed = parse(String(value))
  if (parsed !== undefined) return parsed
  const expected = "a decimal, as text or number"
  throw LlmError.make({
    _tag: "Configuration",
    option,
    expected,
    message: `${option} must be ${expected}, not ${Suggest.quote(String(value))}`
  })
}

const priceOf = (text: string | undefined): BigDecimal.BigDecimal | undefined =>
  text === undefined ? undefined : parse(text)

const within = (price: BigDecimal.BigDecimal | undefined, most: BigDecimal.BigDecimal | undefined): boolean =>
  most === undefined || (price !== undefined && BigDecimal.isLessThanOrEqualTo(price, most))

const atLeast = (value: number | undefined, least: number | undefined): boolean =>
  least === undefined || (value !== undefined && value >= least)

const inOrder = (a: BigDecimal.BigDecimal | undefined, b: BigDecimal.BigDecimal | undefined): number =>
  a === undefined ? (b === undefined ? 0 : 1) : b === undefined ? -1 : BigDecimal.Order(a, b)

const byName = (a: Model, b: Model): number => {
  const left = `${a.provider}/${a.id}`
  const right = `${b.provider}/${b.id}`
  return left < right ? -1 : left > right ? 1 : 0
}
