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
  end: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  complete: "stop",
  completed: "stop",
  length: "length",
  max_tokens: "length",
  max_length: "length",
  model_length: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool-calls",
  tool_call: "tool-calls",
  tool_use: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  content_filtered: "content-filter",
  safety: "content-filter",
  sensitive: "content-filter",
  recitation: "content-filter",
  prohibited_content: "content-filter",
  guardrail_intervened: "content-filter",
  error: "error",
  network_error: "error",
  insufficient_system_resource: "error",
  pause: "pause",
  pause_turn: "pause"
}

/** The reason for a service's word; `calls` says whether the answer asks the caller for a tool. */
export const finishReason = (word: string | undefined, calls: boolean): FinishReason => {
  if (word === undefined || word === "") return calls ? "tool-calls" : "unknown"
  const key = word.toLowerCase()
  const reason = Object.hasOwn(words, key) ? words[key]! : "other"
  return calls && reason === "stop" ? "tool-calls" : reason
}
