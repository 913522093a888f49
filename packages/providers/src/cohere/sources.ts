/**
 * What an answer is based on, as source parts: one per citation, with the citation as it came in the metadata.
 *
 * @module
 */
import type { JsonValue, Part } from "@plugline/core"
import { type Fields, list, object, text } from "../wire/read.ts"

/**
 * The source of a citation: the first document, or answer of a tool, that it names. One with a web address is a `url`,
 * any other a `document`. `documents` are those that the first interface names by their id alone.
 */
export const source = (
  citation: Fields,
  number: number,
  provider: string,
  documents: ReadonlyArray<JsonValue> = []
): Part => {
  const named = object(list(citation.sources)?.[0])
  const id = text(named?.id) ?? text(list(citation.document_ids)?.[0])
  const listed = named === undefined && id !== undefined ? documents.find((one) => object(one)?.id === id) : undefined
  const found = object(named?.document) ?? object(named?.tool_output) ?? object(listed)
  const url = text(found?.url)
  const title = text(found?.title)
  const metadata = { [provider]: citation as { readonly [name: string]: JsonValue } }
  return url !== undefined && /^https?:\/\//i.test(url.slice(0, 8))
    ? { type: "source", sourceType: "url", id: `source-${number}`, url, title: title ?? url, metadata }
    : {
      type: "source",
      sourceType: "document",
      id: `source-${number}`,
      title: title ?? id ?? text(citation.text) ?? "document",
      mediaType: "text/plain",
      metadata
    }
}
