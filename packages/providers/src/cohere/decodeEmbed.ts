/**
 * Reads a request for vectors, as clients of either version of the interface send it, into our words.
 *
 * @module
 */
import { type FilePart, type JsonValue, Message, type UserMessage } from "@plugline/core"
import type { Asked } from "../Wire.ts"
import { type Fields, list } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, textAt } from "../wire/checks.ts"
import { bodyOf, keep, type Own, type Sent, withOwn, type Written } from "./decode.ts"

/** What a call asks. */
export const decodeEmbed = (sent: Sent, provider: string): Asked => {
  const body = bodyOf(sent, provider)
  const own: Own = {}
  const options: Written = {}
  const isFirst = sent.url.split(/[?#]/, 1)[0]!.endsWith("/v1/embed")
  if (body.model !== undefined || !isFirst) options.model = nameAt(body.model, "model", provider)
  const messages = messagesOf(body, provider)
  const { embedding_types: types, input_type: kind, output_dimension: length } = body
  if (typeof length === "number" && Number.isSafeInteger(length) && length >= 1 && length <= 1_000_000) {
    options.dimensions = length
  } else if (length !== undefined) own.output_dimension = length
  const usual = body.images === undefined ? "search_document" : "image"
  if (kind !== undefined && kind !== usual) own.input_type = kind
  const forms = list(types)
  if (types !== undefined && !(forms?.length === 1 && forms[0] === "float")) own.embedding_types = types
  keep(body, known, own)
  return { operation: "embeddings", messages, options: withOwn(options, own, provider) }
}

const known = new Set(["model", "texts", "images", "inputs", "embedding_types", "input_type", "output_dimension"])

const messagesOf = (body: Fields, provider: string): ReadonlyArray<Message> => {
  if (body.texts !== undefined) {
    return listAt(body.texts, "texts", provider)
      .map((value, index) => Message.user(textAt(value, `texts[${index}]`, provider)))
  }
  if (body.images !== undefined) {
    return listAt(body.images, "images", provider)
      .map((value, index) => ({ role: "user", content: [image(textAt(value, `images[${index}]`, provider))] }))
  }
  if (body.inputs === undefined) throw misfit("texts", "a list of texts, or images or inputs given", provider)
  return listAt(body.inputs, "inputs", provider).map((value, index): Message => {
    const path = `inputs[${index}].content`
    const content = listAt(objectAt(value, `inputs[${index}]`, provider).content, path, provider)
    const parts = content.map((item, at) => block(item, `${path}[${at}]`, provider))
    return { role: "user", content: parts }
  })
}

const block = (value: JsonValue, path: string, provider: string): UserMessage["content"][number] => {
  const fields = objectAt(value, path, provider)
  if (fields.type === "text") return { type: "text", text: textAt(fields.text, `${path}.text`, provider) }
  if (fields.type !== "image_url") throw misfit(`${path}.type`, "text or image_url", provider)
  const described = objectAt(fields.image_url, `${path}.image_url`, provider)
  return image(textAt(described.url, `${path}.image_url.url`, provider))
}

const image = (url: string): FilePart => {
  const data = /^data:([^;,]+);base64,/i.exec(url.slice(0, 200))
  return {
    type: "file",
    mediaType: data?.[1] ?? "image/*",
    data: data === null ? { _tag: "URL", href: url } : url.slice(data[0].length)
  }
}
