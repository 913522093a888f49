/**
 * NVIDIA's hosted models: `NVIDIA_API_KEY` from the environment, or `config.apiKey`. `config.baseUrl` names a NIM of
 * one's own.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `nvidia`. */
export const nvidia = compatible({
  name: "nvidia",
  title: "NVIDIA",
  baseUrl: "https://integrate.api.nvidia.com/v1",
  keys: ["NVIDIA_API_KEY"],
  quirks: { toolFields: {} },
  operations: ["chat", "stream", "completion", "embeddings", "list_models"]
})
