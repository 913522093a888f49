/**
 * Turns what Ollama says of one answer, in one line or in many, into parts. Chat and generate differ in where the text
 * stands, a whole answer and a streamed one in how many lines there are: all take the same way.
 *
 * @module
 */
import { Json, type JsonValue, LlmError, type Part, type Request } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { makeId } from "./calls.ts"
import { isMetric, usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #provider: string
  readonly #out: Array<Part>
  #open: { readonly id: string; readonly kind: "text" | "reasoning" } | undefined
  #nextBlock = 0
  #begun: string | undefined
  #calls = 0
  #finished = false
  #logprobs: Array<JsonValue> | undefined
  #extra: { [name: string]: JsonValue } | undefined

  /** Parts are put into `out`. */
  constructor({ provider }: Request, out: Array<Part>) {
    this.#provider = provider
    this.#out = out
  }

  /** Whether the last line has been read. */
  get isFinished(): boolean {
    return this.#finished
  }

  /** Whether anything was said. */
  get hasBegun(): boolean {
    return this.#begun !== undefined
  }

  /** One line of the answer, or the whole of it. */
  add(line: Fields): void {
    if (this.#finished) return
    if (says(line.error)) throw failed(line, this.#provider)
    const message = object(line.message)
    const isLine = message !== undefined || typeof line.response === "string" || line.done === true
    if (!isLine) throw unlike(line, this.#provider)
    if (this.#begun === undefined) this.#head(line)
    const said = message ?? line
    if (typeof said.thinking === "string") this.#say("reasoning", said.thinking)
    const content = message === undefined ? line.response : message.content
    if (typeof content === "string") this.#say("text", content)
    const images = message === undefined ? undefined : list(message.images)
    if (images !== undefined) for (const image of images) this.#image(image)
    const calls = list(said.tool_calls)
    if (calls !== undefined) for (const call of calls) this.#call(call)
    if (Array.isArray(line.logprobs)) for (const one of line.logprobs) (this.#logprobs ??= []).push(one as JsonValue)
    if (message !== undefined) { for (const name in message) if (!ofMessage.has(name)) this.#keep(name, message[name]) }
    for (const name in line) if (!ofLine.has(name)) this.#keep(name, line[name])
    if (line.done === true) this.#finish(line)
  }

  #head(line: Fields): void {
    const time = dateOf(line.created_at)
    const model = text(line.model)
    this.#begun = time?.replace(/\D/g, "") ?? ""
    if (time === undefined && model === undefined) return
    this.#out.push({
      type: "response-metadata",
      ...(model !== undefined && { modelId: model }),
      ...(time !== undefined && { timestamp: time })
    })
  }

  #say(kind: "text" | "reasoning", delta: string): void {
    if (delta === "") return
    let open = this.#open
    if (open === undefined || open.kind !== kind) {
      this.#close()
      this.#open = open = { id: String(this.#nextBlock++), kind }
      this.#out.push({ type: `${kind}-start`, id: open.id })
    }
    this.#out.push({ type: `${kind}-delta`, id: open.id, delta })
  }

  #close(): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    // The mark lets a conversation give the model its own thoughts back, and no other's.
    const metadata = open.kind === "reasoning" ? { metadata: { [this.#provider]: { type: "thinking" } } } : undefined
    this.#out.push({ type: `${open.kind}-end`, id: open.id, ...metadata })
  }

  /** A call comes whole. Its arguments are an object, mostly. */
  #call(value: JsonValue): void {
    const call = object(value)
    const described = object(call?.function)
    const name = text(described?.name)
    if (call === undefined || described === undefined || name === undefined) {
      throw LlmError.make({
        _tag: "MalformedResponse",
        message: `a tool call names no function: ${excerpt(JSON.stringify(value))}`
      }, { provider: this.#provider })
    }
    this.#close()
    const id = text(call.id) ?? makeId(this.#begun ?? "", this.#calls)
    this.#calls++
    const { arguments: args = {} } = described
    const sent = typeof args === "string" ? args : JSON.stringify(args ?? {})
    const params = typeof args === "string" ? parsed(args) : args ?? {}
    const invalid = object(params) === undefined
    this.#out.push({ type: "tool-params-start", id, name })
    this.#out.push({ type: "tool-params-delta", id, delta: sent })
    this.#out.push({ type: "tool-params-end", id })
    this.#out.push({ type: "tool-call", id, name, params: invalid ? sent : params, ...(invalid && { invalid }) })
  }

  #image(value: JsonValue): void {
    if (typeof value !== "string" || value === "") return
    this.#close()
    this.#out.push({ type: "file", mediaType: mediaTypeOf(value), data: value })
  }

  #keep(name: string, value: JsonValue | undefined): void {
    if (says(value)) put(this.#extra ??= {}, name, value)
  }

  #finish(line: Fields): void {
    this.#finished = true
    this.#close()
    if (this.#logprobs !== undefined && this.#logprobs.length > 0) this.#keep("logprobs", this.#logprobs)
    for (const name in line) if (isMetric(name) && name.endsWith("_duration")) this.#keep(name, line[name])
    const rawReason = text(line.done_reason)
    this.#out.push({
      type: "finish",
      reason: finishReason(rawReason, this.#calls > 0),
      ...(rawReason !== undefined && { rawReason }),
      usage: usage(line),
      ...(this.#extra !== undefined && { metadata: { [this.#provider]: this.#extra } })
    })
  }
}

/** Fields of a line that are read elsewhere; the numbers at its end are told by `isMetric`. */
const ofLine = new Set([
  "model", "created_at", "message", "response", "thinking", "tool_calls", "done", "done_reason", "error", "logprobs",
  "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"
])

const ofMessage = new Set(["role", "content", "thinking", "tool_calls", "images"])

/** Arguments that came as a text. */
const parsed = (args: string): JsonValue | undefined => {
  try {
    return args.trim() === "" ? {} : Json.parse(args)
  } catch {
    return undefined
  }
}

/** The first characters of the image forms that models make, in base64. */
const mediaTypeOf = (base64: string): string =>
  base64.startsWith("/9j/") ? "image/jpeg" : base64.startsWith("UklGR") ? "image/webp" : "image/png"

/** A time of Ollama's, which counts in ns and in any zone, as ISO 8601 in ms. */
const dateOf = (value: JsonValue | undefined): string | undefined => {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

const unlike = (line: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: "NotAnLlm",
    message: `the answer holds no message and no response, only ${excerpt(Object.keys(line).join(", ") || "nothing")}`,
    raw: line as JsonValue
  }, { provider })
