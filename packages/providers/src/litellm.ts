/**
 * A LiteLLM proxy: its address from `LITELLM_PROXY_API_BASE` or `config.url` (default: this machine),
 * `LITELLM_PROXY_API_KEY` from the environment or `config.apiKey` where it asks for a key.
 *
 * @module
 */
import { compatible, usualOperations } from "./OpenAiCompatible.ts"

/** The provider `litellm`. */
export const litellm = compatible({
  name: "litellm",
  title: "LiteLLM",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where the proxy is",
      keys: ["LITELLM_PROXY_API_BASE"],
      fallback: "http://127.0.0.1:4000",
      kind: "url"
    }
  },
  keys: ["LITELLM_PROXY_API_KEY"],
  needsKey: false,
  quirks: { unsupported: [], reasoningBack: "reasoning_content", metadata: "always", fileUrls: true, videos: true },
  operations: [...usualOperations, "moderations"]
})
