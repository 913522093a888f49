/**
 * Writes files as parts: what is here goes along as base64, what is elsewhere by its address.
 *
 * @module
 */
import type { FilePart, JsonValue } from "@plugline/core"
import { imageType, placeOf } from "../wire/media.ts"
import type { Surface } from "./surface.ts"

/** A file as a part, without the caller's own fields. */
export const file = (part: FilePart, surface: Surface): { [name: string]: JsonValue } => {
  const place = placeOf(part)
  // Vertex alone has a place for a file's name.
  const name = surface === "vertex" && part.fileName !== undefined ? { displayName: part.fileName } : undefined
  if ("url" in place) {
    const said = part.mediaType.includes("*") ? undefined : part.mediaType
    // Vertex does not look for itself.
    const mediaType = said ?? (surface === "vertex" ? guess(place.url) : undefined)
    return { fileData: { ...(mediaType !== undefined && { mimeType: mediaType }), fileUri: place.url, ...name } }
  }
  return { inlineData: { mimeType: imageType(part.mediaType, place), data: place.base64, ...name } }
}

const endings: { readonly [ending: string]: string } = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
  pdf: "application/pdf",
  txt: "text/plain",
  mp4: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
  mp3: "audio/mpeg",
  wav: "audio/wav"
}

/** What a file is by the end of its address. */
const guess = (url: string): string | undefined => {
  const ending = /\.([A-Za-z0-9]{2,5})(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase()
  return ending !== undefined && Object.hasOwn(endings, ending) ? endings[ending] : undefined
}

/** What an address says of its file where nobody else does: the kind, or nothing. */
export const wildcard = (url: string): string => {
  const known = guess(url)
  return known === undefined || known.startsWith("application/") ? "*/*" : `${known.slice(0, known.indexOf("/"))}/*`
}
