/**
 * Gives a service's token counts the one meaning of `Usage`, whatever that service counts into what.
 *
 * Services disagree in three places, which their own sums give away:
 *
 * - xAI counts thinking beside the answer rather than in it: `total = prompt + completion + reasoning`.
 * - Mistral counts sound beside the prompt: `total = prompt + audio + completion`.
 * - Gemini's compatible interface leaves thinking out of every field but `total_tokens`.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, object } from "../wire/read.ts"

/** Usage from the service's `usage` object; what it does not say stays unknown. */
export const usage = (raw: JsonValue | undefined): Usage => {
  const sent = object(raw)
  if (raw === undefined || sent === undefined) return Part.unknownUsage
  const promptDetails = object(sent.prompt_tokens_details)
  const completionDetails = object(sent.completion_tokens_details)
  const prompt = count(sent.prompt_tokens)
  const completion = count(sent.completion_tokens)
  const total = count(sent.total_tokens)
  const thought = count(completionDetails?.reasoning_tokens) ?? count(sent.reasoning_tokens)
  const sound = count(promptDetails?.audio_tokens)

  let input = prompt
  let output = completion
  let reasoning = thought
  const counted = total !== undefined && prompt !== undefined && completion !== undefined
  const surplus = counted ? total - prompt - completion : 0
  if (counted && surplus > 0) {
    if (surplus === sound) input = prompt + surplus
    else {
      output = completion + surplus
      if (thought === undefined) reasoning = surplus
    }
  } else if (completion !== undefined && thought !== undefined && thought > completion) output = completion + thought
  // An embedding service may count the whole alone; there is nothing written to be part of it.
  if (prompt === undefined && completion === undefined) input = total

  const cacheRead = atMost(
    count(promptDetails?.cached_tokens) ?? count(sent.prompt_cache_hit_tokens) ?? count(sent.num_cached_tokens)
      ?? count(sent.cached_tokens),
    input
  )
  const cacheWrite = atMost(count(promptDetails?.cache_write_tokens), input)
  reasoning = atMost(reasoning, output)
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
      ...(output !== undefined && reasoning !== undefined && { text: output - reasoning }),
      ...(reasoning !== undefined && { reasoning })
    },
    raw
  }
}

/** A part cannot be more than the whole, though Azure has been seen to say so of cached tokens. */
const atMost = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || whole === undefined ? part : Math.min(part, whole)
