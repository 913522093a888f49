/**
 * A streamed answer on its way to the client: its head is sent with the first word, so that what fails before is an answer with
 * its own status; where the service speaks the client's format, its very bytes are handed on.
 *
 * @module
 */
import { Verbatim } from "@plugline/providers"
import { Effect } from "effect"
import { type Live, LlmError, Part } from "plugline"
import type { Call, Dialect, Encoder } from "../Dialect.ts"
import type { Exchange } from "./Exchange.ts"

type Parts = ReadonlyArray<Part>

/** One streamed answer. */
export class Streamed {
  readonly #exchange: Exchange
  readonly #dialect: Dialect
  readonly #call: Call
  readonly #encoder: Encoder
  #verbatim = true
  #ended = false
  /** Which of the service's own events come next: where some were left out, the rest is written anew. */
  #next = 0
  /** When something was last written, in ms since 1970. */
  #wrote: number
  /** When the client was sent the first of it, in ms since 1970. */
  #first: number | undefined

  constructor(exchange: Exchange, dialect: Dialect, call: Call) {
    this.#exchange = exchange
    this.#dialect = dialect
    this.#call = call
    this.#encoder = dialect.encoder(call)
    this.#wrote = call.now
  }

  /** When the client was sent the first of it, in ms since 1970; `undefined` before that. */
  get first(): number | undefined {
    return this.#first
  }

  /** Sends a reply to its end, as fast as the client reads. */
  pump(live: Live, now: () => number): Effect.Effect<void> {
    const step: Effect.Effect<void> = Effect.flatMap(live.pull, (parts) => {
      if (parts === undefined) {
        this.end()
        return Effect.void
      }
      this.#wrote = now()
      this.#deliver(parts)
      if (this.#first === undefined && this.#exchange.status === 200) this.#first = this.#wrote
      return this.#exchange.response.writableNeedDrain ? Effect.andThen(this.#drained, step) : step
    })
    return step
  }

  /** Tells the client that the stream lives, where nothing was written for `idle` ms. */
  keepAlive(now: number, idle: number): void {
    const { keepAlive } = this.#dialect
    const { response, status } = this.#exchange
    if (keepAlive === undefined || status !== 200 || this.#ended || now - this.#wrote < idle || response.writableNeedDrain) return
    this.#wrote = now
    response.write(keepAlive)
  }

  /** Ends the answer with an error event, or with an error's status where nothing has been said yet. */
  fail(error: LlmError): void {
    if (this.#ended) return
    this.#deliver([Part.error(error)])
    this.end()
  }

  /** Ends the answer. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    // Without a word there was no answer, and a clean end would be taken for one.
    if (this.#exchange.status === 0) this.#exchange.fail(silent())
    else this.#exchange.response.end()
  }

  #deliver(parts: Parts): void {
    const { response } = this.#exchange
    if (this.#ended || response.destroyed) return
    let text = ""
    let corked = false
    /** From here on parts wait to be written together: some formats say first what is known only at the end. */
    let from = 0
    const write = (to: number): void => {
      if (from < to) text += this.#encoder.push(parts.slice(from, to))
      from = to
    }
    const flush = (): void => {
      if (text === "") return
      this.#exchange.begin(this.#dialect.streamType)
      if (!corked) {
        corked = true
        response.cork()
      }
      response.write(text)
      text = ""
    }
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!
      const events = this.#verbatim ? Verbatim.eventsOf(part) : undefined
      if (events !== undefined && events.at === this.#next && isIntact(events.parts, parts, at)) {
        write(at)
        flush()
        this.#next++
        this.#exchange.begin(this.#dialect.streamType)
        this.#encoder.skip(events.parts, events.bytes)
        this.#raw(events)
        at += events.parts.length - 1
        from = at + 1
        continue
      }
      if (part.type === "error") {
        write(at)
        const error = Part.errorOf(part)
        this.#exchange.error = error
        if (this.#exchange.status === 0 && text === "") {
          this.#ended = true
          return this.#exchange.fail(error)
        }
      } else if (part.type !== "warning") this.#verbatim = false
    }
    write(parts.length)
    if (text !== "" && !corked) {
      // Mostly one write: no need to gather.
      this.#exchange.begin(this.#dialect.streamType)
      response.write(text)
    } else if (corked) {
      flush()
      response.uncork()
    }
  }

  #raw({ bytes, parts }: Verbatim.Events): void {
    const { response } = this.#exchange
    const { trim } = this.#dialect
    const all = bytes.length === 1 ? Buffer.from(bytes[0]!.buffer, bytes[0]!.byteOffset, bytes[0]!.length) : Buffer.concat(bytes)
    const trims = trim !== undefined && parts.at(-1)?.type === "finish"
    if (!trims && !breaks.some((mark) => all.includes(mark))) return void response.write(all)
    const text = all.toString("utf8")
    response.write((trims ? trim(text, this.#call) : text).replace(/[\u0085\u2028\u2029]/g, escaped))
  }

  readonly #drained: Effect.Effect<void> = Effect.callback((resume) => {
    const { response } = this.#exchange
    const go = () => resume(Effect.void)
    if (!response.writableNeedDrain || response.destroyed) return go()
    response.once("drain", go)
    return Effect.sync(() => void response.off("drain", go))
  })
}

/** What some clients take for the end of a line, so that content could forge an event; JSON has another way to write it. */
const breaks = ["\u0085", "\u2028", "\u2029"].map((mark) => Buffer.from(mark))
const escaped = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Whether parts follow in a list from here on, each the same. */
const isIntact = (parts: Parts, list: Parts, from: number): boolean => {
  for (let at = 0; at < parts.length; at++) if (parts[at] !== list[from + at]) return false
  return true
}

const silent = (): LlmError => LlmError.make({ _tag: "CutStream", message: "the reply ended without a word" })
