/**
 * Reads a conversation as a client of this wire sent it, legacy function calls included. What has no word here stands
 * in the `options` of its message or part, so that it is written again as it was.
 *
 * @module
 */
import {
  type AssistantMessage, Json, type JsonValue, type Message, Suggest, type SystemMessage, type ToolCallMessagePart,
  type ToolMessage, type UserMessage
} from "@plugline/core"
import { invalid, isGiven, malformed, ownOptions, type Sent } from "./asked.ts"
import { answer as answerOf, content } from "./askedContent.ts"
import { detailsText } from "./reasoning.ts"
import { defined, type Fields, list, object } from "../wire/read.ts"

type Said = AssistantMessage["content"][number]

/** A call that was made, by whom a result is named. */
interface Made {
  readonly id: string
  readonly name: string
  answered: boolean
}

/**
 * The messages of a body.
 *
 * @throws LlmError `InvalidRequest`, naming the field.
 */
export const messages = (value: JsonValue | undefined, to: Sent): ReadonlyArray<Message> => {
  const items = list(value)
  if (items === undefined) throw malformed("messages", "a list of messages", value)
  const made: Array<Made> = []
  const out: Array<Message> = []
  items.forEach((item, index) => message(item, `messages[${index}]`, to, made, out))
  return out
}

const roles = ["system", "developer", "user", "assistant", "tool", "function"]

const message = (value: JsonValue, path: string, to: Sent, made: Array<Made>, out: Array<Message>): void => {
  const fields = object(value)
  if (fields === undefined) throw malformed(path, "a message with role and content", value)
  const { role } = fields
  switch (role) {
    case "system":
    case "developer":
      system(fields, role, path, to, out)
      return
    case "user":
      out.push(user(fields, path, to))
      return
    case "assistant":
      out.push(assistant(fields, path, to, made))
      return
    case "tool":
      out.push(tool(fields, path, to, made))
      return
    case "function":
      out.push(answer(fields, path, to, made))
      return
    default:
      if (typeof role !== "string") throw malformed(`${path}.role`, "a text", role)
      throw invalid(`${path}.role`, `${path}.role: ${Suggest.refusal("role", role, roles)}`)
  }
}

/** Rules. A list of texts is a message each, marked so that they are one again when they are written. */
const system = (fields: Fields, sent: string, path: string, to: Sent, out: Array<Message>): void => {
  const { content: said, role: _, ...rest } = fields
  const own = { ...(sent !== (to.quirks.systemRole ?? "system") && { role: sent }), ...rest }
  const one = (text: string, more: Fields): SystemMessage =>
    ({ role: "system", content: text, ...ownOptions(to.provider, more) })
  if (typeof said === "string") return void out.push(one(said, own))
  const items = list(said)
  if (items === undefined) throw malformed(`${path}.content`, "a text or a list of texts", said)
  items.forEach((item, index) => {
    const part = typeof item === "string" ? { type: "text", text: item } : object(item)
    const at = `${path}.content[${index}]`
    if (part === undefined || part.type !== "text") throw malformed(`${at}.type`, `"text"`, part?.type ?? item)
    const { text: written, type: _type, ...extra } = part as Fields
    if (typeof written !== "string") throw malformed(`${at}.text`, "a text", written)
    const plain = items.length === 1 && Object.keys(extra).length === 0
    out.push(one(written, plain ? own : { ...own, part: defined(extra), ...(index > 0 && { joined: true }) }))
  })
  if (items.length === 0) out.push(one("", own))
}

const user = (fields: Fields, path: string, to: Sent): UserMessage => {
  const { content: said, role: _, ...rest } = fields
  const parts = content(said, `${path}.content`, to)
  return {
    role: "user",
    content: parts.length === 0 ? [{ type: "text", text: "" }] : parts,
    ...ownOptions(to.provider, rest)
  }
}

// --- what the model said ---------------------------------------------------------------------------------------------

const assistant = (fields: Fields, path: string, to: Sent, made: Array<Made>): AssistantMessage => {
  const {
    audio, content: said, function_call: legacy, reasoning, reasoning_content: thought, reasoning_details: details,
    refusal, role: _, tool_calls: calls, ...rest
  } = fields
  const parts: Array<Said> = []
  thoughts({ reasoning_content: thought, reasoning }, details, path, to, parts)
  if (isGiven(said)) parts.push(...answerOf(said, `${path}.content`, to))
  if (isGiven(refusal)) {
    if (typeof refusal !== "string") throw malformed(`${path}.refusal`, "a text", refusal)
    if (refusal !== "") parts.push({ type: "text", text: refusal, ...ownOptions(to.provider, { refusal: true }) })
  }
  if (isGiven(audio)) {
    const sound = object(audio)
    if (typeof sound?.id !== "string") throw malformed(`${path}.audio.id`, "a text", sound?.id ?? audio)
    // The service keeps the sound; it is shown to it again by its id.
    const own = ownOptions(to.provider, { audio: { id: sound.id } })
    parts.push({ type: "file", mediaType: "audio/wav", data: "", ...own })
  }
  if (isGiven(calls)) {
    const items = list(calls)
    if (items === undefined) throw malformed(`${path}.tool_calls`, "a list", calls)
    items.forEach((item, index) => {
      const call = toolCall(item, `${path}.tool_calls[${index}]`, to)
      made.push({ id: call.id, name: call.name, answered: false })
      parts.push(call)
    })
  }
  if (isGiven(legacy)) {
    const described = object(legacy)
    const name = described?.name
    if (typeof name !== "string") throw malformed(`${path}.function_call.name`, "a text", name)
    const call: Made = { id: `call_function_${made.length}`, name, answered: false }
    made.push(call)
    parts.push({
      type: "tool-call",
      id: call.id,
      name,
      params: args(described!.arguments, `${path}.function_call.arguments`),
      ...ownOptions(to.provider, { legacy: true })
    })
  }
  return { role: "assistant", content: parts, ...ownOptions(to.provider, rest) }
}

/**
 * What the model thought, from each of the fields in which services give it. `as` notes the fields, where they are
 * not the usual.
 */
const thoughts = (
  fields: { readonly reasoning_content: JsonValue | undefined; readonly reasoning: JsonValue | undefined },
  details: JsonValue | undefined,
  path: string,
  { provider, quirks }: Sent,
  out: Array<Said>
): void => {
  const entries = list(details)
  if (isGiven(details) && entries === undefined) throw malformed(`${path}.reasoning_details`, "a list", details)
  const byText = new Map<string, Array<string>>()
  for (const name of ["reasoning_content", "reasoning"] as const) {
    const value = fields[name]
    if (!isGiven(value)) continue
    if (typeof value !== "string") throw malformed(`${path}.${name}`, "a text", value)
    byText.set(value, [...byText.get(value) ?? [], name])
  }
  const noted = entries === undefined || entries.length === 0 ? {} : { reasoning_details: entries }
  if (byText.size === 0 && entries !== undefined && entries.length > 0) byText.set(detailsText(entries), [])
  let first = true
  for (const [text, as] of byText) {
    const { reasoningBack: back } = quirks
    const field = back === "reasoning" || back === "reasoning_content" ? [back] : []
    const usual = text === "" ? as.length === 0 : as.join() === field.join()
    out.push({ type: "reasoning", text, ...ownOptions(provider, { ...(!usual && { as }), ...(first ? noted : {}) }) })
    first = false
  }
}

const toolCall = (value: JsonValue, path: string, to: Sent): ToolCallMessagePart => {
  const fields = object(value)
  if (fields === undefined) throw malformed(path, "a tool call", value)
  const { custom, function: described, id, type, ...rest } = fields
  if (typeof id !== "string" || id === "") throw malformed(`${path}.id`, "a text", id)
  const isCustom = type === "custom"
  const kind = isCustom ? "custom" : "function"
  const { arguments: written, input, name, ...inner } = object(isCustom ? custom : described) ?? {}
  if (typeof name !== "string") throw malformed(`${path}.${kind}.name`, "a text", name)
  if (isCustom && typeof input !== "string") throw malformed(`${path}.custom.input`, "a text", input)
  return {
    type: "tool-call",
    id,
    name,
    params: isCustom ? input : args(written, `${path}.function.arguments`),
    ...ownOptions(to.provider, {
      ...(isCustom && { custom: true }),
      ...(Object.keys(inner).length > 0 && { inner: inner as JsonValue }),
      ...rest
    })
  }
}

/** Arguments as a value; a text that is none stays the text it is. */
const args = (value: JsonValue | undefined, path: string): unknown => {
  if (!isGiven(value)) return {}
  if (typeof value === "object") return value
  if (typeof value !== "string") throw malformed(path, "JSON as a text", value)
  if (value.trim() === "") return {}
  try {
    const parsed = Json.parse(value) ?? {}
    // A text is what a custom tool takes, or what cannot be read: JSON that is one stays JSON.
    return typeof parsed === "string" ? value : parsed
  } catch {
    return value
  }
}

// --- what tools answered ---------------------------------------------------------------------------------------------

/** A result. The tool's name is that of the call, which the client need not repeat. */
const tool = (fields: Fields, path: string, to: Sent, made: Array<Made>): ToolMessage => {
  const { content: said, role: _, tool_call_id: given, ...rest } = fields
  if (isGiven(given) && typeof given !== "string") throw malformed(`${path}.tool_call_id`, "a text", given)
  // Some clients leave the id out where there is but one call to answer.
  const call = typeof given === "string" && given !== ""
    ? made.findLast(({ id }) => id === given)
    : made.find(({ answered }) => !answered)
  const id = call?.id ?? given
  if (typeof id !== "string" || id === "") throw malformed(`${path}.tool_call_id`, "the id of a tool call", given)
  if (call !== undefined) call.answered = true
  const parts = isGiven(said) ? content(said, `${path}.content`, to) : []
  const plain = parts.every((part) => part.type === "text" && part.options === undefined)
  const result = parts.flatMap((part) => part.type === "text" ? [part.text] : []).join("\n")
  return {
    role: "tool",
    content: [{
      type: "tool-result",
      id,
      name: call?.name ?? (typeof rest.name === "string" ? rest.name : "tool"),
      isFailure: false,
      result,
      ...(!plain && { modelOutput: parts })
    }],
    ...ownOptions(to.provider, rest)
  }
}

const answer = (fields: Fields, path: string, to: Sent, made: Array<Made>): ToolMessage => {
  const { content: said, name, role: _, ...rest } = fields
  if (typeof name !== "string") throw malformed(`${path}.name`, "a text", name)
  if (isGiven(said) && typeof said !== "string") throw malformed(`${path}.content`, "a text", said)
  const call = made.find((call) => !call.answered && call.name === name)
  if (call !== undefined) call.answered = true
  return {
    role: "tool",
    content: [{ type: "tool-result", id: call?.id ?? `call_${name}`, name, isFailure: false, result: said ?? "" }],
    ...ownOptions(to.provider, { ...rest, legacy: true })
  }
}
