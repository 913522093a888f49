/**
 * Reads what a model thought before it answered, as it is written.
 *
 * @module
 */
import { type Fields, list, object, text } from "../wire/read.ts"
import type { Item, Lane, Shared } from "./items.ts"
import { ofReasoning, rest } from "./kinds.ts"

/** What a model thought: the parts of its summary, and the thoughts themselves where the service shows them. */
export class Reasoning implements Item {
  readonly kind = "reasoning"
  readonly lane: Lane
  readonly #shared: Shared
  readonly #begun: Fields
  readonly #texts: Array<{ readonly id: string; said: string }> = []
  readonly #summary: Array<number | undefined> = []
  readonly #content: Array<number | undefined> = []
  isPlaced = false

  constructor(begun: Fields, lane: Lane, shared: Shared) {
    this.#begun = begun
    this.lane = lane
    this.#shared = shared
  }

  delta(index: number, summary: boolean, delta: string): void {
    const text = this.#text(index, summary)
    if (delta === "") return
    text.said += delta
    this.lane.push({ type: "reasoning-delta", id: text.id, delta })
  }

  whole(index: number, summary: boolean, said: string): void {
    const text = this.#text(index, summary)
    if (said.length > text.said.length && said.startsWith(text.said)) {
      this.delta(index, summary, said.slice(text.said.length))
    }
  }

  close(item: Fields | undefined): void {
    const { provider } = this.#shared
    list(item?.summary)?.forEach((part, index) => this.whole(index, true, text(object(part)?.text) ?? ""))
    list(item?.content)?.forEach((part, index) => this.whole(index, false, text(object(part)?.text) ?? ""))
    if (this.#texts.length === 0) this.#text(0, true)
    const about = rest(item ?? this.#begun, ofReasoning)
    this.#texts.forEach(({ id }, index) => {
      this.lane.push({
        type: "reasoning-end",
        id,
        ...(index === this.#texts.length - 1 && { metadata: { [provider]: { item: about } } })
      })
    })
    this.isPlaced = true
  }

  #text(index: number, summary: boolean): { readonly id: string; said: string } {
    const numbers = summary ? this.#summary : this.#content
    const begun = numbers[index]
    if (begun !== undefined) return this.#texts[begun]!
    if (index > 0 && numbers[index - 1] === undefined) this.#text(index - 1, summary)
    const text = { id: String(this.#shared.nextBlock++), said: "" }
    numbers[index] = this.#texts.push(text) - 1
    this.lane.push({
      type: "reasoning-start",
      id: text.id,
      ...(!summary && { metadata: { [this.#shared.provider]: { content: true } } })
    })
    // Some services end their thinking only when the answer is written: it need not wait.
    this.isPlaced = true
    return text
  }
}
