/**
 * Asks for a chat, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, type ResponseFormat, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { chat as asked } from "./askedChat.ts"
import { decoder, parts } from "./decoder.ts"
import { messages } from "./messages.ts"
import { type Draft, draft, model, type Writers } from "./options.ts"
import { as, mergeOwn, noMessages, post, write } from "../wire/draft.ts"
import { metadataIsSent, type Quirks, url } from "./quirks.ts"
import { reason } from "../wire/reason.ts"
import { thinking } from "./thinking.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat = (quirks: Quirks): Wire => ({
  speaks: "openai",
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason,
  decode: asked(quirks)
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request, quirks)
  model(to)
  to.body.messages = messages(to)
  write(to, writers, "chat")
  mergeOwn(to)
  stream(to, request.operation === "stream")
  return { request: post(url(request, quirks, "chat"), to.body), warnings: to.warnings }
}

/** Asks for a stream, with its usage. What the operation says counts, also over the caller's own fields. */
export const stream = ({ body, quirks }: Draft, streamed: boolean): void => {
  delete body.stream
  if (!streamed) {
    delete body.stream_options
    return
  }
  body.stream = true
  if (quirks.streamUsage !== false && body.stream_options === undefined) body.stream_options = { include_usage: true }
}

const maxTokens = (value: number, { body, quirks, request }: Draft): void => {
  const { maxTokensField: field = request.provider === "openai" ? "max_completion_tokens" : "max_tokens" } = quirks
  body[typeof field === "function" ? field(request) : field] = value
}

const logprobs = (value: boolean | number, { body, quirks }: Draft): void => {
  if (value === false) return
  if (quirks.logprobs === "count") {
    body.logprobs = value === true ? 1 : value
    return
  }
  body.logprobs = true
  if (typeof value === "number" && value > 0) body.top_logprobs = value
}

const responseFormat = (format: ResponseFormat, to: Draft): void => {
  if (format.type === "text") return
  const { body, quirks, request } = to
  if (format.schema === undefined) body.response_format = { type: "json_object" }
  else if (quirks.jsonSchema === false) {
    body.response_format = { type: "json_object" }
    to.warnings.push({
      type: "changed-option",
      option: "responseFormat",
      message: `${request.provider} holds no answer to a schema: any JSON object was asked for`
    })
  } else {
    body.response_format = {
      type: "json_schema",
      json_schema: {
        name: format.name ?? "response",
        ...(format.description !== undefined && { description: format.description }),
        schema: format.schema,
        ...(format.strict !== undefined && { strict: format.strict })
      }
    }
  }
}

/** Labels reach a service only where it keeps them beside the answer. */
const metadata = (labels: { readonly [label: string]: string }, { body, quirks, request }: Draft): void => {
  const stored = request.options.providerOptions?.[request.provider]?.store === true
  if (metadataIsSent(quirks, request.provider, stored)) body.metadata = labels
}

const writers: Writers = {
  model: () => {},
  temperature: as("temperature"),
  maxTokens,
  topP: as("top_p"),
  topK: as("top_k"),
  frequencyPenalty: as("frequency_penalty"),
  presencePenalty: as("presence_penalty"),
  stop: as("stop"),
  seed: (value, { body, quirks }) => {
    body[quirks.seedField ?? "seed"] = value
  },
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning: thinking,
  n: as("n"),
  logprobs,
  logitBias: as("logit_bias"),
  user: as("user"),
  serviceTier: as("service_tier"),
  metadata
}
