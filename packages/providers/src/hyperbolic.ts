/**
 * Hyperbolic: `HYPERBOLIC_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `hyperbolic`. */
export const hyperbolic = compatible({
  name: "hyperbolic",
  title: "Hyperbolic",
  baseUrl: "https://api.hyperbolic.xyz/v1",
  keys: ["HYPERBOLIC_API_KEY"],
  quirks: { unsupported: [], toolFields: {} },
  operations: ["chat", "stream", "completion", "list_models", "validate"]
})
