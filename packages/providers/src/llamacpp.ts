/**
 * The server of llama.cpp: its address from `LLAMACPP_BASE_URL` or `config.url` (default: port 8080 of this machine),
 * and `LLAMA_API_KEY` or `config.apiKey` where it was started with a key.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `llamacpp`. */
export const llamacpp = compatible({
  name: "llamacpp",
  title: "llama.cpp",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where the server is",
      keys: ["LLAMACPP_BASE_URL"],
      fallback: "http://127.0.0.1:8080/v1",
      kind: "url"
    }
  },
  keys: ["LLAMA_API_KEY"],
  needsKey: false,
  quirks: { unsupported: [], reasoningBack: "reasoning_content", toolFields: {} }
})
