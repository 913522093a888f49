/**
 * Where the events of an answer are put, numbered, and its items in their order.
 *
 * @module
 */
import type { JsonValue } from "plugline"
import { json } from "../shared/json.ts"

/** The events and items of one answer. */
export class Sink {
  /** The items, in their order; one that is not complete is absent. */
  readonly #items: Array<JsonValue | undefined> = []
  #out = ""
  #number = 0
  /** Whether events are only counted. */
  isQuiet = false

  /** The items that are complete. */
  get items(): ReadonlyArray<JsonValue> {
    return this.#items.filter((item) => item !== undefined)
  }

  /** One event; `fields` are those inside its braces. */
  event(type: string, fields: () => string): void {
    const number = this.#number++
    if (this.isQuiet) return
    this.#out += `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields()}}\n\n`
  }

  /** The number of an item that begins. */
  open(): number {
    return this.#items.push(undefined) - 1
  }

  /** An item is complete. */
  close(index: number, item: JsonValue): void {
    this.#items[index] = item
    this.event("response.output_item.done", () => `"output_index":${index},"item":${json(item)}`)
  }

  /** An item that is known only whole. */
  whole(item: JsonValue): void {
    const index = this.open()
    this.event("response.output_item.added", () => `"output_index":${index},"item":${json(item)}`)
    this.close(index, item)
  }

  /** The events since this was last asked. */
  take(): string {
    const out = this.#out
    this.#out = ""
    return out
  }
}
