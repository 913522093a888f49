/**
 * Tells what a citation points to, as a source part: a page on the web, or a place in a document that was sent.
 *
 * @module
 */
import type { JsonValue, Part } from "@plugline/core"
import { object, text } from "../wire/read.ts"

/** The source of one citation. The citation itself is in its metadata. */
export const sourceOf = (citation: JsonValue, id: string, provider: string): Part => {
  const fields = object(citation)
  const web = object(object(fields?.location)?.web)
  const url = text(web?.url)
  const title = text(fields?.title)
  const metadata = { [provider]: { citation } }
  if (url !== undefined) {
    return { type: "source", sourceType: "url", id, url, title: title ?? text(web?.domain) ?? url, metadata }
  }
  return {
    type: "source",
    sourceType: "document",
    id,
    title: title ?? text(fields?.source) ?? "document",
    // A citation names its document, not its form.
    mediaType: "application/octet-stream",
    metadata
  }
}
