/**
 * Reads a conversation as Ollama's clients send it. Calls without an id get one, by which the results that follow are
 * told apart: a result belongs to the call of its `tool_call_id`, else to the next unanswered one of its tool.
 *
 * @module
 */
import type { AssistantMessage, FilePart, JsonObject, JsonValue, Message, ToolMessage } from "@plugline/core"
import { imageType } from "../wire/media.ts"
import { defined, type Fields } from "../wire/read.ts"
import { makeId } from "./calls.ts"
import { listAt, misfit, nameAt, objectAt, optionalText, textAt } from "../wire/checks.ts"

/** A call that waits for its result. */
interface Call {
  readonly id: string
  readonly name: string
  answered: boolean
}

/** The messages. */
export const conversation = (values: ReadonlyArray<JsonValue>, provider: string): ReadonlyArray<Message> => {
  let calls: Array<Call> = []
  return values.map((value, index): Message => {
    const path = `messages[${index}]`
    const fields = objectAt(value, path, provider)
    const content = optionalText(fields.content, `${path}.content`, provider) ?? ""
    switch (fields.role) {
      case "system":
        return { role: "system", content, ...ownOf(fields, ofSystem, provider) }
      case "user": {
        const files = images(fields, path, provider)
        return {
          role: "user",
          content: content === "" && files.length > 0 ? files : [{ type: "text", text: content }, ...files],
          ...ownOf(fields, ofUser, provider)
        }
      }
      case "assistant": {
        const message = assistant(fields, content, index, path, provider)
        const asked = message.content.flatMap((part) =>
          part.type === "tool-call" ? [{ id: part.id, name: part.name, answered: false }] : []
        )
        if (asked.length > 0) calls = asked
        return message
      }
      case "tool":
        return tool(fields, content, calls, index, path, provider)
      default:
        throw misfit(`${path}.role`, "system, user, assistant or tool", provider)
    }
  })
}

const ofSystem = new Set(["role", "content"])
const ofUser = new Set(["role", "content", "images"])
const ofAssistant = new Set(["role", "content", "images", "thinking", "tool_calls"])
const ofTool = new Set(["role", "content", "images", "tool_name", "tool_call_id"])

const assistant = (
  fields: Fields,
  content: string,
  index: number,
  path: string,
  provider: string
): AssistantMessage => {
  const parts: Array<AssistantMessage["content"][number]> = []
  const thinking = optionalText(fields.thinking, `${path}.thinking`, provider)
  if (thinking !== undefined) {
    parts.push({ type: "reasoning", text: thinking, options: { [provider]: { type: "thinking" } } })
  }
  if (content !== "") parts.push({ type: "text", text: content })
  parts.push(...images(fields, path, provider))
  const calls = fields.tool_calls === undefined || fields.tool_calls === null
    ? []
    : listAt(fields.tool_calls, `${path}.tool_calls`, provider)
  calls.forEach((value, number) => {
    const place = `${path}.tool_calls[${number}]`
    const { function: value_, id, ...rest } = objectAt(value, place, provider)
    const described = objectAt(value_, `${place}.function`, provider)
    const { arguments: args, name, ...more } = described
    const own = {
      ...defined(rest),
      ...((Object.keys(more).length > 0 || args === undefined || args === null) && { function: defined(described) })
    }
    parts.push({
      type: "tool-call",
      id: optionalText(id, `${place}.id`, provider) || makeId(`m${index}`, number),
      name: nameAt(name, `${place}.function.name`, provider),
      params: args === undefined || args === null ? {} : objectAt(args, `${place}.function.arguments`, provider),
      ...(Object.keys(own).length > 0 && { options: { [provider]: own as JsonObject } })
    })
  })
  return { role: "assistant", content: parts, ...ownOf(fields, ofAssistant, provider) }
}

const tool = (
  fields: Fields,
  content: string,
  calls: ReadonlyArray<Call>,
  index: number,
  path: string,
  provider: string
): ToolMessage => {
  const sentId = optionalText(fields.tool_call_id, `${path}.tool_call_id`, provider) ?? ""
  const name = optionalText(fields.tool_name, `${path}.tool_name`, provider) ?? ""
  const call = sentId !== ""
    ? calls.find(({ id }) => id === sentId)
    : calls.find((call) => !call.answered && (name === "" || call.name === name))
  if (call !== undefined) call.answered = true
  const files = images(fields, path, provider)
  return {
    role: "tool",
    content: [{
      type: "tool-result",
      id: sentId !== "" ? sentId : call?.id ?? makeId(`m${index}`, 0),
      name: name !== "" ? name : call?.name ?? "",
      isFailure: false,
      result: content,
      ...(files.length > 0 && {
        modelOutput: content === "" ? files : [{ type: "text" as const, text: content }, ...files]
      }),
      ...ownOf(fields, ofTool, provider)
    }]
  }
}

const images = (fields: Fields, path: string, provider: string): ReadonlyArray<FilePart> =>
  fields.images === undefined || fields.images === null
    ? []
    : listAt(fields.images, `${path}.images`, provider).map((value, index) =>
      image(value, `${path}.images[${index}]`, provider)
    )

/** An image of a request: base64 without a word on its form, which its first bytes mostly tell. */
export const image = (value: JsonValue, path: string, provider: string): FilePart => {
  const data = textAt(value, path, provider)
  try {
    return { type: "file", mediaType: imageType("image/*", { base64: data }), data }
  } catch {
    return { type: "file", mediaType: "image/*", data }
  }
}

/** What else a message says. */
const ownOf = (fields: Fields, known: ReadonlySet<string>, provider: string) => {
  const own = defined(Object.fromEntries(Object.entries(fields).filter(([name]) => !known.has(name))))
  return Object.keys(own).length === 0 ? undefined : { options: { [provider]: own } }
}
