/**
 * LM Studio on a machine of one's own: its address from `LMSTUDIO_BASE_URL` or `config.url` (default: port 1234 of this
 * machine), and `LM_API_TOKEN` or `config.apiKey` where it asks for a token.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { dialects, responses } from "./responses/index.ts"

/** The provider `lmstudio`. */
export const lmstudio = compatible({
  name: "lmstudio",
  title: "LM Studio",
  baseUrl: "{url}",
  settings: {
    url: {
      meaning: "where LM Studio is",
      keys: ["LMSTUDIO_BASE_URL"],
      fallback: "http://127.0.0.1:1234/v1",
      kind: "url"
    }
  },
  keys: ["LM_API_TOKEN"],
  needsKey: false,
  quirks: { unsupported: [], toolFields: {} },
  responses: responses(dialects.lmstudio)
})
