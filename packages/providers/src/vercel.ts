/**
 * Vercel AI Gateway: `AI_GATEWAY_API_KEY` from the environment, or `config.apiKey`. Routing is
 * `providerOptions.vercel`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `vercel`. */
export const vercel = compatible({
  name: "vercel",
  title: "Vercel AI Gateway",
  baseUrl: "https://ai-gateway.vercel.sh/v1",
  keys: ["AI_GATEWAY_API_KEY"],
  quirks: {
    // Anyone may list the models.
    paths: { validate: "/credits" },
    unsupported: [],
    reasoning: "object",
    reasoningBack: "reasoning",
    toolFields: {}
  },
  operations: ["chat", "stream", "embeddings", "list_models", "validate"]
})
