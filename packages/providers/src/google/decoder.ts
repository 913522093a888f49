/**
 * Reads a streamed answer, however its bytes are cut, into parts that end in exactly one finish or error. The stream
 * is one of events (`alt=sse`), or, where that was not asked for, one long JSON list of the same events.
 *
 * There is no mark at the end of a stream: an answer is finished when the bytes end and every candidate said why it
 * stopped. Any other end is a `CutStream` error. The finish is handed on only then, because usage may follow the
 * reason.
 *
 * @module
 */
import { LlmError, type Part, type Parts, type Request } from "@plugline/core"
import * as Sse from "../Sse.ts"
import { cut, eventOf, Outlet } from "../wire/outlet.ts"
import { body, excerpt, object } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"
import type { Decoder } from "../Wire.ts"
import { Answer } from "./answer.ts"
import { items } from "./items.ts"

/** A decoder that has read nothing yet. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const { provider } = request
  const outlet = new Outlet(provider)
  const answer = new Answer(request, false, outlet.parts)

  const read = (source: string, name: string, whole: boolean): void => {
    const event = eventOf(source, name, whole, provider)
    if (event === undefined) return
    if (name === "error" && event.error === undefined) throw failed(event, provider)
    answer.add(event)
  }

  const reader = Sse.make({
    ...(maxEventSize !== undefined && { maxEventSize }),
    onEvent: (data, name, whole) => {
      // Proxies in OpenAI's style put this behind a stream of any kind.
      if (!outlet.isEnded && data !== "[DONE]") read(data, name, whole)
    },
    onDocument: (text) => {
      const list = items(text)
      if (list !== undefined) { for (const item of list) read(item, "list", true) }
      else { for (const part of parts(text, request)) outlet.parts.push(part) }
    }
  })

  return outlet.decoder(reader, () => {
    if (!answer.isFinished) throw cut(answer.hasBegun, provider)
    answer.finish()
  })
}

/**
 * The parts of a whole answer, or of a streamed one that was gathered into a list.
 *
 * @throws LlmError where it is none.
 */
export const parts = (source: string, request: Request): Parts => {
  const { provider } = request
  const json = body(source, provider)
  const events = Array.isArray(json) ? json : [json]
  const out: Array<Part> = []
  const answer = new Answer(request, !Array.isArray(json), out)
  for (const value of events) {
    const fields = object(value)
    if (fields === undefined) {
      throw LlmError.make({ _tag: "NotAnLlm", message: `the answer is no object: ${excerpt(source)}` }, { provider })
    }
    answer.add(fields)
  }
  answer.finish()
  return out
}
