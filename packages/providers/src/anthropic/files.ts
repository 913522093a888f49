/**
 * Writes images and documents as blocks of content. Plain text goes as text, whatever form of text it is.
 *
 * @module
 */
import type { FilePart, JsonObject, JsonValue } from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { imageType, kindOf, type Place, placeOf, untaken } from "../wire/media.ts"
import { type Draft, ownOf } from "./draft.ts"

/**
 * The block of a file. `options[provider].source` stands in place of its data: `{ type: "file", file_id }` for a file
 * the service holds already.
 *
 * @throws LlmError `Unsupported` for a kind of file the service does not take.
 */
export const file = (part: FilePart, to: Draft): { [name: string]: JsonValue } => {
  const own = ownOf(part.options, to)
  const { fileName, mediaType } = part
  const isImage = kindOf(mediaType) === "image"
  const block: { [name: string]: JsonValue } = {
    type: isImage ? "image" : "document",
    source: own?.source === undefined ? source(part, isImage, to) : {},
    ...(!isImage && fileName !== undefined && { title: fileName })
  }
  if (own !== undefined) merge(block, own)
  return block
}

const source = (part: FilePart, isImage: boolean, to: Draft): JsonObject => {
  const { mediaType } = part
  const { provider } = to.request
  const place = placeOf(part)
  const kind = kindOf(mediaType)
  if (kind === "audio" || kind === "video") throw untaken(kind === "audio" ? "sounds" : "films", provider)
  if ("url" in place) return { type: "url", url: place.url }
  // A name that many give, and no service takes.
  if (mediaType === "image/jpg") return base64("image/jpeg", place)
  if (isImage) return base64(imageType(mediaType, place), place)
  if (mediaType === "application/pdf") return base64(mediaType, place)
  if (isText(mediaType)) {
    // The API knows one form of text.
    return { type: "text", media_type: "text/plain", data: Buffer.from(place.base64, "base64").toString("utf8") }
  }
  throw untaken(`documents of the type ${mediaType}: give them as PDF or as text`, provider)
}

const base64 = (mediaType: string, { base64: data }: Extract<Place, { base64: string }>): JsonObject =>
  ({ type: "base64", media_type: mediaType, data })

const isText = (mediaType: string): boolean =>
  mediaType.startsWith("text/")
  || /^application\/(json|xml|yaml|x-yaml|javascript|[\w.-]+\+(json|xml))$/.test(mediaType)
