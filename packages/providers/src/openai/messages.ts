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
  type SystemMessage,
  type ToolMessage,
  type UserMessage
} from "@plugline/core"
import { file, imageDetail } from "./files.ts"
import { type Draft } from "./options.ts"
import { isOwn, isTaken, ofMessages, ownOf, withInner, withOwn, type Written } from "./own.ts"
import { merge } from "../wire/draft.ts"
import { list, object, put } from "../wire/read.ts"

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
      system(message, to, out)
      return
    case "user":
      out.push(withOwn({ role: "user", content: userContent(message, to) }, message.options, to, ofMessages))
      return
    case "assistant":
      out.push(assistant(message, to))
      results(message.content, to, out, shown)
      return
    case "tool":
      results(message.content, to, out, shown, message.options)
  }
}

/**
 * Rules, which may have been parts of one list: `part` is what else stood there, `joined` that they follow the ones
 * before.
 */
const system = ({ content, options }: SystemMessage, to: Draft, out: Array<Written>): void => {
  const own = options?.[to.request.provider]
  const written = withOwn({ role: to.quirks.systemRole ?? "system", content }, options, to, ofMessages)
  const part = object(own?.part)
  if (part === undefined) return void out.push(written)
  const entry: Written = { type: "text", text: content, ...part as JsonObject }
  const before = out.at(-1)
  const follows = own?.joined === true && before?.role === written.role
  if (follows && Array.isArray(before?.content)) before.content.push(entry)
  else out.push({ ...written, content: [entry] })
}

/** The content of a person's message. One plain text stays a text: every service takes that. */
export const userContent = ({ content }: UserMessage, to: Draft): JsonValue => {
  const only = content.length === 1 ? content[0] : undefined
  if (only?.type === "text" && ownOf(only.options, to) === undefined) return only.text
  const written: Array<Written> = []
  for (const part of content) {
    if (part.type !== "raw" || isTaken(part, to)) written.push(userPart(part, to))
    else {
      const { provider } = to.request
      const where = part.provider === provider ? `the chat completions of ${provider}` : provider
      to.warnings.push({
        type: "other",
        message: `a part of a message that ${part.provider} alone understands was not sent to ${where}`
      })
    }
  }
  return written.length === 0 ? "" : written
}

const userPart = (part: MessagePart, to: Draft): Written => {
  switch (part.type) {
    case "text":
      return withOwn({ type: "text", text: part.text }, part.options, to)
    case "file":
      return withInner(file(part, imageDetail(part, to.request.provider), to), part.options, to)
    case "raw":
      return part.value as Written
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
  const back = to.quirks.reasoningBack
  let legacy: Written | undefined
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
        if (back === "thinking") {
          thinking.push(withOwn({ type: "thinking", thinking: [{ type: "text", text: part.text }] }, part.options, to))
        } else if (back === "summary") {
          const summary = withOwn({ type: "summary_text", text: part.text }, part.options, to)
          thinking.push({ type: "reasoning", summary: [summary] })
        }
        thought(part.text, list(own?.as), to, written)
        details.push(...list(own?.reasoning_details) ?? [])
        break
      case "tool-call":
        if (part.providerExecuted === true) break
        if (own?.legacy === true) legacy = { name: part.name, arguments: argumentsOf(part) }
        else calls.push(call(part, to))
        break
      case "file":
        assistantFile(part, written, to)
        break
      case "tool-result":
        break
      case "raw":
        if (isTaken(part, to)) texts.push(part.value as Written)
        break
      default:
        texts.push(part as unknown as Written)
    }
  }
  texts.unshift(...thinking)
  if (details.length > 0) written.reasoning_details = details
  const besides = calls.length > 0 || legacy !== undefined || refusal !== "" || written.audio !== undefined
  written.content = contentOf(texts, besides)
  if (refusal !== "") written.refusal = refusal
  if (legacy !== undefined) written.function_call = legacy
  if (calls.length > 0) written.tool_calls = calls
  return withOwn(written, message.options, to, ofMessages)
}

/** What the model thought goes back in the field of the service's choice, or in those in which the caller had it. */
const thought = (said: string, as: ReadonlyArray<JsonValue> | undefined, { quirks }: Draft, written: Written): void => {
  const { reasoningBack: back } = quirks
  const usual = said !== "" && (back === "reasoning" || back === "reasoning_content") ? [back] : []
  for (const field of as ?? usual) {
    if (typeof field !== "string") continue
    const before = Object.hasOwn(written, field) ? written[field] : ""
    put(written, field, typeof before === "string" ? before + said : said)
  }
}

/** Text alone is joined; nothing is `null` where something else is said, and an empty text where not. */
const contentOf = (texts: ReadonlyArray<Written>, besides: boolean): JsonValue => {
  if (texts.length === 0) return besides ? null : ""
  const plain = texts.every((part) => part.type === "text" && Object.keys(part).length === 2)
  return plain ? texts.map((part) => String(part.text)).join("") : texts
}

const call = (part: MessagePart & { readonly type: "tool-call" }, to: Draft): Written => {
  const own = part.options?.[to.request.provider]
  const written: Written = own?.custom === true || object(own?.item)?.type === "custom_tool_call"
    ? { id: part.id, type: "custom", custom: { name: part.name, input: argumentsOf(part) } }
    : { id: part.id, type: "function", function: { name: part.name, arguments: argumentsOf(part) } }
  return withInner(written, part.options, to)
}

const argumentsOf = ({ params }: MessagePart & { readonly type: "tool-call" }): string =>
  typeof params === "string" ? params : JSON.stringify(params ?? {})

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
    const legacy = options?.[to.request.provider]?.legacy === true
    const message: Written = legacy
      ? { role: "function", name: part.name, content: "" }
      : { role: "tool", tool_call_id: part.id, content: "" }
    if (part.modelOutput === undefined) message.content = answered(part.result, part.isFailure)
    else {
      const shownTo = part.modelOutput
        .filter((item) => item.type !== "raw" || isTaken(item, to))
      const files = shownTo.filter((item) => item.type !== "text")
      const texts = shownTo.flatMap((item) => item.type === "text" ? [item.text] : [])
      if (to.quirks.toolFiles === true ? files.length > 0 : isOwn(shownTo, to)) {
        message.content = shownTo.map((item) => userPart(item, to))
      } else {
        message.content = answered(texts.join("\n"), part.isFailure)
        if (files.length > 0) {
          if (texts.length === 0) message.content = answered("See the files that follow.", part.isFailure)
          shown.push({ type: "text", text: `Files from the tool ${part.name}:` })
          for (const item of files) shown.push(userPart(item, to))
        }
      }
    }
    out.push(withOwn(withOwn(message, options, to, ofMessages), part.options, to))
  }
}

/** What a tool answered, as text; that it failed is said in the text, because there is no other place to say it. */
const answered = (result: unknown, isFailure: boolean): string => {
  if (!isFailure) return typeof result === "string" ? result : JSON.stringify(result) ?? ""
  return typeof result === "string" ? `Error: ${result}` : JSON.stringify({ error: result ?? null })
}
