/**
 * Reads a streamed answer, however its bytes are cut, into parts that end in exactly one finish or error. The answer is
 * finished at `response.completed` or `response.incomplete`, which carries its usage; any other end is a `CutStream`
 * error.
 *
 * @module
 */
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { cut, eventOf, isDone, Outlet } from "../wire/outlet.ts"
import { body, excerpt, object } from "../wire/read.ts"
import { Answer } from "./answer.ts"
import type { Quirks } from "./quirks.ts"

/** The last event holds the whole answer, files in it included. */
const largest = 64 * 1024 * 1024

/** A decoder that has read nothing yet. `maxEventSize` is the most characters of one event, default 64 Mi. */
export const decoder = ({ provider }: Request, quirks: Quirks, maxEventSize = largest): Decoder => {
  const outlet = new Outlet(provider)
  const answer = new Answer(provider, quirks, outlet.parts)

  const reader = Sse.make({
    maxEventSize,
    onEvent: (data, name, whole) => {
      if (outlet.isEnded) return
      if (isDone(data)) throw cut(answer.hasBegun, provider)
      const event = eventOf(data, name, whole, provider)
      if (event !== undefined) answer.add(event, name)
    },
    onDocument: (text) => {
      for (const part of parts(text, provider, quirks)) outlet.parts.push(part)
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
export const parts = (source: string, provider: string, quirks: Quirks): Parts => {
  const response = object(body(source, provider))
  if (response === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const out: Array<Part> = []
  new Answer(provider, quirks, out).whole(response)
  return out
}
