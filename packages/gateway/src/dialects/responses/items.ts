/**
 * Makes items of parts, one at a time: messages of texts, thoughts, calls, and what only the service understands. A
 * whole answer and a streamed one take the same way.
 *
 * Of items that are open at once, a message ends when something else begins; a thought goes on until it has ended, a
 * call until it is whole.
 *
 * @module
 */
import type { Content, JsonObject, JsonValue, Part, Parts, RawPart, SourcePart, ToolResultPart } from "plugline"
import type { Call } from "../../Dialect.ts"
import { metadataOf, ownOf } from "../shared/answer.ts"
import { json, object, putAll, text } from "../shared/json.ts"
import { itemAhead } from "./ahead.ts"
import { Calls } from "./calls.ts"
import { Sink } from "./sink.ts"
import { Message, Reasoning, type Text, type Thought } from "./texts.ts"

/** The items of one answer. */
export class Items {
  readonly sink = new Sink()
  readonly #provider: string
  readonly #suffix: string
  readonly #calls: Calls
  readonly #texts = new Map<string, Text>()
  readonly #thoughts = new Map<string, Thought>()
  #message: Message | undefined
  #reasoning: Reasoning | undefined
  /** Where marks go that come when no message is open. */
  #last: Text | undefined
  /** Marks that came before any text. */
  #marks: Array<JsonValue> = []
  #made = 0

  constructor(call: Call) {
    this.#provider = call.provider ?? "openai"
    this.#suffix = call.id.replace(/[^A-Za-z0-9]/g, "").slice(-40)
    this.#calls = new Calls(this.#provider, this.sink, (prefix) => this.#makeId(prefix), call)
  }

  /** A part of the answer's only choice. */
  add(part: Part, parts: Parts, index: number): void {
    switch (part.type) {
      case "text-start":
        this.#beginText(part.id, parts, index)
        return
      case "text-delta":
        return this.#say(part.id, part.delta, ownOf(part.metadata, this.#provider))
      case "text-end":
        return this.#endText(part.id, ownOf(part.metadata, this.#provider))
      case "reasoning-start":
        this.#beginThought(part.id, parts, index)
        return
      case "reasoning-delta": {
        if (part.delta === "") return
        const thought = this.#thoughts.get(part.id) ?? this.#beginThought(part.id)
        return thought.of.delta(thought, part.delta)
      }
      case "reasoning-end":
        return this.#endThought(part.id, ownOf(part.metadata, this.#provider))
      case "tool-params-start":
        if (part.providerExecuted === true) return
        this.#settle()
        return this.#calls.begin(part, parts, index)
      case "tool-params-delta":
        return this.#calls.more(part.id, part.delta)
      case "tool-call":
        if (part.providerExecuted === true) return
        this.#settle()
        return this.#calls.whole(part)
      case "tool-result":
        return this.#result(part)
      case "file":
        return this.#file(part)
      case "source":
        return this.#source(part)
      case "raw":
        return this.#raw(part)
    }
  }

  /** All that is still open is complete. */
  end(): void {
    const open = [this.#message, this.#reasoning, ...[...this.#thoughts.values()].map(({ of }) => of)]
    for (const item of open.filter((item) => item !== undefined).sort((a, b) => a.index - b.index)) item.close()
  }

  // --- texts ---------------------------------------------------------------------------------------------------------

  #beginText(id: string, parts?: Parts, index = 0): Text {
    const refusal = parts !== undefined
      && metadataOf(parts, index).some((metadata) => ownOf(metadata, this.#provider)?.refusal === true)
    const message = this.#openMessage(parts === undefined ? undefined : itemAhead(parts, index, this.#provider))
    const last = message.last
    if (last !== undefined && ![...this.#texts.values()].includes(last)) message.done(last)
    const text = message.text(refusal, refusal ? [] : this.#marks)
    if (!refusal) this.#marks = []
    this.#texts.set(id, text)
    return text
  }

  #openMessage(own: JsonObject | undefined): Message {
    if (this.#message !== undefined) return this.#message
    this.#settle()
    return this.#message = new Message(text(own?.id) ?? this.#makeId("msg"), this.sink)
  }

  #say(id: string, delta: string, own: JsonObject | undefined): void {
    const known = this.#texts.get(id)
    const text = known === undefined || known.isDone ? this.#beginText(id) : known
    const logprobs = logprobsOf(own)
    if (logprobs !== undefined && !text.refusal) text.logprobs.push(...logprobs)
    if (delta === "") return
    text.said += delta
    if (text.refusal) this.sink.event("response.refusal.delta", () => `${text.head}"delta":${json(delta)}`)
    else {
      this.sink.event("response.output_text.delta", () =>
        `${text.head}"delta":${json(delta)},"logprobs":${logprobs === undefined ? "[]" : json(logprobs)}`)
    }
  }

  #endText(id: string, own: JsonObject | undefined): void {
    const text = this.#texts.get(id)
    if (text === undefined) return
    this.#texts.delete(id)
    const marks = Array.isArray(own?.annotations) ? own.annotations as ReadonlyArray<JsonValue> : []
    if (marks.length > 0) text.message.isMarked = true
    for (const mark of marks) text.message.marked(text, text.annotations.push(mark) - 1)
    const logprobs = logprobsOf(own)
    if (logprobs !== undefined && text.logprobs.length === 0) text.logprobs.push(...logprobs)
    const item = object(own?.item)
    if (item === undefined) return
    if (this.#message === text.message) this.#closeMessage(item)
    else text.message.close(item)
  }

  #source(part: SourcePart): void {
    const mark = markOf(part, this.#provider)
    if (mark === undefined) return
    const last = this.#message?.last ?? this.#last
    if (last === undefined) this.#marks.push(mark)
    // The service's own marks are written as they were, and say it already.
    else if (!last.message.isMarked) last.message.marked(last, last.annotations.push(mark) - 1)
  }

  #closeMessage(own?: JsonObject): void {
    const message = this.#message
    if (message === undefined) return
    this.#last = message.last ?? this.#last
    message.close(own)
    this.#message = undefined
  }

  // --- thoughts ------------------------------------------------------------------------------------------------------

  #beginThought(id: string, parts?: Parts, index = 0): Thought {
    const content = parts !== undefined
      && metadataOf(parts, index).some((metadata) => ownOf(metadata, this.#provider)?.content === true)
    if (this.#reasoning === undefined) {
      const own = parts === undefined ? undefined : itemAhead(parts, index, this.#provider)
      this.#settle()
      this.#reasoning = new Reasoning(text(own?.id) ?? this.#makeId("rs"), this.sink)
    }
    const thought = this.#reasoning.thought(content)
    this.#thoughts.set(id, thought)
    return thought
  }

  #endThought(id: string, own: JsonObject | undefined): void {
    const thought = this.#thoughts.get(id)
    if (thought === undefined) return
    this.#thoughts.delete(id)
    thought.of.done(thought)
    const item = object(own?.item)
    const isLast = this.#reasoning === thought.of
    if (item === undefined && isLast) return
    if (item !== undefined || thought.of.isDone) thought.of.close(item)
    if (isLast) this.#reasoning = undefined
  }

  // --- what is known only whole --------------------------------------------------------------------------------------

  /** A tool that the service ran itself: its result is the item as it was. */
  #result(part: ToolResultPart): void {
    if (ownOf(part.metadata, this.#provider)?.item !== true || object(part.result) === undefined) return
    this.#settle()
    this.sink.whole(part.result as JsonObject)
  }

  #file({ data, mediaType, metadata }: Extract<Content, { readonly type: "file" }>): void {
    if (!mediaType.startsWith("image/") || data === "") return
    this.#settle()
    const item = object(ownOf(metadata, this.#provider)?.item)
    this.sink.whole(item === undefined
      ? {
        id: this.#makeId("ig"),
        type: "image_generation_call",
        status: "completed",
        output_format: mediaType.slice("image/".length),
        result: data
      }
      : { ...item, result: data })
  }

  #raw(part: RawPart): void {
    const { metadata, provider, value } = part
    const fields = object(value)
    const type = text(fields?.type)
    if (provider !== this.#provider || fields === undefined) return
    const own = ownOf(metadata, provider)
    if (own?.block === true) {
      const message = this.#openMessage(object(own.item))
      message.block(fields)
      if (own.item !== undefined) this.#closeMessage(object(own.item))
      return
    }
    if (type === undefined || ofChat.test(type)) return
    if (own?.event === true) {
      // Its type is framing here.
      const rest = json(putAll({}, fields, ofEvent)).slice(1, -1)
      if (/^[\w.]+$/.test(type) && rest !== "") this.sink.event(type, () => rest)
      return
    }
    this.#settle()
    this.sink.whole(fields)
  }

  // --- order ---------------------------------------------------------------------------------------------------------

  /** Something else begins: a message is complete, and a thought where it has ended. */
  #settle(): void {
    this.#closeMessage()
    if (this.#reasoning === undefined) return
    if (this.#reasoning.isDone) this.#reasoning.close()
    this.#reasoning = undefined
  }

  #makeId(prefix: string): string {
    return `${prefix}_${this.#suffix}_${this.#made++}`
  }
}

/** Blocks and marks that chat completions leave raw. */
const ofChat = /^(image_url|file|file_path|reference)$|_citation$/

const ofEvent: ReadonlySet<string> = new Set(["type", "sequence_number"])

/** Log probabilities as a list, also where chat completions said them. */
const logprobsOf = (own: JsonObject | undefined): ReadonlyArray<JsonValue> | undefined => {
  const said = own?.logprobs
  const items = Array.isArray(said) ? said : object(said)?.content
  return Array.isArray(items) && items.length > 0 ? items as ReadonlyArray<JsonValue> : undefined
}

/** A source as a mark on a text; a document only as the service itself marked it. */
const markOf = (part: SourcePart, provider: string): JsonValue | undefined => {
  const own = ownOf(part.metadata, provider)
  if (part.sourceType === "document") {
    const said = own?.annotation
    return text(object(said)?.file_id) === undefined ? undefined : said
  }
  const { title, url } = part
  return putAll({ type: "url_citation", url, title, start_index: 0, end_index: 0 }, own, ofMark)
}

const ofMark: ReadonlySet<string> = new Set(["type", "url", "title"])
