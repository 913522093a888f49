/**
 * Reads the content of a message as a client of this wire sent it: a text, or a list of blocks. A block that has no
 * word here passes on raw.
 *
 * @module
 */
import type { FilePart, JsonValue, RawPart, ReasoningMessagePart, TextMessagePart } from "@plugline/core"
import { isGiven, malformed, ownOptions, raw, type Sent } from "./asked.ts"
import { joined } from "./blocks.ts"
import { type Fields, list, object } from "../wire/read.ts"

/** What a content list can hold. */
export type Block = TextMessagePart | FilePart | RawPart

/** The blocks of a message from the person or a tool. The empty text is none. */
export const content = (value: JsonValue | undefined, path: string, to: Sent): ReadonlyArray<Block> =>
  blocks(value, path, (item, at) => block(item, at, to))

/** The blocks of a message from the model, which may hold what it thought. */
export const answer = (value: JsonValue, path: string, to: Sent): ReadonlyArray<Block | ReasoningMessagePart> =>
  blocks(value, path, (item, at) => thinking(item, at, to) ?? block(item, at, to))

const blocks = <B>(
  value: JsonValue | undefined,
  path: string,
  read: (item: JsonValue, path: string) => B
): ReadonlyArray<B | TextMessagePart> => {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }]
  const items = list(value)
  if (items === undefined) throw malformed(path, "a text or a list of content parts", value)
  return items.map((item, index) => read(item, `${path}[${index}]`))
}

/** A block of thinking, for a service that takes them back as such. */
const thinking = (value: JsonValue, path: string, to: Sent): ReasoningMessagePart | undefined => {
  const { thinking: said, type, ...rest } = object(value) ?? {}
  if (type !== "thinking" || to.quirks.reasoningBack !== "thinking") return undefined
  if (typeof said !== "string" && list(said) === undefined) throw malformed(`${path}.thinking`, "a list of texts", said)
  return { type: "reasoning", text: joined(said), ...ownOptions(to.provider, rest) }
}

const block = (value: JsonValue, path: string, to: Sent): Block => {
  if (typeof value === "string") return { type: "text", text: value }
  const fields = object(value)
  if (fields === undefined) throw malformed(path, "a content part", value)
  const { provider } = to
  switch (fields.type) {
    case "text":
    case "output_text": {
      const { text: said, type, ...rest } = fields
      if (typeof said !== "string") throw malformed(`${path}.text`, "a text", said)
      return { type: "text", text: said, ...ownOptions(provider, type === "text" ? rest : { type, ...rest }) }
    }
    case "refusal": {
      const { refusal, type: _, ...rest } = fields
      if (typeof refusal !== "string") throw malformed(`${path}.refusal`, "a text", refusal)
      return { type: "text", text: refusal, ...ownOptions(provider, { refusal: true, ...rest }) }
    }
    case "image_url":
      return link("image", fields, path, to)
    case "video_url":
      return to.quirks.videos === true ? link("video", fields, path, to) : raw(provider, value)
    case "document_url":
      return to.quirks.documents === "document_url" ? link("document", fields, path, to) : raw(provider, value)
    case "input_audio":
      return sound(fields, value, path, to)
    case "file":
      return document(fields, value, path, to)
    default:
      if (typeof fields.type !== "string") throw malformed(`${path}.type`, "a text", fields.type)
      return raw(provider, value)
  }
}

/** An image, a film or a document by its address, which may hold the data itself. */
const link = (kind: "image" | "video" | "document", fields: Fields, path: string, to: Sent): FilePart => {
  const name = `${kind}_url`
  const { [name]: target, type: _, ...rest } = fields
  const { detail, url, ...inner } = object(target) ?? { url: target }
  if (typeof url !== "string" || url === "") {
    throw malformed(object(target) === undefined ? `${path}.${name}` : `${path}.${name}.url`, "an address", url)
  }
  return {
    type: "file",
    ...place(url, kind === "document" ? "application/pdf" : `${kind}/*`),
    ...ownOptions(to.provider, {
      ...(isGiven(detail) && { imageDetail: detail }),
      ...(Object.keys(inner).length > 0 && { inner: inner as JsonValue }),
      ...rest
    })
  }
}

const sound = (fields: Fields, value: JsonValue, path: string, to: Sent): FilePart | RawPart => {
  const { input_audio: given, type: _, ...rest } = fields
  const { data, format, ...inner } = object(given) ?? {}
  if (typeof data !== "string") throw malformed(`${path}.input_audio.data`, "base64", data)
  // Some services take an address here, and some no format.
  if (typeof format !== "string" || /^[a-z][a-z0-9+.-]*:/i.test(data.slice(0, 20))) return raw(to.provider, value)
  return {
    type: "file",
    mediaType: format === "mp3" ? "audio/mpeg" : `audio/${format}`,
    data,
    ...ownOptions(to.provider, { ...(Object.keys(inner).length > 0 && { inner: inner as JsonValue }), ...rest })
  }
}

const document = (fields: Fields, value: JsonValue, path: string, to: Sent): FilePart | RawPart => {
  const { file: given, type: _, ...rest } = fields
  const fieldsOf = object(given)
  if (fieldsOf === undefined) throw malformed(`${path}.file`, "an object", given)
  const { file_data: data, filename, ...inner } = fieldsOf
  // One that the service keeps by an id is the service's own.
  if (typeof data !== "string" || data === "" || isGiven(inner.file_id)) return raw(to.provider, value)
  const isData = /^data:[^,;]+;base64,/i.test(data.slice(0, 300))
  const isUrl = to.quirks.fileUrls === true && /^https?:/i.test(data)
  if (!isData && !isUrl) return raw(to.provider, value)
  return {
    type: "file",
    ...place(data, "application/pdf"),
    ...(typeof filename === "string" && { fileName: filename }),
    ...ownOptions(to.provider, { ...(Object.keys(inner).length > 0 && { inner: inner as JsonValue }), ...rest })
  }
}

/** What an address says: the data and its type, or where it is and, if need be, the `usual` type. */
const place = (url: string, usual: string): Pick<FilePart, "data" | "mediaType"> => {
  const comma = /^data:/i.test(url.slice(0, 5)) ? url.indexOf(",") : -1
  if (comma < 0) return { mediaType: usual, data: { _tag: "URL", href: url } }
  const head = url.slice(5, comma)
  const mediaType = head.split(";", 1)[0]! || usual
  return { mediaType, data: /;base64$/i.test(head) ? url.slice(comma + 1) : url }
}
