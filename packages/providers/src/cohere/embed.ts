/**
 * Asks Cohere for the vectors of texts and images, one per message, over either version of its interface.
 *
 * Every call says what its vectors are for (`input_type`) and in which form they come (`embedding_types`). Where the
 * caller says neither in `providerOptions`, that is `search_document` and `float`. Of several forms the first is the
 * answer, all stay in its metadata.
 *
 * @module
 */
import {
  type EmbeddingsResult, type FilePart, type JsonObject, type JsonValue, LlmError, type Message, type Request
} from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import {
  address, as, draft, elsewhere, mergeOwn, modelOf, noMessages, post, write, type Writers
} from "../wire/draft.ts"
import { dataUrl, imageType, kindOf, placeOf, untaken } from "../wire/media.ts"
import { body, excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { decodeEmbed } from "./decodeEmbed.ts"
import { base } from "./options.ts"
import { usage } from "./usage.ts"
import { vectors } from "./vectors.ts"

/** The wire of `embeddings`. */
export const embed = (version: "v1" | "v2"): Wire => ({
  prepare: (request) => prepare(request, version),
  parse: (response, request) => parse(response.body, request),
  reason,
  decode: decodeEmbed
})

const prepare = (request: Request, version: "v1" | "v2"): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request)
  // The first interface has a usual model.
  if (version === "v2" || request.options.model !== undefined) to.body.model = modelOf(request)
  const inputs = request.messages.map((message) => inputOf(message, version, request.provider))
  const texts = inputs.flatMap((input) => typeof input === "string" ? [input] : [])
  const alone = inputs.flatMap((input) => typeof input === "object" && input.length === 1 ? input : [])
  const images = alone.flatMap((block) => object(block.image_url)?.url ?? [])
  to.body.input_type = "search_document"
  to.body.embedding_types = ["float"]
  if (texts.length === inputs.length) to.body.texts = texts
  else if (version === "v1" && images.length === inputs.length) {
    to.body.images = images
    to.body.input_type = "image"
  } else if (version === "v1") throw untaken("texts and images in one call of its first interface", request.provider)
  else {
    to.body.inputs = inputs.map((input): JsonValue => ({
      content: typeof input === "string" ? [{ type: "text", text: input }] : input
    }))
  }
  write(to, writers, "embeddings")
  mergeOwn(to)
  // The service takes inputs in one place alone: the caller's own are in place of ours.
  const own = ownOf(request)
  const isReplaced = places.some((place) => own?.[place] !== undefined)
  for (const place of places) if (isReplaced && own?.[place] === undefined) delete to.body[place]
  return { request: post(address(base(request), `/${version}/embed`), to.body), warnings: to.warnings }
}

const writers: Writers = { model: elsewhere, dimensions: as("output_dimension"), metadata: elsewhere }

/** What a message is, to be made a vector of: a text, or blocks where it holds an image. */
const inputOf = (message: Message, version: string, provider: string): string | ReadonlyArray<JsonObject> => {
  if (typeof message.content === "string") return message.content
  const texts: Array<string> = []
  const blocks = message.content.map((part): JsonObject => {
    if (part.type === "text") {
      texts.push(part.text)
      return { type: "text", text: part.text }
    }
    if (part.type === "file" && kindOf(part.mediaType) === "image") return imageBlock(part)
    throw untaken(`a part of type ${part.type === "file" ? part.mediaType : part.type} for embeddings`, provider)
  })
  return texts.length === blocks.length && (texts.length === 1 || version === "v1") ? texts.join("") : blocks
}

const imageBlock = (part: FilePart): JsonObject => {
  const place = placeOf(part)
  return { type: "image_url", image_url: { url: dataUrl(place, imageType(part.mediaType, place)) } }
}

const parse = (source: string, request: Request): EmbeddingsResult => {
  const { provider } = request
  const answer = object(body(source, provider))
  if (answer === undefined || answer.embeddings === undefined) {
    if (answer !== undefined && (says(answer.message) || says(answer.error))) throw failed(answer, provider)
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer holds no vectors: ${excerpt(source)}` }, { provider })
  }
  const own: { [name: string]: JsonValue } = {}
  const embeddings = vectors(answer.embeddings, askedType(request), own, provider)
  const asked = inputCount(request)
  if (asked !== undefined && asked !== embeddings.length) {
    const message = `${asked} inputs were sent, ${embeddings.length} vectors came back`
    throw LlmError.make({ _tag: "MalformedResponse", message }, { provider })
  }
  for (const name in answer) if (!known.has(name) && says(answer[name])) put(own, name, answer[name])
  const warnings = (list(object(answer.meta)?.warnings) ?? []).flatMap((message) =>
    typeof message === "string" ? [{ type: "other" as const, message }] : []
  )
  return {
    type: "embeddings",
    embeddings,
    usage: usage(answer.meta),
    ...(warnings.length > 0 && { warnings }),
    ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
  }
}

/** Fields that are read elsewhere, and the inputs, which repeat what was asked. */
const known = new Set(["embeddings", "texts", "inputs", "meta", "response_type", "error"])

const ownOf = ({ options, provider }: Request): Fields | undefined => object(options.providerOptions?.[provider])

/** The form that was asked for first. */
const askedType = (request: Request): string | undefined => text(list(ownOf(request)?.embedding_types)?.[0])

/** How many vectors there must be: the caller's own fields may have replaced the inputs. */
const inputCount = (request: Request): number | undefined => {
  const own = ownOf(request)
  return places.some((place) => own?.[place] !== undefined) ? undefined : request.messages.length
}

/** Where inputs may stand. */
const places = ["texts", "images", "inputs"]
