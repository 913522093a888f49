/**
 * Divides what one call brought among those it was made for. Pure.
 *
 * @module
 */
import { type EmbeddingsResult, LlmError, type Usage } from "@plugline/core"

/** A caller's part in a call: how many inputs, and how heavy they are together. */
export interface Share {
  readonly inputs: number
  readonly weight: number
}

/**
 * A whole number divided by weights: the parts are whole, their sum is exact, and each is off by less than one.
 *
 * @example
 * ```ts
 * import { Batch } from "@plugline/plugs"
 *
 * Batch.share(10, [1, 1, 1]) // => [4, 3, 3]
 * ```
 */
export const share = (total: number, weights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const sum = weights.reduce((sum, weight) => sum + weight, 0)
  const ideal = weights.map((weight) => sum > 0 ? total * weight / sum : total / weights.length)
  const parts = ideal.map(Math.floor)
  let left = Math.round(total - parts.reduce((sum, part) => sum + part, 0))
  const order = ideal.map((value, index) => [value - Math.floor(value), index] as const).sort(([a, i], [b, j]) => b - a || i - j)
  for (const [, index] of order) {
    if (left-- <= 0) break
    parts[index]!++
  }
  return parts
}

/**
 * The answer of a call, divided: each its own vectors, in order, and its part of the usage by weight. Fails with
 * `MalformedResponse` where there are not as many vectors as inputs.
 */
export const split = (result: EmbeddingsResult, shares: ReadonlyArray<Share>): ReadonlyArray<EmbeddingsResult> | LlmError => {
  const inputs = shares.reduce((sum, { inputs }) => sum + inputs, 0)
  if (result.embeddings.length !== inputs) {
    return LlmError.make({
      _tag: "MalformedResponse",
      message: `${inputs} inputs were sent together, and ${result.embeddings.length} vectors came back`
    })
  }
  const weights = shares.map(({ weight }) => weight)
  const count = (total: number | undefined) => total === undefined ? undefined : share(total, weights)
  const input = fields(result.usage.inputTokens, count)
  const output = fields(result.usage.outputTokens, count)
  let from = 0
  return shares.map(({ inputs }, index) => {
    const part = result.embeddings.slice(from, from + inputs)
    from += inputs
    // The provider's own numbers (`raw`) are those of the whole call, and no caller's.
    const usage: Usage = { inputTokens: pick(input, index), outputTokens: pick(output, index) }
    return { ...result, embeddings: part, usage }
  })
}

type Counts = { readonly [name: string]: number | undefined }

const fields = (counts: Counts, count: (total: number | undefined) => ReadonlyArray<number> | undefined) =>
  Object.entries(counts).map(([name, total]) => [name, count(total)] as const)

const pick = (counted: ReturnType<typeof fields>, index: number): { readonly [name: string]: number } =>
  Object.fromEntries(counted.flatMap(([name, parts]) => parts === undefined ? [] : [[name, parts[index]!] as const]))
