/**
 * Reads the conversation of a Converse request.
 *
 * A person's turn may hold results of tools between other blocks: it becomes several messages, one after the other, and
 * `prepare` puts them into one turn again. A point of the cache goes to the part it follows.
 *
 * @module
 */
import {
  type FilePart, Json, type JsonObject, type JsonValue, type Message, type MessagePart, type SystemMessage
} from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { defined, type Fields, object } from "../wire/read.ts"
import { documentName } from "./files.ts"
import { type Kind, formatOf, mediaTypeOf } from "./media.ts"
import { fieldsAt, invalid, itemsAt, textAt } from "./path.ts"

type ToolResultPart = MessagePart & { readonly type: "tool-result" }
type TextPart = MessagePart & { readonly type: "text" }

/** What is known while a conversation is read. */
export interface Reading {
  readonly provider: string
  /** The names of tools by the ids of their calls. */
  readonly names: Map<string, string>
}

/** The rules of the conversation, one message per block. */
export const readSystem = (blocks: ReadonlyArray<JsonValue>, { provider }: Reading): ReadonlyArray<Message> => {
  const out: Array<SystemMessage> = []
  blocks.forEach((value, index) => {
    const path = `system[${index}]`
    const block = fieldsAt(value, path, provider)
    const last = out.at(-1)
    const guarded = object(object(block.guardContent)?.text)
    if (block.text !== undefined) out.push({ role: "system", content: textAt(block.text, `${path}.text`, provider) })
    else if (guarded !== undefined) {
      const { text, ...rest } = guarded
      const content = textAt(text, `${path}.guardContent.text.text`, provider)
      out.push({ role: "system", content, options: { [provider]: { guardContent: defined(rest) } } })
    } else if (block.cachePoint !== undefined) {
      const cachePoint = fieldsAt(block.cachePoint, `${path}.cachePoint`, provider) as JsonObject
      const own = last?.options?.[provider] ?? undefined
      if (last === undefined || own?.cachePoint !== undefined) {
        out.push({ role: "system", content: "", options: { [provider]: { cachePoint } } })
      } else out[out.length - 1] = { ...last, options: { [provider]: { ...own, cachePoint } } }
    } else out.push({ role: "system", content: "", options: { [provider]: { block: block as JsonObject } } })
  })
  return out
}

/** The turns of person and model. */
export const readMessages = (turns: ReadonlyArray<JsonValue>, reading: Reading): ReadonlyArray<Message> =>
  turns.flatMap((value, index) => {
    const { provider } = reading
    const path = `messages[${index}]`
    const { content, role, ...rest } = fieldsAt(value, path, provider)
    if (role !== "user" && role !== "assistant") {
      throw invalid(`${path}.role`, "must be \"user\" or \"assistant\"", provider)
    }
    const messages = turn(role, itemsAt(content, `${path}.content`, provider), `${path}.content`, reading)
    const last = messages.at(-1)
    if (last !== undefined && Object.keys(rest).length > 0) {
      messages[messages.length - 1] = { ...last, options: { [provider]: defined(rest) } }
    }
    return messages
  })

const turn = (
  role: "user" | "assistant",
  blocks: ReadonlyArray<JsonValue>,
  path: string,
  reading: Reading
): Array<Message> => {
  const { provider } = reading
  const out: Array<{ readonly role: "user" | "assistant" | "tool"; readonly content: Array<MessagePart> }> = []
  blocks.forEach((value, index) => {
    const at = `${path}[${index}]`
    const block = fieldsAt(value, at, provider)
    const content = out.at(-1)?.content
    const before = content?.at(-1)
    const own = before?.options?.[provider] ?? undefined
    if (block.cachePoint !== undefined && before !== undefined && own?.cachePoint === undefined) {
      const cachePoint = fieldsAt(block.cachePoint, `${at}.cachePoint`, provider) as JsonObject
      content![content!.length - 1] = { ...before, options: { ...before.options, [provider]: { ...own, cachePoint } } }
      return
    }
    const part = partOf(block, role, at, reading)
    const of = role === "user" && part.type === "tool-result" ? "tool" : role
    const last = out.at(-1)
    if (last?.role === of) last.content.push(part)
    else out.push({ role: of, content: [part] })
  })
  return (out.length === 0 ? [{ role, content: [] }] : out) as unknown as Array<Message>
}

const partOf = (block: Fields, role: "user" | "assistant", path: string, reading: Reading): MessagePart => {
  const { provider } = reading
  if (block.text !== undefined) {
    const { text, ...rest } = block
    return { type: "text", text: textAt(text, `${path}.text`, provider), ...ownOf(rest, provider) }
  }
  for (const kind of kinds) {
    if (block[kind] === undefined) continue
    const part = fileOf(kind, fieldsAt(block[kind], `${path}.${kind}`, provider), `${path}.${kind}`, provider)
    return part ?? { type: "raw", provider, value: block as JsonObject }
  }
  if (block.toolUse !== undefined) return toolUse(block.toolUse, `${path}.toolUse`, reading)
  if (block.toolResult !== undefined) return toolResult(block.toolResult, role, `${path}.toolResult`, reading)
  const special = reasoningOf(block, provider) ?? cited(block, provider) ?? guarded(block, path, provider)
  return special ?? { type: "raw", provider, value: block as JsonObject }
}

const kinds: ReadonlyArray<Kind> = ["image", "document", "video", "audio"]

/** A file; `undefined` where its form has no media type. */
const fileOf = (kind: Kind, fields: Fields, path: string, provider: string): FilePart | undefined => {
  const { format, name, source, ...rest } = fields
  const given = fieldsAt(source, `${path}.source`, provider)
  const own: { [name: string]: JsonValue } = {}
  merge(own, defined(rest))
  let mediaType: string
  if (format === undefined && kind === "document" && (given.text !== undefined || given.content !== undefined)) {
    return undefined
  } else {
    const word = textAt(format, `${path}.format`, provider)
    mediaType = mediaTypeOf(kind, word)
    const back = formatOf(mediaType)
    if (back?.kind !== kind || back.format !== word) return undefined
  }
  const place = object(given.s3Location)
  let data: FilePart["data"]
  if (given.bytes !== undefined) data = textAt(given.bytes, `${path}.source.bytes`, provider)
  else if (place !== undefined) {
    data = { _tag: "URL", href: textAt(place.uri, `${path}.source.s3Location.uri`, provider) }
    const { bucketOwner } = place
    if (typeof bucketOwner === "string") own.bucketOwner = bucketOwner
  } else {
    // A text, or a list of texts, in place of a file.
    own.source = given as JsonObject
    data = Buffer.from(textOf(given)).toString("base64")
  }
  // A name that would be written otherwise is kept as it is.
  if (kind === "document" && name !== undefined && documentName(textAt(name, `${path}.name`, provider)) !== name) {
    own.name = name
  }
  return {
    type: "file",
    mediaType,
    ...(typeof name === "string" && { fileName: name }),
    data,
    ...ownOf(own, provider)
  }
}

const textOf = ({ content, text }: Fields): string => {
  if (typeof text === "string") return text
  let out = ""
  for (const item of Array.isArray(content) ? content as ReadonlyArray<JsonValue> : []) {
    const said = object(item)?.text
    if (typeof said === "string") out += said
  }
  return out
}

const toolUse = (value: JsonValue, path: string, { names, provider }: Reading): MessagePart => {
  const { input, name, toolUseId, ...rest } = fieldsAt(value, path, provider)
  const id = textAt(toolUseId, `${path}.toolUseId`, provider)
  const called = textAt(name, `${path}.name`, provider)
  names.set(id, called)
  return {
    type: "tool-call",
    id,
    name: called,
    params: input ?? {},
    ...(rest.type === "server_tool_use" && { providerExecuted: true }),
    ...ownOf(rest, provider)
  }
}

const toolResult = (value: JsonValue, role: "user" | "assistant", path: string, reading: Reading): ToolResultPart => {
  const { names, provider } = reading
  const { content, toolUseId, ...rest } = fieldsAt(value, path, provider)
  const id = textAt(toolUseId, `${path}.toolUseId`, provider)
  const items = itemsAt(content ?? [], `${path}.content`, provider)
  const head = { type: "tool-result", id, name: names.get(id) ?? "", isFailure: rest.status === "error" } as const
  if (role === "assistant") return { ...head, result: items, providerExecuted: true, ...ownOf(rest, provider) }
  const { status, ...others } = rest
  const own = status === undefined || status === "error" || status === "success" ? others : rest
  return { ...head, ...resultOf(items, own, path, provider) }
}

const resultOf = (
  items: ReadonlyArray<JsonValue>,
  own: Fields,
  path: string,
  provider: string
): Pick<ToolResultPart, "result" | "modelOutput" | "options"> => {
  const only = items.length === 1 ? object(items[0]) : undefined
  if (only !== undefined && Object.keys(only).length === 1) {
    if (typeof only.text === "string") return { result: only.text, ...ownOf(own, provider) }
    if (Json.isRecord(only.json)) return { result: only.json, ...ownOf(own, provider) }
  }
  const shown = items.map((item, index) => outputOf(item, `${path}.content[${index}]`, provider))
  if (items.length > 0 && shown.every((part) => part !== undefined)) {
    const result = shown.flatMap((part) => part.type === "text" ? [part.text] : []).join("\n")
    return { result, modelOutput: shown, ...ownOf(own, provider) }
  }
  return { result: items.length === 0 ? "" : items, ...ownOf({ ...own, content: items }, provider) }
}

/** A piece of what a tool answered, where it is a text or a file and nothing else. */
const outputOf = (value: JsonValue, path: string, provider: string): TextPart | FilePart | undefined => {
  const item = fieldsAt(value, path, provider)
  if (Object.keys(item).length !== 1) return undefined
  if (typeof item.text === "string") return { type: "text", text: item.text }
  for (const kind of kinds) {
    const fields = object(item[kind])
    if (fields !== undefined) return fileOf(kind, fields, `${path}.${kind}`, provider)
  }
  return undefined
}

const reasoningOf = (block: Fields, provider: string): MessagePart | undefined => {
  const content = object(block.reasoningContent)
  if (content === undefined) return undefined
  const { redactedContent, reasoningText } = content
  if (typeof redactedContent === "string") {
    return { type: "reasoning", text: "", options: { [provider]: { redactedContent } } }
  }
  const { signature, text } = object(reasoningText) ?? {}
  if (typeof text !== "string") return undefined
  const own = typeof signature === "string" ? { signature } : { unsigned: true }
  return { type: "reasoning", text, options: { [provider]: own } }
}

const cited = (block: Fields, provider: string): MessagePart | undefined => {
  const { citations, content } = object(block.citationsContent) ?? {}
  const texts = Array.isArray(content) ? content as ReadonlyArray<JsonValue> : []
  const only = texts.length === 1 ? object(texts[0])?.text : ""
  if (!Array.isArray(citations) || texts.length > 1 || typeof only !== "string") return undefined
  return { type: "text", text: only, options: { [provider]: { citations: citations as ReadonlyArray<JsonValue> } } }
}

const guarded = (block: Fields, path: string, provider: string): MessagePart | undefined => {
  const content = object(block.guardContent)
  const said = object(content?.text)
  const image = object(content?.image)
  if (said !== undefined) {
    const { text, ...rest } = said
    const options = { [provider]: { guardContent: defined(rest) } }
    return { type: "text", text: textAt(text, `${path}.guardContent.text.text`, provider), options }
  }
  const part = image === undefined ? undefined : fileOf("image", image, `${path}.guardContent.image`, provider)
  return part === undefined
    ? undefined
    : { ...part, options: { [provider]: { ...part.options?.[provider], guardContent: {} } } }
}

const ownOf = (rest: Fields, provider: string): { readonly options?: { readonly [provider: string]: JsonObject } } => {
  const own = defined(rest)
  return Object.keys(own).length > 0 ? { options: { [provider]: own } } : {}
}
