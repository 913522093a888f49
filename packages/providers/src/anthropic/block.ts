/**
 * Turns one block of an answer's content into parts. A whole block and one that arrives in pieces take the same way:
 * what stands in a block when it begins is its first piece.
 *
 * What the service wants back with a block (signatures, who called a tool, citations) is kept in the metadata of its
 * part, in the service's own words, so that the message made of the answer is written as it was read.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, type Metadata, type Part } from "@plugline/core"
import { defined, type Fields, list, object, text } from "../wire/read.ts"
import { source } from "./citations.ts"

/** What the blocks of one answer share. */
export interface Shared {
  readonly provider: string
  readonly out: Array<Part>
  /** Sources, blocks and calls of the caller's tools so far. */
  sources: number
  blocks: number
  calls: number
  /** Tools that the service ran, by the id of the call. */
  readonly ran: Map<string, string>
}

/** One block while it is read. */
export class Block {
  readonly #shared: Shared
  readonly #kind: "text" | "reasoning" | "call" | "result" | "other"
  readonly #id: string
  #fields: Fields
  #input = ""
  #signature: string | undefined
  #citations: Array<JsonValue> | undefined

  /** The block as it begins, or whole. */
  constructor(block: Fields, shared: Shared) {
    const { out } = shared
    this.#shared = shared
    this.#fields = block
    const number = String(shared.blocks++)
    switch (block.type) {
      case "text":
        this.#kind = "text"
        this.#id = number
        out.push({ type: "text-start", id: number })
        if (typeof block.text === "string") this.#say(block.text)
        for (const citation of list(block.citations) ?? []) this.#cite(citation)
        return
      case "thinking":
        this.#kind = "reasoning"
        this.#id = number
        out.push({ type: "reasoning-start", id: number })
        if (typeof block.thinking === "string") this.#think(block.thinking)
        if (typeof block.signature === "string") this.#signature = block.signature
        return
      case "redacted_thinking":
        this.#kind = "reasoning"
        this.#id = number
        out.push({ type: "reasoning-start", id: number })
        return
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use": {
        const name = text(block.name) ?? ""
        const runs = block.type !== "tool_use"
        this.#kind = "call"
        this.#id = text(block.id) ?? `call_${number}`
        if (runs) shared.ran.set(this.#id, name)
        else shared.calls++
        // Said with the beginning too, so that whoever writes the call on as it arrives need not wait for its end.
        const { id: _, input: __, name: ___, type: ____, ...rest } = block
        out.push({ type: "tool-params-start", id: this.#id, name, ...(runs ? executed : this.#marked(rest)) })
        return
      }
      default:
        this.#kind = isResult(block) ? "result" : "other"
        this.#id = this.#kind === "result" ? text(block.tool_use_id) ?? "" : number
    }
  }

  /** One piece more. Answers what is wrong with it, if anything is. */
  add(delta: Fields, event: Fields): string | undefined {
    switch (delta.type) {
      case "text_delta":
        if (typeof delta.text !== "string" || this.#kind !== "text") return this.#unfit("text_delta")
        this.#say(delta.text)
        return undefined
      case "input_json_delta":
        if (typeof delta.partial_json !== "string" || this.#kind !== "call") return this.#unfit("input_json_delta")
        if (delta.partial_json === "") return undefined
        this.#input += delta.partial_json
        this.#shared.out.push({ type: "tool-params-delta", id: this.#id, delta: delta.partial_json })
        return undefined
      case "thinking_delta":
        if (typeof delta.thinking !== "string" || this.#kind !== "reasoning") return this.#unfit("thinking_delta")
        this.#think(delta.thinking)
        return undefined
      case "signature_delta":
        if (typeof delta.signature !== "string" || this.#kind !== "reasoning") return this.#unfit("signature_delta")
        this.#signature = delta.signature
        return undefined
      case "citations_delta":
        if (object(delta.citation) === undefined || this.#kind !== "text") return this.#unfit("citations_delta")
        this.#cite(delta.citation!)
        return undefined
      case "compaction_delta": {
        if (this.#kind !== "other") return this.#unfit("compaction_delta")
        // It brings the final value of each field.
        const { type: _, ...final } = delta
        this.#fields = { ...this.#fields, ...final }
        return undefined
      }
      default:
        if (typeof delta.type !== "string") return "its delta has no type"
        this.#shared.out.push(unknown(event, this.#shared.provider))
        return undefined
    }
  }

  /** The block is complete. */
  close(): void {
    const { out, provider } = this.#shared
    const id = this.#id
    switch (this.#kind) {
      case "text": {
        const { citations: _, text: __, type: ___, ...rest } = this.#fields
        const own = { ...rest, ...(this.#citations !== undefined && { citations: this.#citations }) }
        out.push({ type: "text-end", id, ...this.#marked(own) })
        return
      }
      case "reasoning": {
        // Hidden thinking goes back under its own type; what was thought aloud, with its signature.
        const { signature: _, thinking: __, ...rest } = this.#fields
        const { type, ...more } = rest
        const own = type === "thinking"
          ? { ...more, ...(this.#signature !== undefined && { signature: this.#signature }) }
          : rest
        out.push({ type: "reasoning-end", id, ...this.#marked(own) })
        return
      }
      case "call":
        return this.#call()
      case "result": {
        const { content, tool_use_id: _, ...own } = this.#fields
        out.push({
          type: "tool-result",
          id,
          name: this.#shared.ran.get(id) ?? toolOf(this.#fields),
          result: content ?? null,
          isFailure: isFailure(this.#fields),
          ...executed,
          metadata: { [provider]: defined(own) }
        })
        return
      }
      case "other":
        out.push({ type: "raw", provider, value: this.#fields as JsonValue })
    }
  }

  #call(): void {
    const { out } = this.#shared
    const { id: _, input, name, type, ...rest } = this.#fields
    const runs = type !== "tool_use"
    const written = this.#input
    const params = written === "" ? { params: input ?? {} } : read(written)
    if (written === "") out.push({ type: "tool-params-delta", id: this.#id, delta: JSON.stringify(params.params) })
    out.push({ type: "tool-params-end", id: this.#id })
    out.push({
      type: "tool-call",
      id: this.#id,
      name: text(name) ?? "",
      ...params,
      ...(runs && executed),
      ...this.#marked(runs ? { type, ...rest } : rest)
    })
  }

  #say(delta: string): void {
    if (delta !== "") this.#shared.out.push({ type: "text-delta", id: this.#id, delta })
  }

  #think(delta: string): void {
    if (delta !== "") this.#shared.out.push({ type: "reasoning-delta", id: this.#id, delta })
  }

  #cite(value: JsonValue): void {
    const { out, provider } = this.#shared
    ;(this.#citations ??= []).push(value)
    const citation = object(value)
    if (citation !== undefined) out.push(source(citation, this.#shared.sources++, provider))
  }

  #marked(own: Fields): { readonly metadata?: Metadata } {
    for (const name in own) {
      if (own[name] !== undefined) return { metadata: { [this.#shared.provider]: own as JsonObject } }
    }
    return unmarked
  }

  #unfit(delta: string): string {
    return `a ${delta} that a block of type ${text(this.#fields.type) ?? "unknown"} cannot take`
  }
}

const executed = { providerExecuted: true } as const
const unmarked = {}

/** An event that has no word here. It is no block, and does not go back. */
export const unknown = (event: Fields, provider: string): Part => ({
  type: "raw",
  provider,
  value: event as JsonValue,
  metadata: { [provider]: { event: true } }
})

/** Arguments from their text; the text itself where the model wrote broken JSON. */
const read = (written: string): { readonly params: unknown; readonly invalid?: true } => {
  try {
    return { params: Json.parse(written) }
  } catch {
    return { params: written, invalid: true }
  }
}

/** Whether a block is what a tool answered that the service ran: `web_search_tool_result` and its like. */
const isResult = ({ tool_use_id: id, type }: Fields): boolean =>
  typeof id === "string" && typeof type === "string" && type.endsWith("_tool_result")

/** A result whose call is not in this answer (the service went on after a pause) still tells its tool. */
const toolOf = ({ type }: Fields): string => (type as string).slice(0, -"_tool_result".length)

const isFailure = ({ content, is_error: failed }: Fields): boolean =>
  failed === true || text(object(content)?.type)?.endsWith("_error") === true
