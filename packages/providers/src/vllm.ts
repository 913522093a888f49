/**
 * A vLLM server: its address from `VLLM_BASE_URL` or `config.url` (default: port 8000 of this machine), and
 * `VLLM_API_KEY` or `config.apiKey` where it was started with a key.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { responses } from "./responses/index.ts"

/** The provider `vllm`. */
export const vllm = compatible({
  name: "vllm",
  title: "vLLM",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where the server is",
      keys: ["VLLM_BASE_URL"],
      fallback: "http://127.0.0.1:8000/v1",
      kind: "url"
    }
  },
  keys: ["VLLM_API_KEY"],
  needsKey: false,
  quirks: { unsupported: [], reasoningBack: "reasoning", toolFields: {}, videos: true },
  responses: responses({ encrypts: /^$/ })
})
