/**
 * Writes images, sounds, films and documents as a service takes them.
 *
 * @module
 */
import { type FilePart, type JsonObject, type JsonValue, LlmError } from "@plugline/core"
import type { Draft } from "./options.ts"

/** Where a file is: at an address, or here as base64. */
type Place = { readonly url: string } | { readonly base64: string }

/** A file of a person's message. `detail` says how closely an image is looked at. */
export const file = (part: FilePart, detail: JsonValue | undefined, to: Draft): { [name: string]: JsonValue } => {
  const { quirks, request } = to
  const { mediaType } = part
  const place = placeOf(part)
  const kind = mediaType.slice(0, Math.max(0, mediaType.indexOf("/")))
  switch (kind) {
    case "image": {
      const url = address(place, imageType(mediaType, place))
      return { type: "image_url", image_url: { url, ...(detail !== undefined && { detail }) } }
    }
    case "audio":
      if ("url" in place) throw unsupported("sounds by their address: give them as base64", request.provider)
      return { type: "input_audio", input_audio: { data: place.base64, format: soundFormat(mediaType) } }
    case "video":
      if (quirks.videos !== true) throw unsupported("films", request.provider)
      return { type: "video_url", video_url: { url: address(place, mediaType) } }
    default: {
      if ("url" in place && quirks.fileUrls !== true) {
        throw unsupported("documents by their address: give them as base64", request.provider)
      }
      const filename = part.fileName ?? `document.${endings[mediaType] ?? "bin"}`
      return { type: "file", file: { filename, file_data: address(place, mediaType) } }
    }
  }
}

const placeOf = ({ data }: FilePart): Place => {
  if (typeof data !== "string") return data._tag === "URL" ? { url: data.href } : { base64: data.base64 }
  return /^(https?|data):/i.test(data.slice(0, 8)) ? { url: data } : { base64: data }
}

const address = (place: Place, mediaType: string): string =>
  "url" in place ? place.url : `data:${mediaType};base64,${place.base64}`

/** The first bytes of the image forms that every service knows, in base64. */
const marks: ReadonlyArray<readonly [mark: string, mediaType: string]> = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"]
]

/** A data URL needs the form of an image, also where the caller only said that it is one. */
const imageType = (mediaType: string, place: Place): string => {
  if (mediaType !== "image/*" || "url" in place) return mediaType
  const mark = marks.find(([mark]) => place.base64.startsWith(mark))
  if (mark !== undefined) return mark[1]
  throw LlmError.make({
    _tag: "InvalidRequest",
    parameter: "mediaType",
    message: "an image given as base64 needs its media type, such as image/png: its first bytes do not tell"
  })
}

const soundFormats: { readonly [subtype: string]: string } = {
  "x-wav": "wav",
  wave: "wav",
  "vnd.wave": "wav",
  mpeg: "mp3"
}

const soundFormat = (mediaType: string): string => {
  const subtype = mediaType.slice(mediaType.indexOf("/") + 1)
  return Object.hasOwn(soundFormats, subtype) ? soundFormats[subtype]! : subtype
}

const endings: { readonly [mediaType: string]: string } = {
  "application/pdf": "pdf",
  "text/plain": "txt",
  "text/markdown": "md",
  "text/csv": "csv",
  "text/html": "html",
  "application/json": "json"
}

const unsupported = (what: string, provider: string): LlmError =>
  LlmError.make({ _tag: "Unsupported", message: `${provider} does not take ${what}` }, { provider })

/** How an image part was asked to be looked at. The hand-written form of OpenAI's clients is kept under `openai`. */
export const imageDetail = (part: FilePart, provider: string): JsonValue | undefined => {
  const own: JsonObject | null | undefined = part.options?.[provider]
  return own?.imageDetail ?? part.options?.openai?.imageDetail
}
