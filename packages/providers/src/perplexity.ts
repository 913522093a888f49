/**
 * Perplexity: `PERPLEXITY_API_KEY` or `PPLX_API_KEY` from the environment, or `config.apiKey`. How it searches is
 * `providerOptions.perplexity` (`search_mode`, `search_domain_filter`, `web_search_options`).
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `perplexity`. */
export const perplexity = compatible({
  name: "perplexity",
  title: "Perplexity",
  baseUrl: "https://api.perplexity.ai",
  keys: ["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
  quirks: {
    paths: { embeddings: "/v1/embeddings", models: "/v1/models" },
    unsupported: [
      "seed", "tools", "toolChoice", "parallelToolCalls", "n", "logprobs", "logitBias", "user", "serviceTier"
    ],
    encodingFormat: "base64_int8"
  },
  operations: ["chat", "stream", "embeddings", "list_models", "validate"]
})
