/**
 * Turns an answer, whole or event by event, into parts: who answered, its items, and one finish with usage. What of the
 * answer has no word here is kept in the metadata of the finish, under the provider's name; what only repeats the
 * request is not.
 *
 * @module
 */
import { type JsonValue, LlmError, type Part } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { excerpt, type Fields, list, object, put, says, text, timestamp } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { mostTexts } from "./message.ts"
import { malformed, Output } from "./output.ts"
import type { Quirks } from "./quirks.ts"
import { usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #provider: string
  readonly #out: Array<Part>
  readonly #output: Output
  #id: string | undefined
  #model: string | undefined
  #created: string | undefined
  isFinished = false

  /** Parts are put into `out`. */
  constructor(provider: string, quirks: Quirks, out: Array<Part>) {
    this.#provider = provider
    this.#out = out
    this.#output = new Output(provider, quirks, out)
  }

  /** Whether any of the answer has arrived. */
  get hasBegun(): boolean {
    return this.#id !== undefined || this.#output.hasBegun
  }

  /** One event; `name` is that of its frame, for services that say the type only there. */
  add(event: Fields, name: string): void {
    const type = text(event.type) ?? name
    switch (type) {
      case "response.output_text.delta":
        return this.#output.message(event).delta(contentIndex(event), false, this.#text(event, "delta"), event.logprobs)
      case "response.reasoning_summary_text.delta":
        this.#output.reasoning(event).delta(summaryIndex(event), true, this.#text(event, "delta"))
        return this.#output.settle()
      case "response.reasoning_text.delta":
        this.#output.reasoning(event).delta(contentIndex(event), false, this.#text(event, "delta"))
        return this.#output.settle()
      case "response.function_call_arguments.delta":
        return this.#output.call(event, "function_call")?.delta(this.#text(event, "delta"))
      case "response.custom_tool_call_input.delta":
        return this.#output.call(event, "custom_tool_call")?.delta(this.#text(event, "delta"))
      case "response.refusal.delta":
        return this.#output.message(event).delta(contentIndex(event), true, this.#text(event, "delta"), undefined)
      case "response.output_item.added":
        return this.#output.begin(event)
      case "response.output_item.done":
        return this.#output.end(event)
      case "response.output_text.annotation.added":
        return says(event.annotation)
          ? this.#output.message(event).annotate(contentIndex(event), event.annotation)
          : undefined
      case "response.created":
      case "response.in_progress":
      case "response.queued":
        return this.#head(this.#response(event))
      case "response.completed":
      case "response.incomplete":
      case "response.cancelled":
        return this.whole(this.#response(event))
      case "response.failed":
      case "error":
        throw this.#failure(event, object(event.response))
      default:
        if (partEvents.has(type)) return this.#part(event, type)
        if (says(event.error)) throw failed(event, this.#provider)
        if (isProgress(type)) return
        this.#out.push({
          type: "raw",
          provider: this.#provider,
          value: event as JsonValue,
          metadata: { [this.#provider]: { event: true } }
        })
    }
  }

  /** The answer, whole: what was not said of it yet is said now. */
  whole(response: Fields): void {
    if (response.status === "failed" || says(response.error)) throw this.#failure(response, response)
    const output = list(response.output)
    if (output === undefined && response.object !== "response") throw unlike(response, this.#provider)
    this.#head(response)
    this.#output.complete(output ?? [])
    const status = text(response.status)
    const why = text(object(response.incomplete_details)?.reason)
    const own: { [name: string]: JsonValue } = {}
    for (const name in response) {
      const value = response[name]
      if (!known.has(name) && says(value) && !isEmpty(value)) put(own, name, value)
    }
    this.isFinished = true
    this.#out.push({
      type: "finish",
      reason: finishReason(status === "incomplete" ? why ?? status : status, this.#output.asks),
      ...(status !== undefined && { rawReason: status }),
      usage: usage(response.usage),
      ...(Object.keys(own).length > 0 && { metadata: { [this.#provider]: own } })
    })
  }

  /** The beginning or the end of a piece of an item. */
  #part(event: Fields, type: string): void {
    const part = object(event.part)
    switch (type) {
      case "response.content_part.added":
      case "response.content_part.done":
        if (part?.type === "reasoning_text" || (part?.type === "text" && this.#output.isReasoning(event))) {
          return this.#thought(event, false, text(part.text) ?? "")
        }
        if (part?.type === "output_text" || part?.type === "refusal") {
          const refusal = part.type === "refusal"
          const said = text(refusal ? part.refusal : part.text) ?? ""
          this.#output.message(event).whole(contentIndex(event), refusal, said)
        } else if (part !== undefined) this.#output.messageOf(event)?.skip(contentIndex(event))
        return
      case "response.reasoning_summary_part.added":
      case "response.reasoning_summary_part.done":
        return this.#thought(event, true, text(part?.text) ?? "")
      case "response.reasoning_summary_text.done":
        return this.#thought(event, true, this.#text(event, "text"))
      case "response.reasoning_text.done":
        return this.#thought(event, false, this.#text(event, "text"))
      case "response.output_text.done":
        return this.#output.message(event).whole(contentIndex(event), false, this.#text(event, "text"))
      case "response.refusal.done":
        return this.#output.message(event).whole(contentIndex(event), true, this.#text(event, "refusal"))
      case "response.function_call_arguments.done":
        return this.#output.call(event, "function_call")?.whole(this.#text(event, "arguments"))
      default:
        return this.#output.call(event, "custom_tool_call")?.whole(this.#text(event, "input"))
    }
  }

  #thought(event: Fields, summary: boolean, said: string): void {
    this.#output.reasoning(event).whole(summary ? summaryIndex(event) : contentIndex(event), summary, said)
    this.#output.settle()
  }

  #text(event: Fields, field: string): string {
    const value = event[field]
    if (typeof value === "string") return value
    throw malformed(event, `holds no text ${field}`, this.#provider)
  }

  #response(event: Fields): Fields {
    const response = object(event.response)
    if (response !== undefined) return response
    throw malformed(event, "holds no response", this.#provider)
  }

  /** What went wrong, as a `response.failed`, a failed response or an `error` event says it. */
  #failure(event: Fields, response: Fields | undefined): LlmError {
    const error = says(event.error) ? event.error : response?.error
    if (says(error)) return failed({ error }, this.#provider, event as JsonValue)
    const said = response === undefined ? event : { message: "the response failed" }
    return failed(said, this.#provider, event as JsonValue)
  }

  /** Who answered. Said once, and again where a later event knows more. */
  #head(response: Fields): void {
    let news = false
    if (this.#id === undefined && (this.#id = text(response.id)) !== undefined) news = true
    if (this.#model === undefined && (this.#model = text(response.model)) !== undefined) news = true
    if (this.#created === undefined && (this.#created = timestamp(response.created_at)) !== undefined) news = true
    if (!news) return
    this.#out.push({
      type: "response-metadata",
      ...(this.#id !== undefined && { id: this.#id }),
      ...(this.#model !== undefined && { modelId: this.#model }),
      ...(this.#created !== undefined && { timestamp: this.#created })
    })
  }
}

const contentIndex = ({ content_index: index }: Fields): number => place(index)
const summaryIndex = ({ summary_index: index }: Fields): number => place(index)
const place = (index: JsonValue | undefined): number =>
  typeof index === "number" && Number.isInteger(index) && index >= 0 && index < mostTexts ? index : 0

/** Events of pieces of an item, besides their deltas. */
const partEvents = new Set([
  "response.content_part.added", "response.content_part.done", "response.reasoning_summary_part.added",
  "response.reasoning_summary_part.done", "response.reasoning_summary_text.done", "response.reasoning_text.done",
  "response.output_text.done", "response.refusal.done", "response.function_call_arguments.done",
  "response.custom_tool_call_input.done"
])

/**
 * Whether an event only tells how far the service is with a tool of its own: the item that follows says all of it. Or
 * that the connection is alive.
 */
const isProgress = (type: string): boolean =>
  type === "keepalive" || type === "ping"
  || (type.length < 80 && /^response\.(\w+_call(_\w+)?|mcp_list_tools|compaction|reasoning_part)\./.test(type))

/** Fields that are read elsewhere, and those in which the service repeats what it was asked. */
const known = new Set([
  "id", "object", "created_at", "model", "output", "output_text", "usage", "error", "status", "background",
  "completed_at",
  "instructions", "tools", "tool_choice", "temperature", "top_p", "top_logprobs", "max_output_tokens", "max_tool_calls",
  "parallel_tool_calls", "truncation", "text", "reasoning", "store", "user", "safety_identifier", "prompt_cache_key",
  "prompt_cache_retention", "presence_penalty", "frequency_penalty", "prompt"
])

const isEmpty = (value: JsonValue): boolean => {
  const fields = object(value)
  return fields !== undefined && Object.keys(fields).length === 0
}

/**
 * Something that is no answer: an error in one of the forms without `error`, or the answer of another kind of service.
 */
const unlike = (body: Fields, provider: string): LlmError => {
  const isFailure = body.object === "error" || body.detail !== undefined || body.error_code !== undefined
    || Array.isArray(body.errors) || (text(body.message) !== undefined && body.code !== undefined)
  if (isFailure) return failed(body, provider)
  const names = Object.keys(body)
  return LlmError.make({
    _tag: names.length > 0 ? "NotAnLlm" : "MalformedResponse",
    message: `the answer holds no output, only ${excerpt(names.join(", ") || "nothing")}`,
    raw: body as JsonValue
  }, { provider })
}
