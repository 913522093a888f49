/**
 * What a text is based on: its annotations as source parts. The annotations themselves stay beside the text, as they
 * came.
 *
 * @module
 */
import type { JsonValue, Part } from "@plugline/core"
import { defined, object, text } from "../wire/read.ts"
import { mediaTypeOf } from "../wire/media.ts"

/** Numbers the sources of one answer. */
export class Sources {
  readonly #provider: string
  #next = 0

  constructor(provider: string) {
    this.#provider = provider
  }

  /** The sources of one text, in their order. An annotation that names no source gives none. */
  add(annotations: ReadonlyArray<JsonValue>, out: { readonly push: (part: Part) => void }): void {
    for (const annotation of annotations) {
      const fields = object(annotation)
      const url = text(fields?.url)
      if (fields?.type === "url_citation" && url !== undefined) {
        const { url: _, type: __, title, ...rest } = fields
        const own = defined(rest)
        out.push({
          type: "source",
          sourceType: "url",
          id: this.#id(),
          url,
          title: text(title) ?? url,
          ...(Object.keys(own).length > 0 && { metadata: { [this.#provider]: own } })
        })
      } else if (text(fields?.file_id) !== undefined) {
        const fileName = text(fields!.filename)
        out.push({
          type: "source",
          sourceType: "document",
          id: this.#id(),
          title: fileName ?? text(fields!.file_id)!,
          mediaType: mediaTypeOf(fileName),
          ...(fileName !== undefined && { fileName }),
          metadata: { [this.#provider]: { annotation: annotation } }
        })
      }
    }
  }

  #id(): string {
    return `source-${this.#next++}`
  }
}
