/**
 * Translates between media types and the words by which Bedrock knows the forms of files.
 *
 * @module
 */
import { kindOf, subtypeOf } from "../wire/media.ts"

/** The kinds of files that stand in a block of their own. */
export type Kind = "image" | "document" | "video" | "audio"

const documents: { readonly [mediaType: string]: string } = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "text/html": "html",
  "text/plain": "txt",
  "text/markdown": "md"
}

/** Forms whose word is not the second half of their media type. */
const videos: { readonly [subtype: string]: string } = {
  quicktime: "mov",
  "x-matroska": "mkv",
  "x-flv": "flv",
  "x-ms-wmv": "wmv",
  "3gpp": "three_gp"
}
const sounds: { readonly [subtype: string]: string } = { "x-wav": "wav", wave: "wav", "x-m4a": "m4a" }
const images: { readonly [subtype: string]: string } = { jpg: "jpeg" }

/** Kind and form of a media type; `undefined` where Bedrock has no word for it. */
export const formatOf = (mediaType: string): { readonly kind: Kind; readonly format: string } | undefined => {
  const semicolon = mediaType.indexOf(";")
  const plain = (semicolon < 0 ? mediaType : mediaType.slice(0, semicolon)).trim().toLowerCase()
  if (Object.hasOwn(documents, plain)) return { kind: "document", format: documents[plain]! }
  const kind = kindOf(plain)
  const subtype = subtypeOf(plain)
  const words = kind === "image" ? images : kind === "video" ? videos : kind === "audio" ? sounds : undefined
  if (words === undefined) return undefined
  return { kind: kind as Kind, format: Object.hasOwn(words, subtype) ? words[subtype]! : subtype }
}

/** The media type of a form. */
export const mediaTypeOf = (kind: Kind, format: string | undefined): string => {
  if (kind === "document") {
    const found = Object.keys(documents).find((mediaType) => documents[mediaType] === format)
    return found ?? "application/octet-stream"
  }
  if (format === undefined) return `${kind}/*`
  const words = kind === "video" ? videos : kind === "audio" ? sounds : images
  const plain = kind === "image" || format === "wav"
  const special = plain ? undefined : Object.keys(words).find((subtype) => words[subtype] === format)
  return `${kind}/${special ?? format}`
}
