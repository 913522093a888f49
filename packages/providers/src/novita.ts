/**
 * Novita AI: `NOVITA_API_KEY` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `novita`. */
export const novita = compatible({
  name: "novita",
  title: "Novita AI",
  baseUrl: "https://api.novita.ai/openai/v1",
  keys: ["NOVITA_API_KEY"],
  quirks: { unsupported: [], toolFields: {} },
  operations: ["chat", "stream", "completion", "embeddings", "list_models"]
})
