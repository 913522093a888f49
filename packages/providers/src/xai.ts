/**
 * xAI (Grok): `XAI_API_KEY` from the environment, or `config.apiKey`. How it searches is
 * `providerOptions.xai.search_parameters`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { dialects, responses } from "./responses/index.ts"

/** The provider `xai`. */
export const xai = compatible({
  name: "xai",
  title: "xAI",
  baseUrl: "https://api.x.ai/v1",
  keys: ["XAI_API_KEY"],
  quirks: { maxTokensField: "max_completion_tokens", unsupported: ["topK", "logitBias"], toolFields: {} },
  responses: responses(dialects.xai),
  operations: ["chat", "stream", "list_models", "validate"]
})
