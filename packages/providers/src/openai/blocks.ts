/**
 * Reads the pieces of content that are no plain text: blocks of a content list, images and sound in an answer.
 *
 * @module
 */
import type { JsonValue, Metadata, Part } from "@plugline/core"
import { defined, type Fields, list, object, says, text } from "../wire/read.ts"

/** A block of a content list. */
export type Block =
  | { readonly type: "text"; readonly text: string; readonly refusal: boolean }
  | { readonly type: "thinking"; readonly text: string; readonly metadata: Metadata | undefined }
  | { readonly type: "other"; readonly part: Part }

/**
 * One block: text, thinking as Mistral (`thinking`) and Databricks (`reasoning`) write it, an image, or something
 * unknown.
 */
export const block = (value: JsonValue, provider: string): Block => {
  if (typeof value === "string") return { type: "text", text: value, refusal: false }
  const fields = object(value)
  switch (fields?.type) {
    case "text":
    case "output_text":
      return { type: "text", text: text(fields.text) ?? "", refusal: false }
    case "refusal":
      return { type: "text", text: text(fields.refusal) ?? "", refusal: true }
    case "thinking":
      return { type: "thinking", text: joined(fields.thinking), metadata: signature(fields, provider) }
    case "reasoning":
      return {
        type: "thinking",
        text: joined(fields.summary ?? fields.text),
        metadata: signature({ ...fields, ...signed(fields.summary) }, provider)
      }
    case "image_url":
      return { type: "other", part: picture(value, provider) }
    default:
      return { type: "other", part: { type: "raw", provider, value } }
  }
}

/** An image in an answer. One that is given by its address stays raw: a file part holds data. */
export const picture = (value: JsonValue, provider: string): Part => {
  const fields = object(value)
  const url = text(object(fields?.image_url)?.url) ?? text(fields?.image_url)
  const comma = url === undefined ? -1 : url.indexOf(";base64,")
  return url !== undefined && url.startsWith("data:") && comma > 0
    ? { type: "file", mediaType: url.slice(5, comma) || "image/png", data: url.slice(comma + 8) }
    : { type: "raw", provider, value }
}

/** The sound of an answer from its pieces; its transcript and the id by which it goes back are in the metadata. */
export const sound = (pieces: ReadonlyArray<Fields>, provider: string, mediaType: string): Part => {
  let fields: Fields = {}
  let transcript = ""
  const data: Array<string> = []
  for (const piece of pieces) {
    const { data: more, transcript: said, ...rest } = piece
    fields = { ...fields, ...defined(rest) }
    if (typeof said === "string") transcript += said
    if (typeof more === "string" && more !== "") data.push(more)
  }
  const audio = defined({ ...fields, ...(transcript !== "" && { transcript }) })
  return { type: "file", mediaType, data: joinBase64(data), metadata: { [provider]: { audio } } }
}

/** A text, or the texts of a list of blocks. */
export const joined = (value: JsonValue | undefined): string => {
  if (typeof value === "string") return value
  let out = ""
  for (const item of list(value) ?? []) out += typeof item === "string" ? item : text(object(item)?.text) ?? ""
  return out
}

/** What else a thinking block says and has to say again when it goes back. */
const signature = (fields: Fields, provider: string): Metadata | undefined => {
  const own = defined({
    ...(fields.signature !== undefined && fields.signature !== null && { signature: fields.signature }),
    ...(fields.encrypted_content !== undefined && fields.encrypted_content !== null
      && { encrypted_content: fields.encrypted_content })
  })
  return Object.keys(own).length > 0 ? { [provider]: own } : undefined
}

/** Databricks signs the text of a summary. */
const signed = (summary: JsonValue | undefined): Fields => {
  const { signature } = object(list(summary)?.at(-1)) ?? {}
  return says(signature) ? { signature } : {}
}

/** Pieces are encoded each for itself: where one ends in padding, the bytes have to be joined, not the texts. */
const joinBase64 = (pieces: ReadonlyArray<string>): string => {
  if (pieces.every((piece, index) => index === pieces.length - 1 || (piece.length % 4 === 0 && !piece.endsWith("=")))) {
    return pieces.join("")
  }
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))).toString("base64")
}
