/**
 * Reads a streamed answer, however its bytes are cut, into parts that end in exactly one finish or error. The line with
 * `done` ends an answer; bytes that end before it are a `CutStream` error. A service that answers with a web page or
 * with one JSON text over several lines is read as that.
 *
 * @module
 */
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as Ndjson from "../Ndjson.ts"
import type { Decoder } from "../Wire.ts"
import { cut, eventOf, Outlet } from "../wire/outlet.ts"
import { body, excerpt, object } from "../wire/read.ts"
import { Answer } from "./answer.ts"

/** A decoder that has read nothing yet. `maxLineSize` is the most characters of one line, default 8 Mi. */
export const decoder = (request: Request, maxLineSize?: number): Decoder => {
  const { provider } = request
  const outlet = new Outlet(provider)
  const answer = new Answer(request, outlet.parts)

  const reader = Ndjson.make({
    ...(maxLineSize !== undefined && { maxLineSize }),
    onLine: (line, whole) => {
      if (outlet.isEnded) return
      const event = eventOf(line, "line", whole, provider)
      if (event !== undefined) answer.add(event)
    },
    onDocument: (text) => {
      for (const part of parts(text, request)) outlet.parts.push(part)
    }
  })

  return outlet.decoder(reader, () => {
    throw cut(answer.hasBegun, provider)
  })
}

/**
 * The parts of a whole answer.
 *
 * @throws LlmError where it is none.
 */
export const parts = (source: string, request: Request): Parts => {
  const { provider } = request
  const line = object(body(source, provider))
  if (line === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const out: Array<Part> = []
  const answer = new Answer(request, out)
  answer.add(line)
  if (!answer.isFinished) {
    const message = "the answer does not say that it is done: it is one line of a stream"
    throw LlmError.make({ _tag: "MalformedResponse", message }, { provider })
  }
  return out
}
