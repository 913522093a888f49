/**
 * Writes a conversation as `contents` and `systemInstruction`.
 *
 * What a provider alone understands (`options[provider]` of a message or part) is merged into what is written:
 * thought signatures go back on exactly the part that brought them. The fields of `functionCall` and
 * `functionResponse` stand under that name. Thinking goes back where this provider said it, thinking of others is not
 * sent.
 *
 * @module
 */
import type { AssistantMessage, JsonObject, JsonValue, Message, MessagePart, ProviderOptions } from "@plugline/core"
import { modelOf } from "../wire/draft.ts"
import { object, put } from "../wire/read.ts"
import { sentId } from "./ids.ts"
import { file } from "./media.ts"
import type { Draft } from "./options.ts"
import { functionResponse } from "./results.ts"
import { needsSignatures } from "./surface.ts"

type Written = { [name: string]: JsonValue }

interface Content {
  readonly written: Written
  readonly parts: Array<JsonValue>
  readonly role: string
}

/** A call that another model made carries no signature; this is Google's word for "do not check". */
const unchecked = "skip_thought_signature_validator"

/** Puts messages, those of the request by default, into the body. */
export const messages = (to: Draft, messages: ReadonlyArray<Message> = to.request.messages): void => {
  const { provider } = to.request
  const rules: Array<JsonValue> = []
  const contents: Array<Content> = []
  let late = false
  for (const message of messages) {
    if (message.role === "system") {
      late ||= contents.length > 0
      rules.push(withOwn({ text: message.content }, message.options, to))
    } else write(message, contents, to)
  }
  if (late) {
    const message = `${provider} takes rules in one place only: a later system message was moved there`
    to.warnings.push({ type: "other", message })
  }
  if (rules.length > 0) to.body.systemInstruction = { parts: rules }
  to.body.contents = contents.map(({ written }) => written)
}

const write = (message: Exclude<Message, { role: "system" }>, contents: Array<Content>, to: Draft): void => {
  const own = message.options?.[to.request.provider] ?? undefined
  switch (message.role) {
    case "user":
      into(contents, "user", own, own?.continues === true, message.content.map((part) => said(part, to)))
      return
    case "assistant": {
      const parts = answer(message, to)
      if (parts.length > 0 || message.content.length === 0) into(contents, "model", own, own?.continues === true, parts)
      const results = message.content.filter((part) => part.type === "tool-result" && part.providerExecuted !== true)
      if (results.length > 0) into(contents, "user", undefined, false, answered(results, to), "tool")
      return
    }
    case "tool": {
      // The answers to the calls of one turn belong into one content.
      const goesOn = own?.continues ?? (contents.at(-1)?.role === "tool")
      into(contents, "user", own, goesOn === true, answered(message.content, to), "tool")
    }
  }
}

const into = (
  contents: Array<Content>,
  role: string,
  own: JsonObject | undefined,
  goesOn: boolean,
  parts: ReadonlyArray<JsonValue>,
  kind = role
): void => {
  const last = contents.at(-1)
  if (goesOn && last !== undefined && last.written.role === role) {
    last.parts.push(...parts)
    return
  }
  const all = [...parts]
  const written: Written = { role, parts: all }
  for (const name in own) if (name !== "continues" && own[name] !== undefined) put(written, name, own[name])
  contents.push({ written, parts: all, role: kind })
}

/** A part of a person's message. */
const said = (part: MessagePart, to: Draft): JsonValue => {
  switch (part.type) {
    case "text":
      return withOwn({ text: part.text }, part.options, to)
    case "file":
      return withOwn(file(part, to.surface), part.options, to)
    case "raw":
      return part.value
    default:
      // A part that has no word here may be one of the service's own.
      return part as unknown as JsonValue
  }
}

const answered = (parts: AssistantMessage["content"], to: Draft): ReadonlyArray<JsonValue> => {
  const out: Array<JsonValue> = []
  const shown: Array<JsonValue> = []
  for (const part of parts) {
    if (part.type === "tool-result") out.push(functionResponse(part, nameOf(part, to), shown, to))
    else out.push(said(part, to))
  }
  return [...out, ...shown]
}

/** The name of the tool that answered: some dialects give only the id of its call. */
const nameOf = ({ id, name }: { readonly id: string; readonly name: string }, to: Draft): string => {
  if (name !== "") return name
  for (const { content } of to.request.messages) {
    if (typeof content === "string") continue
    for (const part of content) if (part.type === "tool-call" && part.id === id) return part.name
  }
  return name
}

/** What the model said. */
const answer = (message: AssistantMessage, to: Draft): ReadonlyArray<JsonValue> => {
  const { provider } = to.request
  const out: Array<JsonValue> = []
  let first: Written | undefined
  let signed = false
  for (const part of message.content) {
    const own = part.options?.[provider] ?? undefined
    switch (part.type) {
      case "text":
        out.push(withOwn({ text: part.text }, part.options, to))
        break
      case "reasoning":
        if (own !== undefined) out.push(withOwn({ text: part.text, thought: true }, part.options, to))
        break
      case "file":
        out.push(withOwn(file(part, to.surface), part.options, to))
        break
      case "tool-call": {
        if (part.providerExecuted === true) {
          if (own !== undefined) executed(part, own, out)
          break
        }
        const { functionCall, ...rest } = own ?? {}
        const id = sentId(part.id)
        const call = { ...(id !== undefined && { id }), name: part.name, args: argsOf(part.params) }
        const written: Written = { functionCall: { ...call, ...object(functionCall) } }
        merge(written, rest)
        signed ||= written.thoughtSignature !== undefined
        first ??= written
        out.push(written)
        break
      }
      case "tool-result":
        if (part.providerExecuted === true && own !== undefined) executed(part, own, out)
        break
      case "raw":
        if (part.provider === provider) out.push(part.value)
        break
      default:
        out.push(part as unknown as JsonValue)
    }
  }
  if (first !== undefined && !signed && needsSignatures(modelOf(to.request))) first.thoughtSignature = unchecked
  return out
}

/** A tool that Google ran: its call or its answer, as the part it came in. `part` of our own fields says which. */
const executed = (
  part: MessagePart & { readonly type: "tool-call" | "tool-result" },
  { part: kind, ...own }: JsonObject,
  out: Array<JsonValue>
): void => {
  const id = sentId(part.id)
  const named = id !== undefined && { id }
  let block: JsonObject
  switch (kind) {
    case "executableCode":
      block = { ...object(part.type === "tool-call" ? part.params : undefined), ...named }
      break
    case "codeExecutionResult":
      block = { ...object(part.type === "tool-result" ? part.result : undefined), ...named }
      break
    case "toolCall": {
      const args = object(part.type === "tool-call" ? part.params : undefined)
      block = { ...named, toolType: part.name, ...(args !== undefined && Object.keys(args).length > 0 && { args }) }
      break
    }
    case "toolResponse": {
      const response = object(part.type === "tool-result" ? part.result : undefined)
      block = { ...named, toolType: part.name, ...(response !== undefined && { response }) }
      break
    }
    default:
      return
  }
  const written: Written = { [kind]: block }
  merge(written, own)
  out.push(written)
}

/** Arguments are an object; a text that is none, because the model broke off, is handed on as one field. */
const argsOf = (params: unknown): JsonValue => {
  if (params === undefined || params === null) return {}
  return object(params) === undefined ? { arguments: params as JsonValue } : params as JsonValue
}

const withOwn = (written: Written, options: ProviderOptions | undefined, to: Draft): Written => {
  const own = options?.[to.request.provider]
  if (own !== undefined && own !== null) merge(written, own)
  return written
}

const merge = (written: Written, own: JsonObject): void => {
  for (const name in own) {
    const value = own[name]
    if (value !== undefined) put(written, name, value)
  }
}
