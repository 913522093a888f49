/**
 * Google's Vertex AI: `GOOGLE_CLOUD_PROJECT` and `GOOGLE_CLOUD_LOCATION` say for which project and where, or
 * `config.project` and `config.location`. The credential is the file that `GOOGLE_APPLICATION_CREDENTIALS` names, its
 * text as `config.apiKey`, a ready access token, or an API key of Google Cloud. `config.api: "openai"` asks through
 * Vertex's interface in OpenAI's style.
 *
 * @module
 */
import { Request } from "@plugline/core"
import { withClaude } from "./google/claude.ts"
import { wires } from "./google/index.ts"
import { baseOf } from "./google/surface.ts"
import { serviceAccount } from "./oauth/serviceAccount.ts"
import { wires as openAiWires } from "./openai/index.ts"
import * as Provider from "./Provider.ts"
import type { Headers } from "./Transport.ts"
import { choose, type Wire } from "./Wire.ts"

const native = wires("vertex")
const openAi = openAiWires({ paths: { chat: "/endpoints/openapi/chat/completions" }, fileUrls: true })

/** A wire that is at the place of this one. */
const here = (wire: Wire): Wire => ({
  ...wire,
  prepare: (request) => wire.prepare(Request.mergeConfig(request, { baseUrl: baseOf(request, "vertex") }))
})

/** Google Cloud's own keys begin like this; anything else is a token. */
const otherwise = (key: string): Headers =>
  /^(AIza|AQ\.)/.test(key) ? { "x-goog-api-key": key } : { authorization: `Bearer ${key}` }

/** The provider `vertex`. */
export const vertex = Provider.make({
  name: "vertex",
  title: "Google Vertex AI",
  baseUrl: "https://{location}-aiplatform.googleapis.com/v1beta1/projects/{project}/locations/{location}",
  // The locations whose host is not named after them.
  origins: [
    "https://aiplatform.googleapis.com",
    "https://aiplatform.us.rep.googleapis.com",
    "https://aiplatform.eu.rep.googleapis.com"
  ],
  settings: {
    project: {
      meaning: "the id of a Google Cloud project",
      keys: ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID"]
    },
    location: {
      meaning: "a location of Google Cloud, such as us-central1 or global",
      keys: ["GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION", "CLOUD_ML_REGION"],
      fallback: "global"
    }
  },
  keys: [{ file: "GOOGLE_APPLICATION_CREDENTIALS" }, "GOOGLE_ACCESS_TOKEN"],
  authorize: otherwise,
  sign: serviceAccount({ otherwise }),
  wires: {
    chat: choose("generate", { generate: withClaude(native.chat), openai: here(openAi.chat) }),
    stream: choose("generate", { generate: withClaude(native.stream), openai: here(openAi.stream) }),
    embeddings: native.embeddings,
    list_models: native.list_models,
    validate: native.validate
  }
})
