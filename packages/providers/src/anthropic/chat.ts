/**
 * Asks for a chat, whole or streamed, and reads the answer.
 *
 * @module
 */
import {
  type JsonObject, type JsonValue, type Request, type ResponseFormat, Result, type Warning
} from "@plugline/core"
import type { Wire } from "../Wire.ts"
import * as Base from "../wire/draft.ts"
import { count, object, put } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"
import { asked } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { type Draft, isBlank, modelName, type Writers } from "./draft.ts"
import { usualMaxTokens } from "./generation.ts"
import { betasOf, headers } from "./headers.ts"
import { conversation } from "./messages.ts"
import { defaultBaseUrl, type Quirks } from "./quirks.ts"
import { outputConfig, reasoning } from "./reasoning.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** A body, and what of the request does not stand in it. */
export interface Written {
  readonly body: { readonly [name: string]: JsonValue }
  readonly warnings: ReadonlyArray<Warning>
  /** The beta features that the request needs, for the header `anthropic-beta` or wherever the service takes them. */
  readonly betas: ReadonlyArray<string>
}

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat = (quirks: Quirks): Wire => ({
  speaks: "anthropic",
  prepare: (request) => {
    const written = body(request, quirks)
    const base = request.config.baseUrl ?? quirks.baseUrl ?? defaultBaseUrl
    const post = Base.post(Base.address(base, "/messages"), written.body)
    return { request: { ...post, headers: { ...post.headers, ...headers(written.betas) } }, warnings: written.warnings }
  },
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason,
  decode: ({ body }, provider) => asked(body ?? {}, provider, quirks)
})

/** The body of a chat or stream. */
export const body = (request: Request, quirks: Quirks): Written => {
  if (request.messages.length === 0) throw Base.noMessages(request)
  const to: Draft = { ...Base.draft(request), quirks, model: modelName(request), betas: [] }
  const { body } = to
  if (quirks.bodyVersion === undefined) body.model = Base.modelOf(request)
  else body.anthropic_version = quirks.bodyVersion
  conversation(to)
  Base.write(to, writers, "chat")
  goOn(to)
  mergeOwn(to)
  if (body.max_tokens === undefined) body.max_tokens = usual(to)
  sample(to)
  delete body.stream
  const says = quirks.bodyVersion === undefined || quirks.streamField === true
  if (request.operation === "stream" && says) body.stream = true
  return { body, warnings: to.warnings, betas: betasOf(request, to.betas) }
}

/**
 * What only this provider understands, over everything else; `output_config` holds several options, each for itself.
 */
const mergeOwn = ({ body, quirks, request }: Draft): void => {
  const own = request.options.providerOptions?.[request.provider]
  if (own === undefined || own === null) return
  for (const name of Object.keys(own)) {
    const value = own[name]
    if (value === undefined || name === "betas" || (name === "model" && quirks.bodyVersion !== undefined)) continue
    if (name === "output_config" && object(value) !== undefined) outputConfig(body, value as JsonObject)
    else put(body, name, value)
  }
}

/** Most tokens where nobody says; what the model may think is a part of them. */
const usual = ({ body, model, quirks }: Draft): number => {
  const most = (quirks.maxTokens ?? usualMaxTokens)(model)
  const budget = count(object(body.thinking)?.budget_tokens) ?? 0
  return budget < most ? most : budget + leastAnswer
}

const leastAnswer = 4096

/**
 * A model that thinks within a budget goes on after calls only where the thought before them comes back. Clients of
 * other formats lose it: then the model goes on without thinking, where the API would refuse.
 */
const goOn = (to: Draft): void => {
  const { body, request: { provider } } = to
  if (object(body.thinking)?.type !== "enabled") return
  const turns = body.messages as ReadonlyArray<JsonObject>
  if (!starts(turns.at(-1), "tool_result")) return
  const last = turns.findLast(({ role }) => role === "assistant")
  if (starts(last, "thinking") || starts(last, "redacted_thinking")) return
  delete body.thinking
  Base.warn(to, "reasoning", `${provider} goes on without thinking: the thought before the calls did not come back`)
}

const starts = (turn: JsonObject | undefined, type: string): boolean =>
  Array.isArray(turn?.content) && object(turn.content[0] as JsonValue)?.type === type

/** A model that thinks draws as it likes: the API refuses to be told how. */
const sample = (to: Draft): void => {
  const { body, request: { options, provider } } = to
  const { type } = object(body.thinking) ?? {}
  if (type !== "enabled" && type !== "adaptive") return
  const own = options.providerOptions?.[provider]
  const drop = (name: "temperature" | "topK" | "topP", field: string, refused: boolean): void => {
    if (options[name] === undefined || own?.[field] !== undefined || !refused) return
    delete body[field]
    Base.warn(to, name, `${provider} takes no such ${name} where the model thinks`)
  }
  drop("temperature", "temperature", options.temperature !== 1)
  drop("topK", "top_k", true)
  drop("topP", "top_p", (options.topP ?? 1) < 0.95)
}

const temperature = (value: number, to: Draft): void => {
  to.body.temperature = Math.min(value, 1)
  if (value > 1) Base.changed(to, "temperature", `${to.request.provider} takes a temperature of at most 1`)
}

/** The API refuses ends that are white space. */
const stop = (value: string | ReadonlyArray<string>, to: Draft): void => {
  const ends = typeof value === "string" ? [value] : value
  const taken = ends.filter((end) => !isBlank(end))
  if (taken.length > 0 || ends.length === 0) to.body.stop_sequences = taken
  if (taken.length === ends.length) return
  Base.warn(to, "stop", `${to.request.provider} takes no white space as an end of the answer`)
}

/** The API holds answers to a schema, always strictly, and knows no other JSON. */
const responseFormat = (format: ResponseFormat, to: Draft): void => {
  if (format.type === "text") return
  const { description, schema, strict } = format
  if (schema === undefined) {
    return Base.refuse("responseFormat", to, `${to.request.provider} answers with JSON only where it is given a schema`)
  }
  if (strict === false) {
    Base.changed(to, "responseFormat", `${to.request.provider} holds answers to a schema strictly`)
  }
  const described: JsonObject = description === undefined || schema.description !== undefined
    ? schema
    : { ...schema, description }
  outputConfig(to.body, { format: { type: "json_schema", schema: described } })
}

const user = (id: string, { body }: { readonly body: { [name: string]: JsonValue } }): void => {
  body.metadata = { user_id: id }
}

const writers: Writers = {
  model: Base.elsewhere,
  temperature,
  maxTokens: Base.as("max_tokens"),
  topP: Base.as("top_p"),
  topK: Base.as("top_k"),
  stop,
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning,
  user,
  serviceTier: Base.as("service_tier"),
  metadata: Base.elsewhere
}
