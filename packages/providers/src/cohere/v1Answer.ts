/**
 * Turns what the first interface's chat says of one answer, in one piece or event by event, into parts. The last event
 * of a stream holds the whole answer: from it comes what no event said before.
 *
 * @module
 */
import { Json, type JsonValue, LlmError, type Part, type Request } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { source } from "./sources.ts"
import { usage } from "./usage.ts"

/** A call while it is gathered. */
interface Call {
  readonly id: string
  readonly name: string
  args: string
}

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #provider: string
  readonly #out: Array<Part>
  readonly #calls: Array<Call> = []
  #open: string | undefined
  #nextBlock = 0
  #said = false
  #called = false
  #id: string | undefined
  #begun = false
  #finished = false
  #citations: ReadonlyArray<JsonValue> = []
  #documents: ReadonlyArray<JsonValue> = []
  #extra: { [name: string]: JsonValue } | undefined

  /** Parts are put into `out`. */
  constructor({ provider }: Request, out: Array<Part>) {
    this.#provider = provider
    this.#out = out
  }

  /** Whether the end of the answer has been read. */
  get isFinished(): boolean {
    return this.#finished
  }

  /** Whether anything was said. */
  get hasBegun(): boolean {
    return this.#begun
  }

  /** One event of a stream. */
  event(event: Fields): void {
    if (this.#finished) return
    const { event_type: type } = event
    switch (type) {
      case "text-generation":
        if (typeof event.text !== "string") throw malformed(type, event, this.#provider)
        return this.#say(event.text)
      case "stream-start":
        return this.#head(event)
      case "citation-generation":
        this.#citations = [...this.#citations, ...list(event.citations) ?? []]
        return
      case "search-results":
        this.#documents = [...this.#documents, ...list(event.documents) ?? []]
        return
      case "search-queries-generation":
        // The last event repeats them.
        return
      case "tool-calls-chunk":
        return this.#piece(event)
      case "tool-calls-generation":
        if (typeof event.text === "string" && !this.#said) this.#say(event.text)
        return this.#whole(list(event.tool_calls) ?? [])
      case "stream-end": {
        const response = object(event.response)
        if (response === undefined) {
          if (text(event.finish_reason) === undefined) throw malformed(type, event, this.#provider)
          return this.#finish({ finish_reason: event.finish_reason }, event)
        }
        return this.#answer({ finish_reason: event.finish_reason, ...response }, event)
      }
      default:
        if (typeof type !== "string") throw unlike(event, this.#provider)
        this.#out.push({ type: "raw", provider: this.#provider, value: event as JsonValue })
    }
  }

  /** A whole answer. */
  whole(answer: Fields): void {
    const isAnswer = typeof answer.text === "string" || list(answer.tool_calls) !== undefined
    if (!isAnswer && text(answer.finish_reason) === undefined) throw unlike(answer, this.#provider)
    this.#answer(answer, answer)
  }

  #answer(answer: Fields, raw: Fields): void {
    this.#head(answer)
    if (typeof answer.text === "string" && !this.#said) this.#say(answer.text)
    this.#whole(list(answer.tool_calls) ?? [])
    this.#citations = list(answer.citations) ?? this.#citations
    this.#documents = list(answer.documents) ?? this.#documents
    for (const name in answer) {
      const value = answer[name]
      if (!ofAnswer.has(name) && says(value)) put(this.#extra ??= {}, name, value)
    }
    this.#finish(answer, raw)
  }

  #head(event: Fields): void {
    this.#begun = true
    const id = text(event.generation_id)
    if (this.#id !== undefined || id === undefined) return
    this.#id = id
    this.#out.push({ type: "response-metadata", id })
  }

  #say(delta: string): void {
    if (delta === "") return
    this.#said = true
    if (this.#open === undefined) {
      this.#open = String(this.#nextBlock++)
      this.#out.push({ type: "text-start", id: this.#open })
    }
    this.#out.push({ type: "text-delta", id: this.#open, delta })
  }

  #close(): void {
    if (this.#open === undefined) return
    this.#out.push({ type: "text-end", id: this.#open })
    this.#open = undefined
  }

  #start(name: string): Call {
    this.#close()
    const number = this.#calls.length
    const call = { id: this.#id === undefined ? `call_${number}` : `call_${this.#id}_${number}`, name, args: "" }
    this.#calls.push(call)
    this.#out.push({ type: "tool-params-start", id: call.id, name })
    return call
  }

  /** A piece of what is said before the calls, or of a call. */
  #piece(event: Fields): void {
    const delta = object(event.tool_call_delta)
    const said = text(delta?.text) ?? text(event.text)
    if (said !== undefined) this.#say(said)
    if (delta === undefined) return
    const index = typeof delta.index === "number" ? delta.index : this.#calls.length - 1
    const name = text(delta.name)
    const call = name === undefined ? this.#calls[index] : this.#calls[index] ?? this.#start(name)
    const args = text(delta.parameters)
    if (args === undefined) return
    if (call === undefined) throw malformed("tool-calls-chunk", event, this.#provider)
    call.args += args
    this.#out.push({ type: "tool-params-delta", id: call.id, delta: args })
  }

  /** The calls, whole, as far as they were not handed on before. */
  #whole(values: ReadonlyArray<JsonValue>): void {
    if (this.#called || values.length === 0) return
    this.#called = true
    values.forEach((value, index) => {
      const sent = object(value)
      const name = text(sent?.name)
      if (name === undefined) throw malformed(`tool_calls[${index}]`, { tool_calls: values }, this.#provider)
      const call = this.#calls[index] ?? this.#start(name)
      const params = sent!.parameters ?? {}
      if (call.args === "") {
        this.#out.push({ type: "tool-params-delta", id: call.id, delta: JSON.stringify(params) })
      }
      this.#out.push({ type: "tool-params-end", id: call.id })
      const known = object(params) !== undefined
      this.#out.push({
        type: "tool-call",
        id: call.id,
        name,
        params: known ? params : typeof params === "string" ? params : JSON.stringify(params),
        ...(!known && { invalid: true as const })
      })
    })
    for (const call of this.#calls.splice(values.length)) this.#end(call)
  }

  #end({ args, id, name }: Call): void {
    this.#out.push({ type: "tool-params-end", id })
    let params: unknown
    try {
      params = args.trim() === "" ? {} : Json.parse(args)
    } catch {
      params = undefined
    }
    const read = params === undefined ? { params: args, invalid: true as const } : { params }
    this.#out.push({ type: "tool-call", id, name, ...read })
  }

  #finish(answer: Fields, raw: Fields): void {
    const rawReason = text(answer.finish_reason)
    if (rawReason === "ERROR" || says(answer.error)) throw broken(answer, raw, this.#provider)
    if (rawReason === "ERROR_TOXIC" && !this.#said && !this.#called) throw toxic(raw, this.#provider)
    this.#finished = true
    this.#close()
    if (!this.#called) for (const call of this.#calls) this.#end(call)
    this.#citations.forEach((citation, number) => {
      const fields = object(citation)
      if (fields !== undefined) this.#out.push(source(fields, number, this.#provider, this.#documents))
    })
    if (this.#documents.length > 0) put(this.#extra ??= {}, "documents", this.#documents)
    const meta = object(answer.meta)
    for (const message of list(meta?.warnings) ?? []) {
      if (typeof message === "string") this.#out.push({ type: "warning", warning: { type: "other", message } })
    }
    this.#out.push({
      type: "finish",
      reason: finishReason(rawReason, this.#calls.length > 0),
      ...(rawReason !== undefined && { rawReason }),
      usage: usage(answer.meta),
      ...(this.#extra !== undefined && { metadata: { [this.#provider]: this.#extra } })
    })
  }
}

/** Fields that are read elsewhere, and the history, which repeats what was asked. */
const ofAnswer = new Set([
  "text", "generation_id", "chat_history", "finish_reason", "meta", "citations", "documents", "tool_calls", "error"
])

const isFailure = (event: Fields): boolean =>
  says(event.error) || text(event.message) !== undefined || says(event.detail) || text(event.data) !== undefined

/** An answer that ended because something broke. */
export const broken = (answer: Fields, raw: Fields, provider: string): LlmError =>
  says(answer.error)
    ? failed({ error: answer.error }, provider, raw as JsonValue)
    : LlmError.make({
      _tag: "Server",
      message: "the model failed while it answered",
      code: "ERROR",
      raw: raw as JsonValue
    }, { provider })

/** An answer that was held back whole. */
export const toxic = (raw: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: "ContentPolicy",
    message: "the answer was held back because of what it said",
    code: "ERROR_TOXIC",
    raw: raw as JsonValue
  }, { provider })

const malformed = (what: string, event: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: "MalformedResponse",
    message: `${what} of the answer cannot be read: ${excerpt(JSON.stringify(event))}`,
    raw: event as JsonValue
  }, { provider })

/** Something that is no answer. */
export const unlike = (answer: Fields, provider: string): LlmError =>
  isFailure(answer) ? failed(answer, provider) : LlmError.make({
    _tag: "NotAnLlm",
    message: `the answer holds no text, only ${excerpt(Object.keys(answer).join(", ") || "nothing")}`,
    raw: answer as JsonValue
  }, { provider })
