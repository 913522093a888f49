/**
 * The events of a reply and the content of a finished one: plain JSON in the encoded vocabulary of `effect/ai`'s
 * `Response`, with the words it lacks (other choices, warnings, raw events, raw usage) added.
 *
 * Every stream of parts ends in exactly one {@link FinishPart} or {@link ErrorPart}.
 *
 * @module
 */
import type { Json, JsonObject } from "./Json.ts"
import { fromJson, type LlmError, type LlmErrorJson } from "./LlmError.ts"
import type { FilePart as PromptFilePart, RawPart as PromptRawPart, TextPart as PromptTextPart } from "./Message.ts"

/** What only one provider says, under that provider's name. */
export type Metadata = { readonly [provider: string]: JsonObject | null }

interface Base {
  readonly metadata?: Metadata
  /** Which of several answers to one prompt (`n` > 1) this belongs to; absent for the first. */
  readonly choice?: number
}

/** Text, whole. */
export interface TextPart extends Base {
  readonly type: "text"
  readonly text: string
}
export interface TextStartPart extends Base {
  readonly type: "text-start"
  readonly id: string
}
export interface TextDeltaPart extends Base {
  readonly type: "text-delta"
  readonly id: string
  readonly delta: string
}
export interface TextEndPart extends Base {
  readonly type: "text-end"
  readonly id: string
}

/** What the model thought, whole; signatures are under `metadata`. */
export interface ReasoningPart extends Base {
  readonly type: "reasoning"
  readonly text: string
}
export interface ReasoningStartPart extends Base {
  readonly type: "reasoning-start"
  readonly id: string
}
export interface ReasoningDeltaPart extends Base {
  readonly type: "reasoning-delta"
  readonly id: string
  readonly delta: string
}
export interface ReasoningEndPart extends Base {
  readonly type: "reasoning-end"
  readonly id: string
}

/** The arguments of a tool call as they are written; the whole call follows as a {@link ToolCallPart}. */
export interface ToolParamsStartPart extends Base {
  readonly type: "tool-params-start"
  readonly id: string
  readonly name: string
  readonly providerExecuted?: boolean
}
export interface ToolParamsDeltaPart extends Base {
  readonly type: "tool-params-delta"
  readonly id: string
  readonly delta: string
}
export interface ToolParamsEndPart extends Base {
  readonly type: "tool-params-end"
  readonly id: string
}

/** The model asks for a tool to be run. */
export interface ToolCallPart extends Base {
  readonly type: "tool-call"
  readonly id: string
  readonly name: string
  /** The arguments; the text as sent, and `invalid`, where the model wrote broken JSON. */
  readonly params: unknown
  readonly invalid?: true
  readonly providerExecuted?: boolean
}

/** What a tool answered that the provider ran. */
export interface ToolResultPart extends Base {
  readonly type: "tool-result"
  readonly id: string
  readonly name: string
  readonly result: unknown
  readonly isFailure: boolean
  readonly modelOutput?: ReadonlyArray<PromptTextPart | PromptFilePart | PromptRawPart>
  readonly providerExecuted?: boolean
}

/** An image, sound or document the model made; base64. */
export interface FilePart extends Base {
  readonly type: "file"
  readonly mediaType: string
  readonly data: string
}

/** Something the answer is based on. */
export type SourcePart = Base & { readonly type: "source"; readonly id: string; readonly title: string } & (
  | { readonly sourceType: "url"; readonly url: string }
  | { readonly sourceType: "document"; readonly mediaType: string; readonly fileName?: string }
)

/** Who answered: the provider's id for the reply, the model's full name, when (ISO 8601). */
export interface ResponseMetadataPart extends Base {
  readonly type: "response-metadata"
  readonly id?: string
  readonly modelId?: string
  readonly timestamp?: string
}

/** Something the caller should know: an option that was not honoured, for example. */
export interface WarningPart extends Base {
  readonly type: "warning"
  readonly warning: Warning
}

/** A block or event of the provider that has no word here, untouched. */
export interface RawPart extends Base {
  readonly type: "raw"
  readonly provider: string
  readonly value: Json
}

/** The end of a whole answer. Usage counts every choice. */
export interface FinishPart extends Base {
  readonly type: "finish"
  readonly reason: FinishReason
  /** The provider's own word for the reason. */
  readonly rawReason?: string
  readonly usage: Usage
  /** Why the other choices (`n` > 1) ended. */
  readonly choices?: ReadonlyArray<ChoiceEnd>
}

/** The end of an answer that failed. */
export interface ErrorPart extends Base {
  readonly type: "error"
  readonly error: LlmErrorJson
}

/** Why a model stopped, in `effect/ai`'s closed set. */
export type FinishReason =
  | "stop"
  | "length"
  | "content-filter"
  | "tool-calls"
  | "error"
  | "pause"
  | "other"
  | "unknown"

/** How one of several choices ended. */
export interface ChoiceEnd {
  readonly index: number
  readonly reason: FinishReason
  readonly rawReason?: string
  /** What else the provider said of it. */
  readonly metadata?: Metadata
}

/** What the caller should know about an answer. */
export interface Warning {
  readonly type: "unsupported-option" | "changed-option" | "other"
  readonly option?: string
  readonly message: string
}

/**
 * Tokens of a call. A field that is absent is unknown, never zero.
 *
 * One meaning for every provider: `inputTokens.total` is the whole prompt, `cacheRead` and `cacheWrite` are parts of it and
 * `uncached` is the rest; `outputTokens.total` is everything the model wrote, `reasoning` is a part of it and `text` the rest.
 */
export interface Usage {
  readonly inputTokens: {
    readonly total?: number
    readonly uncached?: number
    readonly cacheRead?: number
    readonly cacheWrite?: number
  }
  readonly outputTokens: {
    readonly total?: number
    readonly text?: number
    readonly reasoning?: number
  }
  /** The provider's own numbers, as sent. */
  readonly raw?: Json
}

/** Usage of which nothing is known. */
export const unknownUsage: Usage = { inputTokens: {}, outputTokens: {} }

/** One event of a reply. */
export type Part =
  | TextStartPart
  | TextDeltaPart
  | TextEndPart
  | ReasoningStartPart
  | ReasoningDeltaPart
  | ReasoningEndPart
  | ToolParamsStartPart
  | ToolParamsDeltaPart
  | ToolParamsEndPart
  | ToolCallPart
  | ToolResultPart
  | FilePart
  | SourcePart
  | ResponseMetadataPart
  | WarningPart
  | RawPart
  | FinishPart
  | ErrorPart

/** A piece of a finished answer. */
export type Content = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | FilePart | SourcePart | RawPart

/** Whether nothing may follow this part. */
export const isTerminal = (part: Part): part is FinishPart | ErrorPart => part.type === "finish" || part.type === "error"

/** The end of a reply that failed. */
export const error = (cause: LlmError): ErrorPart => ({ type: "error", error: cause.toJSON() })

/** The error an {@link ErrorPart} carries. */
export const errorOf = (part: ErrorPart): LlmError => fromJson(part.error)
