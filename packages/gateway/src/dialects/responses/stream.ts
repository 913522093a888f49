/**
 * Writes a streamed answer as the numbered events of the Responses API.
 *
 * The last event repeats the whole answer, so the answer is kept until then.
 *
 * @module
 */
import { type ErrorPart, type FinishPart, type JsonObject, Part, type Parts } from "plugline"
import type { Call, Encoder } from "../../Dialect.ts"
import { ownOf } from "../shared/answer.ts"
import { json } from "../shared/json.ts"
import { failure } from "../openai/error.ts"
import { Items } from "./items.ts"
import { begun, endEvent, ended, failed } from "./response.ts"

/** An encoder that has written nothing yet. */
export const encoder = (call: Call): Encoder => new Events(call)

class Events implements Encoder {
  readonly #call: Call
  readonly #items: Items
  #head: { id?: string; model?: string; timestamp?: string } = {}
  #own: JsonObject | undefined
  #hasBegun = false
  #isEnded = false

  constructor(call: Call) {
    this.#call = call
    this.#items = new Items(call)
  }

  push(parts: Parts): string {
    this.#items.sink.isQuiet = false
    this.#add(parts)
    return this.#items.sink.take()
  }

  skip(parts: Parts): void {
    this.#items.sink.isQuiet = true
    this.#add(parts)
  }

  #add(parts: Parts): void {
    for (let index = 0; index < parts.length && !this.#isEnded; index++) {
      const part = parts[index]!
      if (part.type === "response-metadata") this.#who(part)
      else if (part.type === "finish") this.#finish(part)
      else if (part.type === "error") this.#fail(part)
      else if (part.type !== "warning" && (part.choice === undefined || part.choice === 0)) {
        this.#begin()
        this.#items.add(part, parts, index)
      }
    }
  }

  #who(part: Extract<Part, { readonly type: "response-metadata" }>): void {
    if (part.metadata !== undefined) this.#own = { ...this.#own, ...ownOf(part.metadata, this.#provider) }
    // What was said of it once stays: every event tells of the same answer.
    if (this.#hasBegun) return
    if (part.id !== undefined) this.#head.id = part.id
    if (part.modelId !== undefined) this.#head.model = part.modelId
    if (part.timestamp !== undefined) this.#head.timestamp = part.timestamp
  }

  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const { sink } = this.#items
    const response = sink.isQuiet ? "" : json(begun(this.#head, this.#call))
    sink.event("response.created", () => `"response":${response}`)
    sink.event("response.in_progress", () => `"response":${response}`)
  }

  #finish(part: FinishPart): void {
    this.#begin()
    this.#isEnded = true
    this.#items.end()
    const { sink } = this.#items
    const own = ownOf(part.metadata, this.#provider)
    const response = ended(this.#head, sink.items, {
      reason: part.reason,
      rawReason: part.rawReason,
      usage: part.usage,
      own: this.#own === undefined ? own : { ...this.#own, ...own }
    }, this.#call)
    sink.event(endEvent(response.status), () => `"response":${json(response)}`)
  }

  /** The error, for clients that look for one, and the answer that failed, for those that wait for its end. */
  #fail(part: ErrorPart): void {
    this.#isEnded = true
    const { sink } = this.#items
    const error = failure(Part.errorOf(part))
    const { code, message, param } = error
    sink.event("error", () =>
      `"code":${json(code)},"message":${json(message)},"param":${json(param)},"error":${json(error)}`)
    const response = failed(this.#head, { code: code ?? "server_error", message }, sink.items, this.#call)
    sink.event("response.failed", () => `"response":${json(response)}`)
  }

  get #provider(): string {
    return this.#call.provider ?? "openai"
  }
}
