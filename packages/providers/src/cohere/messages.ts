/**
 * Writes a conversation as Cohere's chat takes it.
 *
 * What only Cohere understands (`options[provider]` of a message or part) is merged into what is written. Reasoning
 * goes back where it came from, as a `thinking` block or a `tool_plan`; that of another provider is not sent. Beside
 * tool calls Cohere takes no text: there it is the plan. Documents that stand in a message follow in `documents`.
 *
 * @module
 */
import {
  type AssistantMessage,
  type FilePart,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessagePart,
  type ProviderOptions
} from "@plugline/core"
import type { Draft } from "../wire/draft.ts"
import { dataUrl, imageType, kindOf, placeOf, untaken } from "../wire/media.ts"
import { object, put } from "../wire/read.ts"

type Written = { [name: string]: JsonValue }

/** The messages of a request, and the documents that stood in them. */
export interface Conversation {
  readonly messages: ReadonlyArray<JsonObject>
  readonly documents: ReadonlyArray<JsonObject>
}

/** A conversation while it is written. */
interface To {
  readonly draft: Draft
  readonly provider: string
  readonly messages: Array<Written>
  readonly documents: Array<Written>
  /** Images that tools answered with: they follow the last of the tools' messages. */
  shown: Array<Written>
}

/** The messages of a request. */
export const conversation = (draft: Draft): Conversation => {
  const { messages, provider } = draft.request
  const to: To = { draft, provider, messages: [], documents: [], shown: [] }
  for (const message of messages) {
    if (message.role !== "tool") show(to)
    write(message, to)
  }
  show(to)
  return to
}

const show = (to: To): void => {
  if (to.shown.length === 0) return
  to.messages.push({ role: "user", content: to.shown })
  to.shown = []
}

const write = (message: Message, to: To): void => {
  switch (message.role) {
    case "system":
      to.messages.push(withOwn({ role: "system", content: message.content }, message.options, to))
      return
    case "user": {
      const blocks: Array<Written> = []
      for (const part of message.content) {
        const block = userBlock(part, to)
        if (block !== undefined) blocks.push(block)
      }
      to.messages.push(withOwn({ role: "user", content: contentOf(blocks) }, message.options, to))
      return
    }
    case "assistant":
      return assistant(message, to)
    case "tool":
      for (const part of message.content) if (part.type === "tool-result") result(part, message.options, to)
  }
}

/** One plain text is a text: every version of the service takes that. */
const contentOf = (blocks: ReadonlyArray<Written>): JsonValue => {
  const only = blocks.length === 1 ? blocks[0] : undefined
  if (only?.type === "text" && Object.keys(only).length === 2) return only.text!
  return blocks.length === 0 ? "" : blocks
}

/** A block of the person's content. A document has none: it stands beside the conversation. */
const userBlock = (part: MessagePart, to: To): Written | undefined => {
  switch (part.type) {
    case "text":
      return withOwn({ type: "text", text: part.text }, part.options, to)
    case "file":
      return file(part, to)
    case "raw":
      return part.provider === to.provider ? part.value as Written : undefined
    default:
      // A part that has no word here may be one of the service's own.
      return part as unknown as Written
  }
}

const file = (part: FilePart, to: To): Written | undefined => {
  const { fileName, mediaType } = part
  const place = placeOf(part)
  if (kindOf(mediaType) === "image") {
    const detail = object(part.options?.[to.provider])?.imageDetail ?? part.options?.openai?.imageDetail
    const url = dataUrl(place, imageType(mediaType, place))
    const image = { url, ...(detail !== undefined && { detail }) }
    return withOwn({ type: "image_url", image_url: image }, part.options, to)
  }
  if (kindOf(mediaType) !== "text" && mediaType !== "application/json") {
    throw untaken(`files of type ${mediaType}, only images and texts`, to.provider)
  }
  if ("url" in place) throw untaken("documents by their address: give them as base64", to.provider)
  const text = Buffer.from(place.base64, "base64").toString("utf8")
  const data = { ...(fileName !== undefined && { title: fileName }), text }
  to.documents.push(withOwn({ data }, part.options, to))
  return undefined
}

const assistant = (message: AssistantMessage, to: To): void => {
  const { provider } = to
  const blocks: Array<Written> = []
  const calls: Array<Written> = []
  const plans: Array<string> = []
  const results: Array<MessagePart & { readonly type: "tool-result" }> = []
  const callsFollow = message.content.some((part) => part.type === "tool-call" && part.providerExecuted !== true)
  for (const part of message.content) {
    switch (part.type) {
      case "text":
        if (!callsFollow) blocks.push(withOwn({ type: "text", text: part.text }, part.options, to))
        else if (part.text !== "") plans.push(part.text)
        break
      case "reasoning": {
        const own = object(part.options?.[provider])
        if (own?.type === "tool_plan") plans.push(part.text)
        else if (own !== undefined) blocks.push(withOwn({ type: "thinking", thinking: part.text }, part.options, to))
        break
      }
      case "tool-call":
        if (part.providerExecuted !== true) calls.push(call(part, to))
        break
      case "tool-result":
        if (part.providerExecuted !== true) results.push(part)
        break
      case "file":
        to.draft.warnings.push({
          type: "other",
          message: `${provider} takes no file back that a model made: one of type ${part.mediaType} was not sent`
        })
        break
      case "raw":
        if (part.provider === provider) blocks.push(part.value as Written)
        break
      default:
        blocks.push(part as unknown as Written)
    }
  }
  const written: Written = { role: "assistant" }
  if (blocks.length > 0 || (calls.length === 0 && plans.length === 0)) written.content = contentOf(blocks)
  if (plans.length > 0) written.tool_plan = plans.join("\n")
  if (calls.length > 0) written.tool_calls = calls
  to.messages.push(withOwn(written, message.options, to))
  for (const part of results) result(part, undefined, to)
}

const call = (part: MessagePart & { readonly type: "tool-call" }, to: To): Written => {
  const text = typeof part.params === "string" ? part.params : JSON.stringify(part.params ?? {})
  const written: Written = { id: part.id, type: "function", function: { name: part.name, arguments: text } }
  return withOwn(written, part.options, to)
}

/** One message per result. A result that is an object, or some, is a document, which the answer can cite. */
const result = (
  part: MessagePart & { readonly type: "tool-result" },
  options: ProviderOptions | undefined,
  to: To
): void => {
  const message: Written = { role: "tool", tool_call_id: part.id, content: "" }
  if (part.modelOutput === undefined) message.content = answered(part.result, part.isFailure)
  else {
    const texts: Array<string> = []
    const own: Array<JsonValue> = []
    let files = false
    for (const item of part.modelOutput) {
      if (item.type === "text") texts.push(item.text)
      else if (item.type === "raw") {
        if (item.provider === to.provider) own.push(item.value)
      } else {
        if (!files) to.shown.push({ type: "text", text: `Files from the tool ${part.name}:` })
        files = true
        const block = file(item, to)
        if (block !== undefined) to.shown.push(block)
      }
    }
    const said = files && texts.length === 0 ? "See the files that follow." : texts.join("\n")
    const text = answered(said, part.isFailure)
    message.content = own.length === 0 ? text : [...(text === "" ? [] : [{ type: "text", text }]), ...own]
  }
  to.messages.push(withOwn(withOwn(message, options, to), part.options, to))
}

/** That a tool failed is said in what it answered, because there is no other place to say it. */
const answered = (result: unknown, isFailure: boolean): JsonValue => {
  if (typeof result === "string") return isFailure ? `Error: ${result}` : result
  if (isFailure) return [document({ error: (result ?? null) as JsonValue })]
  if (object(result) !== undefined) return [document(result as JsonObject)]
  if (Array.isArray(result) && result.length > 0 && result.every((item) => object(item) !== undefined)) {
    return result.map((item: JsonObject) => document(item))
  }
  return JSON.stringify(result) ?? ""
}

const document = (data: JsonObject): JsonObject => ({ type: "document", document: { data } })

const withOwn = (written: Written, options: ProviderOptions | undefined, to: To): Written => {
  const own = options?.[to.provider]
  if (own === undefined || own === null) return written
  for (const name in own) {
    const value = own[name]
    if (name !== "imageDetail" && value !== undefined) put(written, name, value)
  }
  return written
}
