/**
 * Writes images, sounds, films and documents as a service takes them.
 *
 * @module
 */
import type { FilePart, JsonObject, JsonValue } from "@plugline/core"
import { dataUrl, endingOf, imageType, kindOf, placeOf, soundFormat, untaken } from "../wire/media.ts"
import type { Draft } from "./options.ts"

/** A file of a person's message. `detail` says how closely an image is looked at. */
export const file = (part: FilePart, detail: JsonValue | undefined, to: Draft): { [name: string]: JsonValue } => {
  const { quirks, request } = to
  const { mediaType } = part
  const place = placeOf(part)
  const kind = kindOf(mediaType)
  switch (kind) {
    case "image": {
      const url = dataUrl(place, imageType(mediaType, place))
      return { type: "image_url", image_url: { url, ...(detail !== undefined && { detail }) } }
    }
    case "audio":
      if ("url" in place) throw untaken("sounds by their address: give them as base64", request.provider)
      return { type: "input_audio", input_audio: { data: place.base64, format: soundFormat(mediaType) } }
    case "video":
      if (quirks.videos !== true) throw untaken("films", request.provider)
      return { type: "video_url", video_url: { url: dataUrl(place, mediaType) } }
    default: {
      if (quirks.documents === "document_url") {
        return {
          type: "document_url",
          document_url: dataUrl(place, mediaType),
          ...(part.fileName !== undefined && { document_name: part.fileName })
        }
      }
      if ("url" in place && quirks.fileUrls !== true) {
        throw untaken("documents by their address: give them as base64", request.provider)
      }
      const filename = part.fileName ?? `document.${endingOf(mediaType)}`
      return { type: "file", file: { filename, file_data: dataUrl(place, mediaType) } }
    }
  }
}

/** How an image part was asked to be looked at. The hand-written form of OpenAI's clients is kept under `openai`. */
export const imageDetail = (part: FilePart, provider: string): JsonValue | undefined => {
  const own: JsonObject | null | undefined = part.options?.[provider]
  return own?.imageDetail ?? part.options?.openai?.imageDetail
}
