/**
 * What a cache keeps of an answer, and which answers it keeps. Pure.
 *
 * @module
 */
import { type Catalog, Cost } from "@plugline/catalog"
import {
  type ChatResult, type Content, type FinishReason, Json, type Parts, type Request, Result
} from "@plugline/core"
import * as Amount from "../cost/amount.ts"
import { computed } from "../cost/charge.ts"
import { isSubstitute } from "../fallback/report.ts"

/** An answer that is kept: plain JSON, with nothing of the request that led to it. */
export interface Entry {
  /** When the provider had answered, ms since 1970. */
  readonly at: number
  /** When it may be forgotten, ms since 1970. Absent: never. */
  readonly until?: number
  readonly result: Result
  /** What each further use of it saves. */
  readonly saves: Saving
  /** The parts as they arrived, each pull with its time in ms since the answer was asked for. */
  readonly timeline?: ReadonlyArray<readonly [number, Parts]>
}

/** What an answer from the cache saves. What is absent is unknown. */
export interface Saving {
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Whole millionths of a millionth of a USD, as decimal text. */
  readonly cost?: string
}

/** Why an answer is not kept. */
export type Refusal = string

/** The finish reasons of an answer that is whole and was not refused. */
export const wholeByDefault: ReadonlyArray<FinishReason> = ["stop", "tool-calls"]

/** Why the answer of a request is not to be kept, or `undefined` where it is. */
export const refusal = (
  request: Request,
  finish: ReadonlyArray<FinishReason> = wholeByDefault
): Refusal | undefined => {
  const { result } = request
  if (request.state === "error") return "it failed"
  if (isSubstitute(request)) return "it is somebody else's, in the place of the provider's"
  if (request.state !== "completed" || result === undefined) return "it was left before its end"
  if (result.type === "embeddings") return result.embeddings.length === 0 ? "it is empty" : undefined
  if (result.type === "moderations") return result.moderations.length === 0 ? "it is empty" : undefined
  if (!Result.isChat(result)) return "it is no answer to a question"
  const first = refusedContent(result, finish)
  if (first !== undefined || result.choices === undefined) return first
  for (const choice of result.choices) {
    const why = refusedContent(choice, finish)
    if (why !== undefined) return why
  }
  return undefined
}

const refusedContent = (
  { content, finishReason }: Pick<ChatResult, "content" | "finishReason">,
  finish: ReadonlyArray<FinishReason>
): Refusal | undefined => {
  if (!finish.includes(finishReason)) return `it ended with ${finishReason}`
  if (content.length === 0) return "it is empty"
  for (const part of content) {
    if (part.type === "tool-call" && part.invalid === true) return "it calls a tool with broken arguments"
    if (isRefusal(part)) return "it is a refusal"
  }
  return undefined
}

/** Services that write a refusal in place of a text mark it under their name. */
const isRefusal = ({ metadata }: Content): boolean => {
  if (metadata === undefined) return false
  for (const name of Object.keys(metadata)) if (metadata[name]?.refusal === true) return true
  return false
}

/** What is kept of an answer. `keep`: for how long, in ms. */
export const of = (
  request: Request,
  result: Result,
  { at, catalog, keep, timeline }: {
    readonly at: number
    readonly keep: number
    readonly catalog: Catalog
    readonly timeline?: Entry["timeline"] | undefined
  }
): Entry => ({
  at,
  ...(Number.isFinite(keep) && { until: at + keep }),
  result,
  saves: saving(request, result, catalog),
  ...(timeline !== undefined && { timeline })
})

const saving = (request: Request, result: Result, catalog: Catalog): Saving => {
  const usage = "usage" in result ? result.usage : undefined
  if (usage === undefined) return {}
  const cost = Cost.reported(request.provider, usage) ?? computed(request, usage, catalog).total
  return {
    ...(usage.inputTokens.total !== undefined && { inputTokens: usage.inputTokens.total }),
    ...(usage.outputTokens.total !== undefined && { outputTokens: usage.outputTokens.total }),
    ...(cost !== undefined && { cost: String(Amount.of(cost)) })
  }
}

/** An entry as text. */
export const encode = (entry: Entry): string => JSON.stringify(entry)

/** An entry from its text; `undefined` where that is none, whoever wrote it. */
export const decode = (text: string): Entry | undefined => {
  let value: unknown
  try {
    value = Json.parse(text)
  } catch {
    return undefined
  }
  return isEntry(value) ? value : undefined
}

const isEntry = (value: unknown): value is Entry => {
  if (!Json.isRecord(value) || typeof value.at !== "number" || !Json.isRecord(value.saves)) return false
  if (value.until !== undefined && typeof value.until !== "number") return false
  if (value.timeline !== undefined && !(Array.isArray(value.timeline) && value.timeline.every(isPull))) return false
  const { cost } = value.saves
  if (cost !== undefined && !(typeof cost === "string" && /^\d{1,30}$/.test(cost))) return false
  const { result } = value
  if (!Json.isRecord(result)) return false
  if (result.type === "embeddings") return Array.isArray(result.embeddings) && isUsage(result.usage)
  if (result.type === "moderations") {
    return Array.isArray(result.moderations) && result.moderations.every(isModeration)
      && (result.usage === undefined || isUsage(result.usage))
  }
  return (result.type === "chat" || result.type === "completion") && typeof result.finishReason === "string"
    && isContent(result.content) && isUsage(result.usage)
    && (result.choices === undefined || (Array.isArray(result.choices) && result.choices.every((choice) =>
      Json.isRecord(choice) && isContent(choice.content))))
}

const isModeration = (value: unknown): boolean =>
  Json.isRecord(value) && typeof value.flagged === "boolean" && Json.isRecord(value.categories) && Json.isRecord(value.scores)

const isContent = (value: unknown): boolean => Array.isArray(value) && value.every(isTyped)

const isTyped = (value: unknown): boolean => Json.isRecord(value) && typeof value.type === "string"

const isUsage = (value: unknown): boolean =>
  Json.isRecord(value) && Json.isRecord(value.inputTokens) && Json.isRecord(value.outputTokens)

const isPull = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "number" && isContent(value[1])

/** Whether an entry may be forgotten by now. */
export const isOver = ({ until }: Entry, now: number): boolean => until !== undefined && now >= until

/**
 * A copy that shares nothing with the entry and cannot be changed, so that no caller's change reaches the next caller.
 * `text`: the entry as text.
 */
export const frozen = (text: string): Entry => freeze(JSON.parse(text)) as Entry

const freeze = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) for (const item of value) freeze(item)
  else for (const field of Object.values(value)) freeze(field)
  return Object.freeze(value)
}
