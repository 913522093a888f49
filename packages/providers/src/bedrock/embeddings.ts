/**
 * Asks for the vectors of texts, one per message, in the words of the model's maker, and reads them.
 *
 * | models | texts in one request | words |
 * |---|---|---|
 * | `amazon.titan-embed-text-…`, `titan-embed-image-…` | 1 | `inputText` |
 * | `amazon.nova-…-embeddings` | 1 | `singleEmbeddingParams` |
 * | `cohere.embed-…` | up to 96 | `texts` |
 *
 * More texts than a model takes in one request are refused: a call is one request.
 *
 * @module
 */
import {
  type EmbeddingsResult, type JsonObject, type JsonValue, LlmError, Message, type Request, type Usage
} from "@plugline/core"
import type { Prepared, Wire, WireResponse } from "../Wire.ts"
import { type Draft, draft, merge, noMessages, post, write, type Writers } from "../wire/draft.ts"
import { count, excerpt, type Fields, list, object, put, says } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { documentOf } from "./decoder.ts"
import { asked, familyOf, nameOf, read, url } from "./model.ts"
import { into } from "./options.ts"
import { fieldsAt, itemsAt, textAt } from "./path.ts"
import { counted, headerUsage } from "./usage.ts"

/** The wire of `embeddings`. */
export const embeddings: Wire = {
  prepare: (request) => prepare(request),
  parse: (response, request) => parse(response, request),
  reason,
  decode: ({ body, url }, provider) => {
    const model = read(url)?.model
    const kind = model === undefined ? undefined : kindOf(model, familyOf(model))
    const { options, own, texts } = (kind ?? cohere).texts(fieldsAt(body, "body", provider) as JsonObject, provider)
    return {
      operation: "embeddings",
      messages: texts.map((text) => Message.user(text)),
      options: {
        ...(model !== undefined && { model }),
        ...options,
        ...(Object.keys(own).length > 0 && { providerOptions: { [provider]: own } })
      }
    }
  }
}

/** What is read of a request's body. */
interface Texts {
  readonly texts: ReadonlyArray<string>
  readonly options: { readonly dimensions?: number }
  readonly own: JsonObject
}

/** The words of one kind of model. */
interface Kind {
  /** Most texts in one request. */
  readonly most: number
  readonly write: (texts: ReadonlyArray<string>, to: Draft) => void
  readonly dimensions?: (value: number, to: Draft) => void
  readonly vectors: (answer: Fields) => ReadonlyArray<JsonValue> | undefined
  readonly texts: (body: JsonObject, provider: string) => Texts
}

const prepare = (request: Request): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const { family, model } = asked(request)
  const kind = kindOf(model, family)
  const { provider } = request
  if (kind === undefined) {
    const message = `${provider} does not know how ${model} is asked for vectors`
    throw LlmError.make({ _tag: "Unsupported", message }, { provider })
  }
  if (request.messages.length > kind.most) {
    const most = kind.most === 1 ? "one text" : `${kind.most} texts`
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "messages",
      message: `${model} takes ${most} in a request, not ${request.messages.length}: send one request for each`
    }, { provider })
  }
  const to = draft(request)
  kind.write(request.messages.map((message) => textOf(message, provider)), to)
  const writers: Writers = {
    model: () => {},
    metadata: () => {},
    ...(kind.dimensions !== undefined && { dimensions: kind.dimensions })
  }
  write(to, writers, "embeddings")
  const { model: _, ...own } = request.options.providerOptions?.[provider] ?? {}
  for (const [name, value] of Object.entries(own)) {
    const before = object(to.body[name])
    const more = object(value)
    if (before !== undefined && more !== undefined) to.body[name] = { ...before, ...more } as JsonObject
    else merge(to.body, { [name]: value })
  }
  return { request: post(url(request, model, "invoke"), to.body), warnings: to.warnings }
}

const textOf = (message: Message, provider: string): string => {
  const other = typeof message.content === "string" ? undefined : message.content.find(({ type }) => type !== "text")
  if (other === undefined) return Message.text(message)
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} is asked for vectors of texts only, not of a part ${other.type}`
  }, { provider })
}

// --- kinds -----------------------------------------------------------------------------------------------------------

const kindOf = (model: string, family: string | undefined): Kind | undefined => {
  const name = nameOf(model)
  switch (familyOf(model) ?? family) {
    case "cohere":
      return cohere
    case "amazon":
      if (name.includes("titan-embed-image")) return titanImage
      return name.includes("nova") ? nova : name.includes("titan-embed") ? titan : undefined
    default:
      return undefined
  }
}

const single = ({ embedding, embeddingsByType }: Fields): ReadonlyArray<JsonValue> | undefined => {
  const vector = embedding ?? object(embeddingsByType)?.float ?? object(embeddingsByType)?.binary
  return vector === undefined ? undefined : [vector]
}

const dimensionsOf = (value: JsonValue | undefined): { readonly dimensions?: number } =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 1 ? { dimensions: value } : {}

const titan: Kind = {
  most: 1,
  write: ([text], { body }) => {
    body.inputText = text!
  },
  dimensions: (value, { body }) => {
    body.dimensions = value
  },
  vectors: single,
  texts: ({ dimensions, inputText, ...own }, provider) => ({
    texts: [textAt(inputText, "inputText", provider)],
    options: dimensionsOf(dimensions),
    own
  })
}

const titanImage: Kind = {
  ...titan,
  dimensions: (value, to) => into("embeddingConfig", "outputEmbeddingLength", value, to),
  texts: ({ embeddingConfig, inputText, ...own }, provider) => ({
    texts: [textAt(inputText, "inputText", provider)],
    options: dimensionsOf(object(embeddingConfig)?.outputEmbeddingLength),
    own
  })
}

const nova: Kind = {
  most: 1,
  write: ([value], { body }) => {
    body.taskType = "SINGLE_EMBEDDING"
    body.singleEmbeddingParams = { embeddingPurpose: "GENERIC_INDEX", text: { truncationMode: "NONE", value: value! } }
  },
  dimensions: (value, to) => into("singleEmbeddingParams", "embeddingDimension", value, to),
  vectors: ({ embeddings }) => list(embeddings)?.map((item) => object(item)?.embedding ?? null),
  texts: (body, provider) => {
    const { singleEmbeddingParams, taskType: _, ...own } = body
    const { embeddingDimension, text, ...rest } = object(singleEmbeddingParams) ?? {}
    return {
      texts: [textAt(object(text)?.value, "singleEmbeddingParams.text.value", provider)],
      options: dimensionsOf(embeddingDimension),
      own: { ...own, singleEmbeddingParams: { ...rest, text } as JsonObject }
    }
  }
}

const cohere: Kind = {
  most: 96,
  write: (texts, { body }) => {
    body.texts = texts
    // The model wants to know what for: texts that will be searched, unless the caller says otherwise.
    body.input_type = "search_document"
  },
  dimensions: (value, { body }) => {
    body.output_dimension = value
  },
  vectors: ({ embeddings }) => {
    const plain = list(embeddings)
    if (plain !== undefined) return plain
    const byType = object(embeddings)
    return list(byType?.float ?? Object.values(byType ?? {})[0])
  },
  texts: ({ output_dimension, texts, ...own }, provider) => ({
    texts: itemsAt(texts, "texts", provider).map((text, index) => textAt(text, `texts[${index}]`, provider)),
    options: dimensionsOf(output_dimension),
    own
  })
}

// --- answers ---------------------------------------------------------------------------------------------------------

const parse = ({ body, headers }: WireResponse, request: Request): EmbeddingsResult => {
  const { provider } = request
  const { family, model } = asked(request)
  const answer = documentOf(body, provider)
  const vectors = (kindOf(model, family) ?? cohere).vectors(answer)
  if (vectors === undefined) {
    if (says(answer.message)) throw failed(answer, provider)
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer holds no vectors: ${excerpt(body)}` }, { provider })
  }
  if (vectors.length !== request.messages.length) {
    throw malformed(`${request.messages.length} texts were sent, ${vectors.length} vectors came back`, provider)
  }
  const own: { [name: string]: JsonValue } = {}
  for (const name of Object.keys(answer)) {
    const value = answer[name]
    // The texts are the caller's own.
    if (says(value) && name !== "embedding" && name !== "embeddings" && name !== "texts") put(own, name, value)
  }
  return {
    type: "embeddings",
    embeddings: vectors.map((vector) => numbers(vector, provider)),
    usage: usage(answer, headers),
    ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
  }
}

const usage = ({ inputTextTokenCount, inputTokenCount }: Fields, headers: WireResponse["headers"]): Usage => {
  const input = count(inputTextTokenCount) ?? count(inputTokenCount)
  const raw = inputTextTokenCount !== undefined ? { inputTextTokenCount } : { inputTokenCount: inputTokenCount! }
  return input === undefined
    ? headerUsage(headers) ?? counted(undefined, undefined, undefined, undefined, undefined)
    : counted(input, undefined, undefined, undefined, raw)
}

const numbers = (value: JsonValue, provider: string): ReadonlyArray<number> => {
  const vector = list(value)
  if (vector === undefined) throw malformed("a vector is no list of numbers", provider)
  for (let index = 0; index < vector.length; index++) {
    if (!Number.isFinite(vector[index])) throw malformed("a vector is no list of numbers", provider)
  }
  return vector as ReadonlyArray<number>
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
