/**
 * Nebius Token Factory: `NEBIUS_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `nebius`. */
export const nebius = compatible({
  name: "nebius",
  title: "Nebius",
  baseUrl: "https://api.tokenfactory.nebius.com/v1",
  keys: ["NEBIUS_API_KEY"],
  quirks: { unsupported: [], toolFields: {} }
})
