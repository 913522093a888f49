/**
 * Writes a conversation as the items of a request.
 *
 * What an answer's items said beside text and arguments comes back in the options of the parts they became, and is
 * written again as it was: ids, encrypted reasoning, phases, tools that the service ran. What another provider said of
 * its own thinking and tools is not sent.
 *
 * @module
 */
import type {
  AssistantMessage, FilePart, JsonObject, JsonValue, MessagePart, ProviderOptions, SystemMessage, UserMessage
} from "@plugline/core"
import { object, text } from "../wire/read.ts"
import { block, isSaid, ownOf, said, withOwn, type Written } from "./blocks.ts"
import { callKind } from "./kinds.ts"
import type { Draft } from "./quirks.ts"
import { resultOf } from "./results.ts"

type ReasoningPart = Extract<MessagePart, { readonly type: "reasoning" }>
type ToolCallPart = Extract<MessagePart, { readonly type: "tool-call" }>
type ToolResultPart = Extract<MessagePart, { readonly type: "tool-result" }>

/** The items of a request's messages, and the instructions beside them. */
export const input = (to: Draft): { readonly items: ReadonlyArray<JsonObject>; readonly instructions?: string } => {
  const writer = new Input(to)
  for (const message of to.request.messages) {
    if (message.role !== "tool") writer.show()
    switch (message.role) {
      case "system":
        writer.system(message)
        break
      case "user":
        writer.user(message)
        break
      case "assistant":
        writer.assistant(message)
        break
      case "tool":
        for (const part of message.content) writer.result(part, message.options)
    }
  }
  writer.show()
  return { items: writer.items, ...(writer.instructions !== undefined && { instructions: writer.instructions }) }
}

class Input {
  readonly items: Array<JsonObject> = []
  instructions: string | undefined
  readonly #to: Draft
  readonly #provider: string
  /** The type of the latest call of each id. */
  readonly #calls = new Map<string, string>()
  /** Files that tools answered with, where the service takes none in their answers. */
  #shown: Array<Written> = []

  constructor(to: Draft) {
    this.#to = to
    this.#provider = to.request.provider
  }

  system({ content, options }: SystemMessage): void {
    const own = this.#own(options)
    if (own?.instructions === true && this.instructions === undefined) {
      this.instructions = content
      return
    }
    const more = object(own?.part)
    this.items.push(withOwn({
      role: this.#to.quirks.systemRole ?? "system",
      content: more === undefined ? content : [{ type: "input_text", text: content, ...more } as JsonObject]
    }, own))
  }

  /** One plain text stays a text. */
  user({ content, options }: UserMessage): void {
    const only = content.length === 1 ? content[0] : undefined
    const plain = only?.type === "text" && !isSaid(this.#own(only.options))
    this.items.push(withOwn({
      role: "user",
      content: plain ? only.text : content.flatMap((part) => block(part, this.#provider))
    }, this.#own(options)))
  }

  assistant(message: AssistantMessage): void {
    const before = this.items.length
    let isWhole = true
    let blocks: Array<Written> = []
    let thought: Array<ReasoningPart> = []
    const say = (item: JsonObject | undefined): void => {
      if (blocks.length > 0) this.items.push(spoken(blocks, isWhole ? item : withoutId(item)))
      blocks = []
    }
    for (const part of message.content) {
      const own = this.#own(part.options)
      const item = object(own?.item) as JsonObject | undefined
      if (part.type !== "reasoning") thought = []
      const isSaying = part.type === "text" || (part.type === "raw" && own?.block === true)
      if (!isSaying) say(undefined)
      switch (part.type) {
        case "text":
          blocks.push(said(part, own))
          if (item !== undefined) say(item)
          break
        case "reasoning":
          thought.push(part)
          if (item === undefined) break
          if (!this.#reasoning(thought, item)) isWhole = false
          thought = []
          break
        case "tool-call":
          if (part.providerExecuted !== true) this.#call(part, isWhole ? item : withoutId(item))
          break
        case "tool-result":
          if (part.providerExecuted !== true) this.result(part, undefined)
          // What the service ran belongs to the thinking before it.
          else if (own?.item === true && isWhole) this.#raw(part.result)
          break
        case "file":
          if (isWhole || item === undefined) this.#file(part, item)
          break
        case "raw":
          if (part.provider !== this.#provider || own?.event === true) break
          if (own?.block !== true) this.#raw(part.value)
          else {
            blocks.push(part.value as Written)
            if (item !== undefined) say(item)
          }
          break
        default:
          this.#raw(part)
      }
    }
    say(undefined)
    const own = this.#own(message.options)
    if (own !== undefined && this.items.length > before) {
      const at = this.items.findIndex((item, index) => index >= before && item.role === "assistant")
      if (at >= 0) this.items[at] = withOwn({ ...this.items[at] } as Written, own)
    }
  }

  /** What a tool answered, in the form that its kind of call wants. */
  result(part: ToolResultPart, options: ProviderOptions | undefined): void {
    const own = this.#own(part.options)
    const item = object(own?.item)
    const type = text(item?.type) ?? callKind(this.#calls.get(part.id) ?? "function_call")?.answer
      ?? "function_call_output"
    const answer = resultOf(part, type, this.#provider, this.#to.quirks, this.#shown)
    const written: Written = { type, call_id: part.id, ...(item as JsonObject | undefined), ...answer }
    this.items.push(withOwn(withOwn(written, this.#own(options)), own))
  }

  /** Files from tools follow in a message of the person, behind the last of the tools' answers. */
  show(): void {
    if (this.#shown.length > 0) this.items.push({ role: "user", content: this.#shown })
    this.#shown = []
  }

  #call(part: ToolCallPart, item: JsonObject | undefined): void {
    const own = this.#own(part.options)
    const type = text(item?.type) ?? (own?.custom === true ? "custom_tool_call" : "function_call")
    const kind = callKind(type) ?? callKind("function_call")!
    this.#calls.set(part.id, type)
    const { params } = part
    const written: Written = { type, ...item, call_id: part.id }
    if (kind.name === undefined) {
      written.name = part.name
      written[kind.field] = typeof params === "string" ? params : JSON.stringify(params ?? {})
    } else {
      const field = type === "computer_call" && Array.isArray(params) ? "actions" : kind.field
      written[field] = (params ?? {}) as JsonValue
    }
    this.items.push(withOwn(written, own))
  }

  /** Thinking that the service could not find again is left out. Says whether it was sent. */
  #reasoning(parts: ReadonlyArray<ReasoningPart>, item: JsonObject): boolean {
    const summary: Array<JsonObject> = []
    const content: Array<JsonObject> = []
    for (const part of parts) {
      if (this.#own(part.options)?.content === true) content.push({ type: "reasoning_text", text: part.text })
      // A summary that says nothing was made up to hold the item.
      else if (part.text !== "" || parts.length > 1) summary.push({ type: "summary_text", text: part.text })
    }
    if (this.#to.isUnstored && text(item.encrypted_content) === undefined && content.length === 0) {
      this.#to.warnings.push({
        type: "other",
        message: "reasoning that is neither stored nor encrypted cannot go back: it was not sent, nor were the tools "
          + "that the service ran after it"
      })
      return false
    }
    this.items.push({ type: "reasoning", ...item, summary, ...(content.length > 0 && { content }) })
    return true
  }

  /** An image that the model made goes back as the item it came in. */
  #file(part: FilePart, item: JsonObject | undefined): void {
    if (item?.type === "image_generation_call" && typeof part.data === "string") {
      this.items.push({ ...item, result: part.data })
    } else {
      this.#to.warnings.push({
        type: "other",
        message: `${this.#provider} takes no file back that a model made: one of type ${part.mediaType} was not sent`
      })
    }
  }

  #raw(value: unknown): void {
    const item = object(value)
    if (item !== undefined) this.items.push(item as JsonObject)
  }

  #own(options: ProviderOptions | undefined): JsonObject | undefined {
    return ownOf(options, this.#provider)
  }
}

/** What a model said: as an item of the service, where it was one; else one plain text stays a text. */
const spoken = (blocks: Array<Written>, item: JsonObject | undefined): JsonObject => {
  const only = blocks.length === 1 ? blocks[0]! : undefined
  if (item !== undefined) {
    return {
      type: "message",
      role: "assistant",
      ...item,
      content: blocks.map((block) => block.type === "output_text" && block.annotations === undefined
        ? { ...block, annotations: [] }
        : block)
    }
  }
  const plain = only?.type === "output_text" && Object.keys(only).length === 2
  return { role: "assistant", content: plain ? only.text! : blocks }
}

const withoutId = (item: JsonObject | undefined): JsonObject | undefined => {
  if (item?.id === undefined) return item
  const { id: _, ...rest } = item
  return rest
}
