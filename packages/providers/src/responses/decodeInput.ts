/**
 * Reads the items of a request, as clients of the Responses API send them, into messages: the way back of `input`.
 *
 * @module
 */
import {
  type AssistantMessage, type JsonObject, type JsonValue, type Message, type ProviderOptions,
  type ToolMessage, type UserMessage
} from "@plugline/core"
import { type Fields, list, object, says, text } from "../wire/read.ts"
import { block, invalid, type UserPart } from "./decodeBlock.ts"
import {
  answerTypes, argumentsOf, callKind, callRest, isAsked, isServed, ofMessage, ofReasoning, paramsOf, rest
} from "./kinds.ts"
import type { Quirks } from "./quirks.ts"
import { type Served, servedParts } from "./served.ts"

type AssistantPart = AssistantMessage["content"][number]
type TextPart = Extract<AssistantPart, { readonly type: "text" }>
type ToolResultPart = ToolMessage["content"][number]

/** The messages of a conversation. */
export const messagesOf = (
  input: ReadonlyArray<JsonValue>,
  provider: string,
  quirks: Quirks
): ReadonlyArray<Message> => {
  const reader = new Reader(provider, quirks)
  input.forEach((value, index) => {
    const path = `input[${index}]`
    const item = object(value)
    if (item === undefined) throw invalid(path, "an item", provider)
    reader.add(item, path, index)
  })
  return reader.messages
}

class Reader {
  readonly messages: Array<Message> = []
  readonly #provider: string
  readonly #quirks: Quirks
  readonly #calls = new Map<string, { readonly name: string; readonly type: string }>()
  /** The content of the message from the model that is being gathered. */
  #said: Array<AssistantPart> | undefined
  /** Whether the text said last may still be the beginning of another message. */
  #isOpen = false
  #answers: Array<ToolResultPart> | undefined

  constructor(provider: string, quirks: Quirks) {
    this.#provider = provider
    this.#quirks = quirks
  }

  add(item: Fields, path: string, index: number): void {
    const type = item.type ?? (item.role === undefined ? undefined : "message")
    if (typeof type !== "string" || type === "") throw invalid(`${path}.type`, "the type of an item", this.#provider)
    const answered = answerTypes.get(type)
    if (type === "message") this.#message(item, path)
    else if (type === "reasoning") this.#reasoning(item, path)
    else if (callKind(type) !== undefined && isAsked(item, this.#quirks)) this.#call(item, type, path)
    else if (answered !== undefined && this.#isOurs(item, type)) this.#answer(item, type, answered, path)
    else if (isServed(item, this.#quirks)) {
      for (const part of servedParts(item, this.#provider, index)) {
        const { metadata, ...said }: ServedPart = part
        this.#say({ ...said, ...(metadata !== undefined && { options: metadata }) } as AssistantPart)
      }
    } else this.#say({ type: "raw", provider: this.#provider, value: item as JsonValue })
  }

  #message(item: Fields, path: string): void {
    const { content, role } = item
    if (typeof content !== "string" && !Array.isArray(content)) {
      throw invalid(`${path}.content`, "a text or a list of content", this.#provider)
    }
    const about = rest(item, ofMessage)
    switch (role) {
      case "user":
        return this.#other({ role, content: this.#blocks(content, `${path}.content`), ...this.#own(about) })
      case "system":
      case "developer":
        return this.#system(content, role, about, path)
      case "assistant":
        return this.#spoken(content, about, path)
      default:
        throw invalid(`${path}.role`, "user, assistant, system or developer", this.#provider)
    }
  }

  /** Rules are text. Where a block of them says more than its text, each block is a message. */
  #system(content: JsonValue, role: string, about: JsonObject, path: string): void {
    const own = role === (this.#quirks.systemRole ?? "system") ? about : { ...about, role }
    const blocks = this.#blocks(content, `${path}.content`)
    const texts = blocks.map((part, index): TextPart => {
      if (part.type === "text") return part
      throw invalid(`${path}.content[${index}].type`, "input_text: rules hold nothing else", this.#provider)
    })
    if (texts.every((part) => part.options === undefined)) {
      this.#other({ role: "system", content: texts.map((part) => part.text).join("\n"), ...this.#own(own) })
      return
    }
    for (const part of texts) {
      const block = part.options?.[this.#provider] ?? {}
      this.#other({ role: "system", content: part.text, ...this.#own({ ...own, part: block }) })
    }
  }

  #spoken(content: JsonValue, item: JsonObject, path: string): void {
    const isItem = Object.keys(item).length > 0
    const blocks = typeof content === "string" ? [{ type: "output_text", text: content }] : list(content) ?? []
    if (this.#isOpen) this.#close()
    const parts = blocks.map((value, index) => this.#spokenBlock(value, `${path}.content[${index}]`, isItem))
    if (parts.length === 0) parts.push({ type: "text", text: "" })
    parts.forEach((part, index) => {
      this.#say(isItem && index === parts.length - 1 ? this.#with(part, { item }) : part)
    })
    this.#isOpen = !isItem
  }

  /** A block of what a model said. */
  #spokenBlock(value: JsonValue, path: string, isItem: boolean): AssistantPart {
    const fields = object(value)
    if (typeof fields?.type !== "string") throw invalid(`${path}.type`, "the type of a content block", this.#provider)
    const refusal = fields.type === "refusal"
    if (!refusal && fields.type !== "output_text" && fields.type !== "text" && fields.type !== "input_text") {
      return this.#with({ type: "raw", provider: this.#provider, value: value }, { block: true })
    }
    const said = refusal ? fields.refusal : fields.text
    if (typeof said !== "string") throw invalid(`${path}.${refusal ? "refusal" : "text"}`, "a text", this.#provider)
    const { annotations, logprobs, refusal: _, text: __, type: ___, ...others } = fields
    return this.#with({ type: "text", text: said }, {
      ...rest(others, ofMessage),
      ...(refusal && { refusal: true }),
      ...(annotations !== undefined && annotations !== null && (!isItem || says(annotations)) && { annotations }),
      ...(says(logprobs) && { logprobs })
    })
  }

  #reasoning(item: Fields, path: string): void {
    const summary = this.#texts(item.summary, `${path}.summary`)
    const content = this.#texts(item.content, `${path}.content`)
    const parts: Array<AssistantPart> = summary.map((text) => ({ type: "reasoning", text }))
    for (const text of content) parts.push(this.#with({ type: "reasoning", text }, { content: true }))
    if (parts.length === 0) parts.push({ type: "reasoning", text: "" })
    const about = rest(item, ofReasoning)
    parts.forEach((part, index) => this.#say(index === parts.length - 1 ? this.#with(part, { item: about }) : part))
  }

  #texts(value: JsonValue | undefined, path: string): ReadonlyArray<string> {
    if (value === undefined || value === null) return []
    const texts = list(value)
    if (texts === undefined) throw invalid(path, "a list of texts", this.#provider)
    return texts.map((entry, index) => {
      const said = object(entry)?.text
      if (typeof said === "string") return said
      throw invalid(`${path}[${index}].text`, "a text", this.#provider)
    })
  }

  #call(item: Fields, type: string, path: string): void {
    const kind = callKind(type)!
    const id = this.#required(item, "call_id", path)
    const name = kind.name ?? this.#required(item, "name", path)
    const value = argumentsOf(item, kind)
    if (kind.name === undefined && typeof value !== "string") {
      throw invalid(`${path}.${kind.field}`, "a text", this.#provider)
    }
    this.#calls.set(id, { name, type })
    const about = callRest(item, kind)
    const part: AssistantPart = { type: "tool-call", id, name, params: paramsOf(type, value).params }
    this.#say(Object.keys(about).length > 0 ? this.#with(part, { item: about }) : part)
  }

  /** Whether an answer is one of the caller's: a service answers its own shell and its own search for tools. */
  #isOurs(item: Fields, type: string): boolean {
    if (type === "tool_search_output") return item.execution === "client"
    return type !== "shell_call_output" || this.#calls.has(text(item.call_id) ?? "")
      || text(item.id) === undefined
  }

  #answer(item: Fields, type: string, answered: string, path: string): void {
    const id = this.#required(item, "call_id", path)
    const call = this.#calls.get(id)
    const field = type === "tool_search_output" ? "tools" : "output"
    const { [field]: output, call_id: _, type: __, ...others } = item
    if (output === undefined && type !== "apply_patch_call_output") {
      throw invalid(`${path}.${field}`, "what the tool answered", this.#provider)
    }
    const isPatch = type === "apply_patch_call_output"
    const about: JsonObject = {
      ...(answered !== (call?.type ?? "function_call") && { type }),
      ...rest(others, new Set(isPatch ? ["status"] : []))
    }
    const isContent = Array.isArray(output) && (type === "function_call_output" || type === "custom_tool_call_output")
    const parts = isContent ? this.#blocks(output, `${path}.${field}`) : undefined
    const part: ToolResultPart = {
      type: "tool-result",
      id,
      name: call?.name ?? callKind(answered)!.name ?? "tool",
      isFailure: isPatch && item.status === "failed",
      result: parts === undefined
        ? output ?? null
        : parts.flatMap((part) => part.type === "text" ? [part.text] : []).join("\n"),
      ...(parts !== undefined && { modelOutput: parts })
    }
    this.#close()
    const whole = Object.keys(about).length > 0 ? this.#with(part, { item: about }) : part
    if (this.#answers !== undefined) this.#answers.push(whole)
    else this.messages.push({ role: "tool", content: this.#answers = [whole] })
  }

  #required(item: Fields, field: string, path: string): string {
    const value = item[field]
    if (typeof value === "string" && value !== "") return value
    throw invalid(`${path}.${field}`, "a text", this.#provider)
  }

  #blocks(content: JsonValue, path: string): UserMessage["content"] {
    if (typeof content === "string") return [{ type: "text", text: content }]
    return (list(content) ?? []).map((value, index): UserPart => block(value, `${path}[${index}]`, this.#provider))
  }

  #say(part: AssistantPart): void {
    this.#answers = undefined
    this.#isOpen = false
    if (this.#said !== undefined) this.#said.push(part)
    else this.messages.push({ role: "assistant", content: this.#said = [part] })
  }

  #other(message: Message): void {
    this.#close()
    this.#answers = undefined
    this.messages.push(message)
  }

  #close(): void {
    this.#said = undefined
    this.#isOpen = false
  }

  #own(fields: JsonObject): { readonly options?: ProviderOptions } {
    return Object.keys(fields).length > 0 ? { options: { [this.#provider]: fields } } : {}
  }

  #with<P extends AssistantPart>(part: P, fields: JsonObject): P {
    if (Object.keys(fields).length === 0) return part
    return { ...part, options: { [this.#provider]: { ...part.options?.[this.#provider], ...fields } } }
  }
}

type ServedPart = Served & { readonly metadata?: ProviderOptions }
