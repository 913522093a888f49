/**
 * What every decoder shares: whatever goes wrong while bytes are read becomes one error part, nothing follows the end, and bytes
 * that end before the answer does are a `CutStream` error.
 *
 * @module
 */
import { Json, LlmError, Part, type Parts } from "@plugline/core"
import type { Decoder } from "../Wire.ts"
import { excerpt, type Fields, object } from "./read.ts"
import { failed } from "./reason.ts"

/** Finds events in bytes, and hands them to whoever made it. */
export interface Framing {
  readonly push: (bytes: Uint8Array) => void
  readonly end: () => void
}

const nothing: Parts = []

/** Where the parts of one answer are put while it is read, and taken from. */
export class Outlet {
  readonly parts: Array<Part> = []
  readonly #provider: string
  #ended = false

  constructor(provider: string) {
    this.#provider = provider
  }

  /** Whether the answer has ended, well or badly: what follows is not read. */
  get isEnded(): boolean {
    const last = this.parts.at(-1)
    return this.#ended || (last !== undefined && Part.isTerminal(last))
  }

  /**
   * The decoder over a framing. `atEnd` is called where the bytes have ended and the answer has not: it ends the answer, or
   * throws.
   */
  decoder(framing: Framing, atEnd: () => void): Decoder {
    return {
      push: (bytes) => this.take(() => framing.push(bytes)),
      end: () =>
        this.take(() => {
          framing.end()
          if (!this.isEnded) atEnd()
        })
    }
  }

  /** The parts that come of reading something. */
  take(read: () => void): Parts {
    if (this.#ended) return nothing
    const { parts } = this
    try {
      read()
    } catch (thrown) {
      // What goes wrong behind the last part is no news.
      if (!this.isEnded) parts.push(Part.error(errorOf(thrown, this.#provider)))
    }
    if (parts.length === 0) return nothing
    this.#ended = this.isEnded
    return parts.splice(0)
  }
}

/** The bytes ended before the answer did, or before it began. */
export const cut = (hasBegun: boolean, provider: string): LlmError =>
  LlmError.make({
    _tag: "CutStream",
    message: `the stream ended before the answer ${hasBegun ? "did" : "began"}`
  }, { provider })

/** Whatever a hostile answer makes go wrong is the answer's fault. */
export const errorOf = (thrown: unknown, provider: string): LlmError =>
  LlmError.isLlmError(thrown)
    ? LlmError.from(thrown, { provider })
    : LlmError.make({ _tag: "MalformedResponse", message: "the answer cannot be read" }, { provider, cause: thrown })

/**
 * The object in an event, by the name of its frame. `undefined` for the half event at the end of a stream that broke off, which
 * is no news beside that.
 *
 * @throws LlmError where it is none: what the service said where the event is an error, else `MalformedResponse`.
 */
export const eventOf = (data: string, name: string, whole: boolean, provider: string): Fields | undefined => {
  let json: Json.Json
  try {
    json = Json.parse(data)
  } catch (cause) {
    if (!whole) return undefined
    if (name === "error") throw failed({ error: data }, provider)
    throw malformed(`an event of the stream (${name}) is no JSON: ${excerpt(data)}`, provider, cause)
  }
  // Google wraps some errors in a list.
  const event = object(json) ?? object(Array.isArray(json) ? json[0] : undefined)
  if (event !== undefined) return event
  throw malformed(`an event of the stream (${name}) is no object: ${excerpt(data)}`, provider)
}

/** What services in OpenAI's style send behind the last event. */
export const isDone = (data: string): boolean => data === "[DONE]" || data.trim() === "[DONE]"

const malformed = (message: string, provider: string, cause?: unknown): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider, cause })
