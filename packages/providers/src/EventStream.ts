/**
 * Reads a stream in Amazon's event stream encoding (`application/vnd.amazon.eventstream`), however its bytes are cut,
 * into its messages. Both checksums of each message are verified, and no message may outgrow a bound. A body that is no
 * such stream at all (JSON or HTML, as proxies send them instead of a stream) is gathered and handed over whole.
 *
 * A message is: its length and the length of its headers (4 bytes each), the CRC-32 of these 8 bytes, the headers, the
 * payload, and the CRC-32 of everything before it. Numbers are big-endian.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { crc32 } from "node:zlib"

/** The headers of a message: texts as they are, numbers and truths in decimal and as words, bytes as base64. */
export type Headers = { readonly [name: string]: string }

/** Who is told, and how much is kept. */
export interface Options {
  /** One message. The payload may be looked at during the call only: its bytes are used again afterwards. */
  readonly onMessage: (headers: Headers, payload: Buffer) => void
  /** The body, at its end, where it is JSON or HTML and no event stream. Default: it is passed over. */
  readonly onDocument?: (text: string) => void
  /** Most bytes of one message or of a document. Default: 24 Mi, the most the encoding allows for a payload. */
  readonly maxMessageSize?: number
}

/**
 * Takes the bytes as they come. `push` throws an `LlmError` `MalformedResponse` where a message is broken or outgrows
 * the bound. `end` answers whether the bytes ended between two messages.
 */
export interface Reader {
  readonly push: (bytes: Uint8Array) => void
  readonly end: () => boolean
}

const defaultMaxMessageSize = 24 * 1024 * 1024
const preludeLength = 12
const crcLength = 4
const none: Buffer = Buffer.alloc(0)

/** A reader that has read nothing yet. */
export const make = (options: Options): Reader => {
  const maxMessageSize = options.maxMessageSize ?? defaultMaxMessageSize
  const headersOf = headersReader()
  let kind: "unknown" | "messages" | "document" = "unknown"
  /** Bytes that wait for the rest of their message: the first `length` of `kept`. */
  let kept = none
  let length = 0

  const keep = (bytes: Uint8Array): void => {
    if (length + bytes.length > kept.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, 2 * kept.length, length + bytes.length))
      kept.copy(larger, 0, 0, length)
      kept = larger
    }
    kept.set(bytes, length)
    length += bytes.length
  }

  /** The length of the message that begins here; `undefined` where its prelude is not whole. */
  const lengthOf = (bytes: Buffer, at: number, end: number): number | undefined => {
    if (end - at < preludeLength) return undefined
    const total = bytes.readUInt32BE(at)
    const headers = bytes.readUInt32BE(at + 4)
    if (crcOf8(bytes, at) !== bytes.readUInt32BE(at + 8)) throw broken("the checksum of its beginning is wrong")
    if (total > maxMessageSize) throw broken(`it is larger than ${maxMessageSize} bytes`)
    if (total < preludeLength + headers + crcLength) throw broken("its headers are longer than itself")
    return total
  }

  const message = (bytes: Buffer, at: number, total: number): void => {
    const end = at + total - crcLength
    if (crc32(bytes.subarray(at, end)) !== bytes.readUInt32BE(end)) throw broken("its checksum is wrong")
    const payload = at + preludeLength + bytes.readUInt32BE(at + 4)
    options.onMessage(headersOf(bytes.subarray(at + preludeLength, payload)), bytes.subarray(payload, end))
  }

  /** Reads whole messages. Answers where the first one begins that is not whole. */
  const messages = (bytes: Buffer, end: number): number => {
    let at = 0
    for (;;) {
      const total = lengthOf(bytes, at, end)
      if (total === undefined || end - at < total) return at
      message(bytes, at, total)
      at += total
    }
  }

  return {
    push: (bytes) => {
      if (bytes.length === 0) return
      if (kind === "unknown") kind = opensDocument(bytes[0]!) ? "document" : "messages"
      if (kind === "document") {
        if (length + bytes.length > maxMessageSize) throw broken(`it is larger than ${maxMessageSize} bytes`)
        return keep(bytes)
      }
      if (length === 0) {
        const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        const rest = messages(own, own.length)
        if (rest < own.length) keep(own.subarray(rest))
        return
      }
      keep(bytes)
      const rest = messages(kept, length)
      if (rest === 0) return
      kept.copyWithin(0, rest, length)
      length -= rest
    },
    end: () => {
      if (kind !== "document") return length === 0
      const text = kept.toString("utf8", 0, length)
      kept = none
      length = 0
      options.onDocument?.(text)
      return true
    }
  }
}

/** CRC-32 of 8 bytes, which cost less here than a call into zlib does. */
const crcOf8 = (bytes: Buffer, from: number): number => {
  let crc = -1
  for (let at = from; at < from + 8; at++) crc = crc >>> 8 ^ crcTable[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xEDB88320 : crc >>> 1
  return crc
})

/** `{`, `[`, `<` and white space: no message begins so, because it would be longer than 150 MB. */
const opensDocument = (byte: number): boolean =>
  byte === 123 || byte === 91 || byte === 60 || byte === 32 || byte === 10 || byte === 13 || byte === 9

/** Most messages of a stream have the headers of one before, so those that were read last are kept by their bytes. */
const headersReader = (): (bytes: Buffer) => Headers => {
  const known: Array<{ readonly bytes: Buffer; readonly headers: Headers }> = []
  return (bytes) => {
    for (const entry of known) if (entry.bytes.equals(bytes)) return entry.headers
    const headers = readHeaders(bytes)
    if (known.length < 8) known.push({ bytes: Buffer.from(bytes), headers })
    return headers
  }
}

/** The lengths of values of a fixed length, by type. */
const lengths: { readonly [type: number]: number } = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }

const readHeaders = (bytes: Buffer): Headers => {
  const headers: Record<string, string> = {}
  let at = 0
  const take = (count: number): number => {
    const from = at
    at += count
    if (at > bytes.length) throw broken("a header ends outside of it")
    return from
  }
  while (at < bytes.length) {
    const nameLength = bytes.readUInt8(take(1))
    const nameAt = take(nameLength)
    const name = bytes.toString("utf8", nameAt, nameAt + nameLength)
    const type = bytes.readUInt8(take(1))
    const fixed = Object.hasOwn(lengths, type) ? lengths[type] : undefined
    if (fixed === undefined && type !== 6 && type !== 7) throw broken(`a header is of an unknown kind, ${type}`)
    const size = fixed ?? bytes.readUInt16BE(take(2))
    const from = take(size)
    const value = valueOf(type, bytes.subarray(from, from + size))
    Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return headers
}

const valueOf = (type: number, bytes: Buffer): string => {
  switch (type) {
    case 0:
      return "true"
    case 1:
      return "false"
    case 2:
      return String(bytes.readInt8())
    case 3:
      return String(bytes.readInt16BE())
    case 4:
      return String(bytes.readInt32BE())
    case 5:
    case 8:
      return String(bytes.readBigInt64BE())
    case 7:
      return bytes.toString("utf8")
    default:
      return bytes.toString("base64")
  }
}

const broken = (why: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message: `a message of the event stream cannot be read: ${why}` })
