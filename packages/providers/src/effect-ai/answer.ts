/**
 * Reads what an `effect/ai` model answers, whole or streamed, and why it failed.
 *
 * @module
 */
import {
  type ChatResult, type Content, type JsonValue, LlmError, Mask, type Metadata, Part, type Parts, type Reason, type Usage
} from "@plugline/core"
import { DateTime, Duration } from "effect"
import type { AiError, Response } from "effect/ai"
import { reasonOf } from "../wire/reason.ts"

/** A whole answer. */
export const chat = (parts: ReadonlyArray<Response.AnyPart>, provider: string): ChatResult => {
  const content: Array<Content> = []
  let head: Partial<Pick<ChatResult, "id" | "model" | "timestamp">> = {}
  let end: Part & { readonly type: "finish" } = { type: "finish", reason: "unknown", usage: Part.unknownUsage }
  for (const it of parts) {
    if (it.type === "text" || it.type === "reasoning") {
      content.push({ type: it.type, text: it.text, ...withMetadata(it.metadata) })
      continue
    }
    for (const part of one(it, provider)) {
      if (part.type === "response-metadata") {
        head = {
          ...(part.id !== undefined && { id: part.id }),
          ...(part.modelId !== undefined && { model: part.modelId }),
          ...(part.timestamp !== undefined && { timestamp: part.timestamp })
        }
      } else if (part.type === "finish") end = part
      else if (part.type === "error") throw Part.errorOf(part)
      else if (isContent(part)) content.push(part)
    }
  }
  return {
    type: "chat",
    ...head,
    content,
    finishReason: end.reason,
    usage: end.usage,
    ...(end.metadata !== undefined && { metadata: end.metadata })
  }
}

const isContent = (part: Part): part is Part & Content =>
  part.type === "tool-call" || part.type === "tool-result" || part.type === "file" || part.type === "source" || part.type === "raw"

/** What one part of an answer says. */
export const one = (it: Response.AnyPart, provider: string): Parts => {
  const own = withMetadata(it.metadata)
  switch (it.type) {
    case "text-start":
    case "text-end":
    case "reasoning-start":
    case "reasoning-end":
    case "tool-params-end":
      return [{ type: it.type, id: it.id, ...own }]
    case "text-delta":
    case "reasoning-delta":
    case "tool-params-delta":
      return [{ type: it.type, id: it.id, delta: it.delta, ...own }]
    case "tool-params-start":
      return [{ type: it.type, id: it.id, name: it.name, ...executed(it), ...own }]
    case "tool-call":
      return [{ type: it.type, id: it.id, name: it.name, params: it.params, ...executed(it), ...own }]
    case "tool-result":
      return [{
        type: it.type, id: it.id, name: it.name, result: it.encodedResult, isFailure: it.isFailure, ...executed(it), ...own
      }]
    case "file":
      return [{ type: "file", mediaType: it.mediaType, data: Buffer.from(it.data).toString("base64"), ...own }]
    case "source":
      return it.sourceType === "url"
        ? [{ type: "source", sourceType: "url", id: it.id, url: it.url.href, title: it.title, ...own }]
        : [{
          type: "source",
          sourceType: "document",
          id: it.id,
          title: it.title,
          mediaType: it.mediaType,
          ...(it.fileName !== undefined && { fileName: it.fileName }),
          ...own
        }]
    case "response-metadata":
      return [{
        type: it.type,
        ...(it.id !== undefined && { id: it.id }),
        ...(it.modelId !== undefined && { modelId: it.modelId }),
        ...(it.timestamp !== undefined && { timestamp: DateTime.formatIso(it.timestamp) })
      }]
    case "finish":
      return [{ type: "finish", reason: it.reason, usage: usage(it.usage), ...own }]
    case "error":
      return [Part.error(failure(it.error, provider))]
    case "tool-approval-request":
      return [{ type: "raw", provider, value: { type: it.type, approvalId: it.approvalId, toolCallId: it.toolCallId } }]
    default:
      return []
  }
}

const executed = (it: { readonly providerExecuted?: boolean | undefined }): { readonly providerExecuted?: true } =>
  it.providerExecuted === true ? { providerExecuted: true } : {}

const withMetadata = (metadata: unknown): { readonly metadata?: Metadata } => {
  const own = metadata as Metadata | undefined
  return own === undefined || Object.keys(own).length === 0 ? {} : { metadata: own }
}

const usage = ({ inputTokens, outputTokens }: Response.Usage): Usage => ({
  inputTokens: defined(inputTokens),
  outputTokens: defined(outputTokens)
})

const defined = (counts: { readonly [name: string]: number | undefined }): { [name: string]: number } =>
  Object.fromEntries(Object.entries(counts).filter((entry): entry is [string, number] => entry[1] !== undefined))

// --- failures ------------------------------------------------------------------------------------------------------------

/** Whatever such a model fails with, as our error. */
export const failure = (thrown: unknown, provider: string): LlmError => {
  if (LlmError.isLlmError(thrown)) return LlmError.from(thrown, { provider })
  if (!isAiError(thrown)) {
    const message = thrown instanceof Error ? thrown.message : typeof thrown === "string" ? thrown : "the model failed"
    return LlmError.make({ _tag: "Server", message: Mask.text(message) }, { provider, cause: thrown })
  }
  const { reason } = thrown
  const http = "http" in reason ? reason.http : undefined
  const status = http?.response?.status
  // The service's own words tell more than the class of the error.
  const said = status !== undefined && http?.body !== undefined
    ? reasonOf({ status, headers: plain(http.response?.headers ?? {}), body: http.body }, provider)
    : undefined
  const details = {
    message: Mask.text(thrown.message),
    ...(status !== undefined && { status }),
    ...(said?.reason.code !== undefined && { code: said.reason.code }),
    ...(said?.reason.raw !== undefined && { raw: said.reason.raw })
  }
  const wait = reason._tag === "RateLimitError" && reason.retryAfter !== undefined ? Duration.toMillis(reason.retryAfter) : undefined
  return LlmError.make(reasonFor(reason, details, said, wait), { provider, cause: thrown })
}

type Details = { readonly message: string; readonly status?: number; readonly code?: string; readonly raw?: JsonValue }

const reasonFor = (
  reason: AiError.AiErrorReason,
  details: Details,
  said: LlmError | undefined,
  retryAfter: number | undefined
): Reason => {
  switch (reason._tag) {
    case "NetworkError":
      return { _tag: reason.reason === "TransportError" ? "Network" : "InvalidRequest", ...details }
    case "RateLimitError":
      return { _tag: "RateLimit", ...details, ...(retryAfter !== undefined && { retryAfter }) }
    case "QuotaExhaustedError":
      return { _tag: "Quota", ...details }
    case "AuthenticationError":
      return { _tag: said?.reason._tag === "Permission" ? "Permission" : "Authentication", ...details }
    case "ContentPolicyError":
      return { _tag: "ContentPolicy", ...details }
    case "InvalidRequestError": {
      const tag = said?.reason._tag
      if (tag === "ContextLength" || tag === "NotFound") return { _tag: tag, ...details }
      return { _tag: "InvalidRequest", ...details, ...(reason.parameter !== undefined && { parameter: reason.parameter }) }
    }
    case "InvalidUserInputError":
    case "ToolkitRequiredError":
    case "ToolConfigurationError":
      return { _tag: "InvalidRequest", ...details }
    case "UnsupportedSchemaError":
      return { _tag: "Unsupported", ...details }
    case "InternalProviderError":
      return { _tag: said?.reason._tag === "Overloaded" ? "Overloaded" : "Server", ...details }
    case "UnknownError":
      return said === undefined ? { _tag: "Server", ...details } : said.reason
    default:
      return { _tag: "MalformedResponse", ...details }
  }
}

const isAiError = (value: unknown): value is AiError.AiError =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "AiError" && "reason" in value

/** The headers that are no secrets. */
const plain = (headers: { readonly [name: string]: unknown }): { readonly [name: string]: string } => {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") out[name.toLowerCase()] = value
  return out
}
