/**
 * Turns Converse's answer, whole or event by event, into parts. A whole answer is read as the stream that would have
 * brought it, so the two cannot come to mean different things.
 *
 * Whatever has no word here is kept: unknown blocks and events as `raw` parts, unknown fields beside the answer
 * (metrics, the trace of a guardrail, the service tier) in the metadata of the finish, under the provider's name.
 *
 * @module
 */
import { type JsonValue, LlmError, type Part } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { type Block, blockOf, type Shared, textBlock } from "./blocks.ts"
import { usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #shared: Shared
  readonly #blocks = new Map<number, Block>()
  /** One delta mostly follows another of the same block. */
  #lastIndex = -1
  #last: Block | undefined
  #begun = false
  #stopped = false
  #reason: string | undefined
  #usage: Fields | undefined
  #own: { [name: string]: JsonValue } | undefined
  #told = false

  /** Parts are put into `out`. */
  constructor(provider: string, out: Array<Part>) {
    this.#shared = { provider, out, calls: false, names: new Map(), nextSource: 0 }
  }

  /** Whether anything of the answer has arrived. */
  get hasBegun(): boolean {
    return this.#begun
  }

  /** Whether the model has said why it stopped. */
  get hasStopped(): boolean {
    return this.#stopped
  }

  /** Whether nothing is to come any more: the usage is the last thing said. */
  get isComplete(): boolean {
    return this.#stopped && this.#told
  }

  /** One event of a stream. */
  event(name: string, event: Fields): void {
    switch (name) {
      case "contentBlockDelta":
        this.#begun = true
        return this.#delta(event)
      case "contentBlockStart":
        this.#begun = true
        return this.#start(event)
      case "contentBlockStop":
        this.#begun = true
        return this.#stop(indexOf(event))
      case "messageStart":
        this.#begun = true
        return
      case "messageStop":
        this.#stopped = true
        this.#reason = text(event.stopReason)
        return this.#keep(event, stopFields)
      case "metadata":
        this.#told = true
        this.#usage = object(event.usage)
        return this.#keep(event, metadataFields)
      case "initial-response":
        return
      default:
        this.#shared.out.push({ type: "raw", provider: this.#shared.provider, value: { [name]: event as JsonValue } })
    }
  }

  /** A whole answer. */
  whole(answer: Fields): void {
    const { provider } = this.#shared
    const message = object(object(answer.output)?.message)
    const content = list(message?.content)
    if (content === undefined) {
      const said = answer.message ?? answer.Message ?? answer.error
      if (answer.output === undefined && says(said)) throw failed(answer, provider)
      throw LlmError.make({
        _tag: answer.output === undefined ? "NotAnLlm" : "MalformedResponse",
        message: `the answer holds no message, only ${excerpt(Object.keys(answer).join(", ") || "nothing")}`,
        raw: answer as JsonValue
      }, { provider })
    }
    this.#begun = true
    for (const value of content) {
      const fields = object(value)
      const block = fields === undefined ? undefined : blockOf(fields, true)
      if (block === undefined) this.#shared.out.push({ type: "raw", provider, value })
      else {
        block.open(fields!, this.#shared)
        block.close(this.#shared)
      }
    }
    this.#stopped = true
    this.#reason = text(answer.stopReason)
    this.#usage = object(answer.usage)
    this.#keep(answer, wholeFields)
  }

  /** The end of the answer. */
  finish(): void {
    for (const index of this.#blocks.keys()) this.#stop(index)
    const { calls, out, provider } = this.#shared
    out.push({
      type: "finish",
      reason: finishReason(this.#reason, calls),
      ...(this.#reason !== undefined && { rawReason: this.#reason }),
      usage: usage(this.#usage),
      ...(this.#own !== undefined && { metadata: { [provider]: this.#own } })
    })
  }

  #start(event: Fields): void {
    const start = object(event.start)
    const block = start === undefined ? undefined : blockOf(start, false)
    if (block === undefined) return this.#unknown("contentBlockStart", event)
    const index = indexOf(event)
    this.#stop(index)
    this.#blocks.set(index, block)
    this.#lastIndex = index
    this.#last = block
    block.open(start!, this.#shared)
  }

  #delta(event: Fields): void {
    const delta = object(event.delta)
    if (delta === undefined) return this.#unknown("contentBlockDelta", event)
    const index = indexOf(event)
    let block = index === this.#lastIndex ? this.#last : this.#blocks.get(index)
    if (block === undefined) {
      block = delta.text !== undefined || delta.citation !== undefined ? textBlock() : blockOf(delta, false)
      if (block === undefined) return this.#unknown("contentBlockDelta", event)
      this.#blocks.set(index, block)
    }
    this.#lastIndex = index
    this.#last = block
    if (!block.delta(delta, this.#shared)) this.#unknown("contentBlockDelta", event)
  }

  #stop(index: number): void {
    const block = this.#blocks.get(index)
    if (block === undefined) return
    this.#blocks.delete(index)
    if (index === this.#lastIndex) {
      this.#lastIndex = -1
      this.#last = undefined
    }
    block.close(this.#shared)
  }

  #unknown(name: string, event: Fields): void {
    const { p: _, ...rest } = event
    this.#shared.out.push({ type: "raw", provider: this.#shared.provider, value: { [name]: rest as JsonValue } })
  }

  /** Keeps what is said beside the answer and read nowhere else. */
  #keep(event: Fields, known: ReadonlySet<string>): void {
    for (const name in event) {
      const value = event[name]
      if (!known.has(name) && says(value)) put(this.#own ??= {}, name, value)
    }
  }
}

/** `p` is padding against guessing content by its length. */
const stopFields = new Set(["stopReason", "p"])
const metadataFields = new Set(["usage", "p"])
const wholeFields = new Set(["output", "stopReason", "usage"])

const indexOf = ({ contentBlockIndex: index }: Fields): number => typeof index === "number" ? index : 0
