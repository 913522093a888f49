/**
 * Keeps the items of an answer in their order, whichever way they come: item by item, in pieces dealt into each other,
 * or all at once at the end.
 *
 * An item's parts are handed on when the items before it are complete, so that a streamed answer reads like the whole
 * one. Thinking lets what follows pass once it has begun.
 *
 * @module
 */
import { type JsonValue, LlmError, type Part } from "@plugline/core"
import { type Fields, object, text } from "../wire/read.ts"
import { Call, type Item, Lane, Other, type Shared } from "./items.ts"
import { isAsked } from "./kinds.ts"
import { Message } from "./message.ts"
import type { Quirks } from "./quirks.ts"
import { Reasoning } from "./reasoning.ts"
import { Sources } from "./sources.ts"

/** An item and where it stands. */
interface Entry {
  readonly index: number
  readonly type: string
  /** Known from the beginning or from the end of the item. */
  id: string | undefined
  readonly item: Item
  /** Whether it is complete, and its whole where the service sent it. */
  isDone: boolean
  whole: Fields | undefined
}

/** The items of one answer. */
export class Output {
  readonly #shared: Shared
  readonly #out: Array<Part>
  /** In the order of the answer. */
  readonly #entries: Array<Entry> = []
  /** The latest item of each index. */
  readonly #byIndex = new Map<number, Entry>()
  #last: Entry | undefined
  /** How many items, from the first, need not be waited for. */
  #passed = 0

  constructor(provider: string, quirks: Quirks, out: Array<Part>) {
    this.#out = out
    this.#shared = {
      provider, quirks, sources: new Sources(provider), nextBlock: 0, nextItem: 0, asks: false
    }
  }

  /** Whether the caller is asked for a tool. */
  get asks(): boolean {
    return this.#shared.asks
  }

  /** Whether any item has begun. */
  get hasBegun(): boolean {
    return this.#entries.length > 0
  }

  /** An item begins. */
  begin(event: Fields): void {
    const item = this.#itemOf(event)
    const known = this.#known(event.output_index)
    if (known !== undefined && !known.isDone && known.id === text(item.id) && known.type === item.type) return
    this.#open(indexOf(event) ?? this.#entries.length, item)
  }

  /** An item is complete. */
  end(event: Fields): void {
    const item = this.#itemOf(event)
    const known = this.#find(event, text(item.id))
    if (known?.isDone === true && known.id === text(item.id)) return
    const fits = known !== undefined && !known.isDone && known.type === item.type
    this.#close(fits ? known : this.#open(indexOf(event) ?? this.#entries.length, item), item)
  }

  /** All items, at the end of the answer: what was not said of them yet is said now. */
  complete(items: ReadonlyArray<JsonValue>): void {
    const unseen = [...this.#entries]
    items.forEach((value, index) => {
      const item = object(value)
      if (item === undefined) throw this.#broken(index)
      const id = text(item.id)
      const entry = (id === undefined ? undefined : unseen.find((entry) => entry.id === id && entry.type === item.type))
        ?? unseen.find((entry) => entry.index === index && entry.type === item.type)
        ?? unseen.find((entry) => entry.type === item.type)
      if (entry !== undefined) unseen.splice(unseen.indexOf(entry), 1)
      if (entry?.isDone !== true) this.#close(entry ?? this.#open(index, item), item)
    })
    for (const entry of unseen) if (!entry.isDone) this.#close(entry, undefined)
  }

  /** The message that an event tells of. One that was never announced begins here. */
  message(event: Fields): Message {
    const { item } = this.#current(event, "message")
    if (item instanceof Message) return item
    throw this.#misplaced(event, item)
  }

  /** The message that an event tells of, where there is one. */
  messageOf(event: Fields): Message | undefined {
    const item = this.#find(event, text(event.item_id))?.item
    return item instanceof Message ? item : undefined
  }

  /** The thinking that an event tells of. */
  reasoning(event: Fields): Reasoning {
    const { item } = this.#current(event, "reasoning")
    if (item instanceof Reasoning) return item
    throw this.#misplaced(event, item)
  }

  /** Whether an event tells of thinking. */
  isReasoning(event: Fields): boolean {
    return this.#find(event, text(event.item_id))?.item.kind === "reasoning"
  }

  /** The call that an event tells of, or `undefined` where it is one of the service's own. */
  call(event: Fields, type: string): Call | undefined {
    const { item } = this.#current(event, type)
    return item instanceof Call ? item : undefined
  }

  /** What has been said since may have been what others wait for. */
  settle(): void {
    for (let entry = this.#entries[this.#passed]; entry !== undefined; entry = this.#entries[this.#passed]) {
      if (!entry.item.lane.isFree) {
        entry.item.lane.release()
        if (entry.isDone) entry.item.close(entry.whole)
      }
      if (!entry.item.isPlaced) return
      this.#passed++
    }
  }

  #current(event: Fields, type: string): Entry {
    const known = this.#last !== undefined && this.#last.index === event.output_index && !this.#last.isDone
      ? this.#last
      : this.#find(event, text(event.item_id))
    if (known !== undefined && !known.isDone) return known
    return this.#open(indexOf(event) ?? this.#entries.length, { type, id: event.item_id })
  }

  /** The item of an event: by its index, else by its id, else the last one. */
  #find(event: Fields, id: string | undefined): Entry | undefined {
    if (indexOf(event) !== undefined) return this.#known(event.output_index)
    return id === undefined ? this.#last : this.#entries.findLast((entry) => entry.id === id)
  }

  #known(index: JsonValue | undefined): Entry | undefined {
    return typeof index === "number" ? this.#byIndex.get(index) : undefined
  }

  #open(index: number, fields: Fields): Entry {
    if (this.#entries.length >= mostItems) {
      throw LlmError.make({
        _tag: "MalformedResponse",
        message: `the answer holds more than ${mostItems} items`
      }, { provider: this.#shared.provider })
    }
    const lane = new Lane(this.#out)
    const entry: Entry = {
      index,
      type: text(fields.type) ?? "",
      id: text(fields.id),
      item: this.#make(fields, lane),
      isDone: false,
      whole: undefined
    }
    let place = this.#entries.length
    while (place > 0 && this.#entries[place - 1]!.index > index) place--
    this.#entries.splice(place, 0, entry)
    this.#byIndex.set(index, entry)
    this.#last = entry
    // What is late to be announced does not wait for what was handed on before it.
    if (place < this.#passed) {
      lane.release()
      this.#passed++
    } else this.settle()
    return entry
  }

  #make(fields: Fields, lane: Lane): Item {
    switch (fields.type) {
      case "message":
        return new Message(fields, lane, this.#shared)
      case "reasoning":
        return new Reasoning(fields, lane, this.#shared)
      default:
        return isAsked(fields, this.#shared.quirks)
          ? new Call(fields, lane, this.#shared)
          : new Other(fields, lane, this.#shared)
    }
  }

  #close(entry: Entry, item: Fields | undefined): void {
    entry.isDone = true
    entry.id ??= text(item?.id)
    entry.whole = item
    if (entry.item.lane.isFree) entry.item.close(item)
    this.settle()
  }

  #itemOf(event: Fields): Fields {
    const item = object(event.item)
    if (item !== undefined) return item
    throw malformed(event, "holds no item", this.#shared.provider)
  }

  #broken(index: number): LlmError {
    const message = `the answer's output[${index}] is no item`
    return LlmError.make({ _tag: "MalformedResponse", message }, { provider: this.#shared.provider })
  }

  #misplaced(event: Fields, item: Item): LlmError {
    return malformed(event, `tells of an item that is of the kind ${item.kind}`, this.#shared.provider)
  }
}

/** More items than any answer has. */
const mostItems = 10_000

/** An event that is known, but not of its form. */
export const malformed = (event: Fields, how: string, provider: string): LlmError =>
  LlmError.make({
    _tag: "MalformedResponse",
    message: `the event ${text(event.type) ?? "without a type"} ${how}`
  }, { provider })

const indexOf = ({ output_index: index }: Fields): number | undefined =>
  typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : undefined
