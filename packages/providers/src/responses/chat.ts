/**
 * Asks for a response, whole or streamed, and reads it.
 *
 * @module
 */
import {
  type JsonObject, type JsonValue, type Options, type Request, type ResponseFormat, Result
} from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import * as Base from "../wire/draft.ts"
import { as, elsewhere, merge, modelOf, noMessages, post, warn, write } from "../wire/draft.ts"
import { list, object } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { input } from "./input.ts"
import { type Draft, isEncrypting, isUnstored, ofLogprobs, type Quirks, url } from "./quirks.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat = (quirks: Quirks = {}): Wire => ({
  speaks: "responses",
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => Result.fold(parts(response.body, request.provider, quirks)),
  parts: (request) => decoder(request, quirks),
  reason,
  decode: (sent, provider) => decode(sent.body, provider, quirks)
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  const own = request.options.providerOptions?.[request.provider] ?? undefined
  // A conversation or a prompt that the service keeps may need nothing more said.
  const isKept = own?.previous_response_id != null || own?.conversation != null || own?.prompt != null
  if (request.messages.length === 0 && !isKept) throw noMessages(request)
  const to: Draft = { ...Base.draft(request, quirks.unsupported), quirks, isUnstored: isUnstored(own, quirks) }
  if (request.options.model !== undefined) to.body.model = request.options.model
  else if (own?.model === undefined && own?.prompt == null) modelOf(request)
  const { instructions, items } = input(to)
  if (instructions !== undefined) to.body.instructions = instructions
  if (request.messages.length > 0) to.body.input = items
  write(to, writersOf(quirks), "chat")
  if (to.isUnstored) to.body.store = false
  if (own !== undefined) ownFields(to.body, own)
  include(to, own)
  delete to.body.stream
  if (request.operation === "stream") to.body.stream = true
  return { request: post(url(request, quirks), to.body), warnings: to.warnings }
}

/** The caller's own fields, over everything else; those that are objects in both are joined. */
const ownFields = (body: { [name: string]: JsonValue }, own: JsonObject): void => {
  const { include: _, reasoning, store, text, ...others } = own
  merge(body, others)
  if (store !== undefined && store !== null) body.store = store
  for (const [name, more] of Object.entries({ reasoning, text })) {
    const fields = object(more)
    const before = object(body[name])
    if (more === undefined) continue
    body[name] = fields !== undefined && before !== undefined ? { ...before, ...fields } as JsonObject : more
  }
}

/** What the answer shall hold beside the usual. A list of the caller's own counts, an empty one too. */
const include = (to: Draft, own: JsonObject | undefined): void => {
  const { body, isUnstored, quirks, request } = to
  const wanted = new Set<JsonValue>(list(own?.include))
  const { logprobs } = request.options
  if (logprobs !== undefined && logprobs !== false) wanted.add(ofLogprobs)
  const model = typeof body.model === "string" ? body.model : undefined
  if (own?.include === undefined && isUnstored && isEncrypting(model, quirks)) wanted.add(ofReasoning)
  if (wanted.size > 0) body.include = [...wanted]
}

/** What `include` calls reasoning that can go back to a service that keeps nothing. */
const ofReasoning = "reasoning.encrypted_content"

const logprobs = (value: boolean | number, { body }: Draft): void => {
  if (typeof value === "number" && value > 0) body.top_logprobs = value
}

const responseFormat = (format: ResponseFormat, { body }: Draft): void => {
  if (format.type === "text") return
  body.text = {
    format: format.schema === undefined
      ? { type: "json_object" }
      : {
        type: "json_schema",
        name: format.name ?? "response",
        ...(format.description !== undefined && { description: format.description }),
        schema: format.schema,
        ...(format.strict !== undefined && { strict: format.strict })
      }
  }
}

const reasoning = ({ budgetTokens, effort, summary }: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const { body, quirks, request } = to
  const takesBudget = quirks.reasoningBudget === true
  if (budgetTokens !== undefined && !takesBudget) {
    warn(to, "reasoning", `${request.provider} takes no budget of tokens for reasoning, only effort`)
  }
  const written = {
    ...(effort !== undefined && { effort }),
    ...(budgetTokens !== undefined && takesBudget && { max_tokens: budgetTokens }),
    ...(summary !== undefined && { summary })
  }
  if (Object.keys(written).length > 0) body.reasoning = written
}

const writers: Base.Writers<Draft> = {
  model: elsewhere,
  temperature: as("temperature"),
  maxTokens: as("max_output_tokens"),
  topP: as("top_p"),
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning,
  logprobs,
  user: as("user"),
  serviceTier: as("service_tier"),
  metadata: as("metadata")
}

const writersOf = ({ fields }: Quirks): Base.Writers<Draft> => {
  if (fields === undefined) return writers
  const more = Object.entries(fields).map(([name, field]) => [name, as(field)])
  return { ...writers, ...Object.fromEntries(more) as Base.Writers<Draft> }
}
