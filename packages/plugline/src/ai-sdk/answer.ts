/**
 * Writes an answer as the AI SDK reads it, whole or part by part.
 *
 * @module
 */
import { type Content, type FinishReason, type Part, Part as Parts, type Usage, type Warning } from "@plugline/core"
import type { Answer } from "../Answer.ts"
import { callError } from "./failure.ts"
import type * as Spec from "./spec.ts"

/** A whole answer. Other choices (`n` > 1) have no place in it. */
export const generated = ({ result, warnings }: Answer): Spec.GenerateResult => ({
  content: result.content.flatMap(content),
  finishReason: finish(result.finishReason, result.rawFinishReason),
  usage: usage(result.usage),
  response: head(result.id, result.model, result.timestamp),
  warnings: warnings.map(warning),
  ...metadata(result)
})

/** What the AI SDK reads of a part. */
export const streamed = (part: Part): ReadonlyArray<Spec.StreamPart> => {
  if (part.choice !== undefined) return []
  switch (part.type) {
    case "text-start":
    case "text-end":
    case "reasoning-start":
    case "reasoning-end":
      return [{ type: part.type, id: part.id, ...metadata(part) }]
    case "text-delta":
    case "reasoning-delta":
      return [{ type: part.type, id: part.id, delta: part.delta, ...metadata(part) }]
    case "tool-params-start":
      return [{
        type: "tool-input-start",
        id: part.id,
        toolName: part.name,
        ...(part.providerExecuted === true && { providerExecuted: true }),
        ...metadata(part)
      }]
    case "tool-params-delta":
      return [{ type: "tool-input-delta", id: part.id, delta: part.delta, ...metadata(part) }]
    case "tool-params-end":
      return [{ type: "tool-input-end", id: part.id, ...metadata(part) }]
    case "response-metadata":
      return [{ type: "response-metadata", ...head(part.id, part.modelId, part.timestamp) }]
    case "warning":
      return [{ type: "raw", rawValue: part.warning }]
    case "finish":
      return [{ type: "finish", finishReason: finish(part.reason, part.rawReason), usage: usage(part.usage), ...metadata(part) }]
    case "error":
      return [{ type: "error", error: callError(Parts.errorOf(part)) }]
    default:
      return content(part).filter((piece): piece is Exclude<Spec.Content, { type: "text" | "reasoning" }> =>
        piece.type !== "text" && piece.type !== "reasoning")
  }
}

const content = (part: Content): ReadonlyArray<Spec.Content> => {
  const own = metadata(part)
  switch (part.type) {
    case "text":
    case "reasoning":
      return [{ type: part.type, text: part.text, ...own }]
    case "tool-call":
      return [{
        type: "tool-call",
        toolCallId: part.id,
        toolName: part.name,
        input: part.invalid === true ? String(part.params) : JSON.stringify(part.params ?? {}),
        ...(part.providerExecuted === true && { providerExecuted: true, dynamic: true }),
        ...own
      }]
    case "tool-result":
      return [{
        type: "tool-result",
        toolCallId: part.id,
        toolName: part.name,
        result: (part.result ?? "") as never,
        dynamic: true,
        ...(part.isFailure && { isError: true }),
        ...own
      }]
    case "file":
      return [{ type: "file", mediaType: part.mediaType, data: { type: "data", data: part.data }, ...own }]
    case "source":
      return part.sourceType === "url"
        ? [{ type: "source", sourceType: "url", id: part.id, url: part.url, title: part.title, ...own }]
        : [{
          type: "source",
          sourceType: "document",
          id: part.id,
          mediaType: part.mediaType,
          title: part.title,
          ...(part.fileName !== undefined && { filename: part.fileName }),
          ...own
        }]
    // A block that only its own service understands.
    case "raw":
      return []
  }
}

const finish = (reason: FinishReason, raw: string | undefined): Spec.FinishReason => ({
  unified: reason === "pause" ? "interrupted" : reason === "unknown" ? "other" : reason,
  raw
})

const usage = ({ inputTokens: input, outputTokens: output, raw }: Usage): Spec.Usage => ({
  inputTokens: { total: input.total, noCache: input.uncached, cacheRead: input.cacheRead, cacheWrite: input.cacheWrite },
  outputTokens: { total: output.total, text: output.text, reasoning: output.reasoning },
  ...(typeof raw === "object" && raw !== null && { raw: raw as never })
})

const head = (id: string | undefined, modelId: string | undefined, timestamp: string | undefined) => ({
  ...(id !== undefined && { id }),
  ...(modelId !== undefined && { modelId }),
  ...(timestamp !== undefined && { timestamp: new Date(timestamp) })
})

/** What the AI SDK shows to callers as warnings. */
export const warning = ({ message, option, type }: Warning): Spec.Warning =>
  type === "other" || option === undefined
    ? { type: "other", message }
    : { type: type === "unsupported-option" ? "unsupported" : "compatibility", feature: option, details: message }

const metadata = (part: { readonly metadata?: unknown }) =>
  part.metadata === undefined ? {} : { providerMetadata: part.metadata as Record<string, { [name: string]: never }> }
