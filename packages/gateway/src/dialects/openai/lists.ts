/**
 * Writes vectors, as numbers or in base64 as the client asked, and models.
 *
 * @module
 */
import type { EmbeddingsResult, JsonObject, JsonValue, Model, ModelsResult } from "plugline"
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
