/**
 * Reads an answer into parts that end in exactly one finish or error: whole, event by event, or as a stream of bytes
 * however they are cut.
 *
 * An answer is complete at the event `message_stop`. A stream that ends before it is a `CutStream` error. A service
 * that answers a stream with one JSON document is read as the whole answer it sent, one that answers with a web page is
 * an error.
 *
 * @module
 */
import { Json, type JsonValue, LlmError, Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { errorOf } from "../wire/outlet.ts"
import { body, excerpt, object } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Answer } from "./answer.ts"

/**
 * Reads a streamed answer from its events, whatever frames they come in. Its functions never throw: what goes wrong is
 * an error part.
 */
export interface Reader {
  /** One event, parsed. `name` is the name of its frame, for messages, and for errors that say no type. */
  readonly push: (event: JsonValue, name?: string) => Parts
  /** Something went wrong outside the events: a frame that says so, or one that cannot be read. */
  readonly fail: (thrown: unknown) => Parts
  /** The stream has ended: an error part where the answer was not finished. */
  readonly end: () => Parts
  /** Whether the last part was handed on; what follows is not read. */
  readonly ended: boolean
}

const nothing: Parts = []

/** A reader that has read nothing yet. */
export const reader = (request: Request): Reader => new Events(request)

class Events implements Reader {
  readonly #provider: string
  readonly #out: Array<Part> = []
  readonly #answer: Answer
  ended = false

  constructor(request: Request) {
    this.#provider = request.provider
    this.#answer = new Answer(request, this.#out)
  }

  push(event: JsonValue, name?: string): Parts {
    if (this.ended) return nothing
    try {
      const fields = object(event)
      if (fields === undefined) throw this.#unreadable(`an event of the stream (${name ?? "message"}) is no object`)
      this.#answer.event(fields, name)
      this.ended = this.#answer.isEnded
    } catch (thrown) {
      return this.fail(thrown)
    }
    return this.#taken()
  }

  fail(thrown: unknown): Parts {
    if (this.ended) return nothing
    this.ended = true
    this.#out.push(Part.error(errorOf(thrown, this.#provider)))
    return this.#taken()
  }

  end(): Parts {
    if (this.ended) return nothing
    return this.fail(LlmError.make({
      _tag: "CutStream",
      message: `the stream ended before the answer ${this.#answer.hasBegun ? "did" : "began"}`
    }, { provider: this.#provider }))
  }

  #taken(): Parts {
    return this.#out.length === 0 ? nothing : this.#out.splice(0)
  }

  #unreadable(message: string): LlmError {
    return LlmError.make({ _tag: "MalformedResponse", message }, { provider: this.#provider })
  }
}

/** Reads the bytes of an event stream. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const { provider } = request
  const events = new Events(request)
  let out: Array<Part> = []

  const put = (parts: Parts): void => {
    for (const part of parts) out.push(part)
  }

  const sse = Sse.make({
    ...(maxEventSize !== undefined && { maxEventSize }),
    onEvent: (data, name, whole) => {
      if (events.ended) return
      let event: JsonValue
      try {
        event = Json.parse(data)
      } catch (cause) {
        // The last event of a stream that broke off is half an event, and no news beside that.
        if (!whole) return
        put(events.fail(name === "error"
          ? failed({ error: data }, provider)
          : LlmError.make({
            _tag: "MalformedResponse",
            message: `an event of the stream (${name}) is no JSON: ${excerpt(data)}`
          }, { provider, cause })))
        return
      }
      put(events.push(event, name))
    },
    onDocument: (text) => {
      try {
        put(parts(text, request))
        events.ended = true
      } catch (thrown) {
        put(events.fail(thrown))
      }
    }
  })

  const taking = (read: () => void): Parts => {
    if (events.ended) return nothing
    try {
      read()
    } catch (thrown) {
      put(events.fail(thrown))
    }
    if (out.length === 0) return nothing
    const taken = out
    out = []
    return taken
  }

  return {
    push: (bytes) => taking(() => sse.push(bytes)),
    end: () =>
      taking(() => {
        sse.end()
        put(events.end())
      })
  }
}

/**
 * The parts of a whole answer.
 *
 * @throws LlmError where it is none.
 */
export const parts = (source: string, request: Request): Parts => {
  const { provider } = request
  const json = body(source, provider)
  const message = object(json)
  if (message === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const out: Array<Part> = []
  new Answer(request, out).whole(message)
  return out
}
