/**
 * Voyage AI, which makes vectors: `VOYAGE_API_KEY` from the environment, or `config.apiKey`. What the texts are for is
 * `providerOptions.voyage.input_type`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `voyage`. */
export const voyage = compatible({
  name: "voyage",
  title: "Voyage AI",
  baseUrl: "https://api.voyageai.com/v1",
  keys: ["VOYAGE_API_KEY"],
  quirks: { unsupported: ["user"], dimensionsField: "output_dimension", encodingFormat: "none" },
  operations: ["embeddings"]
})
