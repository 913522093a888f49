/**
 * Moonshot AI (Kimi): `MOONSHOT_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `moonshot`. */
export const moonshot = compatible({
  name: "moonshot",
  title: "Moonshot AI",
  baseUrl: "https://api.moonshot.ai/v1",
  keys: ["MOONSHOT_API_KEY"],
  quirks: {
    unsupported: ["topK", "seed", "logprobs", "logitBias", "user", "serviceTier", "parallelToolCalls"],
    reasoning: { effort: "reasoning_effort", switch: { field: "thinking", off: { type: "disabled" } } },
    reasoningBack: "reasoning_content",
    toolFields: {},
    videos: true
  },
  operations: ["chat", "stream", "list_models", "validate"]
})
