/**
 * Asks for a chat, whole or streamed, and reads the answer.
 *
 * @module
 */
import {
  type JsonValue,
  LlmError,
  type Options,
  type ProviderRequest,
  type Request,
  type ResponseFormat,
  Result
} from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { decoder, parts } from "./decoder.ts"
import { messages } from "./messages.ts"
import { as, type Draft, draft, mergeOwn, model, warn, write, type Writers } from "./options.ts"
import { type Quirks, url } from "./quirks.ts"
import { reason } from "./reason.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat = (quirks: Quirks): Wire => ({
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason
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

/** The request to send. */
export const post = (url: string, body: { readonly [name: string]: JsonValue }): ProviderRequest => ({
  method: "POST",
  url,
  headers: { "content-type": "application/json" },
  body
})

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

/** There is nothing to ask. */
export const noMessages = (request: Request): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    parameter: "messages",
    message: `${request.operation} needs at least one message`
  }, { provider: request.provider })

const maxTokens = (value: number, { body, quirks, request }: Draft): void => {
  body[quirks.maxTokensField ?? (request.provider === "openai" ? "max_completion_tokens" : "max_tokens")] = value
}

const logprobs = (value: boolean | number, { body }: Draft): void => {
  if (value === false) return
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

const reasoning = ({ effort, budgetTokens, summary }: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const { body, quirks, request } = to
  if (quirks.reasoning === "object") {
    body.reasoning = {
      ...(effort !== undefined && { effort }),
      ...(budgetTokens !== undefined && { max_tokens: budgetTokens }),
      ...(summary !== undefined && { summary })
    }
    return
  }
  if (effort !== undefined) body.reasoning_effort = effort
  if (budgetTokens !== undefined) {
    warn(to, "reasoning", `${request.provider} takes no budget of tokens for reasoning, only effort`)
  }
  if (summary !== undefined) warn(to, "reasoning", `${request.provider} gives no summary of its reasoning for chat`)
}

/** Labels reach a service only where it keeps them beside the answer. */
const metadata = (labels: { readonly [label: string]: string }, { body, quirks, request }: Draft): void => {
  const when = quirks.metadata ?? (request.provider === "openai" ? "stored" : "never")
  const stored = request.options.providerOptions?.[request.provider]?.store === true
  if (when === "always" || (when === "stored" && stored)) body.metadata = labels
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
  seed: as("seed"),
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning,
  n: as("n"),
  logprobs,
  logitBias: as("logit_bias"),
  user: as("user"),
  serviceTier: as("service_tier"),
  metadata
}
