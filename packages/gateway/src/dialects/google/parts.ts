/**
 * Writes pieces of an answer as the parts of a content.
 *
 * What Google said of a piece itself stands in its metadata and is written back, thought signatures above all. Pieces
 * that the format has no part for are left out: what another service's own tools did, and blocks of other services.
 *
 * @module
 */
import type { Content, JsonObject, JsonValue } from "plugline"
import { object } from "../shared/json.ts"
import { ownOf, provider, sentId } from "./words.ts"

type PartOf<Type extends Content["type"]> = Extract<Content, { readonly type: Type }>

/** The part for a piece; `undefined` where there is none. Sources stand elsewhere. */
export const partOf = (piece: Content): JsonValue | undefined => {
  switch (piece.type) {
    case "text":
    case "reasoning":
      return said(piece.type, piece.text, ownOf(piece.metadata))
    case "tool-call":
      return call(piece)
    case "tool-result":
      return executed(piece)
    case "file":
      return { ...ownOf(piece.metadata), inlineData: { mimeType: piece.mediaType, data: piece.data } }
    case "raw":
      return piece.provider === provider && object(piece.value) !== undefined ? piece.value : undefined
    default:
      return undefined
  }
}

/** A text or a thought. Without a word it is nothing, unless Google signed it. */
export const said = (kind: "text" | "reasoning", text: string, own: JsonObject | undefined): JsonObject | undefined => {
  if (kind === "text") return text === "" && own === undefined ? undefined : { ...own, text }
  const { thought: _, ...more } = own ?? {}
  return text === "" && Object.keys(more).length === 0 ? undefined : { ...more, text, thought: true }
}

/** A call; `undefined` where another service ran it. */
export const call = (piece: PartOf<"tool-call">): JsonObject | undefined => {
  if (piece.providerExecuted === true) return executed(piece)
  const { functionCall, ...own } = ownOf(piece.metadata) ?? {}
  const id = sentId(piece.id)
  const args = argsOf(piece.params)
  return { ...own, functionCall: { ...object(functionCall), ...(id !== undefined && { id }), name: piece.name, args } }
}

/** Arguments are an object; anything else the model wrote is shown as one field. */
const argsOf = (params: unknown): JsonObject => {
  if (params === undefined || params === null) return {}
  return object(params) ?? { arguments: params as JsonValue }
}

/** What Google ran itself, or what came of it, as the part it came in. */
export const executed = (piece: PartOf<"tool-call"> | PartOf<"tool-result">): JsonObject | undefined => {
  const { part, ...own } = ownOf(piece.metadata) ?? {}
  const id = sentId(piece.id)
  const named = id !== undefined && { id }
  const content = (piece.type === "tool-call" ? piece.params : piece.result) as JsonValue | undefined
  switch (part) {
    case "executableCode":
    case "codeExecutionResult":
      return { ...own, [part]: { ...object(content), ...named } }
    case "toolCall": {
      const asks = content !== undefined && content !== null && JSON.stringify(content) !== "{}"
      return { ...own, toolCall: { ...named, toolType: piece.name, ...(asks && { args: content }) } }
    }
    case "toolResponse": {
      const answers = content !== undefined && content !== null
      return { ...own, toolResponse: { ...named, toolType: piece.name, ...(answers && { response: content }) } }
    }
    default:
      return undefined
  }
}
