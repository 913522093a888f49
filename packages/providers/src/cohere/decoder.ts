/**
 * Reads a streamed chat, however its bytes are cut, into parts that end in exactly one finish or error. `message-end`
 * ends an answer; bytes that end before it are a `CutStream` error. A service that answers a stream with one JSON
 * document is read as the whole answer it sent, one that answers with a web page is an error.
 *
 * @module
 */
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { cut, eventOf, isDone, Outlet } from "../wire/outlet.ts"
import { body, excerpt, type Fields, object } from "../wire/read.ts"
import { Answer } from "./answer.ts"

/** A decoder that has read nothing yet. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const { provider } = request
  const outlet = new Outlet(provider)
  const answer = new Answer(request, outlet.parts)
  const reader = Sse.make({
    ...(maxEventSize !== undefined && { maxEventSize }),
    onEvent: (data, name, whole) => {
      if (outlet.isEnded || isDone(data)) return
      const event = eventOf(data, name, whole, provider)
      if (event !== undefined) answer.event(event)
    },
    onDocument: (text) => {
      for (const part of parts(text, request)) outlet.parts.push(part)
    }
  })
  return outlet.decoder(reader, () => {
    throw cut(answer.hasBegun, provider)
  })
}

/** The parts of a whole chat. Throws an `LlmError` where it is none. */
export const parts = (source: string, request: Request): Parts => {
  const out: Array<Part> = []
  new Answer(request, out).whole(wholeOf(source, request.provider))
  return out
}

/** A whole answer as an object. */
export const wholeOf = (source: string, provider: string): Fields => {
  const answer = object(body(source, provider))
  if (answer !== undefined) return answer
  throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
}
