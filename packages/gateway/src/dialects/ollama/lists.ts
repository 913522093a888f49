/**
 * Writes vectors and models.
 *
 * @module
 */
import type { EmbeddingsResult, JsonObject, Model, ModelsResult } from "plugline"
import type { Call } from "../../Dialect.ts"
import { ownOf, timeOf } from "../shared/answer.ts"
import { object, putAll, text } from "../shared/json.ts"
import { metricsOf, speaker } from "./answer.ts"

/** The vectors of some texts; the old interface, which says `prompt` for the one text it takes, has one alone. */
export const embeddings = (result: EmbeddingsResult, call: Call): JsonObject => {
  const { asked } = call
  const { embeddings: vectors, model, usage } = result
  if (asked.prompt !== undefined && asked.input === undefined) return { embedding: vectors[0] ?? [] }
  const { eval_count: _, ...numbers } = metricsOf(usage)
  const written = { model: text(model) ?? call.model, embeddings: vectors, ...numbers }
  return putAll(written, ownOf(result.metadata, speaker(call)), ofEmbeddings)
}

const ofEmbeddings: ReadonlySet<string> = new Set(["model", "embedding", "embeddings", "prompt_eval_count", "error"])

/** The models that can be asked. */
export const models = ({ models }: ModelsResult): JsonObject => ({ models: models.map(model) })

/** One model, as it is shown when somebody asks about it. Of files, templates and licences there is nothing to say. */
export const shown = (one: Model, capabilities: ReadonlyArray<string>): JsonObject => {
  const { details, modified_at } = model(one)
  return {
    license: "", modelfile: "", parameters: "", template: "", details: details ?? {}, model_info: {}, capabilities,
    modified_at: modified_at ?? ""
  }
}

/** One model. An entry that is Ollama's already is written as it is; of another there is nothing to say of files. */
const model = ({ created, id, name, ownedBy, raw }: Model): JsonObject => {
  const entry = object(raw)
  if (entry !== undefined && (entry.model === id || entry.name === id) && typeof entry.digest === "string") return entry
  return {
    name: name ?? id,
    model: id,
    modified_at: new Date(timeOf(created, 0)).toISOString(),
    size: 0,
    digest: "",
    details: {
      parent_model: "", format: "", family: ownedBy ?? "", families: null, parameter_size: "", quantization_level: ""
    }
  }
}
