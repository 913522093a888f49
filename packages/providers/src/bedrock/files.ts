/**
 * Writes files: images, documents, films and sounds, as bytes or where they lie in S3.
 *
 * @module
 */
import { type FilePart, type JsonObject, type JsonValue, LlmError, type Request } from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { imageType, type Place, placeOf, untaken } from "../wire/media.ts"
import { object, text } from "../wire/read.ts"
import { formatOf } from "./media.ts"
import { ownFields, ownOf } from "./own.ts"

/** Gives documents their names: Bedrock wants each to have one of its own, of few kinds of characters. */
export class Names {
  readonly #taken = new Set<string>()

  /** The name of a document, from its file name where it has one. */
  of(fileName: string | undefined): string {
    const base = documentName(fileName) || `document ${this.#taken.size + 1}`
    let name = base
    for (let number = 2; this.#taken.has(name); number++) name = `${base.slice(0, 190)} (${number})`
    this.#taken.add(name)
    return name
  }
}

/**
 * A file name as the name of a document. Letters, digits, single spaces, hyphens and brackets are taken; the ending
 * says the form, which stands elsewhere.
 */
export const documentName = (fileName: string | undefined): string =>
  (fileName ?? "").replace(/\.[A-Za-z0-9]{1,5}$/, "").replace(/[^A-Za-z0-9\s\-()[\]]/g, "-").replace(/\s+/g, " ").trim()
    .slice(0, 200)

/** One file as a block: `{ image: … }`, `{ document: … }`, `{ video: … }` or `{ audio: … }`. */
export const file = (part: FilePart, names: Names, request: Request): JsonObject => {
  const { provider } = request
  const own = ownOf(part.options, request)
  const place = placeOf(part)
  const mediaType = imageType(part.mediaType, place)
  const form = formatOf(mediaType)
  if (form === undefined) throw untaken(`files of the type ${part.mediaType}`, provider)
  const written: { [name: string]: JsonValue } = { format: form.format }
  if (form.kind === "document") written.name = names.of(part.fileName)
  if (own?.source === undefined) written.source = source(place, text(own?.bucketOwner), provider)
  merge(written, ownFields(own, fileWords))
  const block = { [form.kind]: written }
  return object(own?.guardContent) === undefined ? block : { guardContent: block }
}

/** Words that are no fields of the written block. */
const fileWords = new Set(["cachePoint", "bucketOwner", "guardContent"])

const source = (place: Place, bucketOwner: string | undefined, provider: string): JsonObject => {
  if ("base64" in place) return { bytes: place.base64 }
  if (/^s3:\/\//i.test(place.url)) {
    return { s3Location: { uri: place.url, ...(bucketOwner !== undefined && { bucketOwner }) } }
  }
  const scheme = place.url.slice(0, place.url.indexOf(":") + 1)
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} fetches no file from ${scheme} addresses: give its bytes, or put it into S3`
  }, { provider })
}
