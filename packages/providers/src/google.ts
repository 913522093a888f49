/**
 * Google's Gemini API: `GEMINI_API_KEY` or `GOOGLE_API_KEY` from the environment, or `config.apiKey`. A key goes out as
 * `x-goog-api-key`, an OAuth token (`ya29.…`) as `authorization: Bearer …`. `config.api: "openai"` asks the same models
 * through Google's interface in OpenAI's style.
 *
 * @module
 */
import { Effect, Redacted } from "effect"
import { wires } from "./google/index.ts"
import { wires as openAiWires } from "./openai/index.ts"
import * as Provider from "./Provider.ts"
import type { Headers } from "./Transport.ts"
import { choose } from "./Wire.ts"

const baseUrl = "https://generativelanguage.googleapis.com/v1beta"

const native = wires("gemini")
const openAi = openAiWires({
  baseUrl,
  paths: { chat: "/openai/chat/completions", embeddings: "/openai/embeddings", models: "/openai/models" },
  maxTokensField: "max_completion_tokens",
  fileUrls: true
})

const authorize = (key: string): Headers =>
  key.startsWith("ya29.") ? { authorization: `Bearer ${key}` } : { "x-goog-api-key": key }

/** The interface in OpenAI's style takes a key of any kind where OpenAI's clients put it. */
const sign: Provider.Sign = ({ key, request }) => {
  if (key === undefined) return Effect.succeed({})
  const text = Redacted.value(key)
  return Effect.succeed(request.config.api === "openai" ? { authorization: `Bearer ${text}` } : authorize(text))
}

/** The provider `google`. */
export const google = Provider.make({
  name: "google",
  title: "Google Gemini",
  baseUrl,
  keys: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
  authorize,
  sign,
  wires: {
    chat: choose("generate", { generate: native.chat, openai: openAi.chat }),
    stream: choose("generate", { generate: native.stream, openai: openAi.stream }),
    embeddings: choose("generate", { generate: native.embeddings, openai: openAi.embeddings }),
    list_models: choose("generate", { generate: native.list_models, openai: openAi.list_models }),
    validate: choose("generate", { generate: native.validate, openai: openAi.validate })
  }
})
