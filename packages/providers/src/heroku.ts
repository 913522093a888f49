/**
 * Heroku Managed Inference: `INFERENCE_KEY` and `INFERENCE_URL` from the environment, as the add-on sets them, or
 * `config.apiKey` and `config.url`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `heroku`. */
export const heroku = compatible({
  name: "heroku",
  title: "Heroku",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where the inference add-on is",
      keys: ["INFERENCE_URL", "HEROKU_INFERENCE_URL"],
      fallback: "https://us.inference.heroku.com",
      kind: "url"
    }
  },
  keys: ["INFERENCE_KEY", "HEROKU_INFERENCE_KEY"],
  quirks: {
    paths: { chat: "/v1/chat/completions", embeddings: "/v1/embeddings", models: "/available-models" },
    reasoning: {
      effort: "reasoning_effort",
      budget: { in: "extended_thinking", field: "budget_tokens", with: { enabled: true } }
    },
    toolFields: {}
  },
  operations: ["chat", "stream", "embeddings", "list_models"]
})
