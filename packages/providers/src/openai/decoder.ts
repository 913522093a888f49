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
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { cut, eventOf, isDone, Outlet } from "../wire/outlet.ts"
import { body, excerpt, object } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import { Answer } from "./answer.ts"

/** A decoder that has read nothing yet. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const { provider } = request
  const outlet = new Outlet(provider)
  const answer = new Answer(request, false, outlet.parts)

  const reader = Sse.make({
    ...(maxEventSize !== undefined && { maxEventSize }),
    onEvent: (data, name, whole) => {
      if (outlet.isEnded) return
      if (isDone(data)) return answer.finish()
      const event = eventOf(data, name, whole, provider)
      if (event === undefined) return
      if (name === "error" && event.error === undefined) throw failed(event, provider)
      answer.add(event)
    },
    onDocument: (text) => readWhole(text, request, outlet.parts)
  })

  return outlet.decoder(reader, () => {
    if (!answer.isFinished) throw cut(answer.hasBegun, provider)
    answer.finish()
  })
}

/**
 * The parts of a whole answer.
 *
 * @throws LlmError where it is none.
 */
export const parts = (source: string, request: Request): Parts => {
  const out: Array<Part> = []
  readWhole(source, request, out)
  return out
}

/** Puts the parts of a whole answer into `out`; where it fails they stay there: what the model had said before. */
const readWhole = (source: string, request: Request, out: Array<Part>): void => {
  const { provider } = request
  const json = body(source, provider)
  const event = object(json)
  if (event === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
  }
  const answer = new Answer(request, true, out)
  answer.add(event)
  answer.finish()
}
