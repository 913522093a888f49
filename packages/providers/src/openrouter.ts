/**
 * OpenRouter: `OPENROUTER_API_KEY` from the environment, or `config.apiKey`. `config.referer` and `config.title` name
 * the application to it. Routing is `providerOptions.openrouter` (`provider`, `models`, `plugins`, `transforms`).
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import type { Request } from "@plugline/core"
import { dialects, responses } from "./responses/index.ts"
import type { Headers } from "./Transport.ts"

const headers = ({ config: { referer, title } }: Request): Headers => ({
  ...(typeof referer === "string" && { "http-referer": referer }),
  ...(typeof title === "string" && { "x-title": title })
})

/** The provider `openrouter`. */
export const openrouter = compatible({
  name: "openrouter",
  title: "OpenRouter",
  baseUrl: "https://openrouter.ai/api/v1",
  keys: ["OPENROUTER_API_KEY"],
  headers,
  quirks: {
    // Anyone may list the models.
    paths: { validate: "/key" },
    unsupported: [],
    reasoning: "object",
    reasoningBack: "reasoning",
    fileUrls: true,
    videos: true
  },
  responses: responses(dialects.openrouter)
})
