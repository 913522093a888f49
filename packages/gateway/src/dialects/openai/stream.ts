/**
 * Writes a streamed answer as chunks of a chat completion, or of the completion of a text.
 *
 * The first chunk of a choice gives its role; a call begins with its id and name, and its arguments follow; every
 * choice ends with one reason. Usage is said where the client asked for it, and `[DONE]` where the answer ended well.
 *
 * @module
 */
import { type ErrorPart, type FinishPart, type JsonObject, Part, type Parts } from "plugline"
import type { Call, Encoder } from "../../Dialect.ts"
import { metadataOf, ownOf, timeOf } from "../shared/answer.ts"
import { json, object, putAll, text } from "../shared/json.ts"
import { Calls } from "./calls.ts"
import { failure } from "./error.ts"
import {
  annotation, customTools, detailsOf, executedCall, executedIndex, executedResult, extrasOf, following, image, isSigned,
  joinLogprobs, logprobsOf, placeOf, sound, thinking
} from "./pieces.ts"
import { finishWord, isLegacy, ofAnswer, ofMessage, speaker, usageOf } from "./words.ts"

/** An encoder that has written nothing yet. */
export const encoder = (call: Call): Encoder => new Chunks(call)

/** What of a text or a thought is written elsewhere than in its deltas. */
interface Aside {
  readonly own: JsonObject
  isWritten: boolean
}

/** One choice while it is written. */
interface Choice {
  readonly index: number
  /** Everything before the fields of a delta, or before the text of a completion. */
  readonly head: string
  readonly calls: Calls
  readonly asides: Map<string, Aside>
}

class Chunks implements Encoder {
  readonly #call: Call
  readonly #provider: string
  readonly #isCompletion: boolean
  readonly #custom: ReadonlySet<string>
  readonly #choices: Array<Choice | undefined> = []
  /** Everything of a chunk before its choices, once the first is written. */
  #prefix: string | undefined
  #id: string
  #model: string
  #created: string | undefined
  #own: JsonObject | undefined
  #out = ""
  #isMute = false
  #isEnded = false

  constructor(call: Call) {
    this.#call = call
    this.#provider = speaker(call)
    this.#isCompletion = call.operation === "completion"
    this.#custom = customTools(call)
    this.#id = call.id
    this.#model = call.model
  }

  push(parts: Parts): string {
    this.#isMute = false
    this.#add(parts)
    const out = this.#out
    this.#out = ""
    return out
  }

  skip(parts: Parts): void {
    this.#isMute = true
    this.#add(parts)
  }

  #add(parts: Parts): void {
    for (let index = 0; index < parts.length && !this.#isEnded; index++) {
      const part = parts[index]!
      if (part.type === "text-delta" && part.metadata === undefined) this.#say(part.id, part.delta, part.choice)
      else this.#part(part, parts, index)
    }
  }

  #part(part: Part, parts: Parts, index: number): void {
    const provider = this.#provider
    // A choice of which nothing can be said still ends.
    if (part.type !== "error" && part.type !== "finish" && part.choice !== undefined) this.#choice(part.choice)
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
        return this.#begin(part.id, part.choice, parts, index)
      case "text-delta":
        return this.#say(part.id, part.delta, part.choice, logprobsOf(ownOf(part.metadata, provider)))
      case "text-end":
        return this.#endText(part.id, part.choice, ownOf(part.metadata, provider))
      case "reasoning-delta":
        return this.#think(part.id, part.delta, part.choice, ownOf(part.metadata, provider))
      case "reasoning-end":
        return this.#endThought(part.id, part.choice, ownOf(part.metadata, provider))
      case "tool-params-start":
        if (part.providerExecuted === true || this.#isCompletion) return
        return this.#delta(part.choice, (choice) => choice.calls.begin(part, parts, index))
      case "tool-params-delta":
        if (this.#isCompletion) return
        return this.#delta(part.choice, (choice) => choice.calls.more(part))
      case "tool-call": {
        if (this.#isCompletion) return
        const own = ownOf(part.metadata, provider)
        if (part.providerExecuted !== true) {
          this.#delta(part.choice, (choice) => choice.calls.whole(part, own))
          return this.#echo(part.choice, own)
        }
        const number = executedIndex(part)
        if (number === undefined) return
        return this.#field(part.choice, "executed_tools", () => [executedCall(part, number)])
      }
      case "tool-result": {
        const number = executedIndex(part)
        if (number === undefined) return
        return this.#field(part.choice, "executed_tools", () => [executedResult(part, number, provider)])
      }
      case "file": {
        const picture = image(part)
        if (picture !== undefined) return this.#field(part.choice, "images", () => [picture])
        const audio = sound(part, this.#call, provider)
        return audio === undefined ? undefined : this.#field(part.choice, "audio", () => audio)
      }
      case "source": {
        const mark = annotation(part, provider)
        return mark === undefined ? undefined : this.#field(part.choice, "annotations", () => [mark])
      }
      case "raw": {
        const place = placeOf(part, provider)
        if (place === undefined) return
        if (place !== "event") return this.#field(part.choice, place, () => [part.value])
        if (!this.#isMute) this.#out += `data: ${json(part.value)}\n\n`
        return
      }
      case "response-metadata":
        this.#id = text(part.id) ?? this.#id
        this.#model = text(part.modelId) ?? this.#model
        if (part.timestamp !== undefined) this.#created = part.timestamp
        if (part.metadata !== undefined) this.#own = { ...this.#own, ...ownOf(part.metadata, provider) }
        return
      case "finish":
        return this.#finish(part)
      case "error":
        return this.#fail(part)
    }
  }

  // --- texts and thoughts --------------------------------------------------------------------------------------------

  /** What will be said at the end of a text or thought, where it is known already, is said with its first piece. */
  #begin(id: string, place: number | undefined, parts: Parts, index: number): void {
    let own: JsonObject | undefined
    for (const metadata of metadataOf(parts, index)) {
      const more = ownOf(metadata, this.#provider)
      if (more !== undefined) own = { ...own, ...more }
    }
    if (own !== undefined) this.#choice(place).asides.set(keyOf(parts[index]!.type, id), { own, isWritten: false })
  }

  #say(id: string, delta: string, place: number | undefined, logprobs?: JsonObject): void {
    if (delta === "" && logprobs === undefined) return
    const choice = this.#choice(place)
    let scores = logprobs
    let field = "\"content\":"
    if (choice.asides.size > 0) {
      const aside = choice.asides.get(`text ${id}`)
      if (aside !== undefined) {
        if (aside.own.refusal === true) field = "\"refusal\":"
        if (!aside.isWritten) scores = joinLogprobs(logprobsOf(aside.own), logprobs)
        aside.isWritten = true
      }
    }
    if (this.#isMute) return
    const said = json(delta)
    if (scores === undefined && !this.#isCompletion) this.#out += choice.head + field + said + tail
    else {
      const message = this.#isCompletion ? said : `${field}${said}}`
      this.#out += `${choice.head}${message},"logprobs":${json(scores ?? null)},"finish_reason":null}]}\n\n`
    }
  }

  #endText(id: string, place: number | undefined, own: JsonObject | undefined): void {
    const { asides } = this.#choice(place)
    const aside = asides.get(`text ${id}`)
    if (aside?.isWritten !== true) {
      const logprobs = logprobsOf(aside?.own) ?? logprobsOf(own)
      if (logprobs !== undefined) this.#say(id, "", place, logprobs)
    }
    asides.delete(`text ${id}`)
    this.#echo(place, own)
  }

  #think(id: string, delta: string, place: number | undefined, own?: JsonObject): void {
    if (this.#isCompletion) return
    const aside = this.#choice(place).asides.get(`reasoning ${id}`)
    const pending = aside?.isWritten === false ? aside.own : undefined
    if (aside !== undefined && delta !== "") aside.isWritten = true
    const signed = isSigned(own) ? own : isSigned(pending) ? pending : undefined
    if (signed !== undefined) {
      if (aside !== undefined) aside.isWritten = true
      return this.#field(place, "content", () => [thinking(delta, signed)])
    }
    if (delta === "") return
    const details = detailsOf(pending)
    this.#delta(place, () =>
      `"reasoning_content":${json(delta)}${details === undefined ? "" : `,"reasoning_details":${json(details)}`}`)
  }

  #endThought(id: string, place: number | undefined, own: JsonObject | undefined): void {
    if (this.#isCompletion) return
    const { asides } = this.#choice(place)
    const aside = asides.get(`reasoning ${id}`)
    asides.delete(`reasoning ${id}`)
    if (aside?.isWritten === true) return
    const said = aside?.own ?? own
    if (isSigned(said)) return this.#field(place, "content", () => [thinking("", said)])
    const details = detailsOf(said)
    // Beside no other text they would be read as more of the thought.
    if (details === undefined || details.some(saysText)) return
    this.#field(place, "reasoning_details", () => details)
  }

  /** What goes back with the message. */
  #echo(place: number | undefined, own: JsonObject | undefined): void {
    const echo = object(own?.message)
    if (echo === undefined || this.#isCompletion) return
    this.#delta(place, () => following(putAll({}, echo, ofMessage)).slice(1))
  }

  // --- chunks --------------------------------------------------------------------------------------------------------

  /** A chunk with one field of the message. */
  #field(place: number | undefined, name: string, value: () => unknown): void {
    if (!this.#isCompletion) this.#delta(place, () => `"${name}":${json(value())}`)
  }

  /** A chunk with some fields of the message, none where there are none. */
  #delta(place: number | undefined, fields: (choice: Choice) => string): void {
    const choice = this.#choice(place)
    const written = fields(choice)
    if (written !== "" && !this.#isMute) this.#out += choice.head + written + tail
  }

  /** The choice of a part; its role is written when it begins. */
  #choice(place: number | undefined): Choice {
    const known = this.#choices[place ?? 0]
    if (known !== undefined) return known
    const index = place !== undefined && Number.isInteger(place) && place >= 0 && place < mostChoices ? place : 0
    const begun = this.#choices[index]
    if (begun !== undefined) return begun
    const before = `${this.#start()}"choices":[{"index":${index},`
    const choice: Choice = {
      index,
      head: before + (this.#isCompletion ? "\"text\":" : "\"delta\":{"),
      calls: new Calls(this.#provider, this.#custom, isLegacy(this.#call)),
      asides: new Map()
    }
    this.#choices[index] = choice
    if (!this.#isMute && !this.#isCompletion) {
      this.#out += `${choice.head}"role":"assistant","content":"","refusal":null${tail}`
    }
    return choice
  }

  #start(): string {
    if (this.#prefix !== undefined) return this.#prefix
    const created = Math.floor(timeOf(this.#created, this.#call.now) / 1000)
    const kind = this.#isCompletion ? "text_completion" : "chat.completion.chunk"
    this.#prefix = `data: {"id":${json(this.#id)},"object":"${kind}","created":${created},"model":${json(this.#model)},`
    return this.#prefix
  }

  // --- ends ----------------------------------------------------------------------------------------------------------

  #finish(part: FinishPart): void {
    const own = putAll(putAll({}, this.#own), ownOf(part.metadata, this.#provider))
    this.#choice(0)
    for (const { index } of part.choices ?? []) this.#choice(index)
    for (const choice of this.#choices) {
      if (choice === undefined) continue
      const end = choice.index === 0 ? part : part.choices?.find(({ index }) => index === choice.index)
      const extra = choice.index === 0 ? object(own.choice) : ownOf(end?.metadata, this.#provider)
      const more = extrasOf(extra)
      const said = this.#isCompletion ? "\"\"" : `${following(more.message).slice(1)}}`
      const reason = finishWord(end?.reason ?? "unknown", end?.rawReason, this.#call)
      const about = choice.index === 0 ? following(putAll({}, own, ofAnswer)) : ""
      if (this.#isMute) continue
      this.#out += `${choice.head}${said},"logprobs":${json(logprobsOf(extra) ?? null)},"finish_reason":${json(reason)}`
        + `${following(more.choice)}}]${about}}\n\n`
    }
    this.#isEnded = true
    if (this.#isMute) return
    const usage = asksUsage(this.#call) ? usageOf(part.usage, true) : undefined
    if (usage !== undefined) this.#out += `${this.#start()}"choices":[],"usage":${json(usage)}}\n\n`
    this.#out += "data: [DONE]\n\n"
  }

  #fail(part: ErrorPart): void {
    this.#isEnded = true
    if (!this.#isMute) this.#out += `data: ${json({ error: failure(Part.errorOf(part)) })}\n\n`
  }
}

/** Everything behind the fields of a delta. */
const tail = "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"

/** More answers than any service gives; an index beyond is a mistake. */
const mostChoices = 1024

const keyOf = (type: string, id: string): string => `${type === "text-start" ? "text" : "reasoning"} ${id}`

const saysText = (value: unknown): boolean => {
  const fields = object(value)
  return text(fields?.text) !== undefined || text(fields?.summary) !== undefined
}

/** Whether the client wants to know what its stream took. */
export const asksUsage = ({ asked }: Call): boolean => object(asked.stream_options)?.include_usage === true
