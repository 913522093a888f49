/**
 * Turns what Cohere's chat says of one answer, in one piece or event by event, into parts: a whole answer is read as
 * the events it would have been.
 *
 * Thinking and tool plans are both reasoning, told apart by `type` in their metadata, because each goes back in its own
 * place. Citations are handed on at the end, in both forms.
 *
 * @module
 */
import { type JsonValue, LlmError, type Part, type Request } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { defined, excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Calls } from "./calls.ts"
import { source } from "./sources.ts"
import { usage } from "./usage.ts"

/** Kinds of blocks that stay open while pieces of theirs arrive. */
type Kind = "text" | "thinking" | "tool_plan"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #provider: string
  readonly #out: Array<Part>
  readonly #calls = new Calls()
  readonly #citations: Array<JsonValue> = []
  #open: { readonly id: string; readonly kind: Kind } | undefined
  #unknown: { [name: string]: JsonValue } | undefined
  #nextBlock = 0
  #id: string | undefined
  #begun = false
  #finished = false
  #logprobs: Array<JsonValue> | undefined
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
    const { type } = event
    switch (type) {
      case "content-delta": {
        const content = object(this.#message(event).content)
        if (content === undefined) throw malformed("content-delta", event, this.#provider)
        this.#block(content)
        if (event.logprobs !== undefined) this.#score(event.logprobs)
        return
      }
      case "tool-plan-delta": {
        const plan = this.#message(event).tool_plan
        if (typeof plan !== "string") throw malformed("tool-plan-delta", event, this.#provider)
        return this.#say("tool_plan", plan)
      }
      case "tool-call-delta": {
        const call = object(this.#message(event).tool_calls)
        const known = this.#calls.delta(object(call?.function)?.arguments, indexOf(event), this.#out)
        if (call === undefined || !known) throw malformed("tool-call-delta", event, this.#provider)
        return
      }
      case "content-start":
        this.#close()
        return this.#begin(object(this.#message(event).content))
      case "content-end":
        return this.#close()
      case "tool-call-start": {
        const call = object(this.#message(event).tool_calls)
        if (text(object(call?.function)?.name) === undefined) throw malformed("tool-call-start", event, this.#provider)
        this.#close()
        return this.#calls.start(call!, indexOf(event), this.#id, this.#out)
      }
      case "tool-call-end":
        return this.#calls.end(indexOf(event), this.#out)
      case "citation-start": {
        const { citations } = this.#message(event)
        return this.#cite(list(citations) ?? (citations === undefined ? [] : [citations]))
      }
      case "citation-end":
        return
      case "message-start":
        this.#head(event)
        this.#keepFields(object(object(event.delta)?.message), ofMessage)
        return
      case "message-end": {
        const delta = object(event.delta)
        if (delta === undefined) throw malformed("message-end", event, this.#provider)
        this.#head(event)
        return this.#finish(delta, event)
      }
      default:
        if (typeof type !== "string" && isFailure(event)) throw failed(event, this.#provider)
        this.#out.push({ type: "raw", provider: this.#provider, value: event as JsonValue })
    }
  }

  /** A whole answer. */
  whole(answer: Fields): void {
    const message = object(answer.message)
    if (message === undefined) {
      if (isFailure(answer)) throw failed(answer, this.#provider)
      throw unlike(answer, this.#provider)
    }
    this.#head(answer)
    const { citations, content, tool_calls: calls, tool_plan: plan } = message
    if (typeof content === "string") this.#say("text", content)
    for (const block of list(content) ?? []) {
      const fields = object(block)
      this.#close()
      if (fields !== undefined) this.#begin(fields)
      this.#close()
    }
    if (typeof plan === "string") this.#say("tool_plan", plan)
    this.#close()
    list(calls)?.forEach((value, index) => {
      const call = object(value)
      if (text(object(call?.function)?.name) === undefined) {
        throw malformed(`message.tool_calls[${index}]`, answer, this.#provider)
      }
      this.#calls.start(call!, index, this.#id, this.#out)
      this.#calls.end(index, this.#out)
    })
    this.#cite(list(citations) ?? [])
    this.#keepFields(message, ofMessage)
    for (const one of list(answer.logprobs) ?? []) this.#score(one)
    this.#keepFields(answer, ofAnswer)
    this.#finish(answer, answer)
  }

  #message(event: Fields): Fields {
    const message = object(object(event.delta)?.message)
    if (message === undefined) throw malformed(String(event.type), event, this.#provider)
    return message
  }

  #head(event: Fields): void {
    this.#begun = true
    const id = text(event.id)
    if (this.#id !== undefined || id === undefined) return
    this.#id = id
    this.#out.push({ type: "response-metadata", id })
  }

  /** A block begins, with its first piece in it. */
  #begin(content: Fields | undefined): void {
    const { type } = content ?? {}
    if (type === undefined || type === "text" || type === "thinking") {
      if (content !== undefined) this.#block(content)
    } else this.#unknown = { ...defined(content!) } as { [name: string]: JsonValue }
  }

  /** A piece of a block. */
  #block(content: Fields): void {
    const unknown = this.#unknown
    if (unknown !== undefined) {
      for (const name in content) {
        const [before, more] = [Object.hasOwn(unknown, name) ? unknown[name] : undefined, content[name]]
        const joins = name !== "type" && typeof before === "string" && typeof more === "string"
        if (more !== undefined) put(unknown, name, joins ? before + more : more)
      }
      return
    }
    if (typeof content.thinking === "string") this.#say("thinking", content.thinking)
    if (typeof content.text === "string") this.#say("text", content.text)
  }

  #say(kind: Kind, delta: string): void {
    if (delta === "") return
    let open = this.#open
    if (open === undefined || open.kind !== kind) {
      this.#close()
      this.#open = open = { id: String(this.#nextBlock++), kind }
      this.#out.push({ type: kind === "text" ? "text-start" : "reasoning-start", id: open.id })
    }
    this.#out.push({ type: kind === "text" ? "text-delta" : "reasoning-delta", id: open.id, delta })
  }

  #close(): void {
    const open = this.#open
    const unknown = this.#unknown
    if (unknown !== undefined) {
      this.#unknown = undefined
      this.#out.push({ type: "raw", provider: this.#provider, value: unknown })
    }
    if (open === undefined) return
    this.#open = undefined
    this.#out.push(open.kind === "text"
      ? { type: "text-end", id: open.id }
      : { type: "reasoning-end", id: open.id, metadata: { [this.#provider]: { type: open.kind } } })
  }

  #cite(citations: ReadonlyArray<JsonValue>): void {
    for (const citation of citations) if (object(citation) !== undefined) this.#citations.push(citation)
  }

  #score(logprobs: JsonValue): void {
    if (says(logprobs)) (this.#logprobs ??= []).push(logprobs)
  }

  #keepFields(fields: Fields | undefined, known: ReadonlySet<string>): void {
    for (const name in fields) {
      const value = fields[name]
      if (!known.has(name) && says(value)) put(this.#extra ??= {}, name, value)
    }
  }

  #finish(end: Fields, raw: Fields): void {
    const rawReason = text(end.finish_reason)
    if (rawReason === "ERROR" || rawReason === "TIMEOUT" || says(end.error)) throw broken(end, raw, this.#provider)
    this.#finished = true
    this.#close()
    this.#calls.close(this.#out)
    this.#citations.forEach((citation, number) => {
      this.#out.push(source(citation as Fields, number, this.#provider))
    })
    if (end !== raw) this.#keepFields(end, ofEnd)
    if (this.#logprobs !== undefined) put(this.#extra ??= {}, "logprobs", this.#logprobs)
    this.#out.push({
      type: "finish",
      reason: finishReason(rawReason, !this.#calls.isEmpty),
      ...(rawReason !== undefined && { rawReason }),
      usage: usage(end.usage),
      ...(this.#extra !== undefined && { metadata: { [this.#provider]: this.#extra } })
    })
  }
}

const ofMessage = new Set(["role", "content", "tool_plan", "tool_calls", "citations"])
const ofAnswer = new Set(["id", "message", "finish_reason", "usage", "logprobs", "error"])
const ofEnd = new Set(["finish_reason", "usage", "error"])

const indexOf = (event: Fields): number | undefined => typeof event.index === "number" ? event.index : undefined

/** Whether an object without an answer is an error: `{id, message: "…"}`, mostly. */
const isFailure = (event: Fields): boolean =>
  says(event.error) || text(event.message) !== undefined || says(event.detail) || text(event.data) !== undefined

const malformed = (what: string, event: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: "MalformedResponse",
    message: `${what} of the answer cannot be read: ${excerpt(JSON.stringify(event))}`,
    raw: event as JsonValue
  }, { provider })

const unlike = (answer: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: "NotAnLlm",
    message: `the answer holds no message, only ${excerpt(Object.keys(answer).join(", ") || "nothing")}`,
    raw: answer as JsonValue
  }, { provider })

/** An answer that ended because something broke. */
const broken = (end: Fields, raw: Fields, provider: string): LlmError => {
  if (says(end.error)) return failed({ error: end.error }, provider, raw as JsonValue)
  const timeout = end.finish_reason === "TIMEOUT"
  const details = {
    message: timeout ? "the model took too long to answer" : "the model failed while it answered",
    code: text(end.finish_reason)!,
    raw: raw as JsonValue
  }
  return LlmError.make(
    timeout ? { _tag: "Timeout", phase: "upstream", ...details } : { _tag: "Server", ...details },
    { provider }
  )
}
