/**
 * Mistral AI: `MISTRAL_API_KEY` from the environment, or `config.apiKey`. `providerOptions.mistral.prompt_mode` asks
 * Magistral models to think; newer ones take the option `reasoning`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `mistral`. */
export const mistral = compatible({
  name: "mistral",
  title: "Mistral AI",
  baseUrl: "https://api.mistral.ai/v1",
  keys: ["MISTRAL_API_KEY"],
  quirks: {
    unsupported: ["topK", "logprobs", "logitBias", "user", "serviceTier"],
    seedField: "random_seed",
    streamUsage: false,
    toolChoiceRequired: "any",
    toolFields: {},
    reasoningBack: "thinking",
    documents: "document_url",
    dimensionsField: "output_dimension",
    encodingFormat: "none",
    moderation: { model: "mistral-moderation-latest", images: false, flagged: false }
  },
  operations: ["chat", "stream", "embeddings", "moderations", "list_models", "validate"]
})
