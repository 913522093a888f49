/**
 * What every writer of Google's format needs: its word for why an answer ended, its way to count tokens, and what only
 * it understands of a part.
 *
 * @module
 */
import type { FinishReason, JsonObject, Metadata, Usage } from "plugline"
import * as Answer from "../shared/answer.ts"
import { object } from "../shared/json.ts"

/** The name under which Google's own fields stand. */
export const provider = "google"

/** What Google itself said of something, where it did. */
export const ownOf = (metadata: Metadata | undefined): JsonObject | undefined =>
  metadata === undefined ? undefined : Answer.ownOf(metadata, provider)

/** Calls that Google gave no id have one of ours, which the client is not to see. */
export const sentId = (id: string): string | undefined => id === "" || id.startsWith("call_g_") ? undefined : id

const known = new Set([
  "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
  "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
  "MISSING_THOUGHT_SIGNATURE", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE",
  "MALFORMED_RESPONSE", "MODEL_ARMOR"
])

const words: { readonly [Reason in FinishReason]: string } = {
  stop: "STOP",
  length: "MAX_TOKENS",
  "content-filter": "SAFETY",
  "tool-calls": "STOP",
  error: "OTHER",
  pause: "OTHER",
  other: "OTHER",
  unknown: "STOP"
}

/** The `finishReason`: the service's own word where Google knows it or said it itself. */
export const finishReason = (reason: FinishReason, word: string | undefined, usage: Usage): string =>
  word !== undefined && (known.has(word) || isOwn(usage)) ? word : words[reason]

const counters = ["promptTokenCount", "candidatesTokenCount", "totalTokenCount", "trafficType"]

/** Whether the numbers are as Google counts: those it sent, and nobody has changed since. */
const isOwn = ({ inputTokens, raw }: Usage): boolean => {
  const sent = object(raw)
  if (sent === undefined || !counters.some((name) => sent[name] !== undefined)) return false
  const { promptTokenCount: prompt, toolUsePromptTokenCount: tools } = sent
  const input = typeof prompt !== "number" ? tools : prompt + (typeof tools === "number" ? tools : 0)
  return input === inputTokens.total
}

/** The `usageMetadata`: as Google sent it; else in its words, where thoughts are counted beside the answer. */
export const usageOf = (usage: Usage): JsonObject | undefined => {
  if (isOwn(usage)) return usage.raw as JsonObject
  const { cacheRead, total: input } = usage.inputTokens
  const { reasoning, total: output } = usage.outputTokens
  if (input === undefined && output === undefined) return undefined
  return {
    ...(input !== undefined && { promptTokenCount: input }),
    ...(output !== undefined && { candidatesTokenCount: Math.max(0, output - (reasoning ?? 0)) }),
    ...(reasoning !== undefined && { thoughtsTokenCount: reasoning }),
    ...(cacheRead !== undefined && { cachedContentTokenCount: cacheRead }),
    totalTokenCount: (input ?? 0) + (output ?? 0)
  }
}
