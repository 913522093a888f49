/**
 * Writes vectors and lists of models as Google does.
 *
 * @module
 */
import type { EmbeddingsResult, JsonObject, JsonValue, Model, ModelsResult } from "plugline"
import type { Call } from "../../Dialect.ts"
import { object, putAll } from "../shared/json.ts"
import { ownOf, usageOf } from "./words.ts"

/** Vectors, in the form that was asked for: of one text, of many, or of Vertex AI's `predict`. */
export const vectors = ({ embeddings, metadata, usage }: EmbeddingsResult, { asked }: Call): JsonObject => {
  const { statistics, ...more } = ownOf(metadata) ?? {}
  const said = Array.isArray(statistics) && statistics.length === embeddings.length ? statistics : []
  const entries = embeddings.map((values, index): JsonObject =>
    said[index] === undefined ? { values } : { values, statistics: said[index] as JsonValue })
  // Vertex counts the tokens of each text, where it says nothing of the whole.
  const usageMetadata = said.length > 0 && Array.isArray(usage.raw) ? undefined : usageOf(usage)
  const form: JsonObject = asked.instances !== undefined
    ? { predictions: entries.map((entry) => ({ embeddings: entry })) }
    : asked.requests === undefined && embeddings.length === 1
    ? { embedding: entries[0]! }
    : { embeddings: entries }
  return { ...form, ...putAll({}, more, ofVectors), ...(usageMetadata !== undefined && { usageMetadata }) }
}

const ofVectors = new Set(["embedding", "embeddings", "predictions", "usageMetadata", "error"])

/** A page of models. */
export const models = ({ models, next }: ModelsResult): JsonObject => ({
  models: models.map(model),
  ...(next !== undefined && { nextPageToken: next })
})

/** One model: Google's own entry as it was, any other in the same form. */
export const model = ({ contextWindow, id, name, raw }: Model): JsonObject => {
  const sent = object(raw)
  if (sent !== undefined && sent.name === id && id.includes("/")) return sent
  return {
    name: id.startsWith("models/") ? id : `models/${id}`,
    displayName: name ?? id,
    ...(contextWindow !== undefined && { inputTokenLimit: contextWindow }),
    supportedGenerationMethods: ["generateContent", "countTokens"]
  }
}
