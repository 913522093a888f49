/**
 * A finished answer, and the two ways between it and a stream of parts: {@link fold} and {@link parts}.
 *
 * @module
 */
import type { Json } from "./Json.ts"
import type { LlmErrorJson } from "./LlmError.ts"
import type { AssistantMessage, MessagePart } from "./Message.ts"
import {
  type Content,
  type FinishPart,
  type FinishReason,
  type Metadata,
  type Part,
  type ToolCallPart,
  unknownUsage,
  type Usage,
  type Warning
} from "./Part.ts"

/** The answer to a chat, or the continuation of a text. */
export interface ChatResult {
  readonly type: "chat" | "completion"
  /** The provider's id for the reply. */
  readonly id?: string
  /** The model that answered, by its full name. */
  readonly model?: string
  /** When, ISO 8601. */
  readonly timestamp?: string
  readonly content: ReadonlyArray<Content>
  readonly finishReason: FinishReason
  /** The provider's own word for the reason. */
  readonly rawFinishReason?: string
  readonly usage: Usage
  readonly warnings?: ReadonlyArray<Warning>
  /** The other answers to the same prompt, where `n` > 1. */
  readonly choices?: ReadonlyArray<Choice>
  readonly metadata?: Metadata
}

/** One of several answers to the same prompt. */
export interface Choice {
  readonly index: number
  readonly content: ReadonlyArray<Content>
  readonly finishReason: FinishReason
  readonly rawFinishReason?: string
  /** What else the provider said of it. */
  readonly metadata?: Metadata
}

/** One vector per input, in the order of the inputs. */
export interface EmbeddingsResult {
  readonly type: "embeddings"
  readonly model?: string
  readonly embeddings: ReadonlyArray<ReadonlyArray<number>>
  readonly usage: Usage
  readonly warnings?: ReadonlyArray<Warning>
  readonly metadata?: Metadata
}

/** What is objectionable in some inputs: one moderation per input, in the order of the inputs. */
export interface ModerationsResult {
  readonly type: "moderations"
  /** The provider's id for the answer. */
  readonly id?: string
  readonly model?: string
  readonly moderations: ReadonlyArray<Moderation>
  /** Few services say. */
  readonly usage?: Usage
  readonly warnings?: ReadonlyArray<Warning>
  readonly metadata?: Metadata
}

/** What is objectionable in one input. */
export interface Moderation {
  /** Whether anything is. */
  readonly flagged: boolean
  /** By the provider's own names for what there is to object to; `null` where it does not look for that. */
  readonly categories: { readonly [name: string]: boolean | null }
  /** How sure it is, mostly from 0 to 1, by the same names; empty where it does not say. */
  readonly scores: { readonly [name: string]: number | null }
  /** Which kinds of content each was looked for in (`text`, `image`), where the provider says. */
  readonly appliedTo?: { readonly [name: string]: ReadonlyArray<string> }
  readonly metadata?: Metadata
}

/** The models a provider offers. */
export interface ModelsResult {
  readonly type: "list_models"
  readonly models: ReadonlyArray<Model>
  /** Where the next page begins, if there is one. */
  readonly next?: string
}

/** One model as its provider lists it. */
export interface Model {
  readonly id: string
  readonly name?: string
  readonly ownedBy?: string
  /** When it was made, ISO 8601. */
  readonly created?: string
  /** Tokens the model can take in, where the provider says so. */
  readonly contextWindow?: number
  /** The provider's own entry. */
  readonly raw?: Json
}

/** Whether the configuration of a provider can be used, and if not, why. */
export interface ValidateResult {
  readonly type: "validate"
  readonly usable: boolean
  readonly problem?: LlmErrorJson
}

/** What an operation answers with. */
export type Result = ChatResult | EmbeddingsResult | ModerationsResult | ModelsResult | ValidateResult

/** The visible text of an answer: its text parts, joined with nothing between. */
export const text = (result: Result | undefined): string => textOf(result, "text")

/** What the model thought, as one text. */
export const reasoning = (result: Result | undefined): string => textOf(result, "reasoning")

/** The calls the caller is asked to run; those the provider ran itself are not among them. */
export const toolCalls = (result: Result | undefined): ReadonlyArray<ToolCallPart> =>
  isChat(result)
    ? result.content.filter((part): part is ToolCallPart => part.type === "tool-call" && part.providerExecuted !== true)
    : []

/** Whether a result is made of content and can be streamed as parts. */
export const isChat = (result: Result | undefined): result is ChatResult =>
  result !== undefined && (result.type === "chat" || result.type === "completion")

/** The answer as the next message of the conversation: what the model needs to see again, signatures included; not the sources it named. */
export const toMessage = (result: ChatResult): AssistantMessage => ({
  role: "assistant",
  content: result.content.flatMap((part): ReadonlyArray<MessagePart> => {
    const { choice: _, metadata, ...rest } = part as Content & { metadata?: Metadata }
    if (part.type === "source") return []
    return [{ ...rest, ...(metadata !== undefined && { options: metadata }) } as MessagePart]
  })
})

/** The parts of a finished answer, as a stream would have brought them. {@link fold} leads back. */
export const parts = (result: ChatResult): ReadonlyArray<Part> => {
  const out: Array<Part> = []
  for (const warning of result.warnings ?? []) out.push({ type: "warning", warning })
  if (result.id !== undefined || result.model !== undefined || result.timestamp !== undefined) {
    out.push({
      type: "response-metadata",
      ...(result.id !== undefined && { id: result.id }),
      ...(result.model !== undefined && { modelId: result.model }),
      ...(result.timestamp !== undefined && { timestamp: result.timestamp })
    })
  }
  result.content.forEach((part, index) => unfold(part, String(index), out))
  for (const choice of result.choices ?? []) {
    choice.content.forEach((part, index) => unfold({ ...part, choice: choice.index }, `${choice.index}.${index}`, out))
  }
  out.push({
    type: "finish",
    reason: result.finishReason,
    ...(result.rawFinishReason !== undefined && { rawReason: result.rawFinishReason }),
    usage: result.usage,
    ...(result.choices !== undefined && {
      choices: result.choices.map(({ index, finishReason, metadata, rawFinishReason }) => ({
        index,
        reason: finishReason,
        ...(rawFinishReason !== undefined && { rawReason: rawFinishReason }),
        ...(metadata !== undefined && { metadata })
      }))
    }),
    ...(result.metadata !== undefined && { metadata: result.metadata })
  })
  return out
}

const unfold = (part: Content, id: string, out: Array<Part>): void => {
  const choice = part.choice === undefined ? {} : { choice: part.choice }
  const metadata = part.metadata === undefined ? {} : { metadata: part.metadata }
  switch (part.type) {
    case "text":
    case "reasoning":
      out.push({ type: `${part.type}-start`, id, ...choice })
      if (part.text !== "") out.push({ type: `${part.type}-delta`, id, delta: part.text, ...choice })
      out.push({ type: `${part.type}-end`, id, ...metadata, ...choice })
      return
    case "tool-call": {
      const executed = part.providerExecuted === undefined ? {} : { providerExecuted: part.providerExecuted }
      const delta = part.invalid ? String(part.params) : JSON.stringify(part.params)
      out.push({ type: "tool-params-start", id: part.id, name: part.name, ...executed, ...choice })
      if (delta !== undefined) out.push({ type: "tool-params-delta", id: part.id, delta, ...choice })
      out.push({ type: "tool-params-end", id: part.id, ...choice }, part)
      return
    }
    default:
      out.push(part)
  }
}

/**
 * Gathers parts into an answer, one at a time. However a text is cut into deltas, the answer is the same.
 *
 * Made with `content: false` it keeps the end of the answer (model, finish reason, usage, warnings) but no content, so its
 * size does not grow with the reply.
 */
export class Fold {
  readonly #keepContent: boolean
  readonly #content: Array<Array<Gathered>> = []
  readonly #open = new Map<string, Gathered>()
  readonly #warnings: Array<Warning> = []
  #last: Gathered | undefined
  #head: { id?: string; model?: string; timestamp?: string } = {}
  #finish: Part & { readonly type: "finish" } | undefined
  #error: Part & { readonly type: "error" } | undefined
  #metadata: Metadata | undefined

  constructor(options: { readonly content?: boolean } = {}) {
    this.#keepContent = options.content ?? true
  }

  add(part: Part): void {
    switch (part.type) {
      case "text-delta":
      case "reasoning-delta":
        if (this.#keepContent) {
          const open = this.#opened(part.type === "text-delta" ? "text" : "reasoning", part)
          open.text += part.delta
          if (part.metadata !== undefined) open.metadata = mergeMetadata(open.metadata, part.metadata)
        }
        return
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end":
        if (this.#keepContent) {
          const kind = part.type.startsWith("text") ? "text" : "reasoning"
          const open = this.#opened(kind, part)
          if (part.metadata !== undefined) open.metadata = mergeMetadata(open.metadata, part.metadata)
          if (part.type.endsWith("-end")) {
            this.#open.delete(`${kind} ${part.choice ?? 0} ${part.id}`)
            this.#last = undefined
          }
        }
        return
      case "tool-params-start":
      case "tool-params-delta":
      case "tool-params-end":
        // The whole call follows; one whose arguments were cut off must not look like one that can be run.
        return
      case "response-metadata":
        if (part.id !== undefined) this.#head.id = part.id
        if (part.modelId !== undefined) this.#head.model = part.modelId
        if (part.timestamp !== undefined) this.#head.timestamp = part.timestamp
        this.#metadata = mergeMetadata(this.#metadata, part.metadata)
        return
      case "warning":
        this.#warnings.push(part.warning)
        return
      case "finish":
        this.#finish ??= part
        this.#metadata = mergeMetadata(this.#metadata, part.metadata)
        return
      case "error":
        this.#error ??= part
        return
      default:
        if (this.#keepContent) this.#list(part.choice).push({ whole: part, text: "", kind: "text", metadata: undefined })
    }
  }

  /** The answer gathered so far. */
  result(type: ChatResult["type"] = "chat"): ChatResult {
    const finish = this.#finish
    const unsaid: FinishReason = this.#error === undefined ? "unknown" : "error"
    const result: Writable<ChatResult> = {
      type,
      ...this.#head,
      content: (this.#content[0] ?? []).map(close),
      finishReason: finish?.reason ?? unsaid,
      usage: finish?.usage ?? unknownUsage
    }
    if (finish?.rawReason !== undefined) result.rawFinishReason = finish.rawReason
    if (this.#warnings.length > 0) result.warnings = [...this.#warnings]
    if (this.#metadata !== undefined) result.metadata = this.#metadata
    if (this.#content.length > 1 || finish?.choices !== undefined) {
      const choices = this.#choices(finish?.choices ?? [], unsaid)
      if (choices.length > 0) result.choices = choices
    }
    return result
  }

  #choices(ends: NonNullable<FinishPart["choices"]>, unsaid: FinishReason): ReadonlyArray<Choice> {
    const indices = new Set(ends.map(({ index }) => index))
    this.#content.forEach((_, index) => index > 0 && indices.add(index))
    return [...indices].sort((a, b) => a - b).map((index) => {
      const end = ends.find((end) => end.index === index)
      return {
        index,
        content: (this.#content[index] ?? []).map(close),
        finishReason: end?.reason ?? unsaid,
        ...(end?.rawReason !== undefined && { rawFinishReason: end.rawReason }),
        ...(end?.metadata !== undefined && { metadata: end.metadata })
      }
    })
  }

  #list(choice: number | undefined): Array<Gathered> {
    const index = Number.isInteger(choice) && choice! >= 0 && choice! < 1024 ? choice! : 0
    return this.#content[index] ??= []
  }

  #opened(kind: "text" | "reasoning", part: { readonly id: string; readonly choice?: number }): Gathered {
    // One delta mostly follows another of the same text.
    const last = this.#last
    if (last !== undefined && last.id === part.id && last.kind === kind && last.choice === part.choice) return last
    const key = `${kind} ${part.choice ?? 0} ${part.id}`
    let open = this.#open.get(key)
    if (open === undefined) {
      open = { kind, id: part.id, text: "", metadata: undefined, choice: part.choice }
      this.#open.set(key, open)
      this.#list(part.choice).push(open)
    }
    this.#last = open
    return open
  }
}

type Writable<A> = { -readonly [Field in keyof A]: A[Field] }

/** A piece of content while it is being gathered. */
interface Gathered {
  readonly kind: "text" | "reasoning"
  readonly id?: string
  readonly whole?: Content
  readonly choice?: number | undefined
  text: string
  metadata: Metadata | undefined
}

const close = (open: Gathered): Content => {
  const { choice: _, ...part } = open.whole ?? {
    type: open.kind,
    text: open.text,
    ...(open.metadata !== undefined && { metadata: open.metadata })
  } as Content
  return part as Content
}

/**
 * Parts gathered into an answer. A stream that ended in an error folds into what had arrived, with the finish reason `error`.
 *
 * @example
 * ```ts
 * import { Result } from "@plugline/core"
 *
 * const result = Result.fold([
 *   { type: "text-start", id: "0" },
 *   { type: "text-delta", id: "0", delta: "Hel" },
 *   { type: "text-delta", id: "0", delta: "lo" },
 *   { type: "text-end", id: "0" },
 *   { type: "finish", reason: "stop", usage: { inputTokens: { total: 3 }, outputTokens: { total: 1 } } }
 * ])
 * Result.text(result) // => "Hello"
 * result.finishReason // => "stop"
 * ```
 */
export const fold = (stream: Iterable<Part>, type: ChatResult["type"] = "chat"): ChatResult => {
  const gathered = new Fold()
  for (const part of stream) gathered.add(part)
  return gathered.result(type)
}

/** Joins what a provider said in several events: lists are appended, objects merged, of the rest the last word counts. */
const mergeMetadata = (into: Metadata | undefined, more: Metadata | undefined): Metadata | undefined => {
  if (more === undefined) return into
  if (into === undefined) return more
  return mergeObjects(into, more) as Metadata
}

const mergeObjects = (into: object, more: object): object => {
  const out: Record<string, unknown> = { ...into }
  for (const [key, value] of Object.entries(more)) {
    const before = Object.hasOwn(out, key) ? out[key] : undefined
    const joined = Array.isArray(before) && Array.isArray(value)
      ? [...before, ...value]
      : isPlain(before) && isPlain(value)
      ? mergeObjects(before, value)
      : value
    Object.defineProperty(out, key, { value: joined, enumerable: true, configurable: true, writable: true })
  }
  return out
}

const isPlain = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (result: Result | undefined, type: "text" | "reasoning"): string => {
  if (!isChat(result)) return ""
  let out = ""
  for (const part of result.content) if (part.type === type) out += part.text
  return out
}
