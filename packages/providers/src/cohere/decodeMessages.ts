/**
 * Reads a conversation as clients of Cohere's second interface send it.
 *
 * @module
 */
import type {
  AssistantMessage, FilePart, JsonObject, JsonValue, Message, MessagePart, ProviderOptions, ToolMessage
} from "@plugline/core"
import { Json } from "@plugline/core"
import { defined, type Fields, list, object } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, optionalText, textAt } from "../wire/checks.ts"

/** The messages. Results of tools get the name of the call they belong to. */
export const decodeMessages = (values: ReadonlyArray<JsonValue>, provider: string): ReadonlyArray<Message> => {
  const names = new Map<string, string>()
  return values.map((value, index): Message => {
    const path = `messages[${index}]`
    const fields = objectAt(value, path, provider)
    switch (fields.role) {
      case "system":
      case "developer":
        return system(fields, path, provider)
      case "user": {
        const content = blocks(fields.content, `${path}.content`, provider) as ReadonlyArray<FilePart>
        return { role: "user", content, ...ownOf(fields, ofUser, provider) }
      }
      case "assistant": {
        const message = assistant(fields, path, provider)
        for (const part of message.content) if (part.type === "tool-call") names.set(part.id, part.name)
        return message
      }
      case "tool":
        return tool(fields, names, path, provider)
      default:
        throw misfit(`${path}.role`, "system, user, assistant or tool", provider)
    }
  })
}

const ofUser = new Set(["role", "content"])
const ofAssistant = new Set(["role", "content", "tool_plan", "tool_calls"])
const ofTool = new Set(["role", "content", "tool_call_id"])

/** Rules are one text here: several go on lines of their own, and are written again as they were. */
const system = (fields: Fields, path: string, provider: string): Message => {
  const { content, role } = fields
  const own: { [name: string]: JsonValue } = role === "developer" ? { role } : {}
  let text = ""
  if (typeof content === "string") text = content
  else {
    const items = listAt(content, `${path}.content`, provider)
    text = items.map((item, index) => {
      const place = `${path}.content[${index}]`
      const block = objectAt(item, place, provider)
      if (block.type !== "text") throw misfit(`${place}.type`, "text", provider)
      return textAt(block.text, `${place}.text`, provider)
    }).join("\n")
    if (items.length !== 1 || Object.keys(items[0] as object).length > 2) own.content = content!
  }
  const more = ownOf(fields, ofUser, provider)?.options[provider]
  const all = { ...own, ...more }
  return { role: "system", content: text, ...(Object.keys(all).length > 0 && { options: { [provider]: all } }) }
}

/** A content: a text, or blocks of the kinds that a person or a model writes. */
const blocks = (content: JsonValue | undefined, path: string, provider: string): ReadonlyArray<MessagePart> => {
  if (typeof content === "string") return [{ type: "text", text: content }]
  return listAt(content, path, provider).map((item, index) => {
    const place = `${path}[${index}]`
    const block = objectAt(item, place, provider)
    switch (block.type) {
      case "text": {
        const text = textAt(block.text, `${place}.text`, provider)
        return { type: "text", text, ...ownOf(block, ofText, provider) }
      }
      case "thinking": {
        const text = textAt(block.thinking, `${place}.thinking`, provider)
        return { type: "reasoning", text, options: { [provider]: { type: "thinking", ...rest(block, ofThinking) } } }
      }
      case "image_url":
        return image(block, place, provider)
      default:
        // One that has no word here goes to the service as it is.
        if (typeof block.type !== "string") throw misfit(`${place}.type`, "a text", provider)
        return { type: "raw", provider, value: item }
    }
  })
}

const ofText = new Set(["type", "text"])
const ofThinking = new Set(["type", "thinking"])
const ofImage = new Set(["type", "image_url"])

const image = (block: Fields, path: string, provider: string): FilePart => {
  const described = objectAt(block.image_url, `${path}.image_url`, provider)
  const url = textAt(described.url, `${path}.image_url.url`, provider)
  const { detail, url: _, ...more } = described
  const own = {
    ...rest(block, ofImage),
    ...(detail !== undefined && { imageDetail: detail }),
    ...(Object.keys(more).length > 0 && { image_url: defined(described) })
  }
  const data = /^data:([^;,]+);base64,/i.exec(url.slice(0, 200))
  return {
    type: "file",
    mediaType: data?.[1] ?? "image/*",
    data: data === null ? { _tag: "URL", href: url } : url.slice(data[0].length),
    ...(Object.keys(own).length > 0 && { options: { [provider]: own } })
  }
}

const assistant = (fields: Fields, path: string, provider: string): AssistantMessage => {
  const { content, tool_calls: calls, tool_plan: plan } = fields
  const parts: Array<MessagePart> = content === undefined || content === null
    ? []
    : [...blocks(content, `${path}.content`, provider)]
  const planned = optionalText(plan, `${path}.tool_plan`, provider)
  if (planned !== undefined) {
    parts.push({ type: "reasoning", text: planned, options: { [provider]: { type: "tool_plan" } } })
  }
  const asked = calls === undefined || calls === null ? [] : listAt(calls, `${path}.tool_calls`, provider)
  asked.forEach((value, index) => {
    const place = `${path}.tool_calls[${index}]`
    const call = objectAt(value, place, provider)
    const described = objectAt(call.function, `${place}.function`, provider)
    const { arguments: args, name, ...more } = described
    const own = {
      ...rest(call, ofCall),
      ...((Object.keys(more).length > 0) && { function: defined(described) })
    }
    parts.push({
      type: "tool-call",
      id: nameAt(call.id, `${place}.id`, provider),
      name: nameAt(name, `${place}.function.name`, provider),
      params: params(optionalText(args, `${place}.function.arguments`, provider)),
      ...(Object.keys(own).length > 0 && { options: { [provider]: own } })
    })
  })
  return {
    role: "assistant",
    content: parts as AssistantMessage["content"],
    ...ownOf(fields, ofAssistant, provider)
  }
}

const ofCall = new Set(["id", "type", "function"])

/** The arguments; their text where they are no JSON, or would be written otherwise than they were. */
const params = (args: string | undefined): unknown => {
  if (args === undefined || args.trim() === "") return {}
  try {
    return Json.parse(args)
  } catch {
    return args
  }
}

/** A result: a text, or documents, whose data are the result. What that does not hold is written again as it was. */
const tool = (
  fields: Fields,
  names: ReadonlyMap<string, string>,
  path: string,
  provider: string
): ToolMessage => {
  const id = nameAt(fields.tool_call_id, `${path}.tool_call_id`, provider)
  const { content } = fields
  const own: { [name: string]: JsonValue } = { ...rest(fields, ofTool) } as { [name: string]: JsonValue }
  let result: unknown = content
  if (typeof content !== "string") {
    const found: Array<JsonValue> = []
    let exact = true
    listAt(content, `${path}.content`, provider).forEach((item, index) => {
      const place = `${path}.content[${index}]`
      const block = objectAt(item, place, provider)
      if (block.type === "text") {
        found.push(textAt(block.text, `${place}.text`, provider))
        exact = false
        return
      }
      if (block.type !== "document") throw misfit(`${place}.type`, "text or document", provider)
      const document = objectAt(block.document, `${place}.document`, provider)
      const data = document.data
      if (object(data) === undefined && typeof data !== "string") {
        throw misfit(`${place}.document.data`, "an object or a text", provider)
      }
      if (typeof data === "string" || Object.keys(document).length > 1 || Object.keys(block).length > 2) exact = false
      found.push(Object.keys(document).length > 1 ? defined(document) : data!)
    })
    const texts = found.every((item) => typeof item === "string")
    // One plain text is the text it is.
    const plain = found.length === 1 && texts && Object.keys(list(content)![0] as object).length === 2
      && (list(content)![0] as Fields).type === "text"
    result = texts ? found.join("\n") : found.length === 1 ? found[0] : found
    if ((!exact && !plain) || found.length === 0) own.content = content!
  }
  return {
    role: "tool",
    content: [{
      type: "tool-result",
      id,
      name: names.get(id) ?? "",
      isFailure: false,
      result,
      ...(Object.keys(own).length > 0 && { options: { [provider]: own } })
    }]
  }
}

const rest = (fields: Fields, known: ReadonlySet<string>): JsonObject => {
  const out: { [name: string]: JsonValue | undefined } = Object.create(null)
  for (const name in fields) if (!known.has(name)) out[name] = fields[name]
  return defined(out)
}

/** What else is said. */
const ownOf = (
  fields: Fields,
  known: ReadonlySet<string>,
  provider: string
): { readonly options: ProviderOptions & { readonly [name: string]: JsonObject } } | undefined => {
  const own = rest(fields, known)
  return Object.keys(own).length === 0 ? undefined : { options: { [provider]: own } }
}
