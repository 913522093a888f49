/**
 * Asks Cohere to go on from a text, whole or, with `config.stream`, streamed, over the first version of its interface,
 * which alone can. Several generations (`n`) are the choices of one answer.
 *
 * @module
 */
import { type FinishReason, type JsonValue, Message, type Part, type Parts, type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import {
  address, as, changed, type Draft, draft, elsewhere, mergeOwn, noMessages, post, write, type Writers
} from "../wire/draft.ts"
import { Outlet } from "../wire/outlet.ts"
import { finishReason } from "../wire/finish.ts"
import { untaken } from "../wire/media.ts"
import { type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { wholeOf } from "./decoder.ts"
import { base, sampling, stream } from "./options.ts"
import { usage } from "./usage.ts"
import { broken, toxic, unlike } from "./v1Answer.ts"
import { decodeGenerate } from "./v1Decode.ts"
import { decoderOf } from "./v1Decoder.ts"

/** The wire of `completion`. */
export const generate: Wire = {
  prepare: (request) => prepare(request),
  parse: (response, request) => Result.fold(parts(response.body, request), "completion"),
  parts: (request) => {
    const outlet = new Outlet(request.provider)
    return decoderOf(request, outlet, new Generations(request, outlet.parts), (source) => parts(source, request))
  },
  reason,
  decode: decodeGenerate
}

const prepare = (request: Request): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  for (const { content } of request.messages) {
    const other = typeof content === "string" ? undefined : content.find((part) => part.type !== "text")
    if (other !== undefined) throw untaken(`a part of type ${other.type} for completion, only text`, request.provider)
  }
  const to = draft(request)
  // The first interface has a usual model.
  if (request.options.model !== undefined) to.body.model = request.options.model
  to.body.prompt = Message.text(request.messages)
  write(to, writers, "completion")
  mergeOwn(to)
  stream(to, request.config.stream === true)
  return { request: post(address(base(request), "/v1/generate"), to.body), warnings: to.warnings }
}

const likelihoods = (value: boolean | number, to: Draft): void => {
  if (value === false) return
  to.body.return_likelihoods = "GENERATION"
  if (typeof value === "number" && value > 0) {
    changed(to, "logprobs", `${to.request.provider} gives likelihoods of the tokens written, not of alternatives`)
  }
}

const writers: Writers = { ...sampling, n: as("num_generations"), logprobs: likelihoods, metadata: elsewhere }

const parts = (source: string, request: Request): Parts => {
  const out: Array<Part> = []
  new Generations(request, out).whole(wholeOf(source, request.provider))
  return out
}

/** The generations of one answer while they are read. */
class Generations {
  readonly #provider: string
  readonly #out: Array<Part>
  /** The text part of each generation that has begun. */
  readonly #open = new Set<number>()
  #begun = false
  #finished = false

  constructor({ provider }: Request, out: Array<Part>) {
    this.#provider = provider
    this.#out = out
  }

  get isFinished(): boolean {
    return this.#finished
  }

  get hasBegun(): boolean {
    return this.#begun
  }

  event(event: Fields): void {
    if (this.#finished) return
    const { event_type: type } = event
    if (type === "stream-error" || says(event.err)) {
      throw failed({ error: event.err ?? "the model failed while it answered" }, this.#provider, event as JsonValue)
    }
    if (type === "text-generation" || (type === undefined && typeof event.text === "string")) {
      this.#begun = true
      if (typeof event.text === "string") this.#say(event.text, indexOf(event, 0))
    } else if (type === "stream-end" || (event.is_finished === true && object(event.response) !== undefined)) {
      const response = object(event.response)
      this.#finish(response ?? { generations: [{ finish_reason: event.finish_reason ?? null }] }, event)
    } else if (typeof type === "string") {
      this.#out.push({ type: "raw", provider: this.#provider, value: event as JsonValue })
    } else throw unlike(event, this.#provider)
  }

  whole(answer: Fields): void {
    if (list(answer.generations) === undefined) throw unlike(answer, this.#provider)
    this.#finish(answer, answer)
  }

  #say(delta: string, choice: number): void {
    if (delta === "") return
    const mark = choice === 0 ? undefined : { choice }
    if (!this.#open.has(choice)) {
      this.#open.add(choice)
      this.#out.push({ type: "text-start", id: String(choice), ...mark })
    }
    this.#out.push({ type: "text-delta", id: String(choice), delta, ...mark })
  }

  #finish(answer: Fields, raw: Fields): void {
    const provider = this.#provider
    const generations = (list(answer.generations) ?? []).map((value, position) => {
      const fields = object(value) ?? {}
      return { fields, index: indexOf(fields, position), rawReason: text(fields.finish_reason) }
    })
    const [first, ...others] = generations.sort((a, b) => a.index - b.index)
    if (first === undefined) throw unlike(answer, provider)
    const id = text(answer.id)
    if (id !== undefined && !this.#begun) this.#out.push({ type: "response-metadata", id })
    if (first.rawReason === "ERROR") throw broken(answer, raw, provider)
    const own: { [name: string]: JsonValue } = {}
    for (const name in answer) if (!ofAnswer.has(name) && says(answer[name])) put(own, name, answer[name])
    const details: Array<JsonValue> = []
    for (const { fields, index } of generations) {
      if (typeof fields.text === "string" && !this.#open.has(index)) this.#say(fields.text, index)
      if (this.#open.has(index)) {
        this.#out.push({ type: "text-end", id: String(index), ...(index !== 0 && { choice: index }) })
      }
      const more: { [name: string]: JsonValue } = {}
      for (const name in fields) if (!ofGeneration.has(name) && says(fields[name])) put(more, name, fields[name])
      details.push(more)
    }
    if (first.rawReason === "ERROR_TOXIC" && this.#open.size === 0) throw toxic(raw, provider)
    if (details.some((more) => Object.keys(more as object).length > 0)) own.generations = details
    this.#finished = true
    const meta = object(answer.meta)
    for (const message of list(meta?.warnings) ?? []) {
      if (typeof message === "string") this.#out.push({ type: "warning", warning: { type: "other", message } })
    }
    this.#out.push({
      type: "finish",
      ...endOf(first.rawReason),
      usage: usage(answer.meta),
      ...(others.length > 0 && { choices: others.map(({ index, rawReason }) => ({ index, ...endOf(rawReason) })) }),
      ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
    })
  }
}

const endOf = (rawReason: string | undefined): { readonly reason: FinishReason; readonly rawReason?: string } => ({
  reason: finishReason(rawReason, false),
  ...(rawReason !== undefined && { rawReason })
})

/** More answers than the service gives; an index beyond is a mistake. */
const indexOf = ({ index }: Fields, otherwise: number): number =>
  typeof index === "number" && Number.isInteger(index) && index >= 0 && index < 1024 ? index : otherwise

/** Fields that are read elsewhere, and the prompt, which repeats what was asked. */
const ofAnswer = new Set(["id", "generations", "prompt", "meta", "error"])
const ofGeneration = new Set(["text", "index", "finish_reason", "is_finished"])
