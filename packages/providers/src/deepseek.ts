/**
 * DeepSeek: `DEEPSEEK_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { dialects, responses } from "./responses/index.ts"

/** The provider `deepseek`. */
export const deepseek = compatible({
  name: "deepseek",
  title: "DeepSeek",
  baseUrl: "https://api.deepseek.com",
  keys: ["DEEPSEEK_API_KEY"],
  quirks: {
    unsupported: ["topK", "seed", "n", "logitBias", "parallelToolCalls", "user", "serviceTier"],
    jsonSchema: false,
    reasoning: {
      effort: "reasoning_effort",
      switch: { field: "thinking", on: { type: "enabled" }, off: { type: "disabled" } }
    },
    reasoningBack: "reasoning_content",
    toolFields: {}
  },
  responses: responses(dialects.deepseek),
  operations: ["chat", "stream", "list_models", "validate"]
})
