/**
 * Writes what stands around the items of an answer: who answered, how it ended, what it took, and what was asked.
 *
 * @module
 */
import type { FinishReason, JsonObject, JsonValue, Usage } from "plugline"
import type { Call } from "../../Dialect.ts"
import { timeOf } from "../shared/answer.ts"
import { object, putAll, text, type Written } from "../shared/json.ts"

/** Who answered, as far as is known. */
export interface Head {
  readonly id?: string | undefined
  readonly model?: string | undefined
  readonly timestamp?: string | undefined
}

/** How an answer ended. */
export interface End {
  readonly reason: FinishReason
  readonly rawReason?: string | undefined
  readonly usage: Usage
  /** What the service alone says of it. */
  readonly own: JsonObject | undefined
}

/** An answer that is being written. */
export const begun = (head: Head, call: Call): Written => ({
  ...around(head, call),
  status: "in_progress",
  error: null,
  incomplete_details: null,
  output: [],
  usage: null
})

/** An answer with all its items. */
export const ended = (head: Head, output: ReadonlyArray<JsonValue>, end: End, call: Call): Written => {
  const status = statusOf(end, call)
  return putAll({
    ...around(head, call),
    status,
    error: status === "failed" ? { code: "server_error", message: "the model failed to answer" } : null,
    incomplete_details: detailsOf(end, status),
    output,
    usage: usageOf(end.usage)
  }, end.own, ofResponse)
}

/** An answer that failed. */
export const failed = (head: Head, error: JsonObject, output: ReadonlyArray<JsonValue>, call: Call): Written => ({
  ...around(head, call),
  status: "failed",
  error,
  incomplete_details: null,
  output,
  usage: null
})

/** The name of the event that ends an answer. */
export const endEvent = (status: JsonValue | undefined): string =>
  status === "failed" || status === "incomplete" || status === "cancelled" ? `response.${status}` : "response.completed"

/** What the client asked, which every answer repeats, and what it says where that was not asked. */
const asked: JsonObject = {
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: null,
  safety_identifier: null,
  store: false,
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
  user: null
}

const around = (head: Head, call: Call): Written => {
  const written: Written = {
    id: text(head.id) ?? call.id,
    object: "response",
    created_at: Math.floor(timeOf(head.timestamp, call.now) / 1000),
    model: text(head.model) ?? call.model
  }
  for (const name of Object.keys(asked)) written[name] = call.asked[name] ?? asked[name]!
  return written
}

/** OpenAI's words for answers that have no other end. A service that speaks the same is repeated. */
const statuses: ReadonlySet<string> = new Set(["incomplete", "cancelled", "queued", "in_progress"])

const statusOf = ({ rawReason, reason }: End, call: Call): string => {
  switch (reason) {
    case "length":
    case "content-filter":
      return "incomplete"
    case "error":
      return "failed"
    default:
      if (rawReason === undefined || rawReason === "") return "completed"
      return call.provider !== undefined || statuses.has(rawReason) ? rawReason : "completed"
  }
}

const detailsOf = ({ own, reason }: End, status: string): JsonObject | null =>
  status !== "incomplete"
    ? null
    : object(own?.incomplete_details)
      ?? (reason === "length" || reason === "content-filter"
        ? { reason: reason === "length" ? "max_output_tokens" : "content_filter" }
        : null)

/** Fields that are written from our words, and those that only chat completions have. */
const ofResponse: ReadonlySet<string> = new Set([
  "id", "object", "created_at", "model", "output", "output_text", "usage", "error", "status", "incomplete_details",
  "choice", "system_fingerprint"
])

/**
 * What an answer took: as the service said it where it counts in the same way. The format demands every number, so that
 * of one which nobody knows it says 0; `null` where nothing is known.
 */
const usageOf = ({ inputTokens, outputTokens, raw }: Usage): JsonObject | null => {
  const { cacheRead, cacheWrite, total: input } = inputTokens
  const { reasoning, total: output } = outputTokens
  const said = object(raw)
  const isSame = said !== undefined && typeof said.total_tokens === "number" && typeof said.input_tokens === "number"
  if (isSame && said.input_tokens === input && said.output_tokens === output) return said
  if (input === undefined && output === undefined) return null
  return {
    input_tokens: input ?? 0,
    input_tokens_details: {
      cached_tokens: cacheRead ?? 0,
      ...(cacheWrite !== undefined && { cache_write_tokens: cacheWrite })
    },
    output_tokens: output ?? 0,
    output_tokens_details: { reasoning_tokens: reasoning ?? 0 },
    total_tokens: (input ?? 0) + (output ?? 0)
  }
}
