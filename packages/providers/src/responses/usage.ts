/**
 * Gives the service's token counts the one meaning of `Usage`.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, object } from "../wire/read.ts"

/** Usage from the service's `usage` object; what it does not say stays unknown. */
export const usage = (raw: JsonValue | undefined): Usage => {
  const sent = object(raw)
  if (raw === undefined || sent === undefined) return Part.unknownUsage
  const details = object(sent.input_tokens_details)
  const input = count(sent.input_tokens)
  const cacheRead = atMost(count(details?.cached_tokens), input)
  const cacheWrite = atMost(count(details?.cache_write_tokens), input)
  const written = count(sent.output_tokens)
  const thought = count(object(sent.output_tokens_details)?.reasoning_tokens)
  // A service that counts more thinking than writing counts the one beside the other.
  const output = written !== undefined && thought !== undefined && thought > written ? written + thought : written
  return {
    inputTokens: {
      ...(input !== undefined && { total: input }),
      ...(input !== undefined && cacheRead !== undefined
        && { uncached: Math.max(0, input - cacheRead - (cacheWrite ?? 0)) }),
      ...(cacheRead !== undefined && { cacheRead }),
      ...(cacheWrite !== undefined && { cacheWrite })
    },
    outputTokens: {
      ...(output !== undefined && { total: output }),
      ...(output !== undefined && thought !== undefined && { text: output - thought }),
      ...(thought !== undefined && { reasoning: thought })
    },
    raw
  }
}

const atMost = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || whole === undefined ? part : Math.min(part, whole)
