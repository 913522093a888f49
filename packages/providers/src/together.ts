/**
 * Together AI: `TOGETHER_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `together`. */
export const together = compatible({
  name: "together",
  title: "Together AI",
  baseUrl: "https://api.together.xyz/v1",
  keys: ["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"],
  quirks: {
    unsupported: ["user", "serviceTier", "parallelToolCalls"],
    logprobs: "count",
    reasoning: { effort: "reasoning_effort", switch: { field: "reasoning", off: { enabled: false } } },
    reasoningBack: "reasoning",
    toolFields: {},
    videos: true,
    encodingFormat: "none"
  }
})
