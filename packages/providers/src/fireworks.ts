/**
 * Fireworks AI: `FIREWORKS_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `fireworks`. */
export const fireworks = compatible({
  name: "fireworks",
  title: "Fireworks AI",
  baseUrl: "https://api.fireworks.ai/inference/v1",
  keys: ["FIREWORKS_API_KEY"],
  quirks: {
    unsupported: [],
    reasoning: {
      effort: "reasoning_effort",
      budget: { in: "thinking", field: "budget_tokens", with: { type: "enabled" } }
    },
    reasoningBack: "reasoning_content",
    toolFields: {}
  }
})
