/**
 * A message and a thought while they are written: their items, and the events of their pieces.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "plugline"
import { json, putAll, type Written } from "../shared/json.ts"
import type { Sink } from "./sink.ts"

/** A text of a message while it is written. */
export interface Text {
  readonly message: Message
  readonly place: number
  readonly refusal: boolean
  readonly annotations: Array<JsonValue>
  readonly logprobs: Array<JsonValue>
  /** Everything of an event of it before what is said. */
  readonly head: string
  said: string
  isDone: boolean
}

/** A message: texts, refusals, and blocks that only the service understands. */
export class Message {
  readonly index: number
  readonly #id: string
  readonly #sink: Sink
  readonly #content: Array<Text | JsonObject> = []
  /** Whether it has marks of the service's own: sources say nothing new then. */
  isMarked = false
  isClosed = false

  constructor(id: string, sink: Sink) {
    this.#id = id
    this.#sink = sink
    this.index = sink.open()
    sink.event("response.output_item.added", () =>
      `"output_index":${this.index},"item":${json({ ...this.#about, status: "in_progress", content: [] })}`)
  }

  /** The last of its texts. */
  get last(): Text | undefined {
    return this.#content.findLast(isText)
  }

  text(refusal: boolean, annotations: ReadonlyArray<JsonValue>): Text {
    const place = this.#content.length
    const text: Text = {
      message: this,
      place,
      refusal,
      annotations: [...annotations],
      logprobs: [],
      head: `"item_id":${json(this.#id)},"output_index":${this.index},"content_index":${place},`,
      said: "",
      isDone: false
    }
    this.#content.push(text)
    this.#sink.event("response.content_part.added", () => `${text.head}"part":${json(emptyOf(refusal))}`)
    annotations.forEach((_, number) => this.marked(text, number))
    return text
  }

  /** A mark on a text was added. */
  marked(text: Text, number: number): void {
    if (text.refusal || text.isDone) return
    this.#sink.event("response.output_text.annotation.added", () =>
      `${text.head}"annotation_index":${number},"annotation":${json(text.annotations[number])}`)
  }

  /** A text is complete. */
  done(text: Text): void {
    if (text.isDone) return
    text.isDone = true
    const said = json(text.said)
    if (text.refusal) this.#sink.event("response.refusal.done", () => `${text.head}"refusal":${said}`)
    else {
      this.#sink.event("response.output_text.done", () =>
        `${text.head}"text":${said},"logprobs":${json(text.logprobs)}`)
    }
    this.#sink.event("response.content_part.done", () => `${text.head}"part":${json(blockOf(text))}`)
  }

  /** A block that only the service understands. */
  block(value: JsonObject): void {
    const place = this.#content.push(value) - 1
    for (const end of ["added", "done"]) {
      this.#sink.event(`response.content_part.${end}`, () =>
        `"item_id":${json(this.#id)},"output_index":${this.index},"content_index":${place},"part":${json(value)}`)
    }
  }

  /** The message is complete; `own`: what the service alone says of it. */
  close(own?: JsonObject): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const content of this.#content) if (isText(content)) this.done(content)
    const item = putAll({
      ...this.#about,
      status: "completed",
      content: this.#content.map((content) => isText(content) ? blockOf(content) : content)
    }, own, ofItem)
    this.#sink.close(this.index, item)
  }

  get #about(): Written {
    return { id: this.#id, type: "message", role: "assistant" }
  }
}

const isText = (content: Text | JsonObject): content is Text =>
  "message" in content && content.message instanceof Message

const emptyOf = (refusal: boolean): JsonObject =>
  refusal ? { type: "refusal", refusal: "" } : { type: "output_text", text: "", annotations: [], logprobs: [] }

const blockOf = ({ annotations, logprobs, refusal, said }: Text): JsonObject =>
  refusal ? { type: "refusal", refusal: said } : { type: "output_text", text: said, annotations, logprobs }

/** Fields of an item that are written from our words. */
const ofItem: ReadonlySet<string> = new Set(["id", "type", "role", "content", "summary"])

/** A piece of a thought while it is written. */
export interface Thought {
  readonly of: Reasoning
  readonly content: boolean
  readonly head: string
  said: string
  isBegun: boolean
  isDone: boolean
}

/** What the model thought: a summary of it, and the thoughts themselves where the service shows them. */
export class Reasoning {
  readonly index: number
  readonly #id: string
  readonly #sink: Sink
  readonly #thoughts: Array<Thought> = []
  isClosed = false

  constructor(id: string, sink: Sink) {
    this.#id = id
    this.#sink = sink
    this.index = sink.open()
    sink.event("response.output_item.added", () =>
      `"output_index":${this.index},"item":${json({ id, type: "reasoning", summary: [] })}`)
  }

  /** Whether all that was begun of it has ended. */
  get isDone(): boolean {
    return this.#thoughts.every((thought) => thought.isDone)
  }

  thought(content: boolean): Thought {
    const place = this.#thoughts.filter((other) => other.content === content).length
    const number = content ? "content_index" : "summary_index"
    const head = `"item_id":${json(this.#id)},"output_index":${this.index},"${number}":${place},`
    const thought: Thought = { of: this, content, head, said: "", isBegun: false, isDone: false }
    this.#thoughts.push(thought)
    return thought
  }

  delta(thought: Thought, delta: string): void {
    this.#begin(thought)
    thought.said += delta
    const type = thought.content ? "response.reasoning_text.delta" : "response.reasoning_summary_text.delta"
    this.#sink.event(type, () => `${thought.head}"delta":${json(delta)}`)
  }

  /** A piece is complete. */
  done(thought: Thought): void {
    if (thought.isDone) return
    thought.isDone = true
    // One that says nothing has no piece at all.
    if (!thought.isBegun && this.#thoughts.length === 1) return
    this.#begin(thought)
    const text = json(thought.said)
    if (thought.content) {
      this.#sink.event("response.reasoning_text.done", () => `${thought.head}"text":${text}`)
      return
    }
    this.#sink.event("response.reasoning_summary_text.done", () => `${thought.head}"text":${text}`)
    this.#sink.event("response.reasoning_summary_part.done", () => `${thought.head}"part":${json(pieceOf(thought))}`)
  }

  close(own?: JsonObject): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const thought of this.#thoughts) this.done(thought)
    const [only] = this.#thoughts
    const isSilent = this.#thoughts.length === 1 && only!.said === "" && !only!.content
    const said = isSilent ? [] : this.#thoughts
    const content = said.filter((thought) => thought.content).map(pieceOf)
    const item = putAll({
      id: this.#id,
      type: "reasoning",
      summary: said.filter((thought) => !thought.content).map(pieceOf),
      ...(content.length > 0 && { content })
    }, own, ofItem)
    this.#sink.close(this.index, item)
  }

  #begin(thought: Thought): void {
    if (thought.isBegun) return
    // Pieces before it that said nothing keep their place.
    for (const other of this.#thoughts) {
      if (other === thought) break
      if (!other.isBegun) this.#announce(other)
    }
    this.#announce(thought)
  }

  #announce(thought: Thought): void {
    thought.isBegun = true
    const part = thought.content ? "content_part" : "reasoning_summary_part"
    this.#sink.event(`response.${part}.added`, () =>
      `${thought.head}"part":${json({ type: thought.content ? "reasoning_text" : "summary_text", text: "" })}`)
  }
}

const pieceOf = ({ content, said }: Thought): JsonObject =>
  ({ type: content ? "reasoning_text" : "summary_text", text: said })
