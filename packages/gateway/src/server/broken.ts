/**
 * Answers what never became a whole request: a head or a body that does not come, or bytes that are no HTTP. Node would close
 * such a connection with a status and no word.
 *
 * @module
 */
import type { Duplex } from "node:stream"
import { LlmError } from "plugline"
import { openai } from "../dialects/openai/index.ts"
import type { Exchange } from "./Exchange.ts"

/** What Node's parser says, and what is answered. */
const kinds: { readonly [code: string]: readonly [status: number, phrase: string, message: string] } = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout", "the request did not arrive whole within its time"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large", "the headers of the request are too large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Payload Too Large", "the chunk extensions of the body are too large"]
}

const unread = [400, "Bad Request", "this is no HTTP request that can be read"] as const

/**
 * Answers on a connection that broke, once. `open`: the requests under way; one whose answer has not begun is answered in its own
 * dialect, one whose answer has begun is broken off, as it cannot be put right.
 */
export const answerBroken = (open: ReadonlySet<Exchange>, { code = "" }: NodeJS.ErrnoException, socket: Duplex): void => {
  const [status, phrase, message] = Object.hasOwn(kinds, code) ? kinds[code]! : unread
  const error = LlmError.make(status === 408
    ? { _tag: "Timeout", status, phase: "total", message }
    : { _tag: "InvalidRequest", status, message })
  let begun = false
  for (const exchange of open) {
    if (!("socket" in exchange.request) || exchange.request.socket !== socket) continue
    if (exchange.status === 0) return exchange.fail(error)
    begun = true
  }
  if (begun || !socket.writable) return void socket.destroy()
  const body = JSON.stringify(openai.encodeError(error, status, { id: "" }))
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close"
  ]
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy())
}
