/**
 * Writes a conversation as the first interface takes it: rules as `preamble`, what was said as `chat_history`, and what
 * is to be answered as `message` or `tool_results`. Calls have no ids there, so a result repeats the call it belongs
 * to.
 *
 * @module
 */
import {
  type FilePart,
  type JsonObject,
  type JsonValue,
  LlmError,
  type Message,
  type MessagePart,
  type ProviderOptions
} from "@plugline/core"
import type { Draft } from "../wire/draft.ts"
import { kindOf, placeOf, untaken } from "../wire/media.ts"
import { object, put } from "../wire/read.ts"

type Written = { [name: string]: JsonValue }
type Call = MessagePart & { readonly type: "tool-call" }

/** What the messages of a request become. */
export interface Conversation {
  /** `message`, `preamble`, `chat_history` and `tool_results` of the body. */
  readonly fields: JsonObject
  /** Documents that stood in messages. */
  readonly documents: ReadonlyArray<JsonObject>
}

/** The messages of a request. */
export const conversation = (to: Draft): Conversation => {
  const { messages, provider } = to.request
  const calls = new Map<string, Call>()
  const documents: Array<Written> = []
  const history: Array<Written> = []
  const first = messages[0]
  const hasOwn = object(first?.options?.[provider]) !== undefined
  const preamble = first?.role === "system" && !hasOwn ? first.content : undefined
  const last = lastOf(messages)
  for (let index = preamble === undefined ? 0 : 1; index < last; index++) {
    const message = messages[index]!
    const entry = entryOf(message, calls, documents, to)
    const before = history.at(-1)
    // What several tools answered to the calls of one turn is one entry.
    const joins = message.role === "tool" && messages[index - 1]?.role === "tool" && before !== undefined
    if (joins) before.tool_results = [...before.tool_results as ReadonlyArray<JsonValue>, ...entry.tool_results as []]
    else history.push(entry)
  }
  const end = messages.slice(last)
  const fields = {
    ...(preamble !== undefined && { preamble }),
    ...(history.length > 0 && { chat_history: history })
  }
  if (end[0]?.role === "tool") {
    const results = end.flatMap((message) => message.role === "tool" ? resultsOf(message.content, calls) : [])
    return { fields: { message: "", ...fields, tool_results: results }, documents }
  }
  const asked = end[0]
  if (asked?.role === "user") {
    const message = userText(asked.content, documents, to)
    return { fields: { message, ...fields }, documents }
  }
  throw LlmError.make({
    _tag: "InvalidRequest",
    parameter: "messages",
    message: `${provider}'s first interface answers the person or the results of tools: the last message is neither`
  }, { provider })
}

/** Where what is to be answered begins. */
const lastOf = (messages: ReadonlyArray<Message>): number => {
  let index = messages.length - 1
  while (index > 0 && messages[index]!.role === "tool" && messages[index - 1]!.role === "tool") index--
  return index
}

const entryOf = (
  message: Message,
  calls: Map<string, Call>,
  documents: Array<Written>,
  to: Draft
): Written => {
  switch (message.role) {
    case "system":
      return withOwn({ role: "SYSTEM", message: message.content }, message.options, to)
    case "user":
      return withOwn({ role: "USER", message: userText(message.content, documents, to) }, message.options, to)
    case "tool":
      return withOwn({ role: "TOOL", tool_results: resultsOf(message.content, calls) }, message.options, to)
    case "assistant": {
      let said = ""
      const asked: Array<Written> = []
      for (const part of message.content) {
        if (part.type === "text") said += part.text
        else if (part.type === "tool-call" && part.providerExecuted !== true) {
          calls.set(part.id, part)
          asked.push(callOf(part))
        } else if (part.type === "file") {
          const message = `takes no file back that a model made: one of type ${part.mediaType} was not sent`
          to.warnings.push({ type: "other", message: `${to.request.provider} ${message}` })
        }
      }
      const entry: Written = { role: "CHATBOT", message: said }
      if (asked.length > 0) entry.tool_calls = asked
      return withOwn(entry, message.options, to)
    }
  }
}

const userText = (content: ReadonlyArray<MessagePart>, documents: Array<Written>, to: Draft): string => {
  const texts: Array<string> = []
  for (const part of content) {
    if (part.type === "text") texts.push(part.text)
    else if (part.type === "file") documents.push(documentOf(part, to))
    else throw untaken(`a part of type ${part.type} from the person`, to.request.provider)
  }
  return texts.join("\n")
}

const documentOf = (part: FilePart, to: Draft): Written => {
  const { fileName, mediaType } = part
  const place = placeOf(part)
  if ("url" in place || (kindOf(mediaType) !== "text" && mediaType !== "application/json")) {
    throw untaken(`files of type ${mediaType} over its first interface, only texts as base64`, to.request.provider)
  }
  const text = Buffer.from(place.base64, "base64").toString("utf8")
  return withOwn({ ...(fileName !== undefined && { title: fileName }), text }, part.options, to)
}

const callOf = ({ name, params }: Call): Written => ({
  name,
  parameters: object(params) === undefined ? { parameters: (params ?? null) as JsonValue } : params as JsonObject
})

const resultsOf = (
  content: ReadonlyArray<MessagePart>,
  calls: ReadonlyMap<string, Call>
): ReadonlyArray<Written> =>
  content.flatMap((part) => {
    if (part.type !== "tool-result") return []
    const call = calls.get(part.id)
    return [{
      call: call === undefined ? { name: part.name, parameters: {} } : callOf(call),
      outputs: outputsOf(part)
    }]
  })

/** What a tool answered, as objects; that it failed is said in them. */
const outputsOf = (part: MessagePart & { readonly type: "tool-result" }): ReadonlyArray<JsonObject> => {
  const texts = part.modelOutput?.flatMap((item) => item.type === "text" ? [item.text] : [])
  const result = texts === undefined ? part.result : texts.join("\n")
  if (part.isFailure) return [{ error: (result ?? null) as JsonValue }]
  if (object(result) !== undefined) return [result as JsonObject]
  return Array.isArray(result) && result.every((item) => object(item) !== undefined)
    ? result
    : [{ output: (result ?? null) as JsonValue }]
}

const withOwn = (written: Written, options: ProviderOptions | undefined, to: Draft): Written => {
  const own = options?.[to.request.provider]
  if (own !== undefined && own !== null) {
    for (const name in own) if (own[name] !== undefined) put(written, name, own[name])
  }
  return written
}
