/**
 * Writes what an answer is based on. What Google named stands in `groundingMetadata` and `citationMetadata` as it came;
 * sources of others become further chunks.
 *
 * @module
 */
import type { JsonObject, JsonValue, SourcePart } from "plugline"
import { object } from "../shared/json.ts"

/** A candidate's own fields, the sources among them. `own`: those that Google sent. */
export const candidateFields = (
  own: JsonObject | undefined,
  sources: ReadonlyArray<SourcePart>
): JsonObject | undefined => {
  if (sources.length === 0) return own
  const grounding = object(own?.groundingMetadata)
  const sent = listOf(grounding?.groundingChunks)
  const cited = object(own?.citationMetadata)
  const isOwn = grounding !== undefined || cited !== undefined
  const known = new Set([...sent, ...listOf(cited?.citationSources), ...listOf(cited?.citations)].flatMap(addresses))
  const chunks: Array<JsonValue> = [...sent]
  for (const source of sources) {
    if (source.sourceType === "url") {
      if (!known.has(source.url)) chunks.push({ web: { uri: source.url, title: source.title } })
    } else if (!isOwn) chunks.push({ retrievedContext: { title: source.title } })
  }
  return chunks.length === sent.length ? own : { ...own, groundingMetadata: { ...grounding, groundingChunks: chunks } }
}

const listOf = (value: unknown): ReadonlyArray<JsonValue> => Array.isArray(value) ? value : []

/** The addresses that a chunk or a citation names. */
const addresses = (value: JsonValue): ReadonlyArray<JsonValue> => {
  const fields = object(value) ?? {}
  const places = [fields, fields.web, fields.maps, fields.image, fields.retrievedContext]
  return places.flatMap((place) => {
    const { sourceUri, uri } = object(place) ?? {}
    return [uri, sourceUri].filter((address) => address !== undefined)
  })
}
