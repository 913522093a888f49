/**
 * GPUStack on a machine of one's own: its address from `GPUSTACK_BASE_URL` or `config.url` (default: this machine),
 * `GPUSTACK_API_KEY` from the environment or `config.apiKey` where it asks for a key.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `gpustack`. */
export const gpustack = compatible({
  name: "gpustack",
  title: "GPUStack",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where GPUStack is",
      keys: ["GPUSTACK_BASE_URL", "GPUSTACK_API_BASE"],
      fallback: "http://127.0.0.1/v1",
      kind: "url"
    }
  },
  keys: ["GPUSTACK_API_KEY"],
  needsKey: false,
  quirks: { unsupported: [], toolFields: {} }
})
