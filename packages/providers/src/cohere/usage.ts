/**
 * Gives Cohere's counts the one meaning of `Usage`. Cohere counts twice: `tokens` are what the model read and wrote,
 * cached and thought ones included; `billed_units` are what is paid for, which leaves out what Cohere itself puts
 * around a prompt. Usage are the former; where a service says only what it bills (`generate`, `embed`), nothing is
 * known of the tokens. Both stay in `raw`.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, object } from "../wire/read.ts"

/** Usage from `usage` of the second interface, or `meta` of the first. */
export const usage = (raw: JsonValue | undefined): Usage => {
  const sent = object(raw)
  if (raw === undefined || sent === undefined) return Part.unknownUsage
  const tokens = object(sent.tokens)
  const input = count(tokens?.input_tokens)
  const output = count(tokens?.output_tokens)
  const cached = atMost(count(sent.cached_tokens), input)
  const reasoning = atMost(count(tokens?.reasoning_tokens), output)
  return {
    inputTokens: {
      ...(input !== undefined && { total: input }),
      ...(input !== undefined && cached !== undefined && { uncached: input - cached }),
      ...(cached !== undefined && { cacheRead: cached })
    },
    outputTokens: {
      ...(output !== undefined && { total: output }),
      ...(output !== undefined && reasoning !== undefined && { text: output - reasoning }),
      ...(reasoning !== undefined && { reasoning })
    },
    raw
  }
}

const atMost = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || whole === undefined ? part : Math.min(part, whole)
