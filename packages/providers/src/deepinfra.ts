/**
 * DeepInfra: `DEEPINFRA_API_KEY` or `DEEPINFRA_TOKEN` from the environment, or `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `deepinfra`. */
export const deepinfra = compatible({
  name: "deepinfra",
  title: "DeepInfra",
  baseUrl: "https://api.deepinfra.com/v1/openai",
  keys: ["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
  quirks: { unsupported: ["logitBias"], toolFields: {} },
  operations: ["chat", "stream", "completion", "embeddings", "list_models"]
})
