/**
 * Reads what an AI SDK model answers, whole or streamed.
 *
 * @module
 */
import {
  type ChatResult, type Content, type FinishReason, Json, type JsonValue, LlmError, type Metadata, Part, type Parts, type Usage,
  type Warning
} from "@plugline/core"
import { object, text } from "../wire/read.ts"
import { failure } from "./failure.ts"
import type * as Spec from "./spec.ts"

/** A whole answer. `model` is the name that was asked for, where the answer does not say. */
export const chat = (answer: Spec.GenerateResult, provider: string, model: string): ChatResult => {
  const { id, modelId, timestamp } = answer.response ?? {}
  const time = iso(timestamp)
  const warnings = (answer.warnings ?? []).map(warning)
  return {
    type: "chat",
    ...(id !== undefined && { id }),
    model: modelId ?? model,
    ...(time !== undefined && { timestamp: time }),
    content: answer.content.flatMap((part) => content(part, provider)),
    finishReason: reasonOf(answer.finishReason),
    ...(answer.finishReason.raw !== undefined && { rawFinishReason: answer.finishReason.raw }),
    usage: usage(answer.usage),
    ...(warnings.length > 0 && { warnings }),
    ...withMetadata(answer.providerMetadata)
  }
}

/** What one piece of a stream says. */
export const part = (piece: Spec.StreamPart, provider: string): Parts => {
  const it = piece as Spec.Content
  const own = withMetadata(it.providerMetadata)
  const id = String(it.id)
  switch (it.type) {
    case "text-start":
    case "text-end":
    case "reasoning-start":
    case "reasoning-end":
      return [{ type: it.type, id, ...own }]
    case "text-delta":
    case "reasoning-delta":
      return [{ type: it.type, id, delta: String(it.delta), ...own }]
    case "tool-input-start":
      return [{
        type: "tool-params-start", id, name: String(it.toolName), ...(it.providerExecuted === true && { providerExecuted: true }), ...own
      }]
    case "tool-input-delta":
      return [{ type: "tool-params-delta", id, delta: String(it.delta), ...own }]
    case "tool-input-end":
      return [{ type: "tool-params-end", id, ...own }]
    case "stream-start":
      return (it.warnings as Array<Spec.Warning> ?? []).map((each): Part => ({ type: "warning", warning: warning(each) }))
    case "response-metadata": {
      const time = iso(it.timestamp)
      return [{
        type: "response-metadata",
        ...(it.id !== undefined && { id }),
        ...(it.modelId !== undefined && { modelId: String(it.modelId) }),
        ...(time !== undefined && { timestamp: time })
      }]
    }
    case "finish": {
      const finish = it.finishReason as Spec.FinishReason
      return [{
        type: "finish",
        reason: reasonOf(finish),
        ...(finish.raw !== undefined && { rawReason: finish.raw }),
        usage: usage(it.usage as Spec.Usage),
        ...own
      }]
    }
    case "error":
      return [Part.error(failure(it.error, provider))]
    case "ping":
      return []
    default:
      return content(it, provider).filter((part): part is Exclude<Content, Whole> => !("text" in part))
  }
}

/** Texts come in pieces. */
type Whole = Content & { readonly text: string }

/** What one piece of content says. */
const content = (piece: { readonly type: string }, provider: string): ReadonlyArray<Content> => {
  const it = piece as Spec.Content
  const own = withMetadata(it.providerMetadata)
  switch (it.type) {
    case "text":
    case "reasoning":
      return [{ type: it.type, text: String(it.text), ...own }]
    case "tool-call":
      return [{
        type: "tool-call",
        id: String(it.toolCallId),
        name: String(it.toolName),
        ...params(it.input),
        ...(it.providerExecuted === true && { providerExecuted: true }),
        ...own
      }]
    case "tool-result":
      return [{
        type: "tool-result",
        id: String(it.toolCallId),
        name: String(it.toolName),
        result: it.result,
        isFailure: it.isError === true,
        providerExecuted: true,
        ...own
      }]
    case "file": {
      const data = object(it.data)
      const bytes: unknown = data?.data
      if (data?.type !== "data") return [raw(it, provider)]
      return [{
        type: "file",
        mediaType: String(it.mediaType),
        data: bytes instanceof Uint8Array ? Buffer.from(bytes).toString("base64") : String(bytes),
        ...own
      }]
    }
    case "source":
      return it.sourceType === "url"
        ? [{
          type: "source", sourceType: "url", id: String(it.id), url: String(it.url), title: text(it.title) ?? String(it.url), ...own
        }]
        : [{
          type: "source",
          sourceType: "document",
          id: String(it.id),
          title: String(it.title),
          mediaType: String(it.mediaType),
          ...(it.filename !== undefined && { fileName: String(it.filename) }),
          ...own
        }]
    default:
      return [raw(it, provider)]
  }
}

const raw = (value: Spec.Content, provider: string): Content => ({ type: "raw", provider, value: json(value) })

/** Whatever JSON can say of a value. */
const json = (value: unknown): JsonValue => {
  try {
    return JSON.parse(JSON.stringify(value) ?? "null")
  } catch {
    return null
  }
}

const params = (input: unknown): { readonly params: unknown; readonly invalid?: true } => {
  if (typeof input !== "string") return { params: input ?? {} }
  if (input.trim() === "") return { params: {} }
  try {
    return { params: Json.parse(input) }
  } catch {
    return { params: input, invalid: true }
  }
}

const reasons: { readonly [word: string]: FinishReason } = {
  stop: "stop",
  length: "length",
  "content-filter": "content-filter",
  "tool-calls": "tool-calls",
  error: "error",
  interrupted: "pause"
}

const reasonOf = ({ unified }: Spec.FinishReason): FinishReason => Object.hasOwn(reasons, unified) ? reasons[unified]! : "other"

const usage = ({ inputTokens: input, outputTokens: output, raw }: Spec.Usage): Usage => ({
  inputTokens: defined({
    total: input.total,
    uncached: input.noCache,
    cacheRead: input.cacheRead,
    cacheWrite: input.cacheWrite
  }),
  outputTokens: defined({ total: output.total, text: output.text, reasoning: output.reasoning }),
  ...(raw !== undefined && { raw: json(raw) })
})

const defined = (counts: { readonly [name: string]: number | undefined }): { [name: string]: number } => {
  const out: { [name: string]: number } = {}
  for (const [name, count] of Object.entries(counts)) if (count !== undefined && Number.isFinite(count)) out[name] = count
  return out
}

/** A warning in our words. */
export const warning = (it: Spec.Warning): Warning => {
  switch (it.type) {
    case "unsupported":
      return { type: "unsupported-option", option: it.feature, message: it.details ?? `this model takes no ${it.feature}` }
    case "compatibility":
      return { type: "changed-option", option: it.feature, message: it.details ?? `${it.feature} was sent otherwise than it was given` }
    default:
      return { type: "other", message: it.message }
  }
}

const withMetadata = (metadata: unknown): { readonly metadata?: Metadata } => {
  const own = object(metadata)
  return own === undefined ? {} : { metadata: json(own) as Metadata }
}

const iso = (time: unknown): string | undefined =>
  time instanceof Date && !Number.isNaN(time.getTime()) ? time.toISOString() : undefined

/** The stream ended without saying so. */
export const cut = (provider: string): LlmError =>
  LlmError.make({ _tag: "CutStream", message: "the stream ended before the answer did" }, { provider })
