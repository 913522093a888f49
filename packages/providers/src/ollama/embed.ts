/**
 * Asks Ollama for the vectors of texts, one per message. The old interface takes one text a call and is asked with
 * `config.api: "legacy"`.
 *
 * @module
 */
import { type EmbeddingsResult, type JsonValue, LlmError, Message, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { address, as, draft, elsewhere, modelOf, noMessages, post, write, type Writers } from "../wire/draft.ts"
import { untaken } from "../wire/media.ts"
import { body, count, excerpt, list, object, put, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { base, mergeAll } from "./options.ts"

/** The wire of `embeddings`. */
export const embed: Wire = {
  speaks: "ollama",
  prepare: (request) => {
    const to = draft(request)
    const texts = textsOf(request)
    to.body.model = modelOf(request)
    to.body.input = texts
    write(to, writers, "embeddings")
    mergeAll(to)
    return { request: post(address(base(request), "/api/embed"), to.body), warnings: to.warnings }
  },
  parse: (response, request) => parse(response.body, request),
  reason,
  decode
}

/** The wire of `embeddings` in versions before 0.3. */
export const legacyEmbed: Wire = {
  prepare: (request) => {
    const to = draft(request)
    const texts = textsOf(request)
    if (texts.length !== 1) throw untaken("several texts in one call to its old interface", request.provider)
    to.body.model = modelOf(request)
    to.body.prompt = texts[0]!
    write(to, { model: elsewhere, metadata: elsewhere }, "embeddings")
    mergeAll(to)
    return { request: post(address(base(request), "/api/embeddings"), to.body), warnings: to.warnings }
  },
  parse: (response, request) => parse(response.body, request),
  reason
}

const writers: Writers = { model: elsewhere, dimensions: as("dimensions"), metadata: elsewhere }

const textsOf = (request: Request): ReadonlyArray<string> => {
  if (request.messages.length === 0) throw noMessages(request)
  for (const { content } of request.messages) {
    const other = typeof content === "string" ? undefined : content.find((part) => part.type !== "text")
    if (other !== undefined) throw untaken(`a part of type ${other.type} for embeddings, only text`, request.provider)
  }
  return request.messages.map((message) => Message.text(message))
}

const parse = (source: string, request: Request): EmbeddingsResult => {
  const { provider } = request
  const answer = object(body(source, provider))
  if (answer !== undefined && says(answer.error)) throw failed(answer, provider)
  const one = list(answer?.embedding)
  const vectors = list(answer?.embeddings) ?? (one === undefined ? undefined : [one])
  if (answer === undefined || vectors === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer holds no vectors: ${excerpt(source)}` }, { provider })
  }
  const embeddings = vectors.map((vector) => {
    if (!isVector(vector)) throw malformed("a vector is no list of numbers", provider)
    return vector
  })
  const asked = inputs(request)
  if (asked !== undefined && asked !== embeddings.length) {
    throw malformed(`${asked} texts were sent, ${embeddings.length} vectors came back`, provider)
  }
  const own: { [name: string]: JsonValue } = {}
  for (const name in answer) if (!known.has(name) && says(answer[name])) put(own, name, answer[name])
  const model = text(answer.model)
  const input = count(answer.prompt_eval_count)
  return {
    type: "embeddings",
    ...(model !== undefined && { model }),
    embeddings,
    usage: {
      inputTokens: input === undefined ? {} : { total: input },
      outputTokens: {},
      ...(answer.prompt_eval_count !== undefined && { raw: { prompt_eval_count: answer.prompt_eval_count } })
    },
    ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
  }
}

const known = new Set(["model", "embedding", "embeddings", "prompt_eval_count", "error"])

/** How many vectors there must be: the caller's own fields may have replaced the input. */
const inputs = (request: Request): number | undefined => {
  const input = request.options.providerOptions?.[request.provider]?.input
  return input === undefined ? request.messages.length : Array.isArray(input) ? input.length : undefined
}

const isVector = (value: JsonValue): value is ReadonlyArray<number> => {
  if (!Array.isArray(value) || value.length === 0) return false
  for (let index = 0; index < value.length; index++) if (!Number.isFinite(value[index])) return false
  return true
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
