/**
 * Writes a conversation in a service's words.
 *
 * What a provider alone understands (`options[provider]` of a message or part) is merged into what is written. What it
 * said itself of an earlier answer goes back where it has to: reasoning details, thought signatures, refusals, the id
 * of a sound. Tools that the service ran itself are its own memory and are not sent.
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
  type ProviderOptions,
  type ToolMessage,
  type UserMessage
} from "@plugline/core"
import { file, imageDetail } from "./files.ts"
import { type Draft, merge } from "./options.ts"
import { list, object, put } from "./read.ts"

type Written = { [name: string]: JsonValue }

/** The messages of a request. */
export const messages = (to: Draft): ReadonlyArray<JsonObject> => {
  const out: Array<Written> = []
  let shown: Array<Written> = []
  for (const message of to.request.messages) {
    // Images that tools answered with follow the last of the tools' messages: between them no other message may stand.
    if (message.role !== "tool" && shown.length > 0) {
      out.push({ role: "user", content: shown })
      shown = []
    }
    write(message, to, out, shown)
  }
  if (shown.length > 0) out.push({ role: "user", content: shown })
  return out
}

const write = (message: Message, to: Draft, out: Array<Written>, shown: Array<Written>): void => {
  switch (message.role) {
    case "system":
      out.push(withOwn({ role: to.quirks.systemRole ?? "system", content: message.content }, message.options, to))
      return
    case "user":
      out.push(withOwn({ role: "user", content: userContent(message, to) }, message.options, to))
      return
    case "assistant":
      out.push(assistant(message, to))
      results(message.content, to, out, shown)
      return
    case "tool":
      results(message.content, to, out, shown, message.options)
  }
}

/** One plain text stays a text: every service takes that. */
const userContent = ({ content }: UserMessage, to: Draft): JsonValue => {
  const only = content.length === 1 ? content[0] : undefined
  if (only?.type === "text" && ownOf(only.options, to) === undefined) return only.text
  return content.map((part) => userPart(part, to))
}

const userPart = (part: MessagePart, to: Draft): Written => {
  switch (part.type) {
    case "text":
      return withOwn({ type: "text", text: part.text }, part.options, to)
    case "file":
      return withOwn(file(part, imageDetail(part, to.request.provider), to), part.options, to)
    default:
      // A part that has no word here may be one of the service's own.
      return part as unknown as Written
  }
}

const assistant = (message: AssistantMessage, to: Draft): Written => {
  const { provider } = to.request
  const texts: Array<Written> = []
  const calls: Array<Written> = []
  const thinking: Array<Written> = []
  const details: Array<JsonValue> = []
  const written: Written = { role: "assistant" }
  let reasoning = ""
  let refusal = ""
  for (const part of message.content) {
    const own = part.options?.[provider] ?? undefined
    const echo = object(own?.message)
    if (echo !== undefined) merge(written, echo as JsonObject)
    switch (part.type) {
      case "text":
        if (own?.refusal === true) refusal += part.text
        else texts.push(withOwn({ type: "text", text: part.text }, part.options, to))
        break
      case "reasoning":
        reasoning += part.text
        thinking.push(withOwn({ type: "thinking", thinking: [{ type: "text", text: part.text }] }, part.options, to))
        details.push(...list(own?.reasoning_details) ?? [])
        break
      case "tool-call":
        if (part.providerExecuted !== true) calls.push(call(part, to))
        break
      case "file":
        assistantFile(part, written, to)
        break
      case "tool-result":
        break
      case "raw":
        if (part.provider === provider) texts.push(part.value as Written)
        break
      default:
        texts.push(part as unknown as Written)
    }
  }
  const back = to.quirks.reasoningBack
  if (back === "thinking") texts.unshift(...thinking)
  else if (back !== undefined && reasoning !== "") put(written, back, reasoning)
  if (details.length > 0) written.reasoning_details = details
  written.content = contentOf(texts, calls.length > 0 || refusal !== "" || written.audio !== undefined)
  if (refusal !== "") written.refusal = refusal
  if (calls.length > 0) written.tool_calls = calls
  return withOwn(written, message.options, to)
}

/** Text alone is joined; nothing is `null` where something else is said, and an empty text where not. */
const contentOf = (texts: ReadonlyArray<Written>, besides: boolean): JsonValue => {
  if (texts.length === 0) return besides ? null : ""
  const plain = texts.every((part) => part.type === "text" && Object.keys(part).length === 2)
  return plain ? texts.map((part) => String(part.text)).join("") : texts
}

const call = (part: MessagePart & { readonly type: "tool-call" }, to: Draft): Written => {
  const own = ownOf(part.options, to)
  const text = typeof part.params === "string" ? part.params : JSON.stringify(part.params ?? {})
  return withOwn(
    own?.custom === true
      ? { id: part.id, type: "custom", custom: { name: part.name, input: text } }
      : { id: part.id, type: "function", function: { name: part.name, arguments: text } },
    part.options,
    to
  )
}

/** A sound goes back by its id; what else a model made cannot be shown to it again. */
const assistantFile = (part: FilePart, written: Written, to: Draft): void => {
  const id = object(part.options?.[to.request.provider]?.audio)?.id
  if (typeof id === "string") written.audio = { id }
  else {
    to.warnings.push({
      type: "other",
      message: `${to.request.provider} takes no file back that a model made: one of type ${part.mediaType} was not sent`
    })
  }
}

/** One message per tool result. Its images follow in a message of the person, where the service takes none here. */
const results = (
  content: AssistantMessage["content"] | ToolMessage["content"],
  to: Draft,
  out: Array<Written>,
  shown: Array<Written>,
  options?: ProviderOptions
): void => {
  for (const part of content) {
    if (part.type !== "tool-result" || part.providerExecuted === true) continue
    const message: Written = { role: "tool", tool_call_id: part.id, content: "" }
    if (part.modelOutput === undefined) message.content = answered(part.result, part.isFailure)
    else {
      const files = part.modelOutput.filter((item) => item.type === "file")
      const texts = part.modelOutput.flatMap((item) => item.type === "text" ? [item.text] : [])
      if (to.quirks.toolFiles === true && files.length > 0) {
        message.content = part.modelOutput.map((item) => userPart(item, to))
      } else {
        message.content = answered(texts.join("\n"), part.isFailure)
        if (files.length > 0) {
          if (texts.length === 0) message.content = answered("See the files that follow.", part.isFailure)
          shown.push({ type: "text", text: `Files from the tool ${part.name}:` })
          for (const item of files) shown.push(userPart(item, to))
        }
      }
    }
    out.push(withOwn(withOwn(message, options, to), part.options, to))
  }
}

/** What a tool answered, as text; that it failed is said in the text, because there is no other place to say it. */
const answered = (result: unknown, isFailure: boolean): string => {
  if (!isFailure) return typeof result === "string" ? result : JSON.stringify(result) ?? ""
  return typeof result === "string" ? `Error: ${result}` : JSON.stringify({ error: result ?? null })
}

const ownOf = (options: ProviderOptions | undefined, to: Draft): JsonObject | undefined => {
  const own = options?.[to.request.provider]
  if (own === undefined || own === null) return undefined
  for (const name in own) if (!notSent.has(name)) return own
  return own.custom === true ? own : undefined
}

const withOwn = (written: Written, options: ProviderOptions | undefined, to: Draft): Written => {
  const own = options?.[to.request.provider]
  if (own === undefined || own === null) return written
  for (const name in own) {
    const value = own[name]
    if (!notSent.has(name) && value !== undefined) put(written, name, value)
  }
  return written
}

/** What is known of an answer and sent elsewhere or not at all; see `Choice` for what they mean. */
const notSent = new Set([
  "imageDetail", "logprobs", "refusal", "reasoning_details", "message", "custom", "response", "audio"
])
