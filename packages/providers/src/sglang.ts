/**
 * An SGLang server: its address from `SGLANG_BASE_URL` or `config.url` (default: port 30000 of this machine), and
 * `SGLANG_API_KEY` or `config.apiKey` where it was started with a key.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `sglang`. */
export const sglang = compatible({
  name: "sglang",
  title: "SGLang",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where the server is",
      keys: ["SGLANG_BASE_URL"],
      fallback: "http://127.0.0.1:30000/v1",
      kind: "url"
    }
  },
  keys: ["SGLANG_API_KEY"],
  needsKey: false,
  quirks: { unsupported: [], reasoningBack: "reasoning_content", toolFields: {}, videos: true }
})
