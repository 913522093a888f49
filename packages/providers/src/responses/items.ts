/**
 * What the items of an answer have in common while they are read, and those of them that are calls. What must go back
 * to the service with a part is in its metadata: `item`, the fields of the item, on the last part that the item became.
 *
 * @module
 */
import type { JsonValue, Part } from "@plugline/core"
import { type Fields, says, text } from "../wire/read.ts"
import { argumentsOf, callKind, type CallKind, callRest, isServed, own, paramsOf } from "./kinds.ts"
import type { Quirks } from "./quirks.ts"
import { servedParts } from "./served.ts"
import type { Sources } from "./sources.ts"

/** What the items of one answer share. */
export interface Shared {
  readonly provider: string
  readonly quirks: Quirks
  readonly sources: Sources
  /** The number of the next text. */
  nextBlock: number
  /** The number of the next item that has no id of its own. */
  nextItem: number
  /** Whether the caller is asked for a tool. */
  asks: boolean
}

/** Where an item puts its parts: into the answer, or aside while it is not its turn. */
export class Lane {
  readonly #out: Array<Part>
  #held: Array<Part> | undefined = []

  constructor(out: Array<Part>) {
    this.#out = out
  }

  /** Whether it is this item's turn, or was. */
  get isFree(): boolean {
    return this.#held === undefined
  }

  push(part: Part): void {
    if (this.#held === undefined) this.#out.push(part)
    else this.#held.push(part)
  }

  /** It is this item's turn now. */
  release(): void {
    for (const part of this.#held ?? []) this.#out.push(part)
    this.#held = undefined
  }
}

/** An item while it is read. */
export interface Item {
  readonly kind: "message" | "reasoning" | "call" | "other"
  readonly lane: Lane
  /** Whether what follows may be handed on. */
  readonly isPlaced: boolean
  /** All of it: what was not yet said is handed on now. `undefined` where the service never sent it whole. */
  readonly close: (item: Fields | undefined) => void
}

/** A call that the caller answers. */
export class Call implements Item {
  readonly kind = "call"
  readonly lane: Lane
  readonly #shared: Shared
  readonly #begun: Fields
  readonly #kind: CallKind
  #id: string | undefined
  #name = ""
  #said = ""
  isPlaced = false

  constructor(begun: Fields, lane: Lane, shared: Shared) {
    this.#begun = begun
    this.lane = lane
    this.#shared = shared
    this.#kind = callKind(begun.type) ?? callKind("function_call")!
    this.#start(begun)
  }

  delta(delta: string): void {
    if (delta === "") return
    this.#said += delta
    if (this.#id !== undefined) this.lane.push({ type: "tool-params-delta", id: this.#id, delta })
  }

  /** The arguments, whole. */
  whole(said: string): void {
    if (said.length > this.#said.length && said.startsWith(this.#said)) this.delta(said.slice(this.#said.length))
  }

  close(item: Fields | undefined): void {
    const whole = item ?? this.#begun
    const value = argumentsOf(whole, this.#kind)
    if (this.#id === undefined) this.#start(whole)
    if (this.#id === undefined) this.#open(whole, `call_${this.#shared.nextItem++}`)
    const id = this.#id!
    if (typeof value === "string") this.whole(value)
    else if (value !== undefined && value !== null && this.#said === "") this.delta(JSON.stringify(value))
    this.lane.push({ type: "tool-params-end", id })
    // A service may send the arguments only in pieces.
    const given = says(value) ? value : this.#said
    this.lane.push({
      type: "tool-call",
      id,
      name: this.#name,
      ...paramsOf(text(whole.type) ?? "", given),
      ...own(this.#shared.provider, callRest(whole, this.#kind))
    })
    this.#shared.asks = true
    this.isPlaced = true
  }

  #start(item: Fields): void {
    const id = text(item.call_id)
    if (id !== undefined && (text(item.name) ?? this.#kind.name) !== undefined) this.#open(item, id)
  }

  #open(item: Fields, id: string): void {
    this.#id = id
    this.#name = text(item.name) ?? this.#kind.name ?? ""
    this.lane.push({ type: "tool-params-start", id, name: this.#name })
    if (this.#said !== "") this.lane.push({ type: "tool-params-delta", id, delta: this.#said })
  }
}

/** A tool that the service ran, or an item that has no word here: known only when it is whole. */
export class Other implements Item {
  readonly kind = "other"
  readonly lane: Lane
  readonly #shared: Shared
  readonly #begun: Fields
  isPlaced = false

  constructor(begun: Fields, lane: Lane, shared: Shared) {
    this.#begun = begun
    this.lane = lane
    this.#shared = shared
  }

  close(item: Fields | undefined): void {
    const { provider, quirks } = this.#shared
    const whole = item ?? this.#begun
    if (isServed(whole, quirks)) {
      for (const part of servedParts(whole, provider, this.#shared.nextItem++)) this.lane.push(part)
    } else this.lane.push({ type: "raw", provider, value: whole as JsonValue })
    this.isPlaced = true
  }
}
