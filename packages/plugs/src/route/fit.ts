/**
 * Says what a request needs of a model, and what a model lacks of it. Pure.
 *
 * @module
 */
import type { Model } from "@plugline/catalog"
import type { MessagePart, Operation, Request } from "@plugline/core"

type Capability = keyof Model["capabilities"]

/** What a request needs of a model. */
export interface Needs {
  readonly capabilities: ReadonlyArray<Capability>
  /** Prompt and answer, in tokens; as far as known before. */
  readonly prompt: number
  readonly answer: number
  readonly operation: Operation
}

/** What a model is known to be able to do, where the catalog is silent or wrong. */
export interface Abilities {
  readonly capabilities?: { readonly [Name in Capability]?: boolean }
  /** Tokens of prompt and answer together. */
  readonly context?: number
}

/** What a request needs of a model. `prompt`: how many tokens it sends. */
export const needs = (request: Request, prompt: number): Needs => {
  const { maxTokens, reasoning, responseFormat, tools } = request.options
  const found = new Set<Capability>()
  if (tools !== undefined && tools.length > 0) found.add("tools")
  if (responseFormat?.type === "json" && responseFormat.schema !== undefined) found.add("jsonSchema")
  if (reasoning !== undefined) found.add("reasoning")
  for (const { content } of request.messages) {
    if (typeof content !== "string") for (const part of content) read(part, found)
  }
  return { capabilities: [...found], prompt, answer: maxTokens ?? 0, operation: request.operation }
}

const read = (part: MessagePart, found: Set<Capability>): void => {
  if (part.type === "tool-result") for (const inner of part.modelOutput ?? []) read(inner, found)
  if (part.type !== "file") return
  const { mediaType } = part
  if (mediaType.startsWith("image/")) found.add("vision")
  else if (mediaType === "application/pdf") found.add("pdf")
  else if (mediaType.startsWith("audio/")) found.add("audioInput")
  else if (mediaType.startsWith("video/")) found.add("videoInput")
}

/**
 * Why a model cannot take a request, or `undefined` where nothing is known against it. With `strict`, what is not known
 * counts against it.
 */
export const lacks = (
  { answer, capabilities, operation, prompt }: Needs,
  model: Model | undefined,
  own: Abilities = {},
  strict = false
): string | undefined => {
  for (const name of capabilities) {
    const can = own.capabilities?.[name] ?? model?.capabilities[name]
    if (can === false) return `cannot do ${name}`
    if (strict && can === undefined) return `is not known to do ${name}`
  }
  if (model !== undefined && (operation === "embeddings") !== (model.mode === "embedding")) {
    return operation === "embeddings" ? "makes no embeddings" : "makes embeddings only"
  }
  if (model !== undefined && (operation === "moderations") !== (model.mode === "moderation")) {
    return operation === "moderations" ? "does not moderate" : "only moderates"
  }
  const context = own.context ?? model?.context
  if (context === undefined) return strict ? "has a context of unknown size" : undefined
  if (prompt + answer > context) return `takes ${context} tokens, the request needs about ${prompt + answer}`
  const { maxInput } = own.context === undefined ? model ?? {} : {}
  return maxInput !== undefined && prompt > maxInput ? `takes ${maxInput} tokens of prompt, there are about ${prompt}` : undefined
}
