/**
 * Writes a finished answer as a response, every candidate in it.
 *
 * @module
 */
import type { ChatResult, Content, FinishReason, JsonObject, JsonValue, SourcePart, Usage } from "plugline"
import type { Call } from "../../Dialect.ts"
import { object, putAll } from "../shared/json.ts"
import { candidateFields } from "./grounding.ts"
import { partOf } from "./parts.ts"
import { finishReason, ownOf, usageOf } from "./words.ts"

/** The response. */
export const response = (result: ChatResult, call: Call): JsonObject => {
  const { candidate, candidates, ...more } = ownOf(result.metadata) ?? {}
  const { choices = [], usage } = result
  const usageMetadata = usageOf(usage)
  // Google may have sent other candidates alone.
  const isAbsent = choices.length > 0 && result.content.length === 0 && result.rawFinishReason === undefined
    && result.finishReason === "unknown"
  const all = [
    ...isAbsent ? [] : [{ index: 0, own: object(candidate), ...result }],
    ...choices.map((choice) => ({ ...choice, own: object(object(candidates)?.[choice.index]) }))
  ]
  return {
    candidates: all.map((one) => ({
      content: { parts: partsOf(one.content), role: "model" },
      ...end(one.index, one.finishReason, one.rawFinishReason, usage, one.own, one.content.filter(isSource))
    })),
    ...responseFields(more),
    ...(usageMetadata !== undefined && { usageMetadata }),
    modelVersion: result.model ?? call.model,
    responseId: result.id ?? call.id,
    ...(result.timestamp !== undefined && { createTime: result.timestamp })
  }
}

const partsOf = (content: ReadonlyArray<Content>): ReadonlyArray<JsonValue> =>
  content.flatMap((piece) => partOf(piece) ?? [])

const isSource = (piece: Content): piece is SourcePart => piece.type === "source"

/** What is said of a candidate beside its content. */
export const end = (
  index: number,
  reason: FinishReason,
  word: string | undefined,
  usage: Usage,
  own: JsonObject | undefined,
  sources: ReadonlyArray<SourcePart>
): JsonObject => ({
  finishReason: finishReason(reason, word, usage),
  index,
  ...putAll({}, candidateFields(own, sources), ofCandidate)
})

/** Fields of a response that have no word of ours: `promptFeedback`, `modelStatus` and the like. */
export const responseFields = (own: JsonObject | undefined): JsonObject => putAll({}, own, ofResponse)

const ofCandidate = new Set(["content", "finishReason", "index"])
const ofResponse = new Set([
  "candidate", "candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error"
])
