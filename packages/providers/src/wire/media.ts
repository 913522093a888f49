/**
 * Tells where a file is and what it is, from the forms in which callers give files.
 *
 * @module
 */
import { type FilePart, LlmError } from "@plugline/core"

/** Where a file is: at an address, or here as base64. */
export type Place = { readonly url: string } | { readonly base64: string }

/** Where a file is. A data URL is taken apart. */
export const placeOf = ({ data }: FilePart): Place => {
  const given = typeof data !== "string" ? data._tag === "URL" ? data.href : undefined : data
  if (given === undefined) return { base64: (data as { readonly base64: string }).base64 }
  if (/^data:/i.test(given.slice(0, 5))) {
    const comma = given.indexOf(",")
    if (comma < 0) return { url: given }
    const said = given.slice(comma + 1)
    return { base64: /;base64$/i.test(given.slice(5, comma)) ? said : Buffer.from(unescape(said)).toString("base64") }
  }
  // Addresses of stores that a provider reads itself, such as gs: and s3:, are addresses too.
  return typeof data !== "string" || /^[a-z][a-z0-9+.-]{0,15}:\/\//i.test(given.slice(0, 20)) ? { url: given } : { base64: given }
}

/** A data URL without base64 holds text, escaped as in any URL. */
const unescape = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** The file as an address: its own, or a data URL. */
export const dataUrl = (place: Place, mediaType: string): string =>
  "url" in place ? place.url : `data:${mediaType};base64,${place.base64}`

/** `image` of `image/png`. */
export const kindOf = (mediaType: string): string => mediaType.slice(0, Math.max(0, mediaType.indexOf("/")))

/** `png` of `image/png`. */
export const subtypeOf = (mediaType: string): string => mediaType.slice(mediaType.indexOf("/") + 1)

/** The first bytes of the image forms that every service knows, in base64. */
const marks: ReadonlyArray<readonly [mark: string, mediaType: string]> = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"]
]

/**
 * The form of an image given as base64, also where the caller only said that it is an image.
 *
 * @throws LlmError `InvalidRequest` where its first bytes do not tell.
 */
export const imageType = (mediaType: string, place: Place): string => {
  if (mediaType !== "image/*" || "url" in place) return mediaType
  const mark = marks.find(([mark]) => place.base64.startsWith(mark))
  if (mark !== undefined) return mark[1]
  throw LlmError.make({
    _tag: "InvalidRequest",
    parameter: "mediaType",
    message: "an image given as base64 needs its media type, such as image/png: its first bytes do not tell"
  })
}

const mediaTypes: { readonly [ending: string]: string } = {
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg"
}

/** The media type that the ending of a file's name or address tells; `application/octet-stream` where it tells none. */
export const mediaTypeOf = (fileName: string | undefined): string => {
  const ending = fileName?.slice(fileName.lastIndexOf(".") + 1).toLowerCase() ?? ""
  return Object.hasOwn(mediaTypes, ending) ? mediaTypes[ending]! : "application/octet-stream"
}

/** The ending that a file of a media type customarily has; `bin` where there is none. */
export const endingOf = (mediaType: string): string => {
  for (const ending in mediaTypes) if (mediaTypes[ending] === mediaType) return ending
  return "bin"
}

const soundFormats: { readonly [subtype: string]: string } = {
  "x-wav": "wav",
  wave: "wav",
  "vnd.wave": "wav",
  mpeg: "mp3"
}

/** What OpenAI and those who follow it call a form of sound: `wav` of `audio/x-wav`. */
export const soundFormat = (mediaType: string): string => {
  const subtype = subtypeOf(mediaType)
  return Object.hasOwn(soundFormats, subtype) ? soundFormats[subtype]! : subtype
}

/** The provider does not take this kind of file. */
export const untaken = (what: string, provider: string): LlmError =>
  LlmError.make({ _tag: "Unsupported", message: `${provider} does not take ${what}` }, { provider })
