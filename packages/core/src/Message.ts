/**
 * Who said what: plain JSON in the encoded vocabulary of `effect/ai`'s `Prompt`, so that a conversation can be stored,
 * compared, hashed and replayed, and decodes straight into `effect/ai`'s types.
 *
 * @module
 */
import { isRecord, type Json, type JsonObject } from "./Json.ts"
import { LlmError } from "./LlmError.ts"
import * as Suggest from "./Suggest.ts"

/** What only one provider understands, under that provider's name. Passed on untouched. */
export type ProviderOptions = { readonly [provider: string]: JsonObject | null }

interface Base {
  readonly options?: ProviderOptions
}

/** Text. */
export interface TextPart extends Base {
  readonly type: "text"
  readonly text: string
}

/** What a model thought before it answered; signatures that must go back with it are under `options`. */
export interface ReasoningPart extends Base {
  readonly type: "reasoning"
  readonly text: string
}

/** An image, document, sound or film: base64 data or a URL. */
export interface FilePart extends Base {
  readonly type: "file"
  /** MIME type, `image/*` where only the kind is known. */
  readonly mediaType: string
  readonly fileName?: string
  readonly data: string | { readonly _tag: "URL"; readonly href: string } | { readonly _tag: "Uint8Array"; readonly base64: string }
}

/** A model asks for a tool to be run. */
export interface ToolCallPart extends Base {
  readonly type: "tool-call"
  readonly id: string
  readonly name: string
  readonly params: unknown
  /** Run by the provider, not by us. */
  readonly providerExecuted?: boolean
}

/** What a tool answered. */
export interface ToolResultPart extends Base {
  readonly type: "tool-result"
  readonly id: string
  readonly name: string
  readonly isFailure: boolean
  readonly result: unknown
  /** Sent to the model in place of `result`: how a tool answers with images. */
  readonly modelOutput?: ReadonlyArray<TextPart | FilePart | RawPart>
  readonly providerExecuted?: boolean
}

/** A block of the provider's that has no word here: goes back to that provider as it came, and to no other. */
export interface RawPart extends Base {
  readonly type: "raw"
  readonly provider: string
  readonly value: Json
}

/** The rules of the conversation, from whoever runs it. */
export interface SystemMessage extends Base {
  readonly role: "system"
  readonly content: string
}

/** From the person. */
export interface UserMessage extends Base {
  readonly role: "user"
  readonly content: ReadonlyArray<TextPart | FilePart | RawPart>
}

/** From the model. */
export interface AssistantMessage extends Base {
  readonly role: "assistant"
  readonly content: ReadonlyArray<TextPart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart | RawPart>
}

/** From the tools. */
export interface ToolMessage extends Base {
  readonly role: "tool"
  readonly content: ReadonlyArray<ToolResultPart>
}

/** One message of a conversation. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage

/** Anything a message can hold. */
export type MessagePart = TextPart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart | RawPart

/** What people type by hand: a plain string for content, and shorthands for images. */
export type MessageInput = Message | {
  readonly role: "system" | "developer" | "user" | "assistant"
  readonly content: string | ReadonlyArray<MessagePart | ImageInput>
  readonly options?: ProviderOptions
}

/** Shorthands for an image: its URL, a data URL or base64, or the part OpenAI's clients write. */
export type ImageInput =
  | { readonly type: "image"; readonly image: string; readonly mediaType?: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string; readonly detail?: string } }

/** What {@link from} accepts: one question, one message, or a conversation. */
export type MessagesInput = string | MessageInput | ReadonlyArray<MessageInput>

const roles = ["system", "user", "assistant", "tool"] as const

/**
 * A conversation in its one canonical form. Content of user and assistant becomes a list of parts, `developer` becomes
 * `system`, images become files. Unknown parts and fields are kept as they are.
 *
 * @throws LlmError `InvalidRequest`, saying which message and what would be right.
 * @example
 * ```ts
 * import { Message } from "@plugline/core"
 *
 * Message.from("Hello") // => [{ role: "user", content: [{ type: "text", text: "Hello" }] }]
 * ```
 */
export const from = (input: MessagesInput): ReadonlyArray<Message> => {
  if (typeof input === "string") return [user(input)]
  if (Array.isArray(input)) {
    const messages = input.map((message, index) => one(message, `messages[${index}]`))
    // A conversation that is canonical already stays the same value, and so does each message and part of one that is not.
    return messages.every((message, index) => message === input[index]) ? input : messages
  }
  if (isRecord(input)) return [one(input, "messages")]
  throw invalid("messages", `messages must be a text or a list of messages, not ${kind(input)}`)
}

/** A message from the person. */
export const user = (text: string): UserMessage => ({ role: "user", content: [{ type: "text", text }] })

/** A message from the model. */
export const assistant = (text: string): AssistantMessage => ({ role: "assistant", content: [{ type: "text", text }] })

/** The rules of the conversation. */
export const system = (text: string): SystemMessage => ({ role: "system", content: text })

/** What a tool answered to a call; `isFailure` tells the model that it went wrong. */
export const toolResult = (
  call: { readonly id: string; readonly name: string },
  result: unknown,
  isFailure = false
): ToolMessage => ({
  role: "tool",
  content: [{ type: "tool-result", id: call.id, name: call.name, isFailure, result }]
})

/**
 * The visible text of a message or a conversation: the text parts, joined with nothing between; messages by a line break.
 */
export const text = (message: Message | ReadonlyArray<Message>): string => {
  if (isList(message)) return message.map(text).filter((part) => part !== "").join("\n")
  if (typeof message.content === "string") return message.content
  let out = ""
  for (const part of message.content) if (part.type === "text") out += part.text
  return out
}

const isList = (value: Message | ReadonlyArray<Message>): value is ReadonlyArray<Message> => Array.isArray(value)

const one = (message: unknown, path: string): Message => {
  if (!isRecord(message)) throw invalid(path, `${path} must be a message with role and content, not ${kind(message)}`)
  const role = message.role === "developer" ? "system" : message.role
  if (typeof role !== "string" || !(roles as ReadonlyArray<string>).includes(role)) {
    throw invalid(`${path}.role`, `${path}: ${Suggest.refusal("role", String(role), roles)}`)
  }
  const { content } = message
  if (role === "system") {
    const flat = typeof content === "string" ? content : Array.isArray(content) ? flatText(content, path) : undefined
    if (flat === undefined) throw invalid(`${path}.content`, `${path}.content must be a text, not ${kind(content)}`)
    return flat === content && role === message.role
      ? message as unknown as SystemMessage
      : { ...message, role, content: flat } as SystemMessage
  }
  if (typeof content === "string" && role !== "tool") {
    return { ...message, role, content: [{ type: "text", text: content }] } as Message
  }
  if (!Array.isArray(content)) {
    throw invalid(`${path}.content`, `${path}.content must be ${role === "tool" ? "" : "a text or "}a list of parts, not ${kind(content)}`)
  }
  const parts = content.map((item, index) => part(item, `${path}.content[${index}]`))
  return parts.every((item, index) => item === content[index])
    ? message as unknown as Message
    : { ...message, role, content: parts } as unknown as Message
}

const part = (value: unknown, path: string): unknown => {
  if (typeof value === "string") return { type: "text", text: value }
  if (!isRecord(value) || typeof value.type !== "string") {
    throw invalid(path, `${path} must be a part with a type, not ${kind(value)}`)
  }
  switch (value.type) {
    case "text":
    case "reasoning":
      if (typeof value.text !== "string") throw invalid(`${path}.text`, `${path}.text must be a text, not ${kind(value.text)}`)
      return value
    case "image":
      if (typeof value.image !== "string") throw invalid(`${path}.image`, `${path}.image must be a URL or base64 text`)
      return file(value.image, typeof value.mediaType === "string" ? value.mediaType : undefined)
    case "image_url": {
      const image = value.image_url
      const url = isRecord(image) ? image.url : image
      if (typeof url !== "string") throw invalid(`${path}.image_url.url`, `${path}.image_url.url must be a text`)
      const detail = isRecord(image) && typeof image.detail === "string" ? image.detail : undefined
      return { ...file(url), ...(detail !== undefined && { options: { openai: { imageDetail: detail } } }) }
    }
    case "file":
      if (typeof value.mediaType !== "string") throw invalid(`${path}.mediaType`, `${path}.mediaType must be a MIME type`)
      if (typeof value.data !== "string" && !isRecord(value.data)) {
        throw invalid(`${path}.data`, `${path}.data must be base64 text or { _tag: "URL", href }`)
      }
      return value
    case "tool-call":
    case "tool-result":
      if (typeof value.id !== "string" || typeof value.name !== "string") {
        throw invalid(path, `${path} needs the id and the name of the tool call`)
      }
      return value
    default:
      return value
  }
}

const file = (source: string, mediaType?: string): FilePart => {
  const data = /^data:([^;,]+)?(?:;[^,]*)?,(.*)$/s.exec(source)
  if (data !== null) return { type: "file", mediaType: mediaType ?? data[1] ?? "image/*", data: data[2] ?? "" }
  return /^[a-z][a-z0-9+.-]*:/i.test(source)
    ? { type: "file", mediaType: mediaType ?? "image/*", data: { _tag: "URL", href: source } }
    : { type: "file", mediaType: mediaType ?? "image/*", data: source }
}

const flatText = (parts: ReadonlyArray<unknown>, path: string): string =>
  parts.map((item, index) => {
    const text = typeof item === "string" ? item : isRecord(item) ? item.text : undefined
    if (typeof text !== "string") throw invalid(`${path}.content[${index}]`, `${path}.content[${index}] must be text: a system message holds nothing else`)
    return text
  }).join("\n")

const invalid = (parameter: string, message: string) => new LlmError({ _tag: "InvalidRequest", parameter, message })

const kind = (value: unknown): string => value === null ? "null" : Array.isArray(value) ? "a list" : typeof value
