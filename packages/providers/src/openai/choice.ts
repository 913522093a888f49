/**
 * Turns what a service says of one answer, in one piece or in many, into the parts of that answer. Whole and streamed
 * answers take the same way, so they cannot come to mean different things.
 *
 * Text and thinking are blocks that stay open while pieces of theirs arrive; tool calls are handed on at the end. A
 * refusal is text, marked `refusal` in its metadata: it is what the person should see, and goes back as what it was.
 *
 * @module
 */
import type { FinishReason, JsonValue, Metadata, Part } from "@plugline/core"
import { block as readBlock, picture, sound } from "./blocks.ts"
import { Calls, Executed } from "./calls.ts"
import { finishReason } from "../wire/finish.ts"
import { type Fields, list, object, put, says, text } from "../wire/read.ts"
import { Details, detailsText } from "./reasoning.ts"
import type { Sources } from "./sources.ts"

/** What the choices of one answer share. */
export interface Shared {
  readonly provider: string
  readonly sources: Sources
  readonly out: Array<Part>
  /** Media type of sound in the answer. */
  readonly soundType: string
  /** The answer's id, once it is known. */
  id: string | undefined
  nextBlock: number
}

/** One of the answers to a prompt. */
export class Choice {
  readonly index: number
  rawReason: string | undefined
  /** Fields that have no word here, the last value of each. */
  extra: { [name: string]: JsonValue } | undefined
  readonly #shared: Shared
  readonly #mark: { readonly choice: number } | undefined
  readonly #calls: Calls
  #executed: Executed | undefined
  #text: { readonly id: string; readonly refusal: boolean } | undefined
  #reasoning: string | undefined
  #details: Details | undefined
  #sound: Array<Fields> | undefined
  #logprobs: { [name: string]: JsonValue } | undefined
  #echo: { [name: string]: JsonValue } | undefined
  #touched = false

  constructor(index: number, shared: Shared) {
    this.index = index
    this.#shared = shared
    this.#mark = index === 0 ? undefined : { choice: index }
    this.#calls = new Calls(shared.provider, this.#mark)
  }

  get reason(): FinishReason {
    return finishReason(this.rawReason, !this.#calls.isEmpty)
  }

  /** An entry of `choices`. */
  add(choice: Fields, whole: boolean): void {
    const { finish_reason: reason } = choice
    if (typeof reason === "string" && (reason !== "" || this.rawReason === undefined)) this.rawReason = reason
    if (choice.logprobs !== undefined && choice.logprobs !== null) this.#score(choice.logprobs)
    const delta = object(choice.delta)
    const message = object(choice.message)
    // Together repeats the text of a message as that of a completion.
    if (typeof choice.text === "string" && delta === undefined && message === undefined) this.#say(choice.text, false)
    // Perplexity sends both, and the one that is not meant is empty in a whole answer and complete in an event.
    const said = whole ? message ?? delta : delta ?? (this.#touched ? undefined : message)
    if (said !== undefined) this.#message(said, whole || said === message)
    for (const name in choice) {
      if (!ofChoice.has(name)) this.#keep(name, choice[name])
    }
  }

  #message(message: Fields, whole: boolean): void {
    const { out, sources } = this.#shared
    this.#touched = true
    const details = list(message.reasoning_details)
    if (details !== undefined && details.length > 0) {
      (this.#details ??= new Details()).add(details, whole)
    }
    const thought = text(message.reasoning_content) ?? text(message.reasoning)
      ?? (details === undefined ? undefined : text(detailsText(details)))
    if (thought !== undefined) this.#think(thought)
    else if (details !== undefined && details.length > 0) this.#think("")
    const executed = list(message.executed_tools)
    if (executed !== undefined) (this.#executed ??= new Executed(this.#shared.provider, this.#mark)).add(executed, out)
    const { content } = message
    if (typeof content === "string") this.#say(content, false)
    else if (Array.isArray(content)) { for (const item of content) this.#block(item) }
    if (typeof message.refusal === "string") this.#say(message.refusal, true)
    const calls = list(message.tool_calls)
    if (calls !== undefined) {
      for (const call of calls) {
        const piece = object(call)
        if (piece !== undefined) this.#calls.add(piece, whole, this.#shared.id, out)
      }
    }
    const legacy = object(message.function_call)
    if (legacy !== undefined && (says(legacy.name) || says(legacy.arguments))) {
      this.#calls.add(legacy, whole, this.#shared.id, out)
    }
    for (const image of list(message.images) ?? []) out.push(this.#marked(picture(image, this.#shared.provider)))
    const sound = object(message.audio)
    if (sound !== undefined && (says(sound.data) || says(sound.transcript))) (this.#sound ??= []).push(sound)
    const annotations = list(message.annotations)
    if (annotations !== undefined) sources.annotate(annotations, this.#mark, out)
    for (const name in message) {
      const value = message[name]
      // A known field of an unknown kind is one more thing that has no word here.
      if (ofMessage.has(name) && !(texts.has(name) && object(value) !== undefined)) continue
      if (!returned.has(name)) this.#keep(name, value)
      else if (says(value)) put(this.#echo ??= {}, name, value)
    }
  }

  /** Everything that waited for the end. Answers what found no part to ride on. */
  close(): { readonly [name: string]: JsonValue } | undefined {
    const { out, provider } = this.#shared
    if (this.#reasoning !== undefined) this.#endReasoning()
    this.#endText()
    this.#executed?.close(out)
    const echo = this.#calls.isEmpty ? undefined : this.#echo
    if (echo !== undefined) this.#echo = undefined
    this.#calls.close(echo, out)
    if (this.#sound !== undefined) out.push(this.#marked(sound(this.#sound, provider, this.#shared.soundType)))
    if (this.#logprobs !== undefined) this.#keep("logprobs", this.#logprobs)
    if (this.#echo !== undefined) for (const name in this.#echo) this.#keep(name, this.#echo[name])
    return this.extra
  }

  /** A block of content that is a list. */
  #block(value: JsonValue): void {
    const block = readBlock(value, this.#shared.provider)
    switch (block.type) {
      case "text":
        return this.#say(block.text, block.refusal)
      case "thinking":
        return this.#think(block.text, block.metadata)
      default:
        this.#shared.out.push(this.#marked(block.part))
    }
  }

  #say(delta: string, refusal: boolean): void {
    if (delta === "") return
    const { out } = this.#shared
    // Details may still follow, and belong to the same thought.
    if (this.#reasoning !== undefined && this.#details === undefined) this.#endReasoning()
    if (this.#text !== undefined && this.#text.refusal !== refusal) this.#endText()
    if (this.#text === undefined) {
      this.#text = { id: String(this.#shared.nextBlock++), refusal }
      out.push({
        type: "text-start",
        id: this.#text.id,
        ...(refusal && { metadata: { [this.#shared.provider]: { refusal: true } } }),
        ...this.#mark
      })
    }
    const { id } = this.#text
    const logprobs = this.#logprobs
    if (logprobs === undefined && this.#mark === undefined) out.push({ type: "text-delta", id, delta })
    else {
      this.#logprobs = undefined
      const metadata = logprobs === undefined ? undefined : { metadata: { [this.#shared.provider]: { logprobs } } }
      out.push({ type: "text-delta", id, delta, ...metadata, ...this.#mark })
    }
  }

  #endText(): void {
    if (this.#text === undefined) return
    const echo = this.#echo
    this.#echo = undefined
    this.#shared.out.push({
      type: "text-end",
      id: this.#text.id,
      ...(echo !== undefined && { metadata: { [this.#shared.provider]: { message: echo } } }),
      ...this.#mark
    })
    this.#text = undefined
  }

  #think(delta: string, metadata?: Metadata): void {
    const { out } = this.#shared
    if (delta !== "") this.#endText()
    if (this.#reasoning === undefined) {
      this.#reasoning = String(this.#shared.nextBlock++)
      out.push({ type: "reasoning-start", id: this.#reasoning, ...this.#mark })
    }
    if (delta === "" && metadata === undefined) return
    const part: Part = { type: "reasoning-delta", id: this.#reasoning, delta }
    out.push(metadata === undefined && this.#mark === undefined
      ? part
      : { ...part, ...(metadata !== undefined && { metadata }), ...this.#mark })
  }

  #endReasoning(): void {
    const details = this.#details?.entries
    this.#details = undefined
    this.#shared.out.push({
      type: "reasoning-end",
      id: this.#reasoning!,
      ...(details !== undefined && { metadata: { [this.#shared.provider]: { reasoning_details: details } } }),
      ...this.#mark
    })
    this.#reasoning = undefined
  }

  /** Log probabilities wait for the next piece of text: a token can be half a character, which has no text yet. */
  #score(value: JsonValue): void {
    const logprobs = object(value)
    if (logprobs === undefined) return
    for (const name in logprobs) {
      const more = logprobs[name]
      // Snowflake sends the object with nothing in it.
      if (!says(more)) continue
      const waiting = this.#logprobs ??= {}
      const before = Object.hasOwn(waiting, name) ? waiting[name] : undefined
      put(waiting, name, Array.isArray(before) && Array.isArray(more) ? [...before, ...more] : more)
    }
  }

  #keep(name: string, value: JsonValue | undefined): void {
    if (says(value)) put(this.extra ??= {}, name, value)
  }

  #marked<P extends Part>(part: P): P {
    return this.#mark === undefined ? part : { ...part, ...this.#mark }
  }
}

/** Fields of a message that go back with it (Gemini's thought signatures). */
const returned = new Set(["extra_content"])

const ofChoice = new Set(["index", "delta", "message", "text", "finish_reason", "logprobs", "error", "usage"])

/** Fields that are read as text. */
const texts = new Set(["content", "refusal", "reasoning", "reasoning_content"])

const ofMessage = new Set([
  "role", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call",
  "images", "audio", "annotations", "executed_tools"
])
