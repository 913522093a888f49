/**
 * Turns texts into vectors by counting hashed groups of letters: texts that share spelling are near, meaning is not known.
 *
 * @module
 */
import { type EmbeddingsResult, Message, type OptionName, type Request, type Warning } from "@plugline/core"
import { count } from "./tokens.ts"

/** The model that makes vectors. */
export const embeddingModel = "ngrams-1"

/** Length of a vector where `dimensions` does not say. */
export const defaultDimensions = 256

/**
 * A vector of length one; a text without letters or digits points along the first axis.
 *
 * @example
 * ```ts
 * import { embed } from "@plugline/providers/local"
 *
 * embed("colour", 4).length // => 4
 * ```
 */
export const embed = (text: string, dimensions: number = defaultDimensions): ReadonlyArray<number> => {
  const vector = Array.from<number>({ length: dimensions }).fill(0)
  for (const word of text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const padded = ` ${word} `
    for (const size of [2, 3, 4]) {
      for (let at = 0; at + size <= padded.length; at++) add(vector, padded.slice(at, at + size))
    }
  }
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  if (length === 0) vector[0] = 1
  else for (let axis = 0; axis < dimensions; axis++) vector[axis]! /= length
  return vector
}

/** One bit of the hash decides the direction, so that collisions even out. */
const add = (vector: Array<number>, gram: string): void => {
  let hash = 0x811c9dc5
  for (let index = 0; index < gram.length; index++) hash = Math.imul(hash ^ gram.charCodeAt(index), 0x01000193) >>> 0
  hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b) >>> 0
  vector[(hash >>> 1) % vector.length]! += hash & 1 ? 1 : -1
}

/** One vector per message. */
export const embeddings = ({ messages, options }: Request): EmbeddingsResult => {
  const texts = messages.map((message) => Message.text(message))
  const warnings = (Object.keys(options) as ReadonlyArray<OptionName>)
    .filter((name) => options[name] !== undefined && !fine.has(name))
    .map((option): Warning => ({ type: "unsupported-option", option, message: `${option} makes no difference to vectors made by rules` }))
  const total = texts.reduce((sum, text) => sum + count(text), 0)
  return {
    type: "embeddings",
    model: embeddingModel,
    embeddings: texts.map((text) => embed(text, options.dimensions)),
    usage: { inputTokens: { total }, outputTokens: {}, raw: { tokenizer: "plugline-local", input: total } },
    ...(warnings.length > 0 && { warnings })
  }
}

const fine: ReadonlySet<OptionName> = new Set(["model", "dimensions", "user", "metadata", "providerOptions"])
