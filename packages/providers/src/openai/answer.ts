/**
 * Turns a service's answer, whole or event by event, into parts: who answered, the parts of each choice, what it is
 * based on, and one finish with usage. Whatever has no word here is kept in the metadata of the finish, under the
 * provider's name.
 *
 * @module
 */
import { type ChoiceEnd, type JsonObject, type JsonValue, LlmError, type Part, type Request } from "@plugline/core"
import { Choice, type Shared } from "./choice.ts"
import { defined, excerpt, type Fields, list, object, put, says, text, timestamp } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Sources } from "./sources.ts"
import { usage } from "./usage.ts"

/** One answer while it is read. Its functions throw an `LlmError` where the answer is or becomes a failure. */
export class Answer {
  readonly #provider: string
  readonly #whole: boolean
  readonly #shared: Shared
  readonly #choices: Array<Choice> = []
  #model: string | undefined
  #created: JsonValue | undefined
  #usage: JsonValue | undefined
  #extra: { [name: string]: JsonValue } | undefined

  /** Parts are put into `out`. `whole` says that a choice holds a message, not a piece of one. */
  constructor(request: Request, whole: boolean, out: Array<Part>) {
    this.#provider = request.provider
    this.#whole = whole
    this.#shared = {
      provider: request.provider,
      sources: new Sources(request.provider),
      out,
      soundType: soundType(request),
      id: undefined,
      nextBlock: 0
    }
  }

  /** Whether every choice that has begun has also said why it ended. */
  get isFinished(): boolean {
    return this.#choices.length > 0 && this.#choices.every((choice) => text(choice.rawReason) !== undefined)
  }

  /** Whether any choice has begun. */
  get hasBegun(): boolean {
    return this.#choices.length > 0
  }

  /** The whole answer, or one event of it. */
  add(event: Fields): void {
    const { choices, error } = event
    if (error !== undefined && isSaid(error)) throw failed(event, this.#provider)
    if (!Array.isArray(choices) && !isAside(event)) {
      if (this.#whole || isFailure(event)) throw unlike(event, this.#provider)
      this.#shared.out.push({ type: "raw", provider: this.#provider, value: event as JsonValue })
      return
    }
    this.#head(event)
    if (event.citations !== undefined || event.search_results !== undefined) {
      this.#shared.sources.listed(event.citations, event.search_results)
    }
    const groq = event.x_groq === undefined ? undefined : object(event.x_groq)
    if (groq !== undefined && isSaid(groq.error)) throw failed({ ...event, error: groq.error }, this.#provider)
    const used = event.usage ?? groq?.usage
    if (used !== undefined && used !== null) this.#usage = used
    for (const name in event) {
      if (known.has(name)) continue
      const value = event[name]
      if (says(value)) put(this.#extra ??= {}, name, value)
    }
    if (Array.isArray(choices)) for (const value of choices as ReadonlyArray<JsonValue>) this.#choice(value, event)
  }

  /** The end of the answer. */
  finish(): void {
    if (this.#choices.length === 0) {
      const { provider } = this.#shared
      throw LlmError.make({ _tag: "MalformedResponse", message: "the answer holds no choice" }, { provider })
    }
    const others: Array<ChoiceEnd> = []
    const own: { [name: string]: JsonValue } = this.#extra ?? {}
    const first = this.#choices[0]
    for (const choice of this.#choices) {
      if (choice === undefined) continue
      const extra = choice.close()
      if (choice.index === 0) {
        if (extra !== undefined) put(own, "choice", extra)
        continue
      }
      others.push({
        index: choice.index,
        reason: choice.reason,
        ...(choice.rawReason !== undefined && { rawReason: choice.rawReason }),
        ...(extra !== undefined && { metadata: { [this.#provider]: extra as JsonObject } })
      })
    }
    this.#shared.sources.close(this.#shared.out)
    this.#shared.out.push({
      type: "finish",
      reason: first?.reason ?? "unknown",
      ...(first?.rawReason !== undefined && { rawReason: first.rawReason }),
      usage: usage(this.#usage),
      ...(others.length > 0 && { choices: others }),
      ...(Object.keys(own).length > 0 && { metadata: { [this.#provider]: own } })
    })
  }

  /** Who answered. Said once, and again where a later event knows more: Azure's first one names no model. */
  #head(event: Fields): void {
    const shared = this.#shared
    let news = false
    if (shared.id === undefined && (shared.id = text(event.id)) !== undefined) news = true
    if (this.#model === undefined && (this.#model = text(event.model)) !== undefined) news = true
    if (this.#created === undefined && timestamp(event.created) !== undefined) {
      this.#created = event.created
      news = true
    }
    if (!news) return
    const time = timestamp(this.#created)
    shared.out.push({
      type: "response-metadata",
      ...(shared.id !== undefined && { id: shared.id }),
      ...(this.#model !== undefined && { modelId: this.#model }),
      ...(time !== undefined && { timestamp: time })
    })
  }

  #choice(value: JsonValue, event: Fields): void {
    const fields = object(value)
    if (fields === undefined) return
    const { index } = fields
    const place = typeof index === "number" && Number.isInteger(index) && index >= 0 && index < mostChoices ? index : 0
    const choice = this.#choices[place] ??= new Choice(place, this.#shared)
    choice.add(fields, this.#whole)
    // Moonshot says it here.
    if (object(fields.usage) !== undefined) this.#usage = fields.usage
    // What the model had said before stays readable: in the parts of a stream, in the error's `raw` of a whole answer.
    if (isSaid(fields.error)) {
      throw failed({ ...event, error: fields.error }, this.#provider, this.#whole ? event as JsonValue : fields.error)
    }
  }
}

/** More answers than any service gives; an index beyond is a mistake. */
const mostChoices = 1024

/** Fields that are read elsewhere, and the padding that some services put against guessing content by its length. */
const known = new Set([
  "id", "object", "created", "model", "choices", "usage", "error", "citations", "search_results", "obfuscation"
])

/** Whether an event without choices still belongs to the answer: Groq and Cohere send usage in one of its own. */
const isAside = (event: Fields): boolean =>
  object(event.usage) !== undefined || object(event.x_groq) !== undefined || event.object === "chat.completion.chunk"

/** Whether a field `error` reports one: some services send it in every answer, with nothing in it. */
const isSaid = (error: JsonValue | undefined): error is JsonValue => says(error) && error !== false

/** Whether an object without `choices` is one of the forms in which services report an error. */
const isFailure = (event: Fields): boolean =>
  event.object === "error" || event.type === "error" || event.error_code !== undefined || event.detail !== undefined
  || Array.isArray(event.errors) || (text(event.message) !== undefined && event.code !== undefined)

/**
 * Something that is no answer: an error in one of the forms without `error`, or the answer of another kind of service.
 */
const unlike = (event: Fields, provider: string): LlmError =>
  isFailure(event)
    ? failed(event, provider)
    : LlmError.make({
      _tag: list(event.choices) === undefined && Object.keys(event).length > 0 ? "NotAnLlm" : "MalformedResponse",
      message: `the answer holds no choices, only ${excerpt(Object.keys(event).join(", ") || "nothing")}`,
      raw: defined(event)
    }, { provider })

/** The form of sound that was asked for; a service does not repeat it. */
const soundType = (request: Request): string => {
  const format = text(object(request.options.providerOptions?.[request.provider]?.audio)?.format)
  return format === undefined ? "audio/wav" : format === "mp3" ? "audio/mpeg" : `audio/${format}`
}
