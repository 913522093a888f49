/**
 * Cloudflare Workers AI: `CLOUDFLARE_ACCOUNT_ID` and `CLOUDFLARE_API_TOKEN` from the environment, or
 * `config.accountId` and `config.apiKey`.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"

/** The provider `cloudflare`. */
export const cloudflare = compatible({
  name: "cloudflare",
  title: "Cloudflare Workers AI",
  baseUrl: "https://api.cloudflare.com/client/v4/accounts/{accountId}/ai/v1",
  settings: { accountId: { meaning: "the id of the Cloudflare account", keys: ["CLOUDFLARE_ACCOUNT_ID"] } },
  keys: ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"],
  quirks: { unsupported: ["n", "logprobs", "logitBias", "serviceTier"], toolFields: {}, encodingFormat: "none" },
  operations: ["chat", "stream", "embeddings"]
})
