/**
 * What every writer of Anthropic's format needs: its word for why an answer ended, its way to count tokens, and what
 * only it understands of a part.
 *
 * @module
 */
import type { FinishReason, JsonObject, Metadata, Usage } from "plugline"
import * as Answer from "../shared/answer.ts"
import { object } from "../shared/json.ts"

/** The name under which Anthropic's own fields stand. */
export const provider = "anthropic"

/** What Anthropic itself said of something, where it did. */
export const ownOf = (metadata: Metadata | undefined): JsonObject | undefined =>
  metadata === undefined ? undefined : Answer.ownOf(metadata, provider)

/**
 * What is said of a thought: what Anthropic said of it itself, or the signature of another service that runs
 * Anthropic's models (Amazon, Google) and wants it back.
 */
export const signedOf = (metadata: Metadata | undefined): JsonObject | undefined => {
  const own = ownOf(metadata)
  if (own !== undefined || metadata === undefined) return own
  for (const one of Object.values(metadata)) if (typeof one?.signature === "string") return { signature: one.signature }
  return undefined
}

/** The citations among a text's own fields. Only objects are some. */
export const citationsOf = (own: JsonObject | undefined): ReadonlyArray<JsonObject> => {
  const all = own?.citations
  return Array.isArray(all) ? all.filter((one) => object(one) !== undefined) as ReadonlyArray<JsonObject> : none
}

const none: ReadonlyArray<JsonObject> = []

const reasons: { readonly [word: string]: FinishReason } = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "content-filter",
  pause_turn: "pause"
}

const words: { readonly [Reason in FinishReason]: string } = {
  stop: "end_turn",
  length: "max_tokens",
  "content-filter": "refusal",
  "tool-calls": "tool_use",
  error: "end_turn",
  pause: "pause_turn",
  other: "end_turn",
  unknown: "end_turn"
}

/** The `stop_reason`: the service's own word where Anthropic knows it or said it itself. */
export const stopReason = (reason: FinishReason, word: string | undefined, usage: Usage): string => {
  if (word === undefined) return words[reason]
  return (Object.hasOwn(reasons, word) && reasons[word] === reason) || isOwn(usage) ? word : words[reason]
}

/** Whether the numbers are as Anthropic counts: those it sent, and nobody has changed since. */
const isOwn = ({ inputTokens, outputTokens, raw }: Usage): boolean => {
  const sent = object(raw)
  return sent !== undefined && sent.total_tokens === undefined
    && typeof sent.output_tokens === "number" && sent.output_tokens === outputTokens.total
    && sent.input_tokens === inputTokens.uncached
}

/** The `usage`: as Anthropic sent it; else in its words, where what is read from the cache is no part of the input. */
export const usageOf = (usage: Usage): JsonObject => {
  if (isOwn(usage)) return usage.raw as JsonObject
  const { cacheRead, cacheWrite, total, uncached } = usage.inputTokens
  const { reasoning, total: written } = usage.outputTokens
  const rest = uncached ?? (total === undefined ? 0 : Math.max(0, total - (cacheRead ?? 0) - (cacheWrite ?? 0)))
  return {
    input_tokens: rest,
    ...(cacheWrite !== undefined && { cache_creation_input_tokens: cacheWrite }),
    ...(cacheRead !== undefined && { cache_read_input_tokens: cacheRead }),
    output_tokens: written ?? 0,
    ...(reasoning !== undefined && { output_tokens_details: { thinking_tokens: reasoning } })
  }
}
