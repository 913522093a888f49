/**
 * Z.AI (GLM): `ZAI_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `zai`. */
export const zai = compatible({
  name: "zai",
  title: "Z.AI",
  baseUrl: "https://api.z.ai/api/paas/v4",
  keys: ["ZAI_API_KEY", "Z_AI_API_KEY"],
  quirks: {
    unsupported: [
      "topK", "frequencyPenalty", "presencePenalty", "n", "logprobs", "logitBias", "parallelToolCalls", "user",
      "serviceTier"
    ],
    jsonSchema: false,
    reasoning: { switch: { field: "thinking", on: { type: "enabled" }, off: { type: "disabled" } } },
    reasoningBack: "reasoning_content",
    toolFields: {},
    videos: true
  },
  operations: ["chat", "stream"]
})
