/**
 * What an answer is based on, as source parts: annotations of the text (`url_citation`, `file`), and the lists of
 * citations and search results that Perplexity and xAI send beside it.
 *
 * @module
 */
import type { JsonValue, Part } from "@plugline/core"
import { defined, list, object, text } from "../wire/read.ts"
import { mediaTypeOf } from "../wire/media.ts"

/** Numbers the sources of one answer. */
export class Sources {
  readonly #provider: string
  /** The next number of each choice: choices arrive in any order. */
  readonly #next: Array<number> = []
  #citations: ReadonlyArray<JsonValue> = []
  #results: ReadonlyArray<JsonValue> = []

  constructor(provider: string) {
    this.#provider = provider
  }

  /** Marks on the text of a choice. Those of a kind that has no word here are handed on raw. */
  annotate(
    annotations: ReadonlyArray<JsonValue>,
    choice: { readonly choice: number } | undefined,
    out: Array<Part>
  ): void {
    for (const annotation of annotations) {
      const fields = object(annotation)
      const citation = object(fields?.url_citation) ?? (fields?.type === "url_citation" ? fields : undefined)
      const url = text(citation?.url)
      const file = object(fields?.file)
      if (url !== undefined) {
        const { url: _url, title, type: _type, ...rest } = citation!
        this.#url(url, text(title), defined(rest), choice, out)
      } else if (file !== undefined) {
        const fileName = text(file.name) ?? text(file.filename)
        out.push({
          type: "source",
          sourceType: "document",
          id: this.#id(choice),
          title: fileName ?? "document",
          mediaType: mediaTypeOf(fileName),
          ...(fileName !== undefined && { fileName }),
          metadata: { [this.#provider]: { annotation } },
          ...choice
        })
      } else out.push({ type: "raw", provider: this.#provider, value: annotation, ...choice })
    }
  }

  /** The lists beside the answer. They are repeated in every event, so the last one counts. */
  listed(citations: JsonValue | undefined, results: JsonValue | undefined): void {
    this.#citations = list(citations) ?? this.#citations
    this.#results = list(results) ?? this.#results
  }

  /** The listed sources: every citation with what the search found out about it, then results that are not cited. */
  close(out: Array<Part>): void {
    const results = new Map<string, JsonValue>()
    for (const result of this.#results) {
      const url = text(object(result)?.url)
      if (url !== undefined) results.set(url, result)
    }
    const cited = new Set<string>()
    for (const citation of this.#citations) {
      const url = text(citation) ?? text(object(citation)?.url)
      if (url === undefined) continue
      cited.add(url)
      this.#found(url, results.get(url) ?? citation, out)
    }
    for (const [url, result] of results) if (!cited.has(url)) this.#found(url, result, out)
  }

  #found(url: string, result: JsonValue, out: Array<Part>): void {
    const { url: _, title, ...rest } = object(result) ?? {}
    this.#url(url, text(title), defined(rest), undefined, out)
  }

  #url(
    url: string,
    title: string | undefined,
    own: { readonly [name: string]: JsonValue | undefined },
    choice: { readonly choice: number } | undefined,
    out: Array<Part>
  ): void {
    out.push({
      type: "source",
      sourceType: "url",
      id: this.#id(choice),
      url,
      title: title ?? url,
      ...(Object.keys(own).length > 0 && { metadata: { [this.#provider]: own } }),
      ...choice
    })
  }

  #id(choice: { readonly choice: number } | undefined): string {
    const index = choice?.choice ?? 0
    const number = this.#next[index] ?? 0
    this.#next[index] = number + 1
    return index === 0 ? `source-${number}` : `source-${index}-${number}`
  }
}
