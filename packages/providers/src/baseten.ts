/**
 * Baseten's Model APIs: `BASETEN_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `baseten`. */
export const baseten = compatible({
  name: "baseten",
  title: "Baseten",
  baseUrl: "https://inference.baseten.co/v1",
  keys: ["BASETEN_API_KEY"],
  quirks: { unsupported: [], toolFields: {} },
  operations: ["chat", "stream", "list_models", "validate"]
})
