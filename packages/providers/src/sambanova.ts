/**
 * SambaNova: `SAMBANOVA_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `sambanova`. */
export const sambanova = compatible({
  name: "sambanova",
  title: "SambaNova",
  baseUrl: "https://api.sambanova.ai/v1",
  keys: ["SAMBANOVA_API_KEY"],
  quirks: {
    unsupported: ["seed", "n", "logprobs", "logitBias", "presencePenalty", "frequencyPenalty"],
    toolFields: {}
  },
  operations: ["chat", "stream", "completion", "embeddings", "list_models"]
})
