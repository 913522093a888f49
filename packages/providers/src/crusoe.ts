/**
 * Crusoe Managed Inference: `CRUSOE_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `crusoe`. */
export const crusoe = compatible({
  name: "crusoe",
  title: "Crusoe",
  baseUrl: "https://api.inference.crusoecloud.com/v1",
  keys: ["CRUSOE_API_KEY"],
  quirks: { unsupported: [], reasoningBack: "reasoning", toolFields: {} },
  operations: ["chat", "stream", "list_models", "validate"]
})
