/**
 * Writes a conversation as Ollama takes it: each message one text, with its images in a list beside it.
 *
 * What only Ollama understands (`options[provider]` of a message or of a tool call) is merged into what is written.
 *
 * @module
 */
import {
  type AssistantMessage,
  type FilePart,
  type JsonObject,
  type JsonValue,
  LlmError,
  type Message,
  type MessagePart,
  type ProviderOptions,
  type UserMessage
} from "@plugline/core"
import { type Draft, merge } from "../wire/draft.ts"
import { kindOf, placeOf, untaken } from "../wire/media.ts"
import { object } from "../wire/read.ts"
import { isMade } from "./calls.ts"

type Written = { [name: string]: JsonValue }

/** The messages of a request. */
export const messages = (to: Draft): ReadonlyArray<JsonObject> => {
  const out: Array<Written> = []
  for (const message of to.request.messages) write(message, to, out)
  return out
}

const write = (message: Message, to: Draft, out: Array<Written>): void => {
  switch (message.role) {
    case "system":
      out.push(withOwn({ role: "system", content: message.content }, message.options, to))
      return
    case "user":
      out.push(withOwn({ role: "user", ...contentOf(message, to) }, message.options, to))
      return
    case "assistant":
      assistant(message, to, out)
      return
    case "tool":
      for (const part of message.content) if (part.type === "tool-result") result(part, message.options, to, out)
  }
}

/** The text and the images of a message from the person. */
export const contentOf = ({ content }: UserMessage, to: Draft): Written => {
  const texts: Array<string> = []
  const images: Array<string> = []
  for (const part of content as ReadonlyArray<MessagePart>) {
    if (part.type === "text") texts.push(part.text)
    else if (part.type === "file") images.push(image(part, to))
    else throw untaken(`a part of type ${part.type} from the person`, to.request.provider)
  }
  return { content: texts.join("\n"), ...(images.length > 0 && { images }) }
}

/** An image, which has to be here as base64. */
const image = (part: FilePart, to: Draft): string => {
  const { provider } = to.request
  if (kindOf(part.mediaType) !== "image") throw untaken(`files of type ${part.mediaType}, only images`, provider)
  const place = placeOf(part)
  if ("url" in place) throw untaken("images by their address: give them as base64", provider)
  return place.base64
}

const assistant = (message: AssistantMessage, to: Draft, out: Array<Written>): void => {
  const { provider } = to.request
  const written: Written = { role: "assistant", content: "" }
  const calls: Array<Written> = []
  const images: Array<string> = []
  const results: Array<Written> = []
  let content = ""
  let thinking: string | undefined
  for (const part of message.content) {
    switch (part.type) {
      case "text":
        content += part.text
        break
      case "reasoning":
        // Thoughts of another model are none of this one's.
        if (object(part.options?.[provider]) !== undefined) thinking = (thinking ?? "") + part.text
        break
      case "file":
        images.push(image(part, to))
        break
      case "tool-call":
        if (part.providerExecuted !== true) calls.push(call(part, to))
        break
      case "tool-result":
        if (part.providerExecuted !== true) result(part, undefined, to, results)
        break
      case "raw":
        if (part.provider === provider && object(part.value) !== undefined) merge(written, part.value as JsonObject)
        break
      default:
        throw untaken(`a part of type ${String((part as { type?: unknown }).type)} from the model`, provider)
    }
  }
  written.content = content
  if (thinking !== undefined) written.thinking = thinking
  if (images.length > 0) written.images = images
  if (calls.length > 0) written.tool_calls = calls
  out.push(withOwn(written, message.options, to), ...results)
}

/** Arguments go as an object. Those that are none were broken, and no model that is shown them could tell why. */
const call = (part: MessagePart & { readonly type: "tool-call" }, to: Draft): Written => {
  const params = part.params ?? {}
  const known = typeof params === "object" && !Array.isArray(params) ? params as JsonObject : undefined
  if (known === undefined) {
    const message = `${to.request.provider} takes arguments as an object: those of ${part.name} are a field of one`
    to.warnings.push({ type: "other", message })
  }
  const described = { name: part.name, arguments: known ?? { arguments: params as JsonValue } }
  return withOwn({ ...(!isMade(part.id) && { id: part.id }), function: described }, part.options, to)
}

/** What a tool answered; that it failed is said in the text, because there is no other place to say it. */
const result = (
  part: MessagePart & { readonly type: "tool-result" },
  options: ProviderOptions | undefined,
  to: Draft,
  out: Array<Written>
): void => {
  const images: Array<string> = []
  const own: Array<JsonObject> = []
  let content: string
  if (part.modelOutput === undefined) content = answered(part.result, part.isFailure)
  else {
    const texts: Array<string> = []
    for (const item of part.modelOutput) {
      if (item.type === "text") texts.push(item.text)
      else if (item.type === "file") images.push(image(item, to))
      else {
        const fields = item.provider === to.request.provider ? object(item.value) : undefined
        if (fields !== undefined) own.push(fields as JsonObject)
      }
    }
    content = answered(texts.join("\n"), part.isFailure)
  }
  const written: Written = {
    role: "tool",
    content,
    ...(images.length > 0 && { images }),
    ...(part.name !== "" && { tool_name: part.name }),
    ...(!isMade(part.id) && { tool_call_id: part.id })
  }
  for (const fields of own) merge(written, fields)
  out.push(withOwn(withOwn(written, options, to), part.options, to))
}

const answered = (result: unknown, isFailure: boolean): string => {
  if (!isFailure) return typeof result === "string" ? result : JSON.stringify(result) ?? ""
  return typeof result === "string" ? `Error: ${result}` : JSON.stringify({ error: result ?? null })
}

const withOwn = (written: Written, options: ProviderOptions | undefined, to: Draft): Written => {
  const own = options?.[to.request.provider]
  if (own !== undefined && own !== null) merge(written, own)
  return written
}

/** What generate takes of messages. */
export interface Prompt {
  readonly system: string | undefined
  readonly prompt: string
  readonly images: ReadonlyArray<string>
}

/** The rules of the conversation, the text and the images to go on from */
export const promptOf = (to: Draft): Prompt => {
  const systems: Array<string> = []
  const prompts: Array<string> = []
  const images: Array<string> = []
  for (const message of to.request.messages) {
    if (message.role === "system") systems.push(message.content)
    else if (message.role === "user") {
      const written = contentOf(message, to)
      prompts.push(written.content as string)
      if (written.images !== undefined) images.push(...written.images as ReadonlyArray<string>)
    } else {
      throw LlmError.make({
        _tag: "Unsupported",
        message: `completion goes on from a text: a message of the role ${message.role} has no place in it`
      }, { provider: to.request.provider })
    }
  }
  return { system: systems.length === 0 ? undefined : systems.join("\n"), prompt: prompts.join("\n"), images }
}
