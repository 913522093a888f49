/**
 * Reads a streamed answer of the first interface, however its bytes are cut: one JSON text per line, or server-sent
 * events where a client asked for those.
 *
 * @module
 */
import type { Part, Parts, Request } from "@plugline/core"
import * as Ndjson from "../Ndjson.ts"
import * as Sse from "../Sse.ts"
import type { Decoder } from "../Wire.ts"
import { cut, eventOf, type Framing, isDone, Outlet } from "../wire/outlet.ts"
import type { Fields } from "../wire/read.ts"
import { wholeOf } from "./decoder.ts"
import { Answer } from "./v1Answer.ts"

/** What gathers an answer, of chat or of generate. */
interface Gathering {
  readonly hasBegun: boolean
  readonly event: (event: Fields) => void
}

/** A decoder of a chat that has read nothing yet. `maxEventSize` is the most characters of one event, default 8 Mi. */
export const decoder = (request: Request, maxEventSize?: number): Decoder => {
  const outlet = new Outlet(request.provider)
  return decoderOf(request, outlet, new Answer(request, outlet.parts), (source) => parts(source, request), maxEventSize)
}

/** The parts of a whole chat. Throws an `LlmError` where it is none. */
export const parts = (source: string, request: Request): Parts => {
  const out: Array<Part> = []
  new Answer(request, out).whole(wholeOf(source, request.provider))
  return out
}

/** A decoder over what gathers the answer; `whole` reads a body that is no stream. */
export const decoderOf = (
  request: Request,
  outlet: Outlet,
  answer: Gathering,
  whole: (source: string) => Parts,
  maxSize?: number
): Decoder => {
  const { provider } = request
  const onEvent = (data: string, name: string, isWhole: boolean): void => {
    if (outlet.isEnded || isDone(data)) return
    const event = eventOf(data, name, isWhole, provider)
    if (event !== undefined) answer.event(event)
  }
  const onDocument = (text: string): void => {
    for (const part of whole(text)) outlet.parts.push(part)
  }
  let reader: Framing | undefined
  const chosen: Framing = {
    push: (bytes) => {
      reader ??= choose(bytes)
      reader?.push(bytes)
    },
    end: () => reader?.end()
  }
  /** Lines begin with `{`; what begins otherwise is events, or no stream. */
  const choose = (bytes: Uint8Array): Framing | undefined => {
    const first = bytes.find((byte) => byte > 32)
    if (first === undefined) return undefined
    return first === 123
      ? Ndjson.make({
        ...(maxSize !== undefined && { maxLineSize: maxSize }),
        onLine: (line, isWhole) => onEvent(line, "line", isWhole),
        onDocument
      })
      : Sse.make({ ...(maxSize !== undefined && { maxEventSize: maxSize }), onEvent, onDocument })
  }
  return outlet.decoder(chosen, () => {
    throw cut(answer.hasBegun, provider)
  })
}
