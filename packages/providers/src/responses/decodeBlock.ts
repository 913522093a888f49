/**
 * Reads a block of a person's message, or of a tool's answer, as clients of the Responses API send it.
 *
 * @module
 */
import { type FilePart, type JsonObject, type JsonValue, LlmError, type UserMessage } from "@plugline/core"
import { kindOf } from "../wire/media.ts"
import { type Fields, object, text } from "../wire/read.ts"
import { rest } from "./kinds.ts"
import { mediaTypeOf } from "../wire/media.ts"

/** A part of a person's message. */
export type UserPart = UserMessage["content"][number]

const none: ReadonlySet<string> = new Set()

/** The part that a block is; one that has no word here stays as it is. `path` says where it stands. */
export const block = (value: JsonValue, path: string, provider: string): UserPart => {
  const fields = object(value)
  if (typeof fields?.type !== "string" || fields.type === "") {
    throw invalid(`${path}.type`, "the type of a content block", provider)
  }
  switch (fields.type) {
    case "input_text":
    case "output_text":
    case "text": {
      const { text: said, type, ...others } = fields
      if (typeof said !== "string") throw invalid(`${path}.text`, "a text", provider)
      const own = { ...rest(others, none), ...(type === "output_text" && { type }) }
      return { type: "text", text: said, ...optionsOf(own, provider) }
    }
    case "input_image":
      return image(fields, path, provider)
    case "input_file":
      return document(fields, path, provider)
    case "input_audio": {
      const { input_audio: sound, type: _, ...others } = fields
      const { data, format } = object(sound) ?? {}
      if (typeof data !== "string") throw invalid(`${path}.input_audio.data`, "base64", provider)
      const named = text(format) ?? "wav"
      return {
        type: "file",
        mediaType: `audio/${named === "mp3" ? "mpeg" : named}`,
        data,
        ...optionsOf(rest(others, none), provider)
      }
    }
    default:
      // A block that has no word here is kept for the service that knows it.
      return { type: "raw", provider, value: value } as unknown as UserPart
  }
}

const image = (fields: Fields, path: string, provider: string): FilePart => {
  const { file_id: id, image_url: url, type: _, ...others } = fields
  const own = rest(others, none)
  if (text(id) !== undefined) {
    return { type: "file", mediaType: "image/*", data: "", ...optionsOf({ ...own, file_id: id! }, provider) }
  }
  if (typeof url !== "string" || url === "") throw invalid(`${path}.image_url`, "an address or a data URL", provider)
  return { type: "file", ...placed(url, "image/*"), ...optionsOf(own, provider) }
}

const document = (fields: Fields, path: string, provider: string): FilePart => {
  const { file_data: data, file_id: id, file_url: url, filename, type: _, ...others } = fields
  const own = rest(others, none)
  const named = typeof filename === "string" ? { fileName: filename } : {}
  const told = mediaTypeOf(typeof filename === "string" ? filename : typeof url === "string" ? url : undefined)
  const mediaType = kindOf(told) === "image" ? "application/octet-stream" : told
  if (text(id) !== undefined) {
    return { type: "file", mediaType, ...named, data: "", ...optionsOf({ ...own, file_id: id! }, provider) }
  }
  if (text(url) !== undefined) {
    return { type: "file", mediaType, ...named, data: { _tag: "URL", href: text(url)! }, ...optionsOf(own, provider) }
  }
  if (typeof data !== "string") throw invalid(`${path}.file_data`, "a data URL", provider)
  const place = placed(data, mediaType)
  // An image or a sound that is given as a document stays one.
  const kind = kindOf(place.mediaType)
  const isOther = kind === "image" || kind === "audio" || kind === "video"
  const said = isOther ? { ...own, type: "input_file" } : own
  return { type: "file", ...place, ...named, ...optionsOf(said, provider) }
}

/** Where a file is and what it is, from its address; a data URL is taken apart. */
const placed = (url: string, mediaType: string): Pick<FilePart, "mediaType" | "data"> => {
  const comma = url.startsWith("data:") ? url.indexOf(";base64,") : -1
  if (comma >= 0) return { mediaType: url.slice(5, comma) || mediaType, data: url.slice(comma + 8) }
  return /^[a-z][a-z0-9+.-]{0,15}:/i.test(url.slice(0, 20))
    ? { mediaType, data: { _tag: "URL", href: url } }
    : { mediaType, data: url }
}

const optionsOf = (own: JsonObject, provider: string): { readonly options?: { readonly [name: string]: JsonObject } } =>
  Object.keys(own).length > 0 ? { options: { [provider]: own } } : {}

/** A request that is malformed, and where. */
export const invalid = (path: string, expected: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: path, message: `${path} must be ${expected}` }, { provider })
