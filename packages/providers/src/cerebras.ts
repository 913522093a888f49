/**
 * Cerebras: `CEREBRAS_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `cerebras`. */
export const cerebras = compatible({
  name: "cerebras",
  title: "Cerebras",
  baseUrl: "https://api.cerebras.ai/v1",
  keys: ["CEREBRAS_API_KEY"],
  quirks: {
    maxTokensField: "max_completion_tokens",
    unsupported: ["topK", "frequencyPenalty", "presencePenalty", "logitBias"],
    reasoningBack: "reasoning",
    toolFields: {}
  },
  operations: ["chat", "stream", "completion", "list_models", "validate"]
})
