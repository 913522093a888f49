/**
 * Reads a streamed answer of Converse, however its bytes are cut, into parts that end in exactly one finish or error.
 *
 * The answer is finished when the model has said why it stopped and the usage has followed, or, without usage, at the
 * end of the bytes; any other end is a `CutStream` error. A service that answers a stream with one JSON document is
 * read as the whole answer it sent.
 *
 * @module
 */
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as EventStream from "../EventStream.ts"
import type { Decoder } from "../Wire.ts"
import { cut, Outlet } from "../wire/outlet.ts"
import { body, excerpt, type Fields, object } from "../wire/read.ts"
import { Answer } from "./answer.ts"
import { eventOf, exception } from "./events.ts"

/** A decoder that has read nothing yet. `maxMessageSize` is the most bytes of one message, default 24 Mi. */
export const decoder = (request: Request, maxMessageSize?: number): Decoder => {
  const { provider } = request
  const outlet = new Outlet(provider)
  const answer = new Answer(provider, outlet.parts)
  return decoding(outlet, provider, maxMessageSize, {
    message: (headers, payload) => {
      const failure = exception(headers, payload, provider)
      if (failure !== undefined) throw failure
      answer.event(headers[":event-type"] ?? "", eventOf(headers, payload, provider))
      return answer.isComplete
    },
    document: (source) => {
      for (const part of parts(source, request)) outlet.parts.push(part)
    },
    finish: () => answer.finish(),
    isFinished: () => answer.hasStopped,
    hasBegun: () => answer.hasBegun
  })
}

/** What is done with the messages of one stream. */
export interface Reading {
  /** Reads one message. Answers whether the answer is complete. */
  readonly message: (headers: EventStream.Headers, payload: Buffer) => boolean
  /** Reads a document that came in place of a stream, to its end. */
  readonly document: (source: string) => void
  /** Puts out the end of the answer. */
  readonly finish: () => void
  /** Whether the answer may end here. */
  readonly isFinished: () => boolean
  readonly hasBegun: () => boolean
}

/** A decoder over an event stream: what its messages mean is up to `reading`. */
export const decoding = (
  outlet: Outlet,
  provider: string,
  maxMessageSize: number | undefined,
  reading: Reading
): Decoder => {
  const reader = EventStream.make({
    ...(maxMessageSize !== undefined && { maxMessageSize }),
    onMessage: (headers, payload) => {
      if (!outlet.isEnded && reading.message(headers, payload)) reading.finish()
    },
    onDocument: reading.document
  })
  return outlet.decoder(reader, () => {
    if (!reading.isFinished()) throw cut(reading.hasBegun(), provider)
    reading.finish()
  })
}

/**
 * The parts of a whole answer.
 *
 * @throws LlmError where it is none.
 */
export const parts = (source: string, request: Request): Parts => {
  const { provider } = request
  const out: Array<Part> = []
  const answer = new Answer(provider, out)
  answer.whole(documentOf(source, provider))
  answer.finish()
  return out
}

/** A whole answer as an object. */
export const documentOf = (source: string, provider: string): Fields => {
  const document = object(body(source, provider))
  if (document !== undefined) return document
  throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
}
