/**
 * Reads a streamed answer, however its bytes are cut, into parts that end in exactly one finish or error.
 *
 * When an answer counts as finished:
 *
 * - at `[DONE]`, whatever the service said of the reason before (Snowflake says nothing);
 * - at the end of the bytes, where every choice said why it stopped: some services never send `[DONE]`;
 * - any other end is a `CutStream` error.
 *
 * The finish is handed on only then, because usage may follow the reason. A service that answers a stream with one JSON
 * document is read as the whole answer it sent, one that answers with a web page is an error.
 *
 * @module
 */
import { Json, LlmError, Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { Answer } from "./answer.ts"
import { body, excerpt, object } from "./read.ts"
import { failed } from "./reason.ts"

const nothing: Parts = []

/** A decoder that has read nothing yet. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const { provider } = request
  const out: Array<Part> = []
  const answer = new Answer(request, false, out)
  let ended = false
  let finished = false

  const end = (): void => {
    if (ended) return
    ended = true
    answer.finish()
  }

  const reader = Sse.make({
    ...(maxEventSize !== undefined && { maxEventSize }),
    onEvent: (data, name, whole) => {
      if (ended) return
      if (data === "[DONE]" || data.trim() === "[DONE]") return end()
      let json: Json.Json
      try {
        json = Json.parse(data)
      } catch (cause) {
        // The last event of a stream that broke off is half an event, and no news beside that.
        if (!whole) return
        if (name === "error") throw failed({ error: data }, provider)
        throw LlmError.make({
          _tag: "MalformedResponse",
          message: `an event of the stream (${name}) is no JSON: ${excerpt(data)}`
        }, { provider, cause })
      }
      const event = object(json)
      if (event === undefined) {
        throw LlmError.make({
          _tag: "MalformedResponse",
          message: `an event of the stream (${name}) is no object: ${excerpt(data)}`
        }, { provider })
      }
      if (name === "error" && event.error === undefined) throw failed(event, provider)
      answer.add(event)
    },
    onDocument: (text) => {
      ended = true
      for (const part of parts(text, request)) out.push(part)
    }
  })

  const taking = (read: () => void): Parts => {
    if (finished) return nothing
    try {
      read()
    } catch (thrown) {
      ended = true
      out.push(Part.error(errorOf(thrown, provider)))
    }
    if (out.length === 0) return nothing
    finished = ended
    return out.splice(0)
  }

  return {
    push: (bytes) => taking(() => reader.push(bytes)),
    end: () =>
      taking(() => {
        reader.end()
        if (ended) return
        if (answer.isFinished) return end()
        throw LlmError.make({
          _tag: "CutStream",
          message: `the stream ended before the answer ${answer.hasBegun ? "did" : "began"}`
        }, { provider })
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
  const event = object(json)
  if (event === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const out: Array<Part> = []
  const answer = new Answer(request, true, out)
  answer.add(event)
  answer.finish()
  return out
}

/** Whatever a hostile answer makes go wrong in here is the answer's fault. */
const errorOf = (thrown: unknown, provider: string): LlmError =>
  LlmError.isLlmError(thrown)
    ? LlmError.from(thrown, { provider })
    : LlmError.make({ _tag: "MalformedResponse", message: "the answer cannot be read" }, { provider, cause: thrown })
