/**
 * Writes a streamed answer as Google does: each event is a response with what is new, the last one says why every
 * candidate ended, what the answer is based on and what it took.
 *
 * Arguments of a call are not written piece by piece: a call is one part. A signature belongs to the words it came
 * with; where it is pushed apart from them it stands in a part without words, as Google itself does it.
 *
 * @module
 */
import {
  type Content, type FinishPart, type JsonObject, LlmError, type Part, type Parts, type SourcePart
} from "plugline"
import type { Call, Encoder } from "../../Dialect.ts"
import { statusOf } from "../../server/status.ts"
import { inner, json, object } from "../shared/json.ts"
import { encodeError, refusal } from "./error.ts"
import { partOf, said } from "./parts.ts"
import { end, responseFields } from "./response.ts"
import { ownOf, usageOf } from "./words.ts"

/** How events follow each other. */
export interface Framing {
  readonly event: (data: string) => string
  /** After the last event. */
  readonly end: () => string
}

/** Server-sent events, where `alt=sse` was asked for. JSON of ours has no line break that could end one. */
export const sse = (): Framing => ({ event: (data) => `data: ${data}\n\n`, end: () => "" })

/** One JSON list, where it was not. */
export const list = (): Framing => {
  let before = "["
  return {
    event: (data) => {
      const out = before + data
      before = ",\r\n"
      return out
    },
    end: () => "]"
  }
}

/** A writer of one answer. */
export const encoder = (call: Call, framing: Framing): Encoder => new Events(call, framing)

type Delta = Extract<Part, { readonly type: "text-delta" | "reasoning-delta" }>

/** What one event says of one candidate: parts, as JSON. */
type News = Map<number, Array<string>>

class Events implements Encoder {
  readonly #call: Call
  readonly #framing: Framing
  #id: string
  #model: string
  #created: string | undefined
  /** What stands in every event. */
  #foot = ""
  #ended = false
  /** Candidates that have begun, and those whose end the service's own events have told. */
  readonly #begun = new Set<number>()
  readonly #told = new Set<number>()
  readonly #sources = new Map<number, Array<SourcePart>>()

  constructor(call: Call, framing: Framing) {
    this.#call = call
    this.#framing = framing
    this.#id = call.id
    this.#model = call.model
  }

  push(parts: Parts): string {
    if (this.#ended) return ""
    // Mostly it is one word more.
    const only = parts.length === 1 ? parts[0]! : undefined
    if (only?.type === "text-delta" && only.delta !== "" && this.#foot !== "") {
      const place = placeOf(only)
      this.#begun.add(place)
      return this.#event(`"candidates":[${candidateOf(place, `{"text":${json(only.delta)}}`)}]`)
    }
    const news: News = new Map()
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!
      switch (part.type) {
        case "text-delta":
        case "reasoning-delta":
          at = this.#say(part, parts, at, news)
          break
        case "text-end":
        case "reasoning-end":
          this.#put(part, said(part.type === "text-end" ? "text" : "reasoning", "", ownOf(part.metadata)), news)
          break
        case "tool-call":
        case "tool-result":
        case "file":
        case "raw":
          this.#put(part, partOf(part), news)
          break
        case "source":
          this.#keep(part)
          break
        case "response-metadata":
          this.#head(part)
          break
        case "finish":
          return this.#finish(part, news)
        case "error":
          return this.#written(news) + this.#fail(LlmError.fromJson(part.error))
      }
    }
    return this.#written(news)
  }

  skip(parts: Parts, bytes: ReadonlyArray<Uint8Array> = []): void {
    for (const part of parts) {
      if (part.type === "response-metadata") this.#head(part)
      else if (part.type === "source") this.#keep(part)
      else if (part.type === "finish" || part.type === "error") this.#ended = true
      else if (part.type !== "warning") this.#begun.add(placeOf(part))
    }
    for (const place of endsIn(bytes)) this.#told.add(place)
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  /** Words, as far as they are pushed together, with what is said of them at their end. Answers where they end. */
  #say(part: Delta, parts: Parts, from: number, news: News): number {
    const { choice, id, type } = part
    const kind = type === "text-delta" ? "text" : "reasoning"
    let words = part.delta
    for (let at = from + 1; at < parts.length; at++) {
      const next = parts[at]!
      if (!("id" in next) || next.id !== id || next.choice !== choice) break
      if (next.type === `${kind}-end`) {
        this.#put(part, said(kind, words, ownOf(next.metadata)), news)
        return at
      }
      if (next.type !== type) break
      words += (next as Delta).delta
      from = at
    }
    if (words !== "") this.#add(part, `{"text":${json(words)}${kind === "text" ? "" : `,"thought":true`}}`, news)
    return from
  }

  #put(part: Part, value: ReturnType<typeof partOf>, news: News): void {
    if (value !== undefined) this.#add(part, json(value), news)
  }

  #add(part: Part, written: string, news: News): void {
    const place = placeOf(part)
    const list = news.get(place)
    if (list === undefined) news.set(place, [written])
    else list.push(written)
  }

  #keep(part: SourcePart): void {
    const place = placeOf(part)
    const list = this.#sources.get(place)
    if (list === undefined) this.#sources.set(place, [part])
    else list.push(part)
  }

  #head(part: Part & { readonly type: "response-metadata" }): void {
    this.#id = part.id ?? this.#id
    this.#model = part.modelId ?? this.#model
    this.#created = part.timestamp ?? this.#created
    this.#foot = ""
  }

  // --- events -------------------------------------------------------------------------------------------------------

  #written(news: News): string {
    if (news.size === 0) return ""
    let candidates = ""
    for (const [place, parts] of news) {
      this.#begun.add(place)
      candidates += `${candidates === "" ? "" : ","}${candidateOf(place, parts.join(","))}`
    }
    return this.#event(`"candidates":[${candidates}]`)
  }

  #finish(part: FinishPart, news: News): string {
    this.#ended = true
    const { candidate, candidates, ...more } = ownOf(part.metadata) ?? {}
    const { choices = [], usage } = part
    for (const place of news.keys()) this.#begun.add(place)
    const ends = new Map<number, Pick<FinishPart, "reason" | "rawReason">>()
    for (const place of this.#begun) ends.set(place, { reason: "unknown" })
    for (const choice of choices) ends.set(choice.index, choice)
    // Google may have sent other candidates alone.
    const isSilent = part.reason === "unknown" && part.rawReason === undefined && !this.#begun.has(0)
    if (choices.length === 0 || !isSilent) ends.set(0, part)
    for (const place of this.#told) if (!news.has(place)) ends.delete(place)
    // The service has said it all itself.
    if (ends.size === 0) return this.#framing.end()
    const written = [...ends].sort(([a], [b]) => a - b).map(([place, { rawReason, reason }]) => {
      const own = object(place === 0 ? candidate : object(candidates)?.[place])
      const fields = inner(end(place, reason, rawReason, usage, own, this.#sources.get(place) ?? []))
      return `{"content":${contentOf(news.get(place) ?? silence)},${fields}}`
    })
    const usageMetadata = usageOf(usage)
    const rest = inner({ ...responseFields(more), ...(usageMetadata !== undefined && { usageMetadata }) })
    return this.#event(`"candidates":[${written.join(",")}]${rest === "" ? "" : `,${rest}`}`) + this.#framing.end()
  }

  #fail(error: LlmError): string {
    this.#ended = true
    const body = refusal(error) ?? encodeError(error, statusOf(error), this.#call)
    return this.#framing.event(json(body)) + this.#framing.end()
  }

  #event(said: string): string {
    if (this.#foot === "") {
      const created = this.#created === undefined ? "" : `,"createTime":${json(this.#created)}`
      this.#foot = `,"modelVersion":${json(this.#model)},"responseId":${json(this.#id)}${created}}`
    }
    return this.#framing.event(`{${said}${this.#foot}`)
  }
}

/** Which candidate a part belongs to. */
const placeOf = ({ choice }: Part | Content): number =>
  choice !== undefined && Number.isInteger(choice) && choice >= 0 && choice < 1024 ? choice : 0

/** The candidates whose end some events tell. */
const endsIn = (bytes: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => {
  const all = Buffer.concat(bytes)
  if (!all.includes(endName)) return []
  return all.toString("utf8").split(/\r\n|\r|\n/).flatMap((line) => {
    if (!line.startsWith("data:") || !line.includes(endName)) return []
    const candidates = eventOf(line.slice("data:".length))?.candidates
    return (Array.isArray(candidates) ? candidates : []).flatMap((value, at) => {
      const { finishReason: word, index } = object(value) ?? {}
      const ends = typeof word === "string" && word !== "" && word !== "FINISH_REASON_UNSPECIFIED"
      return ends ? [typeof index === "number" ? index : at] : []
    })
  })
}

const endName = "\"finishReason\""

const eventOf = (source: string): JsonObject | undefined => {
  try {
    return object(JSON.parse(source))
  } catch {
    return undefined
  }
}

/** Google's own clients throw away all they have gathered of a turn where an event of it has no part. */
const silence = [`{"text":""}`]

const candidateOf = (place: number, parts: string): string =>
  `{"content":{"parts":[${parts}],"role":"model"},"index":${place}}`

const contentOf = (parts: ReadonlyArray<string>): string => `{"parts":[${parts.join(",")}],"role":"model"}`
