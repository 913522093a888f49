/**
 * Groq: `GROQ_API_KEY` from the environment, or `config.apiKey`. Tools that Groq runs are `groq.browser_search` and
 * `groq.code_interpreter`; how thinking is shown is `providerOptions.groq.reasoning_format`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { responses } from "./responses/index.ts"

/** The provider `groq`. */
export const groq = compatible({
  name: "groq",
  title: "Groq",
  baseUrl: "https://api.groq.com/openai/v1",
  keys: ["GROQ_API_KEY"],
  quirks: {
    maxTokensField: "max_completion_tokens",
    unsupported: ["topK", "n", "logprobs", "logitBias"],
    reasoningBack: "reasoning",
    toolFields: {}
  },
  responses: responses({ encrypts: /^$/, toolFiles: false }),
  operations: ["chat", "stream", "list_models", "validate"]
})
