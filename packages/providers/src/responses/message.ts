/**
 * Reads a message of an answer: its texts and refusals as they are written, and what they are based on.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { type Fields, list, object, says, text } from "../wire/read.ts"
import type { Item, Lane, Shared } from "./items.ts"
import { ofMessage, rest } from "./kinds.ts"

/** One text while it is written. */
interface Text {
  readonly id: string
  readonly refusal: boolean
  said: string
  scored: boolean
  annotations: Array<JsonValue> | undefined
}

/** A message: texts, refusals, and blocks that have no word here. */
export class Message implements Item {
  readonly kind = "message"
  readonly lane: Lane
  readonly #shared: Shared
  readonly #begun: Fields
  /** By their place in the content; `null` where there is no text. */
  readonly #texts: Array<Text | null | undefined> = []
  isPlaced = false

  constructor(begun: Fields, lane: Lane, shared: Shared) {
    this.#begun = begun
    this.lane = lane
    this.#shared = shared
  }

  /** More of a text. */
  delta(index: number, refusal: boolean, delta: string, logprobs: JsonValue | undefined): void {
    const text = this.#text(index, refusal)
    if (delta === "") return
    text.said += delta
    if (says(logprobs) && !refusal) {
      text.scored = true
      this.lane.push({
        type: "text-delta",
        id: text.id,
        delta,
        metadata: { [this.#shared.provider]: { logprobs } }
      })
    } else this.lane.push({ type: "text-delta", id: text.id, delta })
  }

  /** A text, whole: what of it was not said yet is said now. */
  whole(index: number, refusal: boolean, said: string): void {
    const text = this.#text(index, refusal)
    if (said.length > text.said.length && said.startsWith(text.said)) {
      this.delta(index, refusal, said.slice(text.said.length), undefined)
    }
  }

  /** A block that is no text begins. */
  skip(index: number): void {
    this.#texts[index] ??= null
  }

  /** A mark on a text. */
  annotate(index: number, annotation: JsonValue): void {
    const text = this.#text(index, false)
    text.annotations = [...text.annotations ?? [], annotation]
  }

  /** Texts first, then blocks that have no word here, then what the texts are based on. */
  close(item: Fields | undefined): void {
    const { provider, sources } = this.#shared
    const content = contentOf(item)
    const blocks: Array<Fields> = []
    const listed: Array<JsonValue> = []
    content.forEach((value, index) => {
      const block = object(value)
      if (block === undefined) return
      if (isText(block)) this.whole(index, block.type === "refusal", text(block.text) ?? text(block.refusal) ?? "")
      else {
        this.skip(index)
        if (this.#texts[index] === null) blocks.push(block)
      }
    })
    if (blocks.length === 0 && !this.#texts.some((text) => text !== null)) this.#text(0, false)
    const about = rest(item ?? this.#begun, ofMessage)
    const last = blocks.length > 0 ? undefined : this.#texts.findLast((text) => text !== null)
    this.#texts.forEach((text, index) => {
      if (text === null) return
      listed.push(...this.#end(text!, object(content[index]), text === last ? about : undefined))
    })
    blocks.forEach((block, index) => {
      const own = { block: true, ...(index === blocks.length - 1 && { item: about }) }
      this.lane.push({ type: "raw", provider, value: block as JsonValue, metadata: { [provider]: own } })
    })
    sources.add(listed, this.lane)
    this.isPlaced = true
  }

  #text(index: number, refusal: boolean): Text {
    const begun = this.#texts[index]
    if (begun !== undefined && begun !== null) return begun
    // A text of which nothing was said yet still stands before this one.
    if (index > 0 && this.#texts[index - 1] === undefined) this.#text(index - 1, false)
    const text: Text = {
      id: String(this.#shared.nextBlock++), refusal, said: "", scored: false, annotations: undefined
    }
    this.#texts[index] = text
    this.lane.push({
      type: "text-start",
      id: text.id,
      ...(refusal && { metadata: { [this.#shared.provider]: { refusal: true } } })
    })
    return text
  }

  /** The end of a text; says what marks it. */
  #end(text: Text, block: Fields | undefined, item: JsonObject | undefined): ReadonlyArray<JsonValue> {
    const { provider } = this.#shared
    const listed = list(block?.annotations)
    const annotations = listed !== undefined && listed.length > 0 ? listed : text.annotations
    const logprobs = text.scored ? undefined : block?.logprobs
    const own: JsonObject = {
      ...(says(annotations) && { annotations }),
      ...(says(logprobs) && { logprobs }),
      ...(item !== undefined && { item })
    }
    this.lane.push({
      type: "text-end",
      id: text.id,
      ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
    })
    return annotations ?? []
  }
}

const isText = ({ type }: Fields): boolean => type === "output_text" || type === "refusal" || type === "text"

/** More texts than any message has; a number beyond is a mistake. */
export const mostTexts = 1024

const contentOf = (item: Fields | undefined): ReadonlyArray<JsonValue> => {
  const content = item?.content
  if (typeof content === "string") return [{ type: "output_text", text: content }]
  return list(content) ?? []
}
