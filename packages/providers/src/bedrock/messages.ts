/**
 * Writes a conversation in Converse's words: the rules of it apart, then turns of person and model in alternation.
 * Results of tools stand in the person's turn, and messages of one side that follow each other become one turn.
 *
 * What only Bedrock understands stands in `options.bedrock` of a message or part: a `cachePoint` follows what it stands
 * at, `guardContent` marks what a guardrail looks at, and any other field is merged into the written block.
 *
 * @module
 */
import {
  type AssistantMessage, type FilePart, Json, type JsonObject, type JsonValue, type Message, type MessagePart,
  type ProviderOptions, type Request, type ToolMessage, type UserMessage, type Warning
} from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { list, object } from "../wire/read.ts"
import { file, Names } from "./files.ts"
import { callId } from "./ids.ts"
import type { Family } from "./model.ts"
import { ownFields, ownOf } from "./own.ts"

type Written = { [name: string]: JsonValue }
type ToolCallPart = MessagePart & { readonly type: "tool-call" }
type ToolResultPart = MessagePart & { readonly type: "tool-result" }

/** A conversation, written. */
export interface Conversation {
  readonly system: ReadonlyArray<JsonObject>
  readonly messages: ReadonlyArray<JsonObject>
}

/** What is known while a conversation is written. */
interface Writing {
  readonly request: Request
  readonly family: Family | undefined
  readonly names: Names
  readonly warnings: Array<Warning>
}

/** The messages of a request. */
export const conversation = (request: Request, family: Family | undefined, warnings: Array<Warning>): Conversation => {
  const to: Writing = { request, family, names: new Names(), warnings }
  const system: Array<JsonObject> = []
  const messages: Array<Written> = []
  let moved = false
  for (const message of request.messages) {
    if (message.role === "system") {
      moved ||= messages.length > 0
      rules(message.content, ownOf(message.options, request), system)
      continue
    }
    const content = contentOf(message, to)
    point(ownOf(message.options, request), content)
    if (content.length === 0) continue
    const own = ownFields(ownOf(message.options, request), messageWords)
    const role = message.role === "assistant" ? "assistant" : "user"
    const last = messages.at(-1)
    if (last?.role === role) {
      ;(last.content as Array<JsonValue>).push(...content)
      merge(last, own)
    } else {
      const turn: Written = { role, content }
      merge(turn, own)
      messages.push(turn)
    }
  }
  if (moved) {
    warnings.push({
      type: "other",
      message: `${request.provider} takes system messages before the conversation only: others were moved there`
    })
  }
  return { system, messages }
}

const messageWords = new Set(["cachePoint"])

/** A block of the rules; an empty text stands for a block that has no text. */
const rules = (content: string, own: JsonObject | undefined, out: Array<JsonObject>): void => {
  const guarded = object(own?.guardContent)
  if (object(own?.block) !== undefined) out.push(own!.block as JsonObject)
  else if (guarded !== undefined) out.push({ guardContent: { text: { text: content, ...guarded } as JsonObject } })
  else if (content !== "") out.push({ text: content })
  point(own, out)
}

/** The cache ends here, where the caller says so. */
const point = (own: JsonObject | undefined, out: Array<JsonObject>): void => {
  if (object(own?.cachePoint) !== undefined) out.push({ cachePoint: own!.cachePoint })
}

const contentOf = (message: Exclude<Message, { readonly role: "system" }>, to: Writing): Array<JsonObject> => {
  const out: Array<JsonObject> = []
  for (const part of message.content) {
    const before = out.length
    if (message.role === "assistant") assistantPart(part, message, to, out)
    else userPart(part, message, to, out)
    const own = ownOf(part.options, to.request)
    if (out.length > before || (part.type === "text" && part.text === "")) point(own, out)
  }
  return out
}

const userPart = (part: MessagePart, message: UserMessage | ToolMessage, to: Writing, out: Array<JsonObject>): void => {
  switch (part.type) {
    case "text":
      return text(part.text, ownOf(part.options, to.request), out)
    case "file":
      out.push(file(part, to.names, to.request))
      return
    case "tool-result":
      out.push(toolResult(part, to))
      return
    default:
      other(part, message, to, out)
  }
}

const assistantPart = (part: MessagePart, message: AssistantMessage, to: Writing, out: Array<JsonObject>): void => {
  const own = ownOf(part.options, to.request)
  switch (part.type) {
    case "text":
      // Bedrock refuses a turn of the model that holds a blank text.
      if (part.text.trim() !== "" || own?.citations !== undefined) text(part.text, own, out)
      return
    case "reasoning":
      return reasoning(part.text, own ?? signed(part.options, to), to, out)
    case "tool-call":
      // A tool that another provider ran is that provider's own memory.
      if (part.providerExecuted !== true || own !== undefined) out.push(toolUse(part, own, to))
      return
    case "tool-result":
      if (part.providerExecuted !== true || own !== undefined) out.push(toolResult(part, to))
      return
    case "file":
      to.warnings.push({
        type: "other",
        message: `${to.request.provider} takes no file back that a model made: one, ${part.mediaType}, was not sent`
      })
      return
    default:
      other(part, message, to, out)
  }
}

/** A block of Bedrock's own goes back as it came; one of another provider is left out. */
const other = (part: MessagePart, message: Message, to: Writing, out: Array<JsonObject>): void => {
  if (part.type === "raw") {
    if (part.provider === to.request.provider && object(part.value) !== undefined) out.push(part.value as JsonObject)
    return
  }
  to.warnings.push({
    type: "other",
    message: `${to.request.provider} has no word for ${String(part.type)} of the ${message.role}: it was not sent`
  })
}

const text = (said: string, own: JsonObject | undefined, out: Array<JsonObject>): void => {
  const citations = list(own?.citations)
  const guarded = object(own?.guardContent)
  if (citations !== undefined) {
    out.push({ citationsContent: { ...(said !== "" && { content: [{ text: said }] }), citations } })
  } else if (guarded !== undefined) out.push({ guardContent: { text: { text: said, ...guarded } as JsonObject } })
  else if (said !== "" || object(own?.cachePoint) === undefined) {
    const written: Written = { text: said }
    merge(written, ownFields(own, textWords))
    out.push(written)
  }
}

const textWords = new Set(["cachePoint", "citations", "guardContent"])

/**
 * Reasoning goes back to the model that thought it: with its signature, as the sealed text it is, or plain where the
 * model signs nothing. DeepSeek's models refuse to see theirs again.
 */
const reasoning = (said: string, own: JsonObject | undefined, to: Writing, out: Array<JsonObject>): void => {
  if (own === undefined || (to.family === "deepseek" && own.unsigned === true)) return
  const { redactedContent, signature, unsigned } = own
  if (typeof redactedContent === "string") out.push({ reasoningContent: { redactedContent } })
  if (typeof signature === "string") out.push({ reasoningContent: { reasoningText: { text: said, signature } } })
  else if (unsigned === true) out.push({ reasoningContent: { reasoningText: { text: said } } })
}

/** Anthropic's models take their signatures back wherever they run, also through Anthropic's own format. */
const signed = (options: ProviderOptions | undefined, { family }: Writing): JsonObject | undefined => {
  const signature = family === "anthropic" ? options?.anthropic?.signature : undefined
  return typeof signature === "string" && signature !== "" ? { signature } : undefined
}

const toolUse = (part: ToolCallPart, own: JsonObject | undefined, to: Writing): JsonObject => {
  const written: Written = { toolUseId: callId(part.id, to.family), name: part.name, input: input(part.params) }
  merge(written, ownFields(own, pointed))
  return { toolUse: written }
}

const pointed = new Set(["cachePoint"])

/** Bedrock takes an object. Anything else, such as the broken JSON of an earlier answer, is put into one. */
const input = (params: unknown): JsonObject => {
  if (params === undefined || params === null) return {}
  if (Json.isRecord(params)) return params as JsonObject
  if (typeof params === "string") {
    try {
      const read: unknown = JSON.parse(params)
      if (Json.isRecord(read)) return read as JsonObject
    } catch {
      // It is no JSON.
    }
  }
  return { arguments: params as JsonValue }
}

const toolResult = (part: ToolResultPart, to: Writing): JsonObject => {
  const own = ownOf(part.options, to.request)
  const written: Written = {
    toolUseId: callId(part.id, to.family),
    content: part.providerExecuted === true && Array.isArray(part.result)
      ? part.result as ReadonlyArray<JsonValue>
      : resultContent(part, to)
  }
  if (part.isFailure) written.status = "error"
  merge(written, ownFields(own, pointed))
  return { toolResult: written }
}

const resultContent = (part: ToolResultPart, to: Writing): ReadonlyArray<JsonObject> => {
  const { modelOutput, result } = part
  if (modelOutput !== undefined) return modelOutput.map((item) => shown(item, to))
  if (typeof result === "string") return [{ text: result }]
  // An object is taken as it is; of other JSON, its text.
  if (Json.isRecord(result)) return [{ json: result as JsonObject }]
  return result === undefined ? [] : [{ text: JSON.stringify(result) }]
}

const shown = (item: MessagePart, to: Writing): JsonObject => {
  if (item.type === "file") return file(item as FilePart, to.names, to.request)
  const written: Written = { text: item.type === "text" ? item.text : JSON.stringify(item) }
  merge(written, ownFields(ownOf(item.options, to.request), textWords))
  return written
}
