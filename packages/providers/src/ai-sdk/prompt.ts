/**
 * Writes a request as the call options of an AI SDK model.
 *
 * @module
 */
import {
  type FilePart, type JsonObject, LlmError, type Message, type MessagePart, type ProviderOptions, type Request, type Tool,
  type ToolResultMessagePart, type Warning
} from "@plugline/core"
import { type Draft, draft, elsewhere, warn, write, type Writers } from "../wire/draft.ts"
import { placeOf } from "../wire/media.ts"
import type * as Spec from "./spec.ts"

/** The call options, and what of the request they cannot carry. */
export interface Written {
  readonly options: Spec.CallOptions
  readonly warnings: ReadonlyArray<Warning>
}

/**
 * A request in the AI SDK's words. `urls` are the addresses that the model fetches itself.
 *
 * @throws LlmError `Unsupported` where something cannot be said that changes the meaning.
 */
export const options = (request: Request, urls: Spec.UrlPatterns): Written => {
  const to: To = { ...draft(request), call: { prompt: messages(request, urls) } }
  write(to, writers, "chat")
  const own = providerOptions(request.options.providerOptions)
  if (own !== undefined) to.call.providerOptions = own
  if (request.config.headers !== undefined) to.call.headers = { ...request.config.headers }
  return { options: to.call, warnings: to.warnings }
}

interface To extends Draft {
  readonly call: Spec.CallOptions
}

const writers: Writers<To> = {
  model: elsewhere,
  temperature: (value, { call }) => void (call.temperature = value),
  maxTokens: (value, { call }) => void (call.maxOutputTokens = value),
  topP: (value, { call }) => void (call.topP = value),
  topK: (value, { call }) => void (call.topK = value),
  frequencyPenalty: (value, { call }) => void (call.frequencyPenalty = value),
  presencePenalty: (value, { call }) => void (call.presencePenalty = value),
  stop: (value, { call }) => void (call.stopSequences = typeof value === "string" ? [value] : [...value]),
  seed: (value, { call }) => void (call.seed = value),
  tools: (value, { call }) => {
    if (value.length > 0) call.tools = value.map(tool)
  },
  toolChoice: (value, { call }) =>
    void (call.toolChoice = typeof value === "object" ? { type: "tool", toolName: value.tool } : { type: value }),
  responseFormat: (value, to) => {
    const { type: _, strict, ...format } = value.type === "json" ? value : { type: "text", strict: undefined }
    to.call.responseFormat = value.type === "json" ? { type: "json", ...format } : { type: "text" }
    if (strict !== undefined) warn(to, "responseFormat", "the AI SDK has no word for responseFormat.strict")
  },
  reasoning: ({ budgetTokens, effort, summary }, to) => {
    const known = efforts.find((word) => word === effort)
    if (known !== undefined) to.call.reasoning = known
    else if (effort !== undefined) warn(to, "reasoning", `the AI SDK has no effort ${JSON.stringify(effort)}`)
    if (budgetTokens !== undefined) warn(to, "reasoning", "the AI SDK has no word for reasoning.budgetTokens")
    if (summary !== undefined) warn(to, "reasoning", "the AI SDK has no word for reasoning.summary")
  }
}

const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const

const tool = (tool: Tool): Spec.FunctionTool | Spec.ProviderTool => {
  if (tool.type === "provider") {
    const dot = tool.id.indexOf(".")
    const id: Spec.ProviderTool["id"] = dot < 0 ? `tool.${tool.id}` : `${tool.id.slice(0, dot)}.${tool.id.slice(dot + 1)}`
    return { type: "provider", id, name: tool.id.slice(dot + 1), args: tool.args ?? {} }
  }
  const own = providerOptions(tool.options)
  return {
    type: "function",
    name: tool.name,
    inputSchema: tool.parameters ?? { type: "object", properties: {} },
    ...(tool.description !== undefined && { description: tool.description }),
    ...(tool.strict !== undefined && { strict: tool.strict }),
    ...(own !== undefined && { providerOptions: own })
  }
}

// --- messages ----------------------------------------------------------------------------------------------------------

const messages = ({ messages, provider }: Request, urls: Spec.UrlPatterns): Array<Spec.Message> =>
  messages.map((it): Spec.Message => {
    const own = providerOptions(it.options)
    return { ...message(it, provider, urls), ...(own !== undefined && { providerOptions: own }) }
  })

const message = (message: Message, provider: string, urls: Spec.UrlPatterns): Spec.Message => {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.content }
    case "user":
      return { role: "user", content: message.content.flatMap((it) => it.type === "raw" ? [] : [shown(it, provider, urls)]) }
    case "assistant":
      return { role: "assistant", content: message.content.flatMap((it) => said(it, provider, urls)) }
    case "tool":
      return { role: "tool", content: message.content.map((it) => result(it, provider, urls)) }
  }
}

type Said = Extract<Spec.Message, { role: "assistant" }>["content"][number]

const said = (part: MessagePart, provider: string, urls: Spec.UrlPatterns): ReadonlyArray<Said> => {
  const own = withOwn(part)
  switch (part.type) {
    case "reasoning":
      return [{ type: "reasoning", text: part.text, ...own }]
    case "tool-call":
      return [{
        type: "tool-call",
        toolCallId: part.id,
        toolName: part.name,
        input: part.params,
        ...(part.providerExecuted !== undefined && { providerExecuted: part.providerExecuted }),
        ...own
      }]
    case "tool-result":
      return [result(part, provider, urls)]
    case "raw": {
      const value: unknown = part.value
      const custom = part.provider === provider && typeof value === "object" && value !== null && "kind" in value
      return custom ? [value as Spec.CustomPart] : []
    }
    default:
      return [shown(part, provider, urls)]
  }
}

const shown = (part: MessagePart, provider: string, urls: Spec.UrlPatterns): Spec.TextPart | Spec.FilePart => {
  const own = withOwn(part)
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text, ...own }
    case "file":
      return {
        type: "file",
        mediaType: part.mediaType,
        data: file(part, provider, urls),
        ...(part.fileName !== undefined && { filename: part.fileName }),
        ...own
      }
    default:
      throw LlmError.make({ _tag: "Unsupported", message: `the AI SDK has no word for a part of type ${part.type}` }, { provider })
  }
}

/** The AI SDK fetches nothing below its own functions: an address must be one that the model fetches. */
const file = (part: FilePart, provider: string, urls: Spec.UrlPatterns): Spec.FileData => {
  const place = placeOf(part)
  if ("base64" in place) return { type: "data", data: place.base64 }
  const url = URL.parse(place.url)
  if (url === null) {
    throw LlmError.make({ _tag: "InvalidRequest", parameter: "data", message: "the address of a file is no URL" }, { provider })
  }
  for (const [mediaType, patterns] of Object.entries(urls)) {
    if (fits(mediaType, part.mediaType) && patterns.some((pattern) => pattern.test(place.url))) return { type: "url", url }
  }
  throw LlmError.make({
    _tag: "Unsupported",
    message: `this model fetches no ${part.mediaType} from ${url.protocol}//${url.host}: give the file as base64`
  }, { provider })
}

const fits = (pattern: string, mediaType: string): boolean =>
  pattern === "*" || pattern === "*/*" || pattern === mediaType
  || (pattern.endsWith("/*") && mediaType.startsWith(pattern.slice(0, -1)))

const result = (part: ToolResultMessagePart, provider: string, urls: Spec.UrlPatterns): Spec.ToolResultPart => ({
  type: "tool-result",
  toolCallId: part.id,
  toolName: part.name,
  output: part.modelOutput === undefined
    ? output(part.result, part.isFailure)
    : { type: "content", value: part.modelOutput.flatMap((it) => it.type === "raw" ? [] : [shown(it, provider, urls)]) },
  ...withOwn(part)
})

const output = (value: unknown, isFailure: boolean): Spec.ToolOutput =>
  typeof value === "string"
    ? { type: isFailure ? "error-text" : "text", value }
    : { type: isFailure ? "error-json" : "json", value: value ?? null }

const withOwn = ({ options }: { readonly options?: ProviderOptions }): { providerOptions?: Spec.Own } => {
  const own = providerOptions(options)
  return own === undefined ? {} : { providerOptions: own }
}

const providerOptions = (options: ProviderOptions | undefined): Spec.Own | undefined => {
  if (options === undefined) return undefined
  const own = Object.entries(options).filter((entry): entry is [string, JsonObject] => entry[1] !== null)
  return own.length === 0 ? undefined : Object.fromEntries(own)
}
