/**
 * Hugging Face Inference Providers: `HF_TOKEN` from the environment, or `config.apiKey`. `model:provider` asks one of
 * the services behind it.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { responses } from "./responses/index.ts"

/** The provider `huggingface`. */
export const huggingface = compatible({
  name: "huggingface",
  title: "Hugging Face",
  baseUrl: "https://router.huggingface.co/v1",
  keys: ["HF_TOKEN", "HUGGINGFACE_API_KEY"],
  quirks: { unsupported: [], toolFields: {} },
  responses: responses({ encrypts: /^$/, toolFiles: false }),
  operations: ["chat", "stream", "list_models"]
})
