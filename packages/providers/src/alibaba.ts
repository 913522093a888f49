/**
 * Alibaba Cloud Model Studio (Qwen): `DASHSCOPE_API_KEY` from the environment, or `config.apiKey`. The address is
 * that for the world outside China; `config.baseUrl` names another, and then needs a `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `alibaba`. */
export const alibaba = compatible({
  name: "alibaba",
  title: "Alibaba Cloud Model Studio",
  baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
  keys: ["DASHSCOPE_API_KEY"],
  quirks: {
    unsupported: ["logitBias", "user", "serviceTier"],
    reasoning: { budget: "thinking_budget", switch: { field: "enable_thinking", on: true, off: false } },
    reasoningBack: "reasoning_content",
    toolFields: {},
    videos: true
  },
  operations: ["chat", "stream", "embeddings", "list_models", "validate"]
})
