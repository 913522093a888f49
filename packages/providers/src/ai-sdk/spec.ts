/**
 * What this package needs of the AI SDK's model specification, version 4. A model of the AI SDK fits these types as it is;
 * nothing of the AI SDK is loaded.
 *
 * @module
 */
import type { JsonObject } from "@plugline/core"

/**
 * A language model of the AI SDK. Its functions are given {@link CallOptions}; that the type says `never` lets the models of
 * every copy and version of the AI SDK fit, whose types differ in what may be changed.
 */
export interface LanguageModelV4 {
  readonly specificationVersion: "v4"
  readonly provider: string
  readonly modelId: string
  supportedUrls: PromiseLike<UrlPatterns> | UrlPatterns
  doGenerate(options: never): PromiseLike<GenerateResult>
  doStream(options: never): PromiseLike<{ stream: ReadableStream<StreamPart> }>
}

/** An embedding model of the AI SDK. */
export interface EmbeddingModelV4 {
  readonly specificationVersion: "v4"
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined
  doEmbed(options: never): PromiseLike<EmbedResult>
}

/** Media types to the addresses that a model fetches itself. */
export type UrlPatterns = Record<string, Array<RegExp>>

export type Own = Record<string, JsonObject>

export interface EmbedOptions {
  values: Array<string>
  dimensions?: number
  abortSignal?: AbortSignal
  providerOptions?: Own
  headers?: Record<string, string>
}

export interface EmbedResult {
  embeddings: Array<Array<number>>
  usage?: { tokens: number }
  providerMetadata?: Own
  warnings?: Array<Warning>
}

export interface CallOptions {
  prompt: Array<Message>
  maxOutputTokens?: number
  temperature?: number
  stopSequences?: Array<string>
  topP?: number
  topK?: number
  presencePenalty?: number
  frequencyPenalty?: number
  responseFormat?: { type: "text" } | { type: "json"; schema?: JsonObject; name?: string; description?: string }
  seed?: number
  tools?: Array<FunctionTool | ProviderTool>
  toolChoice?: { type: "auto" } | { type: "none" } | { type: "required" } | { type: "tool"; toolName: string }
  abortSignal?: AbortSignal
  headers?: Record<string, string | undefined>
  reasoning?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max"
  providerOptions?: Own
}

export interface FunctionTool {
  type: "function"
  name: string
  description?: string
  inputSchema: JsonObject
  strict?: boolean
  providerOptions?: Own
}

export interface ProviderTool {
  type: "provider"
  id: `${string}.${string}`
  name: string
  args: Record<string, unknown>
}

export type FileData = { type: "data"; data: string | Uint8Array } | { type: "url"; url: URL }

export interface TextPart {
  type: "text"
  text: string
  providerOptions?: Own
}

export interface FilePart {
  type: "file"
  filename?: string
  data: FileData
  mediaType: string
  providerOptions?: Own
}

export interface ReasoningPart {
  type: "reasoning"
  text: string
  providerOptions?: Own
}

export interface CustomPart {
  type: "custom"
  kind: `${string}.${string}`
  providerOptions?: Own
}

export interface ToolCallPart {
  type: "tool-call"
  toolCallId: string
  toolName: string
  input: unknown
  providerExecuted?: boolean
  providerOptions?: Own
}

export interface ToolResultPart {
  type: "tool-result"
  toolCallId: string
  toolName: string
  output: ToolOutput
  providerOptions?: Own
}

export type ToolOutput =
  | { type: "text" | "error-text"; value: string }
  | { type: "json" | "error-json"; value: unknown }
  | { type: "content"; value: Array<TextPart | FilePart> }

export type Message =
  & (
    | { role: "system"; content: string }
    | { role: "user"; content: Array<TextPart | FilePart> }
    | { role: "assistant"; content: Array<TextPart | FilePart | ReasoningPart | CustomPart | ToolCallPart | ToolResultPart> }
    | { role: "tool"; content: Array<ToolResultPart> }
  )
  & { providerOptions?: Own }

export interface Usage {
  inputTokens: {
    total: number | undefined
    noCache: number | undefined
    cacheRead: number | undefined
    cacheWrite: number | undefined
  }
  outputTokens: { total: number | undefined; text: number | undefined; reasoning: number | undefined }
  raw?: unknown
}

export interface FinishReason {
  unified: string
  raw: string | undefined
}

export type Warning =
  | { type: "unsupported" | "compatibility"; feature: string; details?: string }
  | { type: "deprecated"; setting: string; message: string }
  | { type: "other"; message: string }

/** A piece of an answer. Of the kinds that are not read here only the name is known. */
export interface Content {
  readonly type: string
  readonly [field: string]: unknown
}

export interface GenerateResult {
  content: Array<{ readonly type: string }>
  finishReason: FinishReason
  usage: Usage
  providerMetadata?: Own
  response?: { id?: string; timestamp?: Date; modelId?: string }
  warnings: Array<Warning>
}

/** A piece of a stream. */
export interface StreamPart {
  readonly type: string
}
