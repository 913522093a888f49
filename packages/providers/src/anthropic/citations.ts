/**
 * Names what a text is based on: each citation of the service becomes a source part, with the service's own words
 * beside it.
 *
 * @module
 */
import type { JsonObject, SourcePart } from "@plugline/core"
import { type Fields, text } from "../wire/read.ts"

/** The source of a citation, the `number`th of the answer. */
export const source = (citation: Fields, number: number, provider: string): SourcePart => {
  const base = { type: "source" as const, id: `source-${number}`, metadata: { [provider]: citation as JsonObject } }
  const url = text(citation.url) ?? address(text(citation.source))
  if (url !== undefined) return { ...base, sourceType: "url", url, title: text(citation.title) ?? url }
  const fileName = text(citation.document_title)
  return {
    ...base,
    sourceType: "document",
    title: fileName ?? text(citation.title) ?? text(citation.source) ?? unnamed(citation),
    mediaType: citation.type === "page_location" ? "application/pdf" : "text/plain",
    ...(fileName !== undefined && { fileName })
  }
}

/** A search result names its source as its owner likes, mostly by its address. */
const address = (value: string | undefined): string | undefined =>
  value !== undefined && /^https?:\/\//i.test(value) ? value : undefined

const unnamed = ({ document_index: index }: Fields): string =>
  typeof index === "number" ? `document ${index + 1}` : "document"
