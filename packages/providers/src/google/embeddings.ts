/**
 * Asks for the vectors of texts, one per message, and reads them: `batchEmbedContents` of the Gemini API, `predict` of
 * Vertex AI, and `embedContent`, which Vertex has for its newer models.
 *
 * @module
 */
import {
  type EmbeddingsResult, type JsonObject, type JsonValue, LlmError, type Message, Message as Messages, type Options,
  type Request, type Usage
} from "@plugline/core"
import { draft, elsewhere, merge, modelOf, noMessages, post, write, type Writers } from "../wire/draft.ts"
import { body, count, excerpt, type Fields, list, object, put, says } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import type { Asked, Prepared, Wire, WireResponse } from "../Wire.ts"
import { guarded, methodOf } from "./decode.ts"
import { conversation } from "./decodeContents.ts"
import { fieldsOf, invalid, leftOf, listOf, someText } from "./fields.ts"
import { messages as writeMessages } from "./messages.ts"
import { draft as chatDraft } from "./options.ts"
import { methodUrl, type Surface } from "./surface.ts"
import { usage } from "./usage.ts"

/** The wire of `embeddings`. */
export const embeddings = (surface: Surface): Wire => ({
  speaks: "google",
  prepare: (request) => prepare(request, surface),
  parse,
  reason,
  decode
})

// --- the request -----------------------------------------------------------------------------------------------------

const writers: Writers = { model: elsewhere, dimensions: elsewhere, metadata: elsewhere }

const prepare = (request: Request, surface: Surface): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request)
  write(to, writers, "embeddings")
  const model = modelOf(request)
  const { dimensions, providerOptions } = request.options
  const { model: _, ...own } = providerOptions?.[request.provider] ?? {}
  const url = (method: string): string => methodUrl(request, model, method, surface)
  if (surface === "gemini") {
    const requests = request.messages.map((message): JsonObject => ({
      model: model.includes("/") ? model : `models/${model}`,
      content: content(request, message, surface),
      ...(dimensions !== undefined && { outputDimensionality: dimensions }),
      ...own
    }))
    return { request: post(url("batchEmbedContents"), { requests }), warnings: to.warnings }
  }
  if (embedsContent(model)) {
    if (request.messages.length > 1) {
      const message = `${request.provider} takes one message per call for the vectors of ${model}`
      throw LlmError.make({ _tag: "Unsupported", message }, { provider: request.provider })
    }
    to.body.content = content(request, request.messages[0]!, surface)
    if (dimensions !== undefined) to.body.outputDimensionality = dimensions
    merge(to.body, own as JsonObject)
    return { request: post(url("embedContent"), to.body), warnings: to.warnings }
  }
  // What belongs to a text stands beside it, what belongs to the call in `parameters`.
  const ofText: { [name: string]: JsonValue } = {}
  const ofCall: { [name: string]: JsonValue } = {}
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) put(perText.has(name) ? ofText : ofCall, name, value)
  }
  const { parameters, ...top } = ofCall
  to.body.instances = request.messages.map((message) => ({ content: textOf(request, message), ...ofText }))
  const settings = { ...(dimensions !== undefined && { outputDimensionality: dimensions }), ...object(parameters) }
  if (Object.keys(settings).length > 0) to.body.parameters = settings as JsonObject
  merge(to.body, top)
  return { request: post(url("predict"), to.body), warnings: to.warnings }
}

const perText = new Set(["task_type", "title"])

/** The newer models of Vertex have a method of their own. */
const embedsContent = (model: string): boolean =>
  (model.includes("gemini") && !model.endsWith("gemini-embedding-001")) || model.includes("maas")

const content = (request: Request, message: Message, surface: Surface): JsonObject => {
  if (message.role === "system") return { parts: [{ text: message.content }] }
  const to = chatDraft(request, surface)
  writeMessages(to, [message])
  const written = object(list(to.body.contents)?.[0])
  return { parts: written?.parts ?? [] }
}

const textOf = (request: Request, message: Message): string => {
  const other = typeof message.content === "string" ? undefined : message.content.find((part) => part.type !== "text")
  if (other === undefined) return Messages.text(message)
  throw LlmError.make({
    _tag: "Unsupported",
    message: `this model takes text alone, and a message holds a part of type ${other.type}`
  }, { provider: request.provider })
}

// --- the answer ------------------------------------------------------------------------------------------------------

const parse = (response: WireResponse, { messages, provider }: Request): EmbeddingsResult => {
  const answer = object(body(response.body, provider))
  if (says(answer?.error)) throw failed(answer!, provider)
  const one = answer?.embedding
  const entries = list(answer?.embeddings) ?? list(answer?.predictions) ?? (object(one) && [one!])
  if (answer === undefined || entries === undefined) {
    const message = `the answer holds no vectors: ${excerpt(response.body)}`
    throw LlmError.make({ _tag: "NotAnLlm", message }, { provider })
  }
  if (entries.length !== messages.length) {
    throw malformed(`${messages.length} texts were sent, ${entries.length} vectors came back`, provider)
  }
  const embeddings = entries.map((entry) => vector(entry, provider))
  const own: { [name: string]: JsonValue } = {}
  for (const name in answer) if (!known.has(name) && says(answer[name])) put(own, name, answer[name])
  const said = statistics(entries)
  if (said.length > 0) own.statistics = said
  return {
    type: "embeddings",
    embeddings,
    usage: object(answer.usageMetadata) === undefined ? counted(said, entries.length) : usage(answer.usageMetadata),
    ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
  }
}

const known = new Set(["embeddings", "embedding", "predictions", "usageMetadata", "error"])

const vector = (entry: JsonValue, provider: string): ReadonlyArray<number> => {
  const fields = object(entry)
  const values = list(fields?.values) ?? list(object(fields?.embeddings)?.values)
  if (values === undefined || !values.every((value) => typeof value === "number" && Number.isFinite(value))) {
    throw malformed("a vector is no list of numbers", provider)
  }
  return values as ReadonlyArray<number>
}

const statistics = (entries: ReadonlyArray<JsonValue>): ReadonlyArray<JsonObject> =>
  entries.flatMap((entry) => {
    const fields = object(entry)
    const said = object(object(fields?.embeddings)?.statistics) ?? object(fields?.statistics)
    return said === undefined ? [] : [said as JsonObject]
  })

/** Vertex counts the tokens of each text. */
const counted = (statistics: ReadonlyArray<JsonObject>, texts: number): Usage => {
  const tokens = statistics.map((said) => count(said.token_count ?? said.tokenCount))
  if (texts === 0 || tokens.length < texts || tokens.includes(undefined)) return { inputTokens: {}, outputTokens: {} }
  const total = tokens.reduce<number>((sum, count) => sum + count!, 0)
  return { inputTokens: { total }, outputTokens: {}, raw: statistics }
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })

// --- the way back ----------------------------------------------------------------------------------------------------

/** Reads an `embedContent`, `batchEmbedContents` or `predict`. What is asked of each text must be the same. */
const decode: NonNullable<Wire["decode"]> = ({ body, url }, provider) =>
  guarded(() => {
    const { method, model } = methodOf(url, ["embedContent", "batchEmbedContents", "predict"])
    const fields = fieldsOf(body, "the request")
    if (method === "predict") return predicted(fields, model, provider)
    const list = method === "embedContent" ? [fields] : listOf(fields.requests, "requests")
    const messages: Array<Message> = []
    let own: Fields | undefined
    list.forEach((value, index) => {
      const path = method === "embedContent" ? "content" : `requests[${index}].content`
      const { content, model: _, ...rest } = fieldsOf(value, path)
      messages.push(...conversation(fieldsOf(content, path) as JsonValue, undefined, provider).messages)
      own = sameAs(own, rest, "requests")
    })
    return asked(messages, model, own ?? {}, provider)
  })

const predicted = (fields: Fields, model: string, provider: string): Asked => {
  const messages: Array<Message> = []
  let own: Fields | undefined
  listOf(fields.instances, "instances").forEach((value, index) => {
    const path = `instances[${index}]`
    const instance = object(value)
    if (instance === undefined) throw invalid(path, "an object", value)
    const { content, ...rest } = instance
    messages.push(Messages.user(someText(content, `${path}.content`)))
    own = sameAs(own, rest, "instances")
  })
  const { outputDimensionality, ...parameters } = fields.parameters === undefined
    ? {} as Fields
    : fieldsOf(fields.parameters, "parameters")
  return asked(messages, model, {
    ...own,
    ...leftOf(fields, new Set(["instances", "parameters"])),
    ...(Object.keys(parameters).length > 0 && { parameters: parameters as JsonObject }),
    ...(outputDimensionality !== undefined && { outputDimensionality })
  }, provider)
}

const sameAs = (before: Fields | undefined, more: Fields, path: string): Fields => {
  if (before === undefined || JSON.stringify(before) === JSON.stringify(more)) return more
  throw invalid(path, "the same but for its content in each entry")
}

const asked = (messages: ReadonlyArray<Message>, model: string, fields: Fields, provider: string): Asked => {
  const { outputDimensionality, ...own } = fields
  const dimensions = count(outputDimensionality)
  const fits = dimensions !== undefined && Number.isInteger(dimensions) && dimensions > 0
  if (outputDimensionality !== undefined && !fits) {
    throw invalid("outputDimensionality", "a whole number, at least 1", outputDimensionality)
  }
  const options: Options = {
    model,
    ...(dimensions !== undefined && { dimensions }),
    ...(Object.keys(own).length > 0 && { providerOptions: { [provider]: own as JsonObject } })
  }
  return { operation: "embeddings", messages, options }
}
