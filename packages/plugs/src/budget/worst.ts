/**
 * Says what a call can cost at most, before it is made, and what it is taken to have cost where nobody says. Pure.
 *
 * @module
 */
import { type Catalog, Cost, type Model, type Rates } from "@plugline/catalog"
import { Json, type Part, type Request, Result, type Usage } from "@plugline/core"
import { BigDecimal } from "effect"
import { type Amount, of } from "../cost/amount.ts"
import { modelOf } from "../cost/charge.ts"
import { written } from "../tokens/count.ts"
import { type Family, familyOf, Weigher } from "../tokens/family.ts"
import { most } from "./limit.ts"

/** What a call can cost at most, or why that cannot be known. */
export type Worst = { readonly amount: Amount } | { readonly reason: string }

/**
 * The whole prompt at the dearest price it can have (fresh, or written to a cache), and as much answer as the call
 * allows, times the number of answers: `maxTokens`, at most what the model writes; without it, the longest answer the
 * model gives.
 */
export const worstOf = (request: Request, prompt: number, catalog: Catalog): Worst => {
  if (request.operation === "list_models" || request.operation === "validate") return { amount: 0n }
  const model = modelOf(request, catalog)
  if (model === undefined) {
    const asked = JSON.stringify(request.options.model ?? "")
    return { reason: `the catalog does not know the model ${asked} of ${request.provider}` }
  }
  const answer = request.operation === "embeddings" || request.operation === "moderations" ? 0 : longestAnswer(request, model)
  if (answer === undefined) return { reason: "nobody knows how long the answer can be: set maxTokens" }
  const base = costOf(request, plain(prompt, answer), catalog)
  if (base.total === undefined) return { reason: base.reasons[0] ?? "its price is not known" }
  let worst = base.total
  for (const usage of dearer(model, prompt, answer)) {
    const { total } = costOf(request, usage, catalog)
    if (total !== undefined && BigDecimal.isGreaterThan(total, worst)) worst = total
  }
  const amount = of(worst, "up")
  return { amount: amount > most ? most : amount }
}

/**
 * What can be dearer than a fresh prompt and a plain answer: a prompt written to a cache, an answer of thinking alone.
 */
const dearer = (model: Model, prompt: number, answer: number): ReadonlyArray<Usage> => {
  const { thinks, writes } = apartOf(model)
  const inputs: ReadonlyArray<Usage["inputTokens"]> = [
    { total: prompt, cacheRead: 0, cacheWrite: 0 },
    ...(writes ? [{ total: prompt, cacheRead: 0, cacheWrite: prompt }] : [])
  ]
  const outputs = [{ total: answer, reasoning: 0 }, ...(thinks ? [{ total: answer, reasoning: answer }] : [])]
  const raw = { cache_creation: { ephemeral_1h_input_tokens: prompt } }
  return inputs.flatMap((inputTokens, written) =>
    outputs.flatMap((outputTokens, thought): ReadonlyArray<Usage> => [
      ...(written + thought > 0 ? [{ inputTokens, outputTokens }] : []),
      ...(written > 0 ? [{ inputTokens, outputTokens, raw }] : [])
    ]))
}

interface Apart {
  readonly writes: boolean
  readonly thinks: boolean
}

const apart = new WeakMap<Model, Apart>()

/** Whether a model has prices of their own for writing to a cache, and for thinking. */
const apartOf = (model: Model): Apart => {
  let known = apart.get(model)
  if (known === undefined) {
    const { batch, flex, priority, ...ordinary } = model.prices ?? {}
    const lists = [ordinary, batch, flex, priority].flatMap((list): ReadonlyArray<Rates> =>
      list === undefined ? [] : [list, ...list.tiers ?? []])
    known = {
      writes: lists.some(({ cacheWrite, cacheWrite1h }) => cacheWrite !== undefined || cacheWrite1h !== undefined),
      thinks: lists.some(({ reasoning }) => reasoning !== undefined) || model.prices?.reasoningCovers !== undefined
    }
    apart.set(model, known)
  }
  return known
}

/** What a call is taken to have cost: what was sent, and what had arrived. `undefined` where that has no price. */
export const estimateOf = (request: Request, prompt: number, arrived: number, catalog: Catalog): Amount | undefined => {
  const { total } = costOf(request, plain(prompt, arrived), catalog)
  return total === undefined ? undefined : of(total, "up")
}

/** A fresh prompt, and an answer without thinking. */
const plain = (prompt: number, answer: number): Usage => ({
  inputTokens: { total: prompt, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: answer, reasoning: 0 }
})

const costOf = (request: Request, usage: Usage, catalog: Catalog): Cost => {
  const { serviceTier } = request.options
  return Cost.of(usage, modelOf(request, catalog), serviceTier === undefined ? {} : { serviceTier })
}

/** Fields under which a provider's own options say how long an answer may be, and how many there are. */
const lengths = [
  "max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample", "maxOutputTokens", "maxTokens",
  "num_predict"
]
const numbers = ["n", "candidateCount", "candidate_count", "num_generations", "best_of"]

const longestAnswer = (request: Request, model: Model): number | undefined => {
  const own = request.options.providerOptions?.[request.provider]
  // A provider's own options can raise what is held and never lower it: a service passes over a name it does not know.
  const asked = largest(own, lengths, request.options.maxTokens ?? model.maxOutput ?? model.context)
  if (asked === undefined) return undefined
  const possible = model.context === undefined ? model.maxOutput : Math.max(model.context, model.maxOutput ?? 0)
  const length = Math.min(asked, possible ?? asked)
  return Math.min(Number.MAX_SAFE_INTEGER, length * (largest(own, numbers, request.options.n) ?? 1))
}

/** The largest number a request says under any of these names, also one level down (`generationConfig`). */
const largest = (own: unknown, names: ReadonlyArray<string>, said: number | undefined): number | undefined => {
  let found = said
  const look = (fields: Readonly<Record<string, unknown>>, depth: number): void => {
    for (const [name, value] of Object.entries(fields)) {
      if (names.includes(name) && typeof value === "number" && value > (found ?? 0)) {
        found = Math.min(Math.ceil(value), Number.MAX_SAFE_INTEGER)
      } else if (depth < 2 && Json.isRecord(value)) look(value, depth + 1)
    }
  }
  if (Json.isRecord(own)) look(own, 0)
  return found
}

/** Weighs what arrives of an answer. The sum does not depend on how the text is cut. */
export class Arrived {
  readonly #weigher = new Weigher()
  readonly #family: Family

  constructor(model: string) {
    this.#family = familyOf(model)
  }

  add(part: Part): void {
    if (part.type === "text-delta" || part.type === "reasoning-delta") this.#weigher.add(part.delta)
    else if (part.type === "tool-call") this.#weigher.add(written(part.params))
  }

  get tokens(): number {
    return this.#weigher.tokens(this.#family)
  }

  /** What had arrived of an answer that is there as a whole. */
  static of(request: Request): number {
    const arrived = new Arrived(request.options.model ?? "")
    if (Result.isChat(request.result)) for (const part of Result.parts(request.result)) arrived.add(part)
    return arrived.tokens
  }
}
