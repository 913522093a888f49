/**
 * What an answer is based on, as source parts: the chunks of `groundingMetadata` (web, maps, images, documents) and the
 * places of `citationMetadata`. Both are also kept as they came, in the metadata of the finish.
 *
 * @module
 */
import type { JsonObject, JsonValue, Part } from "@plugline/core"
import { defined, type Fields, list, object, put, text } from "../wire/read.ts"
import { mediaTypeOf } from "../wire/media.ts"

/**
 * Events of a stream repeat what they said, or go on: lists get what they do not hold yet, else the last word counts.
 */
export const merged = (before: Fields | undefined, more: Fields): Fields => {
  if (before === undefined) return more
  const out = defined(before) as { [name: string]: JsonValue }
  for (const name in more) {
    const value = more[name]
    const had = Object.hasOwn(out, name) ? out[name] : undefined
    if (Array.isArray(had) && Array.isArray(value)) {
      const known = new Set(had.map((item) => JSON.stringify(item)))
      put(out, name, [...had, ...value.filter((item) => !known.has(JSON.stringify(item)))])
    } else if (value !== undefined) put(out, name, value)
  }
  return out
}

/** The sources of a candidate, grounding first. */
export const sources = (
  grounding: Fields | undefined,
  citations: Fields | undefined,
  provider: string,
  choice: number
): ReadonlyArray<Part> => {
  const out: Array<Part> = []
  const id = (): string => choice === 0 ? `source-${out.length}` : `source-${choice}-${out.length}`
  for (const chunk of list(grounding?.groundingChunks) ?? []) {
    const fields = object(chunk)
    const web = object(fields?.web) ?? object(fields?.maps) ?? object(fields?.image)
    const context = object(fields?.retrievedContext)
    if (web !== undefined) {
      const url = text(web.uri) ?? text(web.sourceUri)
      if (url !== undefined) out.push(place(id(), url, web, provider))
    } else if (context !== undefined) {
      const url = text(context.uri)
      out.push(url !== undefined && /^https?:/i.test(url)
        ? place(id(), url, context, provider)
        : document(id(), context, provider))
    }
  }
  for (const citation of list(citations?.citationSources) ?? list(citations?.citations) ?? []) {
    const fields = object(citation)
    const url = text(fields?.uri)
    if (fields !== undefined && url !== undefined) out.push(place(id(), url, fields, provider))
  }
  return out
}

const place = (id: string, url: string, fields: Fields, provider: string): Part => {
  const { uri: _, title, ...rest } = fields
  return {
    type: "source",
    sourceType: "url",
    id,
    url,
    title: text(title) ?? url,
    ...metadata(defined(rest), provider)
  }
}

const document = (id: string, fields: Fields, provider: string): Part => {
  const { title, ...rest } = fields
  const name = text(title) ?? text(fields.documentName) ?? text(fields.uri)
  const fileName = name?.slice(name.lastIndexOf("/") + 1)
  return {
    type: "source",
    sourceType: "document",
    id,
    title: name ?? "document",
    mediaType: mediaTypeOf(fileName),
    ...(fileName !== undefined && fileName.includes(".") && { fileName }),
    ...metadata(defined(rest), provider)
  }
}

const metadata = (own: JsonObject, provider: string) =>
  Object.keys(own).length > 0 ? { metadata: { [provider]: own } } : {}
