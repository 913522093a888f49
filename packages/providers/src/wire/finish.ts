/**
 * Translates a service's word for why it stopped into the closed set of reasons.
 *
 * A model that asks the caller for a tool has stopped for that, though some services call it `stop` or nothing at all:
 * the reason is then `tool-calls`, and the service's own word stays beside it.
 *
 * @module
 */
import type { FinishReason } from "@plugline/core"

const words: { readonly [word: string]: FinishReason } = {
  stop: "stop",
  eos: "stop",
  finish: "stop",
  endoftext: "stop",
  stop_criteria_met: "stop",
  end: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  complete: "stop",
  completed: "stop",
  length: "length",
  error_limit: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  max_length: "length",
  model_length: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool-calls",
  tool_call: "tool-calls",
  tool_use: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  error_toxic: "content-filter",
  content_filtered: "content-filter",
  safety: "content-filter",
  sensitive: "content-filter",
  refusal: "content-filter",
  recitation: "content-filter",
  prohibited_content: "content-filter",
  blocklist: "content-filter",
  spii: "content-filter",
  jailbreak: "content-filter",
  model_armor: "content-filter",
  image_safety: "content-filter",
  image_prohibited_content: "content-filter",
  image_recitation: "content-filter",
  guardrail_intervened: "content-filter",
  error: "error",
  network_error: "error",
  malformed_model_output: "error",
  malformed_tool_use: "error",
  malformed_function_call: "error",
  malformed_response: "error",
  unexpected_tool_call: "error",
  too_many_tool_calls: "error",
  missing_thought_signature: "error",
  insufficient_system_resource: "error",
  queued: "pause",
  in_progress: "pause",
  pause: "pause",
  pause_turn: "pause",
  compaction: "pause"
}

/** The reason for a service's word; `calls` says whether the answer asks the caller for a tool. */
export const finishReason = (word: string | undefined, calls: boolean): FinishReason => {
  if (word === undefined || word === "") return calls ? "tool-calls" : "unknown"
  const key = word.toLowerCase()
  const reason = Object.hasOwn(words, key) ? words[key]! : "other"
  return calls && reason === "stop" ? "tool-calls" : reason
}
