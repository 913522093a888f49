/**
 * Reads a stream of JSON texts, one per line, however its bytes are cut. Empty lines are passed over, a last line needs
 * no line end, and no line may outgrow a bound. A body that is no such stream (a web page, a JSON text over several
 * lines, plain text) is gathered and handed over whole.
 *
 * @module
 */
import { LlmError } from "@plugline/core"

/** Who is told, and how much is kept. */
export interface Options {
  /**
   * One line, and whether its end arrived. A line is not whole when the stream ended before its line end: it may be
   * cut, or be the last line of a service that writes no line end behind it.
   */
  readonly onLine: (line: string, whole: boolean) => void
  /** The body, at its end, where it is no stream of JSON lines. Default: it is passed over. */
  readonly onDocument?: (text: string) => void
  /** Most characters of one line or of a document. Default: 8 Mi. */
  readonly maxLineSize?: number
}

/**
 * Takes the bytes as they come. Both functions throw an `LlmError` `MalformedResponse` where a line outgrows the bound.
 */
export interface Reader {
  readonly push: (bytes: Uint8Array) => void
  readonly end: () => void
}

const defaultMaxLineSize = 8 * 1024 * 1024

/** A reader that has read nothing yet. */
export const make = ({ maxLineSize = defaultMaxLineSize, onDocument, onLine }: Options): Reader => {
  const decoder = new TextDecoder("utf-8")
  let kind: "unknown" | "lines" | "document" = "unknown"
  /** What has arrived of the line that is not finished, or of the document. */
  let pieces: Array<string> = []
  let length = 0

  const keep = (text: string): void => {
    length += text.length
    if (length > maxLineSize) throw tooLarge(maxLineSize)
    if (text !== "") pieces.push(text)
  }
  const taken = (): string => {
    const text = pieces.length === 1 ? pieces[0]! : pieces.join("")
    pieces = []
    length = 0
    return text
  }
  /** Whether what follows is lines, too. */
  const tell = (line: string, whole: boolean): boolean => {
    const text = line.trim()
    if (text === "") return true
    if (kind === "unknown") {
      if (!isJsonLine(text)) {
        kind = "document"
        keep(line)
        return false
      }
      kind = "lines"
    }
    onLine(text, whole)
    return true
  }

  const feed = (text: string): void => {
    let from = 0
    let lines = kind !== "document"
    for (let end = lines ? text.indexOf("\n") : -1; lines && end >= 0; end = text.indexOf("\n", from)) {
      keep(text.slice(from, end))
      lines = tell(taken(), true)
      from = end + 1
    }
    keep(from === 0 ? text : text.slice(from))
  }

  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    end: () => {
      feed(decoder.decode())
      if (kind === "document" || !tell(taken(), false)) onDocument?.(taken())
    }
  }
}

/** Whether a line can be one of a stream: it begins an object and is more than its first bracket. */
const isJsonLine = (line: string): boolean => line.startsWith("{") && line !== "{"

const tooLarge = (limit: number): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message: `a line of the stream is larger than ${limit} characters` })
