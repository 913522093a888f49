/**
 * Turns what Gemini says in one candidate, in one piece or in many, into the parts of that answer. Whole and streamed
 * answers take the same way, so they cannot come to mean different things.
 *
 * Pieces of text, or of thinking, that follow each other are one block. A piece that carries anything besides its
 * text, a thought signature above all, is a block of its own, because it has to go back exactly as it came.
 *
 * @module
 */
import { type FinishReason, type JsonObject, type JsonValue, LlmError, type Part } from "@plugline/core"
import { finishReason } from "../wire/finish.ts"
import { defined, type Fields, object, put, says, text } from "../wire/read.ts"
import { Calls } from "./calls.ts"
import { Executed } from "./executed.ts"
import { type Mark, metadataOf, rest, type Shared } from "./shared.ts"
import { merged, sources } from "./sources.ts"

/** One of the answers to a prompt. */
export class Candidate {
  readonly index: number
  rawReason: string | undefined
  /** Fields that have no word here, the last value of each. */
  extra: { [name: string]: JsonValue } | undefined
  readonly #shared: Shared
  readonly #mark: Mark
  readonly #calls: Calls
  #executed: Executed | undefined
  #block: { readonly id: string; readonly kind: "text" | "reasoning" } | undefined
  #grounding: Fields | undefined
  #citations: Fields | undefined
  #scores: { [name: string]: JsonValue } | undefined

  constructor(index: number, shared: Shared) {
    this.index = index
    this.#shared = shared
    this.#mark = index === 0 ? undefined : { choice: index }
    this.#calls = new Calls(shared, this.#mark)
  }

  get reason(): FinishReason {
    const calls = this.#calls.count > 0
    // The model asked for a tool that nobody offered. Where the call is there, it can be answered.
    if (this.rawReason === "UNEXPECTED_TOOL_CALL" && calls) return "tool-calls"
    return finishReason(this.rawReason, calls)
  }

  /** An entry of `candidates`. */
  add(candidate: Fields): void {
    const { content, finishReason: reason } = candidate
    if (typeof reason === "string" && reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED") this.rawReason = reason
    if (content !== undefined && content !== null) {
      const parts = object(content)?.parts
      if (Array.isArray(parts)) for (const part of parts as ReadonlyArray<JsonValue>) this.#part(part)
      else if (object(content) === undefined || says(parts)) throw this.#malformed("content")
    }
    for (const name in candidate) if (!ofCandidate.has(name)) this.#keep(name, candidate[name])
  }

  /** Everything that waited for the end. */
  close(): void {
    const { out, provider } = this.#shared
    this.#calls.close()
    this.#endBlock(undefined)
    for (const source of sources(this.#grounding, this.#citations, provider, this.index)) out.push(this.#marked(source))
    if (this.#grounding !== undefined) put(this.extra ??= {}, "groundingMetadata", defined(this.#grounding))
    if (this.#citations !== undefined) put(this.extra ??= {}, "citationMetadata", defined(this.#citations))
  }

  #part(value: JsonValue): void {
    const part = object(value)
    if (part === undefined) return this.#raw(value)
    if (typeof part.text === "string") return this.#say(part, part.text)
    // A signature alone goes back with an empty text: a part without content would be refused.
    if (isBare(part)) return this.#say(part, "")
    this.#endBlock(undefined)
    const call = object(part.functionCall)
    if (call !== undefined && this.#calls.add(call, part)) return
    const file = object(part.inlineData)
    if (file !== undefined && typeof file.data === "string") return this.#file(file, file.data, part)
    if (!(this.#executed ??= new Executed(this.#shared, this.#mark)).add(part)) this.#raw(value)
  }

  /** Something unknown. It goes back as it came. */
  #raw(value: JsonValue): void {
    this.#endBlock(undefined)
    this.#shared.out.push(this.#marked({ type: "raw", provider: this.#shared.provider, value }))
  }

  // --- text and thinking ---------------------------------------------------------------------------------------------

  #say(part: Fields, delta: string): void {
    const kind = part.thought === true ? "reasoning" : "text"
    const own = rest(part, ofText)
    if (own === undefined) {
      if (delta === "") return
      if (this.#block?.kind !== kind) this.#open(kind)
      this.#delta(delta)
      return
    }
    this.#open(kind)
    if (delta !== "") this.#delta(delta)
    this.#endBlock(own)
  }

  #open(kind: "text" | "reasoning"): void {
    this.#endBlock(undefined)
    const id = String(this.#shared.nextBlock++)
    this.#block = { id, kind }
    this.#shared.out.push({ type: `${kind}-start`, id, ...this.#mark })
  }

  #delta(delta: string): void {
    const { id, kind } = this.#block!
    const type = kind === "text" ? "text-delta" : "reasoning-delta"
    this.#shared.out.push(this.#mark === undefined ? { type, id, delta } : { type, id, delta, ...this.#mark })
  }

  #endBlock(own: JsonObject | undefined): void {
    if (this.#block === undefined) return
    const { id, kind } = this.#block
    this.#block = undefined
    const all: JsonObject | undefined = kind === "reasoning" ? { thought: true, ...own } : own
    this.#shared.out.push({
      type: `${kind}-end`,
      id,
      ...metadataOf(all, this.#shared),
      ...this.#mark
    })
  }

  #file(file: Fields, data: string, part: Fields): void {
    this.#shared.out.push({
      type: "file",
      mediaType: text(file.mimeType) ?? "application/octet-stream",
      data,
      ...metadataOf(rest(part, ofFile), this.#shared),
      ...this.#mark
    })
  }

  // --- around it -----------------------------------------------------------------------------------------------------

  #keep(name: string, value: JsonValue | undefined): void {
    if (!says(value)) return
    const fields = object(value)
    if (name === "groundingMetadata" && fields !== undefined) this.#grounding = merged(this.#grounding, fields)
    else if (name === "citationMetadata" && fields !== undefined) this.#citations = merged(this.#citations, fields)
    else if (name === "logprobsResult" && fields !== undefined) this.#score(fields)
    else put(this.extra ??= {}, name, value)
  }

  /** Each event tells of its own tokens. */
  #score(scores: Fields): void {
    if (this.#scores === undefined) put(this.extra ??= {}, "logprobsResult", this.#scores = {})
    for (const name in scores) {
      const more = scores[name]
      const had = Object.hasOwn(this.#scores, name) ? this.#scores[name] : undefined
      if (more === undefined) continue
      if (Array.isArray(had) && Array.isArray(more)) for (const item of more) (had as Array<JsonValue>).push(item)
      else put(this.#scores, name, Array.isArray(more) ? [...more] : more)
    }
  }

  #marked<P extends Part>(part: P): P {
    return this.#mark === undefined ? part : { ...part, ...this.#mark }
  }

  #malformed(field: string, cause?: unknown): LlmError {
    const { provider } = this.#shared
    return LlmError.make({
      _tag: "MalformedResponse",
      message: `candidates[${this.index}].${field} cannot be read${cause instanceof Error ? `: ${cause.message}` : ""}`
    }, { provider, cause })
  }
}

const ofCandidate = new Set(["index", "content", "finishReason"])
const ofText = new Set(["text", "thought"])
const ofFile = new Set(["inlineData"])

/** Whether a part has no content, at most a signature. */
const isBare = (part: Fields): boolean => {
  for (const name in part) if (name !== "thoughtSignature" && name !== "thought") return false
  return true
}
