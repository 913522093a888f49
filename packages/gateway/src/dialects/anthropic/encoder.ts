/**
 * Writes a streamed answer as Anthropic's events.
 *
 * Blocks never overlap, though our parts may. A text or thought that another interrupts goes on in a block of its own.
 * The arguments of a call cannot be taken up again: what interrupts them waits until they are complete.
 *
 * A block is begun with its first word, because only then its kind is sure. What is said of a text or a call only in
 * our last part of it (fields beside text, citations and signature) reaches the block's beginning where both are pushed
 * together; what Anthropic says beside a call, such as `caller`, comes with its first part.
 *
 * @module
 */
import { type FinishPart, type JsonObject, LlmError, type Part, type Parts } from "plugline"
import type { Call, Encoder } from "../../Dialect.ts"
import { statusOf } from "../../server/status.ts"
import { callOf, metadataOf } from "../shared/answer.ts"
import { json } from "../shared/json.ts"
import { call, citation, foreign, isEvent, isHidden, result, thinking } from "./blocks.ts"
import { encodeError } from "./error.ts"
import { messageFields } from "./message.ts"
import { citationsOf, ownOf, signedOf, stopReason, usageOf } from "./words.ts"
import { type Kind, Writer } from "./writer.ts"

/** A writer of one answer. */
export const encoder = (call: Call): Encoder => new Events(call)

/** A piece that was announced, and has said nothing yet. */
interface Announced {
  readonly name: string
  readonly own: JsonObject | undefined
}

class Events implements Encoder {
  readonly #call: Call
  readonly #to = new Writer()
  #id: string
  #model: string
  #ended = false
  readonly #announced = new Map<string, Announced>()
  /** Calls that were written from their arguments, and will be said once more as a whole. */
  readonly #written = new Set<string>()
  /** Citations that were written with their text, and will be said once more as sources. */
  #named = 0
  #waiting: Array<Part> = []

  constructor(call: Call) {
    this.#call = call
    this.#id = call.id
    this.#model = call.model
  }

  push(parts: Parts): string {
    for (let at = 0; at < parts.length && !this.#ended; at++) this.#add(parts[at]!, parts, at)
    return this.#to.take()
  }

  /** The parts came from Anthropic's own events, so blocks begin and end with them. */
  skip(parts: Parts): void {
    const to = this.#to
    for (const part of parts) {
      if (this.#ended || part.type === "warning") continue
      to.sawBegin()
      switch (part.type) {
        case "text-start":
        case "text-delta":
          to.sawOpen("text", part.id)
          break
        case "reasoning-start":
        case "reasoning-delta":
          to.sawOpen("reasoning", part.id)
          break
        case "tool-params-start":
        case "tool-params-delta":
          to.sawOpen("tool", part.id)
          break
        case "source":
          if (to.open !== undefined) to.open.cited++
          break
        case "text-end":
        case "reasoning-end":
          to.sawClose()
          break
        case "tool-params-end":
          to.sawClose()
          this.#written.add(part.id)
          break
        case "tool-call":
          this.#written.delete(part.id)
          break
        case "tool-result":
          to.sawWhole()
          break
        case "raw":
          if (!isEvent(part)) to.sawWhole()
          break
        case "finish":
        case "error":
          this.#ended = true
      }
    }
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  #add(part: Part, parts: Parts, at: number): void {
    // The format has one answer to a prompt.
    if (part.choice !== undefined && part.choice !== 0) return
    const { open } = this.#to
    if (open?.kind === "tool" && !belongs(part, open.id)) {
      if (part.type !== "finish" && part.type !== "error") {
        this.#waiting.push(part)
        return
      }
      // Nothing more will come: calls that are not complete end all the same.
      while (this.#to.open?.kind === "tool") this.#goOn()
    }
    switch (part.type) {
      case "text-delta":
        return this.#say("text", part.id, part.delta)
      case "reasoning-delta":
        return this.#say("reasoning", part.id, part.delta)
      case "tool-params-delta":
        return this.#say("tool", part.id, part.delta)
      case "text-start":
      case "reasoning-start": {
        const own: JsonObject = Object.assign({}, ...metadataOf(parts, at).map((metadata) => ownOf(metadata)))
        this.#announced.set(keyOf(part.type === "text-start" ? "text" : "reasoning", part.id), { name: "", own })
        return
      }
      case "text-end":
        return this.#endText(part.id, ownOf(part.metadata))
      case "reasoning-end":
        return this.#endThought(part.id, signedOf(part.metadata))
      case "tool-params-start": {
        // What the service runs itself is written whole: only at its end is it known how.
        if (part.providerExecuted === true) return
        this.#written.delete(part.id)
        const own = ownOf(part.metadata) ?? ownOf(callOf(parts, at)?.metadata)
        this.#announced.set(keyOf("tool", part.id), { name: part.name, own })
        return
      }
      case "tool-params-end":
        if (!this.#isOpen("tool", part.id)) return
        this.#written.add(part.id)
        return this.#goOn()
      case "tool-call":
        return this.#called(part)
      case "tool-result":
        return this.#whole(result(part))
      case "source":
        return this.#cite(part)
      case "raw":
        return this.#foreign(part)
      case "response-metadata":
        this.#id = part.id ?? this.#id
        this.#model = part.modelId ?? this.#model
        if (part.modelId !== undefined) this.#begin()
        return
      case "finish":
        return this.#finish(part)
      case "error":
        this.#ended = true
        return this.#fail(LlmError.fromJson(part.error))
    }
  }

  #say(kind: Kind, id: string, delta: string): void {
    if (delta === "") return
    const { open } = this.#to
    if (open === undefined || open.id !== id || open.kind !== kind || open.ended) {
      const announced = this.#announced.get(keyOf(kind, id))
      // Arguments that are no call's, or go on when it has ended, are nobody's.
      if (kind === "tool" && announced === undefined) return
      this.#start(kind, id, announced)
    }
    this.#to.add(delta)
  }

  #endText(id: string, own: JsonObject | undefined): void {
    if (!this.#isOpen("text", id)) {
      const announced = this.#announced.get(keyOf("text", id))
      if (announced === undefined) return
      this.#start("text", id, announced)
    }
    const open = this.#to.open!
    open.ended = true
    this.#named = 0
    for (const one of citationsOf(own).slice(open.cited)) {
      this.#to.delta({ type: "citations_delta", citation: one })
      this.#named++
    }
  }

  #endThought(id: string, own: JsonObject | undefined): void {
    if (this.#isOpen("reasoning", id)) {
      if (typeof own?.signature === "string") this.#to.delta({ type: "signature_delta", signature: own.signature })
      this.#to.close()
      return
    }
    // Thoughts without a word, or whose words stand in a block that has ended: the signature still has to go back.
    const signed = isHidden(own) || (typeof own?.signature === "string" && own.signature !== "")
    if (!this.#announced.delete(keyOf("reasoning", id)) && !signed) return
    const block = thinking("", own)
    if (block.type !== "thinking" || block.signature === "") return this.#whole(block)
    this.#whole({ ...block, signature: "" }, { type: "signature_delta", signature: block.signature })
  }

  #called(part: Part & { readonly type: "tool-call" }): void {
    this.#announced.delete(keyOf("tool", part.id))
    if (this.#isOpen("tool", part.id)) return this.#goOn()
    if (this.#written.delete(part.id)) return
    const block = call(part)
    const input = json(block?.input)
    const written = input === "{}" ? undefined : { type: "input_json_delta", partial_json: input }
    if (block !== undefined) this.#whole({ ...block, input: {} }, written)
  }

  #cite(part: Part & { readonly type: "source" }): void {
    const own = ownOf(part.metadata)
    if (own !== undefined && this.#named > 0) {
      this.#named--
      return
    }
    const { open } = this.#to
    if (open?.kind !== "text" || open.ended) {
      // Anthropic cites before it writes the text, others behind it.
      const next = [...this.#announced.keys()].findLast((key) => key.startsWith("text "))
      if (next !== undefined) this.#start("text", next.slice("text ".length), this.#announced.get(next))
      else if (open?.kind !== "text") return
    }
    this.#to.delta({ type: "citations_delta", citation: own ?? citation(part) })
    if (own !== undefined) this.#to.open!.cited++
  }

  #foreign(part: Part & { readonly type: "raw" }): void {
    const value = foreign(part)
    if (value === undefined) return
    if (!isEvent(part)) return this.#whole(value)
    const type = value.type as string
    if (known.has(type)) return
    this.#begin()
    this.#to.foreign(type, value)
  }

  #finish(part: FinishPart): void {
    this.#begin()
    this.#to.close()
    this.#ended = true
    const { context_management: context, ...delta } = messageFields(ownOf(part.metadata))
    this.#to.event("message_delta", json({
      type: "message_delta",
      delta: { stop_reason: stopReason(part.reason, part.rawReason, part.usage), stop_sequence: null, ...delta },
      usage: usageOf(part.usage),
      ...(context !== undefined && { context_management: context })
    }))
    this.#to.event("message_stop", `{"type":"message_stop"}`)
  }

  #fail(error: LlmError): void {
    this.#to.event("error", json(encodeError(error, statusOf(error), this.#call)))
  }

  // --- blocks -------------------------------------------------------------------------------------------------------

  #begin(): void {
    if (!this.#to.hasBegun) this.#to.begin(this.#id, this.#model)
  }

  #isOpen(kind: Kind, id: string): boolean {
    const { open } = this.#to
    return open !== undefined && open.kind === kind && open.id === id && !open.ended
  }

  #start(kind: Kind, id: string, announced: Announced | undefined): void {
    this.#announced.delete(keyOf(kind, id))
    this.#begin()
    this.#named = 0
    const own = announced?.own
    if (kind === "text") {
      const { citations: _, ...rest } = own ?? {}
      this.#to.start(kind, id, { ...rest, type: "text", text: "" })
    } else if (kind === "reasoning") this.#to.start(kind, id, { ...own, type: "thinking", thinking: "", signature: "" })
    else this.#to.start(kind, id, { ...own, type: "tool_use", id, name: announced!.name, input: {} })
  }

  #whole(block: JsonObject | undefined, delta?: JsonObject): void {
    if (block === undefined) return
    this.#begin()
    this.#named = 0
    this.#to.whole(block, delta)
  }

  /** A call is complete: what waited for it is written. */
  #goOn(): void {
    this.#to.close()
    const waiting = this.#waiting
    this.#waiting = []
    for (let at = 0; at < waiting.length; at++) this.#add(waiting[at]!, waiting, at)
  }
}

const keyOf = (kind: Kind, id: string): string => `${kind} ${id}`

/** Whether a part may come while the arguments of a call are written. */
const belongs = (part: Part, id: string): boolean =>
  part.type === "tool-params-delta" || part.type === "tool-params-end" || part.type === "tool-call"
    ? part.id === id
    : part.type === "warning" || part.type === "response-metadata"

/** Events that are written here and by nobody else. */
const known = new Set([
  "message_start", "message_delta", "message_stop", "content_block_start", "content_block_stop", "ping", "error"
])
