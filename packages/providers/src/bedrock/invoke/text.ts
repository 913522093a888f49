/**
 * Models that go on with a text: a conversation is written as one text, and the answer read as another.
 *
 * @module
 */
import {
  type ChatResult, type JsonObject, type JsonValue, LlmError, Message, type Part, type Request, Result
} from "@plugline/core"
import { type Draft, draft, merge, write } from "../../wire/draft.ts"
import { finishReason } from "../../wire/finish.ts"
import { body as documentOf, count, excerpt, type Fields, object, put, says, text } from "../../wire/read.ts"
import { counted } from "../usage.ts"
import type { Maker } from "./makers.ts"
import { prompted } from "./prompts.ts"
import { reading } from "./reading.ts"
import type { Said, TextModel } from "./textModels.ts"

/** The words of a model that goes on with a text. */
export const textMaker = (model: TextModel): Maker => ({
  write: (request) => {
    const to = drafted(request, model, "chat")
    // A caller who wrote the text is taken at their word.
    if (typeof request.options.providerOptions?.[request.provider]?.[model.field] === "string") return merged(to)
    if (model.converse !== undefined) model.converse(to, prompted(request))
    else to.body[model.field] = model.prompt(prompted(request), request.provider)
    return merged(to)
  },
  read: (source, request) => read(source, request, model, "chat"),
  ...(model.streams !== false && {
    reader: ({ provider }: Request) => {
      const out: Array<Part> = []
      const answer = new TextAnswer(provider, model, out)
      return reading(provider, out, {
        add: (event) => answer.add(event),
        // What follows the reason counts tokens, so the end of the bytes is awaited.
        isComplete: () => false,
        isFinished: () => answer.isFinished,
        finish: () => answer.finish()
      })
    }
  }),
  decode: (body, provider) => {
    const { [model.field]: prompt, ...own } = body
    if (typeof prompt !== "string") {
      throw LlmError.make({
        _tag: "InvalidRequest",
        parameter: model.field,
        message: `${model.field} must be a text, not ${prompt === undefined ? "nothing" : typeof prompt}`
      }, { provider })
    }
    // How the text was put together is not told from it: it is kept as it is.
    return {
      operation: "chat",
      messages: [Message.user(prompt)],
      options: { providerOptions: { [provider]: { ...own, [model.field]: prompt } } }
    }
  }
})

/** The body of a completion: the text to go on with as it is. */
export const completionBody = (request: Request, model: TextModel): ReturnType<Maker["write"]> => {
  const to = drafted(request, model, "completion")
  to.body[model.field] = Message.text(request.messages)
  return merged(to)
}

const drafted = (request: Request, model: TextModel, operation: string): Draft => {
  const to = draft(request)
  to.body[model.field] = ""
  write(to, model.writers, operation)
  return to
}

const merged = (to: Draft): ReturnType<Maker["write"]> => {
  merge(to.body, to.request.options.providerOptions?.[to.request.provider] ?? {})
  return { body: to.body, warnings: to.warnings }
}

/** Reads a whole answer. */
export const read = (source: string, request: Request, model: TextModel, type: "chat" | "completion"): ChatResult => {
  const { provider } = request
  const answer = object(documentOf(source, provider))
  if (answer === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const out: Array<Part> = []
  const reader = new TextAnswer(provider, model, out)
  reader.add(answer)
  if (!reader.hasBegun) {
    throw LlmError.make({
      _tag: "NotAnLlm",
      message: `the answer holds no text, only ${excerpt(Object.keys(answer).join(", ") || "nothing")}`,
      raw: answer as JsonValue
    }, { provider })
  }
  reader.finish()
  return Result.fold(out, type)
}

/** One answer while it is read, whole or in pieces. */
class TextAnswer {
  readonly #provider: string
  readonly #model: TextModel
  readonly #out: Array<Part>
  readonly #counts: { [name: string]: JsonValue } = {}
  #own: { [name: string]: JsonValue } | undefined
  #begun = false
  #reason: string | undefined

  constructor(provider: string, model: TextModel, out: Array<Part>) {
    this.#provider = provider
    this.#model = model
    this.#out = out
  }

  get hasBegun(): boolean {
    return this.#begun
  }

  get isFinished(): boolean {
    return this.#reason !== undefined
  }

  add(event: Fields): void {
    const said: Said | undefined = this.#model.read(event)
    if (said === undefined) {
      this.#out.push({ type: "raw", provider: this.#provider, value: event as JsonValue })
      return
    }
    if (said.text !== undefined) {
      if (!this.#begun) this.#out.push({ type: "text-start", id: "0" })
      this.#begun = true
      this.#out.push({ type: "text-delta", id: "0", delta: said.text })
    }
    this.#reason = text(said.stop) ?? this.#reason
    for (const [name, value] of Object.entries(said.counts ?? {})) {
      if (value !== undefined && value !== null) put(this.#counts, name, value)
    }
    for (const [name, value] of Object.entries(said.rest)) {
      if (says(value)) put(this.#own ??= {}, name, value)
    }
  }

  finish(): void {
    if (this.#begun) this.#out.push({ type: "text-end", id: "0" })
    const { input = [], output = [] } = this.#model.counts ?? {}
    const counts: JsonObject = this.#counts
    const known = Object.keys(counts).length > 0
    this.#out.push({
      type: "finish",
      reason: finishReason(this.#reason, false),
      ...(this.#reason !== undefined && { rawReason: this.#reason }),
      usage: counted(first(counts, input), first(counts, output), undefined, undefined, known ? counts : undefined),
      ...(this.#own !== undefined && { metadata: { [this.#provider]: this.#own } })
    })
  }
}

const first = (counts: JsonObject, names: ReadonlyArray<string>): number | undefined => {
  for (const name of names) {
    const value = count(counts[name])
    if (value !== undefined) return value
  }
  return undefined
}
