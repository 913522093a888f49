/**
 * OpenAI: `OPENAI_API_KEY` from the environment, or `config.apiKey`. `config.organization` and `config.project` say for whom a
 * call is made. Chat goes to chat completions, or to the Responses API where `config.api` is `"responses"`.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { compatible, usualOperations } from "./OpenAiCompatible.ts"
import { responses } from "./responses/index.ts"
import type { Headers } from "./Transport.ts"

const headers = ({ config: { organization, project } }: Request): Headers => ({
  ...(typeof organization === "string" && { "openai-organization": organization }),
  ...(typeof project === "string" && { "openai-project": project })
})

/** The provider `openai`. */
export const openai = compatible({
  name: "openai",
  title: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  keys: ["OPENAI_API_KEY"],
  headers,
  responses: responses(),
  operations: [...usualOperations, "moderations"]
})
