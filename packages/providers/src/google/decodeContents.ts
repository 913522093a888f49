/**
 * Reads `contents` and `systemInstruction` as a conversation.
 *
 * @module
 */
import {
  type AssistantMessage, type FilePart, Json, type JsonObject, type JsonValue, type Message, type ProviderOptions,
  type RawPart, type SystemMessage, type UserMessage
} from "@plugline/core"
import { type Fields, object } from "../wire/read.ts"
import { codeExecution, executedParts, wentWrong } from "./executed.ts"
import { fieldsOf, invalid, listOf, someText, textOf } from "./fields.ts"
import { generatedId } from "./ids.ts"
import { wildcard } from "./media.ts"
import { readResponse, responseOf, type ToolResult } from "./results.ts"

/** What was read. `rules`: a `systemInstruction` that holds more than texts, as it came. */
export interface Conversation {
  readonly messages: ReadonlyArray<Message>
  readonly rules: JsonValue | undefined
}

/** A conversation. */
export const conversation = (
  contents: JsonValue | undefined,
  systemInstruction: JsonValue | undefined,
  provider: string
): Conversation => {
  const reader = new Reader(provider)
  const rules = systemInstruction === undefined ? undefined : reader.system(systemInstruction)
  listOf(contents, "contents").forEach((value, index) => reader.content(value, index))
  return { messages: reader.messages, rules }
}

type Said = AssistantMessage["content"][number]
type Asked = UserMessage["content"][number]
type ToolCall = Extract<Said, { readonly type: "tool-call" }>

class Reader {
  readonly messages: Array<Message> = []
  readonly #provider: string
  /** Calls that wait for their answer. */
  #waiting: Array<{ readonly id: string; readonly name: string }> = []
  #executed = ""

  constructor(provider: string) {
    this.#provider = provider
  }

  system(value: JsonValue): JsonValue | undefined {
    const { parts } = fieldsOf(value, "systemInstruction")
    const read: Array<SystemMessage> = []
    for (const [index, item] of listOf(parts, "systemInstruction.parts").entries()) {
      const { text, ...own } = fieldsOf(item, `systemInstruction.parts[${index}]`)
      if (typeof text !== "string") return value
      read.push({ role: "system", content: text, ...this.#options(own) })
    }
    this.messages.push(...read)
    return undefined
  }

  content(value: JsonValue, index: number): void {
    const path = `contents[${index}]`
    const { parts, role = "user", ...own } = fieldsOf(value, path)
    const list = listOf(parts, `${path}.parts`).map((part, place) => ({ part, path: `${path}.parts[${place}]` }))
    switch (role) {
      case "model": {
        this.#waiting = []
        const content = list.map(({ part, path }, place) => this.#said(part, path, `${index}_${place}`))
        this.messages.push({ role: "assistant", content, ...this.#options(own) })
        return
      }
      case "user":
      case "function":
        return this.#user(list, role === "function" ? { ...own, role } : own, index)
      default:
        throw invalid(`${path}.role`, "\"user\" or \"model\"")
    }
  }

  /** Answers of tools and what the person says may stand in one content. They become messages that belong together. */
  #user(list: ReadonlyArray<{ readonly part: JsonValue; readonly path: string }>, own: Fields, index: number): void {
    let goesOn = false
    let open: Array<unknown> | undefined
    let kind: "user" | "tool" | undefined
    const begin = (role: "user" | "tool"): Array<unknown> => {
      if (open !== undefined && kind === role) return open
      // Answers that follow answers would become one content.
      const apart = role === "tool" && !goesOn && this.messages.at(-1)?.role === "tool"
      const mark = goesOn ? { ...own, continues: true } : apart ? { ...own, continues: false } : own
      this.messages.push({ role, content: open = [], ...this.#options(mark) } as unknown as Message)
      kind = role
      goesOn = true
      return open
    }
    list.forEach(({ part, path }, place) => {
      const fields = fieldsOf(part, path)
      if (fields.functionResponse === undefined) begin("user").push(this.#asked(fields, path))
      else begin("tool").push(this.#result(fields, path, `${index}_${place}`))
    })
    if (list.length === 0) begin("user")
  }

  /** A part of what the person says. */
  #asked(fields: Fields, path: string): Asked {
    const { fileData, inlineData, text, ...rest } = fields
    if (text !== undefined) return { type: "text", text: textOf(text, `${path}.text`)!, ...this.#options(rest) }
    if (inlineData !== undefined || fileData !== undefined) return this.#file(fields, path)
    const raw: RawPart = { type: "raw", provider: this.#provider, value: fields as JsonObject }
    return raw as unknown as Asked
  }

  #file({ fileData, inlineData, ...rest }: Fields, path: string): FilePart {
    const here = inlineData !== undefined
    const where = `${path}.${here ? "inlineData" : "fileData"}`
    const { data, displayName, fileUri, mimeType, ...more } = fieldsOf(inlineData ?? fileData, where)
    // A field that nobody knows keeps the whole as it is.
    const whole = here ? { inlineData } : { fileData: fileData! }
    const own = Object.keys(more).length > 0 ? { ...rest, ...whole } : rest
    const fileName = textOf(displayName, `${where}.displayName`)
    const name = fileName === undefined ? undefined : { fileName }
    if (here) {
      return {
        type: "file",
        mediaType: someText(mimeType, `${where}.mimeType`),
        data: textOf(data, `${where}.data`) ?? "",
        ...name,
        ...this.#options(own)
      }
    }
    const href = someText(fileUri, `${where}.fileUri`)
    const mediaType = textOf(mimeType, `${where}.mimeType`) ?? wildcard(href)
    return { type: "file", mediaType, data: { _tag: "URL", href }, ...name, ...this.#options(own) }
  }

  #result(fields: Fields, path: string, place: string): ToolResult {
    const { functionResponse, ...own } = fields
    const where = `${path}.functionResponse`
    const { id, name: named, parts, response, ...rest } = fieldsOf(functionResponse, where)
    const name = someText(named, `${where}.name`)
    const body = response === undefined ? {} : object(response)
    if (body === undefined) throw invalid(`${where}.response`, "an object", response)
    const call = this.#answers(textOf(id, `${where}.id`), name)
    const { isFailure, result } = readResponse(body)
    const files = listOf(parts, `${where}.parts`)
      .map((part, index) => this.#file(fieldsOf(part, `${where}.parts[${index}]`), `${where}.parts[${index}]`))
    const text = typeof result === "string" ? [{ type: "text", text: result } as const] : []
    const answer = { isFailure, result, ...(files.length > 0 && { modelOutput: [...text, ...files] }) }
    // What would be written otherwise keeps its form.
    const same = Json.equals(responseOf(answer), body)
    const more = same ? rest : { ...rest, response: body as JsonObject }
    return {
      type: "tool-result",
      id: call ?? generatedId(undefined, place),
      name,
      ...answer,
      ...this.#options(Object.keys(more).length > 0 ? { ...own, functionResponse: more as JsonObject } : own)
    }
  }

  /** The call that is answered: the one of this id, else the first of this name that waits. */
  #answers(id: string | undefined, name: string): string | undefined {
    const index = this.#waiting.findIndex((call) => id === undefined ? call.name === name : call.id === id)
    const call = index < 0 ? undefined : this.#waiting.splice(index, 1)[0]
    return id ?? call?.id
  }

  /** A part of what the model said. */
  #said(value: JsonValue, path: string, place: string): Said {
    const fields = fieldsOf(value, path)
    const { thought, ...part } = fields
    if (part.text !== undefined) {
      const { text, ...own } = part
      const said = textOf(text, `${path}.text`)!
      return thought === true
        ? { type: "reasoning", text: said, ...this.#options({ thought: true, ...own }) }
        : { type: "text", text: said, ...this.#options(own) }
    }
    const own = thought === undefined ? part : fields
    if (part.functionCall !== undefined) return this.#call(own, path, place)
    if (part.inlineData !== undefined || part.fileData !== undefined) return this.#file(own, path)
    const ran = this.#ran(own, path, place)
    return ran ?? { type: "raw", provider: this.#provider, value: fields as JsonObject }
  }

  #call({ functionCall, ...own }: Fields, path: string, place: string): ToolCall {
    const where = `${path}.functionCall`
    const { args, id: given, name: named, ...rest } = fieldsOf(functionCall, where)
    const name = someText(named, `${where}.name`)
    if (args !== undefined && object(args) === undefined) throw invalid(`${where}.args`, "an object", args)
    const id = textOf(given, `${where}.id`) ?? generatedId(undefined, place)
    this.#waiting.push({ id, name })
    return {
      type: "tool-call",
      id,
      name,
      params: args ?? {},
      ...this.#options(Object.keys(rest).length > 0 ? { ...own, functionCall: rest as JsonObject } : own)
    }
  }

  /** A tool that Google ran. */
  #ran(fields: Fields, path: string, place: string): ToolCall | ToolResult | undefined {
    const part = executedParts.find((kind) => fields[kind] !== undefined)
    if (part === undefined) return undefined
    const { id: given, ...block } = fieldsOf(fields[part], `${path}.${part}`)
    const { [part]: _, ...own } = fields
    const calls = part === "executableCode" || part === "toolCall"
    const id = textOf(given, `${path}.${part}.id`) ?? (calls ? generatedId(undefined, `x${place}`) : this.#executed)
    if (calls) this.#executed = id
    const base = { id, providerExecuted: true, ...this.#options({ part, ...own }) }
    switch (part) {
      case "executableCode":
        return { type: "tool-call", name: codeExecution, params: block, ...base }
      case "codeExecutionResult":
        return { type: "tool-result", name: codeExecution, isFailure: wentWrong(block), result: block, ...base }
      case "toolCall":
        return { type: "tool-call", name: named(block, `${path}.${part}`), params: block.args ?? {}, ...base }
      case "toolResponse": {
        const name = named(block, `${path}.${part}`)
        return { type: "tool-result", name, isFailure: false, result: block.response ?? null, ...base }
      }
    }
  }

  #options(own: Fields): { readonly options?: ProviderOptions } {
    return Object.keys(own).length > 0 ? { options: { [this.#provider]: own as JsonObject } } : {}
  }
}

const named = ({ toolType }: Fields, path: string): string => textOf(toolType, `${path}.toolType`) ?? "tool"
