/**
 * Gives Bedrock's token counts the one meaning of `Usage`: what was read from the cache and what was written to it is
 * counted beside the rest of the prompt, not in it.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, type Fields } from "../wire/read.ts"

/** Usage from Converse's `usage` object; what it does not say stays unknown. */
export const usage = (raw: Fields | undefined): Usage => {
  if (raw === undefined) return Part.unknownUsage
  // Amazon's own models call the cache's counts otherwise where they are invoked directly.
  const cacheRead = count(raw.cacheReadInputTokens) ?? count(raw.cacheReadInputTokenCount)
  const cacheWrite = count(raw.cacheWriteInputTokens) ?? count(raw.cacheWriteInputTokenCount)
  return counted(count(raw.inputTokens), count(raw.outputTokens), cacheRead, cacheWrite, raw as JsonValue)
}

/** Usage from the counts of an answer, the cache's beside those of the prompt. */
export const counted = (
  uncached: number | undefined,
  output: number | undefined,
  cacheRead: number | undefined,
  cacheWrite: number | undefined,
  raw: JsonValue | undefined
): Usage => ({
  inputTokens: {
    ...(uncached !== undefined && { total: uncached + (cacheRead ?? 0) + (cacheWrite ?? 0), uncached }),
    ...(cacheRead !== undefined && { cacheRead }),
    ...(cacheWrite !== undefined && { cacheWrite })
  },
  outputTokens: { ...(output !== undefined && { total: output }) },
  ...(raw !== undefined && { raw })
})

/** Usage from the metrics that end the stream of an invoked model; `undefined` where they tell nothing. */
export const metricsUsage = (raw: Fields | undefined): Usage | undefined => {
  const input = count(raw?.inputTokenCount)
  const output = count(raw?.outputTokenCount)
  if (input === undefined && output === undefined) return undefined
  return counted(
    input, output, count(raw?.cacheReadInputTokenCount), count(raw?.cacheWriteInputTokenCount), raw as JsonValue
  )
}

/** Usage from the headers of the answer of an invoked model; `undefined` where they tell nothing. */
export const headerUsage = (headers: { readonly [name: string]: string }): Usage | undefined => {
  const said = (name: string): number | undefined => {
    const value = headers[`x-amzn-bedrock-${name}-token-count`]
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
  }
  const input = said("input")
  const output = said("output")
  return input === undefined && output === undefined
    ? undefined
    : counted(input, output, said("cache-read-input"), said("cache-write-input"), undefined)
}
