/**
 * Gives Anthropic's token counts the one meaning of `Usage`: the API counts what it read from the cache and what it
 * wrote to it beside the rest of the prompt, not in it.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, type Fields, object } from "../wire/read.ts"

/** Usage from the service's `usage` object; what it does not say stays unknown. */
export const usage = (raw: Fields | undefined): Usage => {
  if (raw === undefined) return Part.unknownUsage
  const uncached = count(raw.input_tokens)
  const cacheRead = count(raw.cache_read_input_tokens)
  const cacheWrite = count(raw.cache_creation_input_tokens) ?? written(raw.cache_creation)
  const output = count(raw.output_tokens)
  const thought = count(object(raw.output_tokens_details)?.thinking_tokens)
  const reasoning = thought === undefined || output === undefined ? thought : Math.min(thought, output)
  return {
    inputTokens: {
      ...(uncached !== undefined && { total: uncached + (cacheRead ?? 0) + (cacheWrite ?? 0), uncached }),
      ...(cacheRead !== undefined && { cacheRead }),
      ...(cacheWrite !== undefined && { cacheWrite })
    },
    outputTokens: {
      ...(output !== undefined && { total: output }),
      ...(output !== undefined && reasoning !== undefined && { text: output - reasoning }),
      ...(reasoning !== undefined && { reasoning })
    },
    raw: raw as JsonValue
  }
}

/** What was written to the cache, by how long it is kept there. */
const written = (creation: JsonValue | undefined): number | undefined => {
  const fields = object(creation)
  if (fields === undefined) return undefined
  let sum: number | undefined
  for (const name in fields) {
    const tokens = count(fields[name])
    if (tokens !== undefined) sum = (sum ?? 0) + tokens
  }
  return sum
}
