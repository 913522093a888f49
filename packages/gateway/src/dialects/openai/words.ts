/**
 * The words of chat completions for how an answer ended and what it took, and the names of its fields.
 *
 * @module
 */
import type { FinishReason, JsonObject, Usage } from "plugline"
import type { Call } from "../../Dialect.ts"
import { object } from "../shared/json.ts"

/** Whether a client asked in the way of old, with `functions`: it is answered with one `function_call`. */
export const isLegacy = ({ asked }: Call): boolean => Array.isArray(asked.functions) && !Array.isArray(asked.tools)

/** Whose words of its own an answer is written with. */
export const speaker = (call: Call): string => call.provider ?? "openai"

const words: { readonly [Reason in FinishReason]: string } = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  "tool-calls": "tool_calls",
  // No word of OpenAI's own, but one that several services use: an answer that failed must not look like a whole one.
  error: "error",
  pause: "stop",
  other: "stop",
  unknown: "stop"
}

/** Why an answer ended. A service that speaks the same is repeated. */
export const finishWord = (reason: FinishReason, raw: string | undefined, call: Call): string => {
  if (call.provider !== undefined && raw !== undefined && raw !== "") return raw
  return reason === "tool-calls" && isLegacy(call) ? "function_call" : words[reason]
}

/**
 * What an answer took: as the service said it where it counts as OpenAI does. A number that the format demands and
 * nobody knows is 0; `undefined` where nothing is known.
 */
export const usageOf = ({ inputTokens, outputTokens, raw }: Usage, written: boolean): JsonObject | undefined => {
  const { cacheRead, cacheWrite, total: input } = inputTokens
  const { reasoning, total: output } = outputTokens
  const given = object(raw)
  const said = typeof given?.prompt_tokens === "number" ? given : undefined
  if (said !== undefined && said.prompt_tokens === input && said.completion_tokens === output) {
    return typeof said.total_tokens === "number" ? said : { ...said, total_tokens: (input ?? 0) + (output ?? 0) }
  }
  if (input === undefined && output === undefined) return undefined
  return {
    ...said,
    prompt_tokens: input ?? 0,
    ...(written && { completion_tokens: output ?? 0 }),
    total_tokens: (input ?? 0) + (output ?? 0),
    ...((cacheRead !== undefined || cacheWrite !== undefined) && {
      prompt_tokens_details: {
        ...object(said?.prompt_tokens_details),
        ...(cacheRead !== undefined && { cached_tokens: cacheRead }),
        ...(cacheWrite !== undefined && { cache_write_tokens: cacheWrite })
      }
    }),
    ...(reasoning !== undefined && {
      completion_tokens_details: { ...object(said?.completion_tokens_details), reasoning_tokens: reasoning }
    })
  }
}

/** Fields of an answer that are written from our words, and those that only the Responses API has. */
export const ofAnswer: ReadonlySet<string> = new Set([
  "id", "object", "created", "model", "choices", "choice", "usage", "error", "citations", "search_results",
  "incomplete_details", "previous_response_id", "conversation", "billing"
])

/** The same of a choice; one that its message may have too is written there. */
export const ofChoice: ReadonlySet<string> = new Set([
  "index", "delta", "message", "text", "finish_reason", "logprobs", "error", "usage",
  "content", "refusal", "reasoning", "reasoning_content"
])

/** Fields of a message that are written from our words; an object in place of a text is none of them. */
export const ofMessage: ReadonlySet<string> = new Set([
  "role", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call",
  "images", "audio", "annotations", "executed_tools"
])

/** Fields of a tool call that are written from our words. */
export const ofCall: ReadonlySet<string> = new Set(["id", "type", "index", "function", "custom", "name", "arguments"])
