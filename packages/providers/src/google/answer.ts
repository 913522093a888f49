/**
 * Turns Gemini's answer, whole or event by event, into parts: who answered, the parts of each candidate, and one finish
 * with usage. Whatever has no word here is kept in the metadata of the finish, under the provider's name.
 *
 * @module
 */
import { type FinishReason, type JsonValue, LlmError, Mask, type Part, type Request } from "@plugline/core"
import { defined, excerpt, type Fields, object, put, says, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Candidate } from "./candidate.ts"
import type { Shared } from "./shared.ts"
import { counts, usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #shared: Shared
  readonly #whole: boolean
  readonly #candidates: Array<Candidate> = []
  #model: string | undefined
  #created: string | undefined
  #usage: Fields | undefined
  #extra: { [name: string]: JsonValue } | undefined

  /** Parts are put into `out`. `whole` says that there is one event. */
  constructor({ provider }: Request, whole: boolean, out: Array<Part>) {
    this.#shared = { provider, out, id: undefined, nextBlock: 0 }
    this.#whole = whole
  }

  /** Whether every candidate that has begun has also said why it ended. */
  get isFinished(): boolean {
    return this.#candidates.length > 0 && this.#candidates.every(({ rawReason }) => rawReason !== undefined)
  }

  /** Whether any candidate has begun. */
  get hasBegun(): boolean {
    return this.#candidates.length > 0
  }

  /** The whole answer, or one event of it. */
  add(event: Fields): void {
    const { candidates, error, promptFeedback, usageMetadata } = event
    const { out, provider } = this.#shared
    if (says(error)) throw failed(event, provider)
    if (candidates !== undefined && candidates !== null && !Array.isArray(candidates)) {
      throw LlmError.make({ _tag: "MalformedResponse", message: "candidates is no list" }, { provider })
    }
    if (!belongs(event)) {
      if (this.#whole) throw unlike(event, provider)
      out.push({ type: "raw", provider, value: event as JsonValue })
      return
    }
    this.#head(event)
    const used = usageMetadata === undefined ? undefined : object(usageMetadata)
    if (used !== undefined && (this.#usage === undefined || counts(used))) this.#usage = used
    const list = (candidates ?? []) as ReadonlyArray<JsonValue>
    const blocked = promptFeedback === undefined ? undefined : object(promptFeedback)
    if (blocked !== undefined && text(blocked.blockReason) !== undefined && list.length === 0) {
      throw refused(blocked, event, provider)
    }
    if (list.length > most) {
      const message = `the answer holds ${list.length} candidates, more than ${most}`
      throw LlmError.make({ _tag: "MalformedResponse", message }, { provider })
    }
    for (let position = 0; position < list.length; position++) {
      const fields = object(list[position])
      if (fields === undefined) continue
      const { index } = fields
      const isPlace = typeof index === "number" && Number.isInteger(index) && index >= 0 && index < most
      this.#candidateOf(isPlace ? index : position).add(fields)
    }
    for (const name in event) {
      if (known.has(name)) continue
      const value = event[name]
      if (says(value)) put(this.#extra ??= {}, name, value)
    }
  }

  /** The end of the answer. */
  finish(): void {
    const { out, provider } = this.#shared
    if (this.#candidates.length === 0) {
      throw LlmError.make({ _tag: "MalformedResponse", message: "the answer holds no candidate" }, { provider })
    }
    const others: Array<{ index: number; reason: FinishReason; rawReason?: string }> = []
    const own: { [name: string]: JsonValue } = this.#extra ?? {}
    const ofOthers: { [index: string]: JsonValue } = {}
    let first: Candidate | undefined
    for (const candidate of this.#candidates.sort((a, b) => a.index - b.index)) {
      candidate.close()
      const { extra, index, rawReason, reason } = candidate
      if (index === 0) {
        first = candidate
        if (extra !== undefined) put(own, "candidate", extra)
        continue
      }
      if (extra !== undefined) ofOthers[index] = extra
      others.push({ index, reason, ...(rawReason !== undefined && { rawReason }) })
    }
    if (Object.keys(ofOthers).length > 0) put(own, "candidates", ofOthers)
    out.push({
      type: "finish",
      reason: first?.reason ?? "unknown",
      ...(first?.rawReason !== undefined && { rawReason: first.rawReason }),
      usage: usage(this.#usage as JsonValue | undefined),
      ...(others.length > 0 && { choices: others }),
      ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
    })
  }

  #candidateOf(index: number): Candidate {
    for (const candidate of this.#candidates) if (candidate.index === index) return candidate
    const candidate = new Candidate(index, this.#shared)
    this.#candidates.push(candidate)
    return candidate
  }

  /** Who answered. Said once, and again where a later event knows more. */
  #head({ createTime, modelVersion, responseId }: Fields): void {
    const shared = this.#shared
    let news = false
    if (shared.id === undefined && (shared.id = text(responseId)) !== undefined) news = true
    if (this.#model === undefined && (this.#model = text(modelVersion)) !== undefined) news = true
    if (this.#created === undefined && (this.#created = moment(createTime)) !== undefined) news = true
    if (!news) return
    shared.out.push({
      type: "response-metadata",
      ...(shared.id !== undefined && { id: shared.id }),
      ...(this.#model !== undefined && { modelId: this.#model }),
      ...(this.#created !== undefined && { timestamp: this.#created })
    })
  }
}

/** More answers than the service gives; what goes beyond is a mistake. */
const most = 1024

const known = new Set(["candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error"])

/** Whether an object is part of an answer. */
const belongs = (event: Fields): boolean =>
  event.candidates !== undefined || event.usageMetadata !== undefined || event.promptFeedback !== undefined
  || event.responseId !== undefined || event.modelVersion !== undefined

/** ISO 8601, as the service writes it. */
const moment = (value: JsonValue | undefined): string | undefined =>
  typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{5,20}(Z|[+-]\d\d:\d\d)$/.test(value) ? value : undefined

/** The prompt itself was refused: there is no answer at all. */
const refused = (feedback: Fields, event: Fields, provider: string): LlmError => {
  const code = text(feedback.blockReason)!
  const said = text(feedback.blockReasonMessage)
  return LlmError.make({
    _tag: "ContentPolicy",
    code,
    message: Mask.text(excerpt(said ?? `the prompt was refused: ${code}`, 2000)),
    raw: defined(event)
  }, { provider })
}

/** Something that is no answer. */
const unlike = (event: Fields, provider: string): LlmError =>
  LlmError.make({
    _tag: Object.keys(event).length > 0 ? "NotAnLlm" : "MalformedResponse",
    message: `the answer holds no candidates, only ${excerpt(Object.keys(event).join(", ") || "nothing")}`,
    raw: defined(event)
  }, { provider })
