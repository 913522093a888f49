/**
 * GitHub Models: `GITHUB_TOKEN` from the environment, or `config.apiKey`: a token with the permission `models:read`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { address } from "./wire/draft.ts"

/** The provider `github`. */
export const github = compatible({
  name: "github",
  title: "GitHub Models",
  baseUrl: "https://models.github.ai/inference",
  keys: ["GITHUB_TOKEN"],
  quirks: {
    toolFields: {},
    url: ({ base, path, what }) =>
      what === "models" ? base.replace(/\/inference$/, "/catalog/models") : address(base, path)
  },
  operations: ["chat", "stream", "embeddings", "list_models"]
})
