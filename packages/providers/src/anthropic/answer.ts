/**
 * Turns an answer, whole or event by event, into parts: who answered, what the blocks of content hold, and one finish
 * with usage. Whatever has no word here is kept in the metadata of the finish, under the provider's name.
 *
 * @module
 */
import { type JsonValue, LlmError, type Part, type Request } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Block, type Shared, unknown } from "./block.ts"
import { usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #shared: Shared
  readonly #open = new Map<number, Block>()
  #began = false
  #ended = false
  #reason: string | undefined
  #usage: { [name: string]: JsonValue } | undefined
  #extra: { [name: string]: JsonValue } | undefined

  /** Parts are put into `out`. */
  constructor({ provider }: Request, out: Array<Part>) {
    this.#shared = { provider, out, sources: 0, blocks: 0, calls: 0, ran: new Map() }
  }

  /** Whether the service has said that the answer is complete. */
  get isEnded(): boolean {
    return this.#ended
  }

  /** Whether anything of the answer has arrived. */
  get hasBegun(): boolean {
    return this.#began
  }

  /** A whole message. */
  whole(message: Fields): void {
    const { provider } = this.#shared
    if (message.type === "error" || says(message.error)) throw failed(message, provider)
    const content = list(message.content)
    if (content === undefined) {
      throw LlmError.make({
        _tag: message.type === "message" ? "MalformedResponse" : "NotAnLlm",
        message: `the answer holds no content, only ${excerpt(Object.keys(message).join(", ") || "nothing")}`,
        raw: message as JsonValue
      }, { provider })
    }
    this.#message(message)
    content.forEach((value, index) => {
      const block = object(value)
      if (block === undefined) throw this.#malformed("message", `content.${index} is no block`, value)
      new Block(block, this.#shared).close()
    })
    this.#end()
  }

  /** One event of a streamed message. `name` is that of its frame. */
  event(event: Fields, name: string | undefined): void {
    switch (event.type) {
      case "content_block_delta": {
        const block = this.#blockOf(event)
        const delta = object(event.delta)
        if (delta === undefined) throw this.#malformed("content_block_delta", "it holds no delta", event)
        const problem = block.add(delta, event)
        if (problem !== undefined) throw this.#malformed("content_block_delta", problem, event)
        return
      }
      case "content_block_start": {
        const fields = object(event.content_block)
        if (fields === undefined || typeof fields.type !== "string") {
          throw this.#malformed("content_block_start", "it holds no block", event)
        }
        const index = this.#indexOf(event, "content_block_start")
        if (this.#open.has(index)) {
          throw this.#malformed("content_block_start", `block ${index} has begun already`, event)
        }
        this.#began = true
        this.#open.set(index, new Block(fields, this.#shared))
        return
      }
      case "content_block_stop": {
        this.#blockOf(event).close()
        this.#open.delete(event.index as number)
        return
      }
      case "ping":
        return
      case "message_start": {
        const message = object(event.message)
        if (message === undefined) throw this.#malformed("message_start", "it holds no message", event)
        this.#message(message)
        return
      }
      case "message_delta": {
        const delta = object(event.delta)
        if (delta === undefined) throw this.#malformed("message_delta", "it holds no delta", event)
        this.#head(delta)
        this.#head(event)
        return
      }
      case "message_stop":
        this.#head(event)
        return this.#end()
      case "error":
        throw failed(event, this.#shared.provider)
      default:
        // An error may come without the type that says so.
        if (name === "error" || says(event.error)) throw failed(event, this.#shared.provider)
        this.#shared.out.push(unknown(event, this.#shared.provider))
    }
  }

  #message(message: Fields): void {
    this.#began = true
    const id = text(message.id)
    const model = text(message.model)
    if (id !== undefined || model !== undefined) {
      this.#shared.out.push({
        type: "response-metadata",
        ...(id !== undefined && { id }),
        ...(model !== undefined && { modelId: model })
      })
    }
    this.#head(message)
  }

  /** What is said of the answer as a whole, at its beginning and its end. Counts grow, so the last ones hold. */
  #head(fields: Fields): void {
    for (const name in fields) {
      const value = fields[name]
      if (name === "stop_reason") this.#reason = text(value) ?? this.#reason
      else if (name === "usage") this.#count(object(value))
      else if (!known.has(name) && says(value)) put(this.#extra ??= {}, name, value)
    }
  }

  #count(used: Fields | undefined): void {
    if (used === undefined) return
    if (this.#usage === undefined) {
      this.#usage = { ...used } as { [name: string]: JsonValue }
      return
    }
    for (const name in used) {
      const value = used[name]
      if (value !== null && value !== undefined) put(this.#usage, name, value)
    }
  }

  #indexOf({ index }: Fields, name: string): number {
    if (typeof index === "number") return index
    throw this.#malformed(name, "it does not say which block it is about", { index: index ?? null })
  }

  #blockOf(event: Fields): Block {
    const block = this.#open.get(event.index as number)
    if (block !== undefined) return block
    const name = event.type as string
    throw this.#malformed(name, `block ${this.#indexOf(event, name)} has not begun`, event)
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    const { calls, out, provider } = this.#shared
    for (const block of this.#open.values()) block.close()
    this.#open.clear()
    out.push({
      type: "finish",
      reason: finishReason(this.#reason, calls > 0),
      ...(this.#reason !== undefined && { rawReason: this.#reason }),
      usage: usage(this.#usage),
      ...(this.#extra !== undefined && { metadata: { [provider]: this.#extra } })
    })
  }

  #malformed(event: string, problem: string, raw: JsonValue | Fields): LlmError {
    const { provider } = this.#shared
    return LlmError.make({
      _tag: "MalformedResponse",
      message: `the event ${event} cannot be read: ${problem}`,
      raw: raw as JsonValue
    }, { provider })
  }
}

/** Fields of a message, and of the events about it, that are read elsewhere. */
const known = new Set(["type", "id", "role", "model", "content", "delta", "message", "stop_reason", "usage"])
