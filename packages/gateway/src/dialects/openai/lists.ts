/**
 * Writes vectors, as numbers or in base64 as the client asked, moderations, and models.
 *
 * @module
 */
import type { EmbeddingsResult, JsonObject, JsonValue, Model, ModelsResult, ModerationsResult } from "plugline"
import type { Call } from "../../Dialect.ts"
import { ownOf, timeOf } from "../shared/answer.ts"
import { object, putAll, text } from "../shared/json.ts"
import { speaker, usageOf } from "./words.ts"

/** The vectors of some texts. */
export const embeddings = (result: EmbeddingsResult, call: Call): JsonObject => {
  const inBase64 = call.asked.encoding_format === "base64"
  return putAll({
    object: "list",
    data: result.embeddings.map((vector, index): JsonObject => ({
      object: "embedding",
      index,
      embedding: inBase64 ? base64(vector) : vector
    })),
    model: text(result.model) ?? call.model,
    usage: usageOf(result.usage, false) ?? { prompt_tokens: 0, total_tokens: 0 }
  }, ownOf(result.metadata, speaker(call)), ofEmbeddings)
}

const ofEmbeddings: ReadonlySet<string> = new Set(["object", "data", "model", "usage", "error"])

const base64 = (vector: ReadonlyArray<number>): string => {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((number, index) => bytes.writeFloatLE(number, index * 4))
  return bytes.toString("base64")
}

/**
 * What is objectionable in some inputs, in the order of the inputs. Categories are the service's own; that they were looked for
 * in texts or images is left open where it does not say.
 */
export const moderations = (result: ModerationsResult, call: Call): JsonObject =>
  putAll({
    id: result.id ?? `modr-${call.id}`,
    model: text(result.model) ?? call.model,
    results: result.moderations.map(({ appliedTo, categories, flagged, metadata, scores }): JsonObject => putAll({
      flagged,
      categories,
      category_scores: scores,
      category_applied_input_types: appliedTo ?? {}
    }, ownOf(metadata, speaker(call)), ofModeration))
  }, ownOf(result.metadata, speaker(call)), ofModerations)

const ofModerations: ReadonlySet<string> = new Set(["id", "model", "results", "error"])
const ofModeration: ReadonlySet<string> = new Set(["flagged", "categories", "category_scores", "category_applied_input_types"])

/** The models that can be asked. */
export const models = ({ models, next }: ModelsResult): JsonObject => ({
  object: "list",
  data: models.map(model),
  ...(next !== undefined && { has_more: true, last_id: next })
})

/** One model, as its own page shows it. An entry that is OpenAI's already is written as it is. */
export const model = ({ contextWindow, created, id, name, ownedBy, raw }: Model): JsonObject => {
  const said: JsonValue | undefined = raw
  const entry = object(said)
  if (entry?.object === "model" && entry.id === id) return entry
  return {
    id,
    object: "model",
    created: Math.floor(timeOf(created, 0) / 1000),
    owned_by: ownedBy ?? "",
    ...(name !== undefined && { name }),
    ...(contextWindow !== undefined && { context_length: contextWindow })
  }
}
