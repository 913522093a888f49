/**
 * Writes images, sounds and documents as the Responses API takes them.
 *
 * @module
 */
import { type FilePart, type JsonObject, type JsonValue } from "@plugline/core"
import { dataUrl, endingOf, imageType, kindOf, placeOf, soundFormat, untaken } from "../wire/media.ts"
import { text } from "../wire/read.ts"

/** A file of a person's message or a tool's answer. What the service keeps already is named by `file_id`. */
export const file = (part: FilePart, own: JsonObject | undefined, provider: string): { [name: string]: JsonValue } => {
  const { mediaType } = part
  const kind = own?.type === "input_file" ? "document" : kindOf(mediaType)
  const kept = text(own?.file_id) !== undefined
  if (kept) return { type: kind === "image" ? "input_image" : "input_file" }
  const place = placeOf(part)
  switch (kind) {
    case "image":
      return { type: "input_image", image_url: dataUrl(place, imageType(mediaType, place)) }
    case "audio":
      if ("url" in place) throw untaken("sounds by their address: give them as base64", provider)
      return { type: "input_audio", input_audio: { data: place.base64, format: soundFormat(mediaType) } }
    case "video":
      throw untaken("films", provider)
    default:
      return {
        type: "input_file",
        ...("url" in place
          ? { ...(part.fileName !== undefined && { filename: part.fileName }), file_url: place.url }
          : {
            filename: part.fileName ?? `document.${endingOf(mediaType)}`,
            file_data: dataUrl(place, mediaType)
          })
      }
  }
}

