/**
 * What this package needs of the AI SDK's model specification, version 4, in the types that its functions take and give.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"

/** A language model of the AI SDK. */
export interface Model {
  readonly specificationVersion: "v4"
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls: Record<string, Array<RegExp>>
  readonly doGenerate: (options: CallOptions) => Promise<GenerateResult>
  readonly doStream: (options: CallOptions) => Promise<{ stream: ReadableStream<StreamPart> }>
}

type Own = Record<string, Json>
/** JSON as the AI SDK types it: fields that may be changed. */
type Json = { [name: string]: JsonValue | undefined }

export interface CallOptions {
  readonly prompt: ReadonlyArray<Message>
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly stopSequences?: ReadonlyArray<string>
  readonly topP?: number
  readonly topK?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  readonly responseFormat?: { readonly type: "text" } | {
    readonly type: "json"
    readonly schema?: unknown
    readonly name?: string
    readonly description?: string
  }
  readonly seed?: number
  readonly tools?: ReadonlyArray<Tool>
  readonly toolChoice?: { readonly type: "auto" | "none" | "required" } | { readonly type: "tool"; readonly toolName: string }
  readonly abortSignal?: AbortSignal
  readonly headers?: Record<string, string | undefined>
  readonly reasoning?: string
  readonly providerOptions?: Record<string, unknown>
}

export type Tool =
  | {
    readonly type: "function"
    readonly name: string
    readonly description?: string
    readonly inputSchema: unknown
    readonly strict?: boolean
    readonly providerOptions?: Record<string, unknown>
  }
  | { readonly type: "provider"; readonly id: string; readonly name: string; readonly args: Record<string, unknown> }

/** A message, or a part of one: what else it holds depends on role and type. */
export interface Message {
  readonly role: string
  readonly content: string | ReadonlyArray<Piece>
  readonly providerOptions?: Record<string, unknown>
}

export interface Piece {
  readonly type: string
  readonly providerOptions?: Record<string, unknown>
}

interface Metadata {
  providerMetadata?: Record<string, { [name: string]: never }>
}

export type Content =
  & (
    | { type: "text" | "reasoning"; text: string }
    | { type: "tool-call"; toolCallId: string; toolName: string; input: string; providerExecuted?: boolean; dynamic?: boolean }
    | { type: "tool-result"; toolCallId: string; toolName: string; result: never; isError?: boolean; dynamic?: boolean }
    | { type: "file"; mediaType: string; data: { type: "data"; data: string } }
    | { type: "source"; sourceType: "url"; id: string; url: string; title: string }
    | { type: "source"; sourceType: "document"; id: string; mediaType: string; title: string; filename?: string }
  )
  & Metadata

export interface FinishReason {
  unified: "stop" | "length" | "content-filter" | "tool-calls" | "error" | "interrupted" | "other"
  raw: string | undefined
}

export interface Usage {
  inputTokens: {
    total: number | undefined
    noCache: number | undefined
    cacheRead: number | undefined
    cacheWrite: number | undefined
  }
  outputTokens: { total: number | undefined; text: number | undefined; reasoning: number | undefined }
  raw?: { [name: string]: never }
}

export type Warning = { type: "unsupported" | "compatibility"; feature: string; details: string } | { type: "other"; message: string }

export interface GenerateResult extends Metadata {
  content: Array<Content>
  finishReason: FinishReason
  usage: Usage
  response: { id?: string; timestamp?: Date; modelId?: string }
  warnings: Array<Warning>
}

export type StreamPart =
  | { type: "stream-start"; warnings: Array<Warning> }
  | { type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end" | "tool-input-end"; id: string } & Metadata
  | { type: "text-delta" | "reasoning-delta" | "tool-input-delta"; id: string; delta: string } & Metadata
  | { type: "tool-input-start"; id: string; toolName: string; providerExecuted?: boolean } & Metadata
  | { type: "response-metadata"; id?: string; timestamp?: Date; modelId?: string }
  | { type: "finish"; usage: Usage; finishReason: FinishReason } & Metadata
  | { type: "raw"; rawValue: unknown }
  | { type: "error"; error: unknown }
  | Exclude<Content, { type: "text" | "reasoning" }>

export type { Json, JsonObject, Own }
