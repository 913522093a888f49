/**
 * Writes lists of models, and one model, as Anthropic does.
 *
 * @module
 */
import type { JsonObject, Model, ModelsResult } from "plugline"
import { object } from "../shared/json.ts"

/** A page of models. `last_id` is what the client asks for the next page with. */
export const models = ({ models, next }: ModelsResult): JsonObject => ({
  data: models.map(model),
  has_more: next !== undefined,
  first_id: models[0]?.id ?? null,
  last_id: next ?? models.at(-1)?.id ?? null
})

/** One model: Anthropic's own entry as it was, any other in the same form. */
export const model = ({ contextWindow, created, id, name, raw }: Model): JsonObject => {
  const sent = object(raw)
  if (sent !== undefined && sent.type === "model" && sent.id === id) return sent
  return {
    type: "model",
    id,
    display_name: name ?? id,
    // Where the day of release is not known, Anthropic says the year 1970.
    created_at: created ?? "1970-01-01T00:00:00Z",
    ...(contextWindow !== undefined && { max_input_tokens: contextWindow })
  }
}
