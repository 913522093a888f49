/**
 * Writes the events of one message: it begins once, and its blocks never overlap.
 *
 * @module
 */
import type { JsonObject } from "plugline"
import { json } from "../shared/json.ts"
import { event } from "../shared/sse.ts"

/** What a block that is written piece by piece holds. */
export type Kind = "text" | "reasoning" | "tool"

/** The block that is being written. */
export interface Open {
  readonly kind: Kind
  /** The id of the part that it is written from. */
  readonly id: string
  /** An event that adds to it, up to what is added. */
  readonly head: string
  /** Nothing more of its own will come: it stays open for citations alone. */
  ended: boolean
  /** Citations written so far. */
  cited: number
}

/** The events of one message. */
export class Writer {
  open: Open | undefined
  #out = ""
  #began = false
  #index = 0

  get hasBegun(): boolean {
    return this.#began
  }

  /** The events since the last time. */
  take(): string {
    const out = this.#out
    this.#out = ""
    return out
  }

  /** The message begins, unless it has. */
  begin(id: string, model: string): void {
    if (this.#began) return
    this.#began = true
    this.event(
      "message_start",
      `{"type":"message_start","message":{"id":${json(id)},"type":"message","role":"assistant","model":${json(model)},`
        + `"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}`
    )
  }

  /** A block that will be written piece by piece. */
  start(kind: Kind, id: string, block: JsonObject): void {
    this.close()
    this.#start(block)
    this.#opened(kind, id)
  }

  /** A piece of the open block. */
  add(delta: string): void {
    this.#out += `${this.open!.head}${json(delta)}}}\n\n`
  }

  /** A piece of another kind than the block's own. */
  delta(delta: JsonObject): void {
    this.event("content_block_delta", `{"type":"content_block_delta","index":${this.#index},"delta":${json(delta)}}`)
  }

  /** A block that comes at once, and one more piece of it. */
  whole(block: JsonObject, delta?: JsonObject): void {
    this.close()
    this.#start(block)
    if (delta !== undefined) this.delta(delta)
    this.#stop()
  }

  /** The open block ends. */
  close(): void {
    if (this.open !== undefined) this.#stop()
  }

  /** An event that nobody knows. One that is about a block is about the open one. */
  foreign(name: string, value: JsonObject): void {
    if (name !== "content_block_delta") this.event(name, json(value))
    else if (this.open !== undefined) this.event(name, json({ ...value, index: this.#index }))
  }

  event(name: string, data: string): void {
    this.#out += event(data, name)
  }

  // --- what reached the client otherwise ----------------------------------------------------------------------------

  /** The message has begun. */
  sawBegin(): void {
    this.#began = true
  }

  /** This block is being written. */
  sawOpen(kind: Kind, id: string): void {
    const { open } = this
    if (open !== undefined && open.kind === kind && open.id === id) return
    this.sawClose()
    this.#opened(kind, id)
  }

  /** The open block has ended. */
  sawClose(): void {
    if (this.open === undefined) return
    this.open = undefined
    this.#index++
  }

  /** A block came at once. */
  sawWhole(): void {
    this.#index++
  }

  // --- helpers ------------------------------------------------------------------------------------------------------

  #start(block: JsonObject): void {
    this.event(
      "content_block_start",
      `{"type":"content_block_start","index":${this.#index},"content_block":${json(block)}}`
    )
  }

  #opened(kind: Kind, id: string): void {
    const data = `{"type":"content_block_delta","index":${this.#index},"delta":${deltas[kind]}`
    this.open = { kind, id, head: `event: content_block_delta\ndata: ${data}`, ended: false, cited: 0 }
  }

  #stop(): void {
    this.event("content_block_stop", `{"type":"content_block_stop","index":${this.#index}}`)
    this.open = undefined
    this.#index++
  }
}

const deltas: { readonly [Each in Kind]: string } = {
  text: `{"type":"text_delta","text":`,
  reasoning: `{"type":"thinking_delta","thinking":`,
  tool: `{"type":"input_json_delta","partial_json":`
}
