/**
 * Reads a server-sent event stream, however its bytes are cut, into the data of its events. Comments and `retry:` lines
 * are passed over, and no event may outgrow a bound. A body that is no event stream at all (JSON or HTML, as services
 * send them instead of a stream) is gathered and handed over whole.
 *
 * @module
 */
import { makeParser } from "effect/encoding/Sse"
import { LlmError } from "@plugline/core"

/** Who is told, and how much is kept. */
export interface Options {
  /**
   * One event: its data, its name (`message` where it has none), and whether its end arrived. An event is not whole
   * when the stream ended before the blank line that closes it: its data may be cut.
   */
  readonly onEvent: (data: string, name: string, whole: boolean) => void
  /** The body, at its end, where it is JSON or HTML and no event stream. Default: it is passed over. */
  readonly onDocument?: (text: string) => void
  /** Most characters of one unfinished event or of a document. Default: 8 Mi. */
  readonly maxEventSize?: number
}

/**
 * Takes the bytes as they come. Both functions throw an `LlmError` `MalformedResponse` where an event outgrows the
 * bound.
 */
export interface Reader {
  readonly push: (bytes: Uint8Array) => void
  readonly end: () => void
}

const defaultMaxEventSize = 8 * 1024 * 1024

/** A reader that has read nothing yet. */
export const make = (options: Options): Reader => {
  const maxEventSize = options.maxEventSize ?? defaultMaxEventSize
  const { onEvent } = options
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  let whole = true
  const parser = makeParser((event) => {
    if (event._tag === "Event") onEvent(event.data, event.event, whole)
  }, { maxEventSize })
  let kind: "unknown" | "events" | "document" = "unknown"
  let document: Array<string> = []
  let documentLength = 0

  const feed = (text: string): void => {
    if (kind === "events") {
      if (parser.feed(text) !== undefined) throw tooLarge(maxEventSize)
      return
    }
    if (kind === "unknown") {
      const first = firstMark(text)
      if (first === undefined) return
      kind = opensDocument(first) ? "document" : "events"
      if (kind === "events") return feed(text)
    }
    documentLength += text.length
    if (documentLength > maxEventSize) throw tooLarge(maxEventSize)
    document.push(text)
  }

  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    end: () => {
      feed(decoder.decode())
      if (kind === "events") {
        // Services that close without the last blank line still mean their last event.
        whole = false
        feed("\n\n")
      } else if (kind === "document") {
        const text = document.join("")
        document = []
        options.onDocument?.(text)
      }
    }
  }
}

/** The first character that is no white space and no byte order mark. An event stream may open with blank lines. */
const firstMark = (text: string): number | undefined => {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code !== 10 && code !== 13 && code !== 32 && code !== 9 && code !== 0xFEFF) return code
  }
  return undefined
}

/** `{`, `[` and `<` begin no line of an event stream. */
const opensDocument = (code: number): boolean => code === 123 || code === 91 || code === 60

const tooLarge = (limit: number): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message: `an event of the stream is larger than ${limit} characters` })
