/**
 * Reads one turn of a conversation as Anthropic's clients send it. Results of tools, which stand in the person's turn
 * there, become a message of the tools. Blocks that have no word here are kept raw.
 *
 * @module
 */
import type {
  AssistantMessage, FilePart, JsonValue, Message, RawPart, ToolResultMessagePart as ToolResult, UserMessage
} from "@plugline/core"
import { type Fields, list, object, text } from "../wire/read.ts"
import { invalid, ownAs, textAt } from "./field.ts"

type Shown = UserMessage["content"][number]
type Said = AssistantMessage["content"][number]

/** Reads a turn into messages. `called` holds the names of the tools that were called, by id. */
export const turn = (
  value: JsonValue,
  path: string,
  provider: string,
  called: Map<string, string>,
  out: Array<Message>
): void => {
  const fields = object(value)
  if (fields === undefined) throw invalid(path, "a message with role and content", provider)
  const { content, role, ...rest } = fields
  const own = ownAs(rest, provider)
  switch (role) {
    case "user":
      return user(content, path, provider, called, own, out)
    case "assistant":
      out.push({
        role,
        content: blocks(content, path, provider, (block, path) => said(block, path, provider, called)),
        ...own
      })
      return
    case "system":
      out.push(system(content, rest, path, provider))
      return
    default:
      throw invalid(`${path}.role`, "one of user, assistant and system", provider)
  }
}

type Own = ReturnType<typeof ownAs>

/** A list of blocks; a text alone is one block of text. */
const blocks = <Part>(
  content: JsonValue | undefined,
  path: string,
  provider: string,
  read: (block: Fields, path: string) => Part
): ReadonlyArray<Part> => {
  if (typeof content === "string") return [read({ type: "text", text: content }, `${path}.content`)]
  const items = list(content)
  if (items === undefined) throw invalid(`${path}.content`, "a text or a list of blocks", provider)
  return items.map((item, index) => {
    const block = object(item)
    const here = `${path}.content.${index}`
    if (block === undefined) throw invalid(here, "a block with a type", provider)
    if (typeof block.type !== "string") throw invalid(`${here}.type`, "a text", provider)
    return read(block, here)
  })
}

const user = (
  content: JsonValue | undefined,
  path: string,
  provider: string,
  called: ReadonlyMap<string, string>,
  own: Own,
  out: Array<Message>
): void => {
  const results: Array<ToolResult> = []
  const parts: Array<Shown> = []
  blocks(content, path, provider, (block, path) => {
    if (block.type === "tool_result") results.push(result(block, path, provider, called))
    else parts.push(shown(block, path, provider))
  })
  if (results.length > 0) out.push({ role: "tool", content: results, ...(parts.length === 0 && own) })
  if (parts.length > 0 || results.length === 0) out.push({ role: "user", content: parts, ...own })
}

/** A system message between the others. Its text is one; several blocks are kept beside it. */
const system = (content: JsonValue | undefined, rest: Fields, path: string, provider: string): Message => {
  if (typeof content === "string") return { role: "system", content, ...ownAs(rest, provider) }
  if (content === undefined || content === null) return { role: "system", content: "", ...ownAs(rest, provider) }
  const items = blocks(content, path, provider, (block) => block)
  const only = items.length === 1 && items[0]!.type === "text" ? items[0]! : undefined
  if (only !== undefined) {
    const { text, type: _, ...more } = only
    const said = textAt(text, `${path}.content.0.text`, provider)
    return { role: "system", content: said, ...ownAs({ ...rest, ...more }, provider) }
  }
  const said = items.flatMap((block) => block.type === "text" ? text(block.text) ?? [] : [])
  return { role: "system", content: said.join("\n"), ...ownAs({ ...rest, content }, provider) }
}

/** What a person shows: text and files. */
const shown = (block: Fields, path: string, provider: string): Shown => {
  switch (block.type) {
    case "text": {
      const { text, type: _, ...rest } = block
      return { type: "text", text: textAt(text, `${path}.text`, provider), ...ownAs(rest, provider) }
    }
    case "image":
    case "document":
      return file(block, path, provider) ?? raw(block, provider)
    default:
      return raw(block, provider)
  }
}

/** What a model says. */
const said = (block: Fields, path: string, provider: string, called: Map<string, string>): Said => {
  switch (block.type) {
    case "text":
      return shown(block, path, provider)
    case "thinking": {
      const { thinking, type: _, ...rest } = block
      const text = textAt(thinking, `${path}.thinking`, provider)
      // Unsigned, it means nothing to Anthropic; a service that takes it all the same gets it as it was.
      if (typeof rest.signature !== "string") return raw(block, provider)
      return { type: "reasoning", text, ...ownAs(rest, provider) }
    }
    case "redacted_thinking":
      textAt(block.data, `${path}.data`, provider)
      return { type: "reasoning", text: "", ...ownAs(block, provider) }
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use": {
      const { id, input, name, type, ...rest } = block
      const call = {
        type: "tool-call" as const,
        id: textAt(id, `${path}.id`, provider),
        name: textAt(name, `${path}.name`, provider),
        params: input ?? {}
      }
      called.set(call.id, call.name)
      return type === "tool_use"
        ? { ...call, ...ownAs(rest, provider) }
        : { ...call, providerExecuted: true, ...ownAs({ type, ...rest }, provider) }
    }
    default: {
      const { content, tool_use_id: id, ...rest } = block
      const type = block.type as string
      if (!type.endsWith("_tool_result") || typeof id !== "string") return raw(block, provider)
      return {
        type: "tool-result",
        id,
        name: called.get(id) ?? type.slice(0, -"_tool_result".length),
        isFailure: rest.is_error === true || text(object(content)?.type)?.endsWith("_error") === true,
        result: content ?? null,
        providerExecuted: true,
        ...ownAs(rest, provider)
      }
    }
  }
}

/** What one of the caller's tools answered. */
const result = (block: Fields, path: string, provider: string, called: ReadonlyMap<string, string>): ToolResult => {
  const { content, is_error: failed, tool_use_id: id, type: _, ...rest } = block
  const call = textAt(id, `${path}.tool_use_id`, provider)
  if (failed !== undefined && failed !== null && typeof failed !== "boolean") {
    throw invalid(`${path}.is_error`, "true or false", provider)
  }
  const base = { type: "tool-result" as const, id: call, name: called.get(call) ?? "", isFailure: failed === true }
  if (content === undefined || content === null) return { ...base, result: null, ...ownAs(rest, provider) }
  if (typeof content === "string") return { ...base, result: content, ...ownAs(rest, provider) }
  const parts = blocks(content, path, provider, (block, path) => shown(block, path, provider))
  if (parts.length === 0) return { ...base, result: "", ...ownAs({ ...rest, content }, provider) }
  const texts = parts.map((part) => part.type === "text" ? part.text : "").filter((line) => line !== "")
  const only = parts.length === 1 ? parts[0]! : undefined
  if (only?.type === "text" && only.options === undefined) {
    return { ...base, result: only.text, ...ownAs(rest, provider) }
  }
  return { ...base, result: texts.join("\n"), modelOutput: parts, ...ownAs(rest, provider) }
}

/**
 * An image or document that is here or at an address; `undefined` where the service holds it, or it is of another kind.
 */
const file = (block: Fields, path: string, provider: string): FilePart | undefined => {
  const { source, title, type, ...rest } = block
  const from = object(source)
  if (from === undefined) throw invalid(`${path}.source`, "an object with a type", provider)
  const isImage = type === "image"
  const fileName = !isImage && typeof title === "string" ? { fileName: title } : {}
  const own = ownAs({ ...rest, ...(title !== undefined && fileName.fileName === undefined && { title }) }, provider)
  switch (from.type) {
    case "url": {
      if (Object.keys(from).length !== 2) return undefined
      const href = textAt(from.url, `${path}.source.url`, provider)
      if (/^data:/i.test(href)) return undefined
      const mediaType = isImage ? "image/*" : "application/pdf"
      return { type: "file", mediaType, ...fileName, data: { _tag: "URL", href }, ...own }
    }
    case "base64": {
      if (Object.keys(from).length !== 3) return undefined
      const data = textAt(from.data, `${path}.source.data`, provider)
      const mediaType = textAt(from.media_type, `${path}.source.media_type`, provider)
      if (isImage ? !/^image\/[^*]/.test(mediaType) : mediaType !== "application/pdf") return undefined
      // A colon is no base64; what looks like an address shall not become one.
      const safe: FilePart["data"] = data.includes(":") ? { _tag: "Uint8Array", base64: data } : data
      return { type: "file", mediaType, ...fileName, data: safe, ...own }
    }
    case "text": {
      const data = textAt(from.data, `${path}.source.data`, provider)
      if (isImage || from.media_type !== "text/plain" || Object.keys(from).length !== 3) return undefined
      return { type: "file", mediaType: "text/plain", ...fileName, data: Buffer.from(data).toString("base64"), ...own }
    }
    default:
      return undefined
  }
}

const raw = (block: Fields, provider: string): RawPart => ({ type: "raw", provider, value: block as JsonValue })
