/**
 * Ollama's hosted models, by the OpenAI-compatible interface: `OLLAMA_API_KEY` from the environment, or
 * `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `ollama-cloud`. */
export const ollamaCloud = compatible({
  name: "ollama-cloud",
  title: "Ollama Cloud",
  baseUrl: "https://ollama.com/v1",
  keys: ["OLLAMA_API_KEY"],
  quirks: { unsupported: ["topK", "n", "logitBias", "toolChoice", "user"], reasoningBack: "reasoning", toolFields: {} },
  operations: ["chat", "stream", "list_models"]
})
