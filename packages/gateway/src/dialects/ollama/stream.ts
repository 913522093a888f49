/**
 * Writes a streamed answer as lines of JSON. A call is one line, when it is whole; the last line says why the answer
 * ended.
 *
 * @module
 */
import { type FinishPart, type JsonObject, Part, type Parts } from "plugline"
import type { Call, Encoder } from "../../Dialect.ts"
import { ownOf } from "../shared/answer.ts"
import { json } from "../shared/json.ts"
import { headOf, insideOf, isImage, speaker, tailOf, toolCall } from "./answer.ts"
import { messageOf } from "./error.ts"

/** An encoder that has written nothing yet. */
export const encoder = (call: Call): Encoder => new Lines(call)

class Lines implements Encoder {
  readonly #call: Call
  readonly #isCompletion: boolean
  #model: string | undefined
  #timestamp: string | undefined
  #own: JsonObject | undefined
  /** Everything of a line before what is said, once the first is written. */
  #before: string | undefined
  #isEnded = false

  constructor(call: Call) {
    this.#call = call
    this.#isCompletion = call.operation === "completion"
  }

  push(parts: Parts): string {
    let out = ""
    for (const part of parts) {
      if (this.#isEnded) break
      out += this.#line(part)
    }
    return out
  }

  skip(parts: Parts): void {
    for (const part of parts) {
      if (part.type === "response-metadata") this.#who(part)
      else if (part.type === "finish" || part.type === "error") this.#isEnded = true
      else if (says.has(part.type)) this.#head()
    }
  }

  #line(part: Part): string {
    if ("choice" in part && part.choice !== undefined && part.choice !== 0) return ""
    switch (part.type) {
      case "text-delta":
        return part.delta === "" ? "" : this.#head() + json(part.delta) + this.#behind
      case "reasoning-delta":
        return part.delta === "" ? "" : this.#with(`"thinking":${json(part.delta)}`)
      case "tool-call":
        return part.providerExecuted === true ? "" : this.#with(`"tool_calls":${json([toolCall(part)])}`)
      case "file":
        return this.#isCompletion || !isImage(part) ? "" : this.#with(`"images":${json([part.data])}`)
      case "response-metadata":
        this.#who(part)
        return ""
      case "finish":
        return this.#finish(part)
      case "error":
        this.#isEnded = true
        return `${json({ error: messageOf(Part.errorOf(part)) })}\n`
      default:
        return ""
    }
  }

  #who({ metadata, modelId, timestamp }: Extract<Part, { readonly type: "response-metadata" }>): void {
    this.#model = modelId ?? this.#model
    this.#timestamp = timestamp ?? this.#timestamp
    if (metadata !== undefined) this.#own = { ...this.#own, ...ownOf(metadata, speaker(this.#call)) }
  }

  /** A line with one more field. */
  #with(field: string): string {
    return `${this.#head()}"",${field}${this.#behind}`
  }

  #head(): string {
    if (this.#before !== undefined) return this.#before
    const head = json(headOf(this.#model, this.#timestamp, this.#call)).slice(0, -1)
    const field = this.#isCompletion ? "\"response\":" : "\"message\":{\"role\":\"assistant\",\"content\":"
    return this.#before = `${head},${field}`
  }

  get #behind(): string {
    return this.#isCompletion ? ",\"done\":false}\n" : "},\"done\":false}\n"
  }

  #finish(part: FinishPart): string {
    this.#isEnded = true
    const said = ownOf(part.metadata, speaker(this.#call))
    const own = this.#own === undefined ? said : { ...this.#own, ...said }
    const inside = this.#isCompletion ? "" : `${following(insideOf(own))}}`
    const tail = tailOf(part.reason, part.rawReason, part.usage, own, this.#call)
    return `${this.#head()}""${inside}${following(tail)}}\n`
  }
}

/** What is written as a line, and by that says who answers. */
const says: ReadonlySet<string> = new Set(["text-delta", "reasoning-delta", "tool-call", "file"])

/** The fields of an object as they follow others inside braces. */
const following = (fields: JsonObject): string => {
  const written = json(fields)
  return written === "{}" ? "" : `,${written.slice(1, -1)}`
}
