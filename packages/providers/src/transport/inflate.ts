/**
 * Unpacks a body that a service compressed although none was asked for, up to a limit: a small bomb must not become a large
 * one.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { brotliDecompress, unzip, zstdDecompress } from "node:zlib"
import { tooLarge } from "./failure.ts"

type Unpack = (bytes: Uint8Array, options: { readonly maxOutputLength: number }, done: (error: Error | null, text: Buffer) => void) => void

const unpackers = new Map<string, Unpack>([
  ["gzip", unzip],
  ["x-gzip", unzip],
  ["deflate", unzip],
  ["br", brotliDecompress],
  ["zstd", zstdDecompress]
])

/** Whether a `content-encoding` says that the body is packed. */
export const isPacked = (encoding: string | undefined): encoding is string =>
  encoding !== undefined && encoding !== "" && encoding.toLowerCase() !== "identity"

/** Unpacks a whole body; `limit` in bytes of what comes out. */
export const inflate = (
  encoding: string,
  bytes: Uint8Array,
  limit: number,
  done: (outcome: Buffer | LlmError) => void
): void => {
  const unpack = unpackers.get(encoding.trim().toLowerCase())
  if (unpack === undefined) return done(unreadable(encoding))
  unpack(bytes, { maxOutputLength: limit }, (error, text) => {
    if (error === null) return done(text)
    done("code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ? tooLarge(limit) : unreadable(encoding))
  })
}

/** A body in an encoding that was not asked for and cannot be read. */
export const unreadable = (encoding: string): LlmError =>
  LlmError.make({
    _tag: "MalformedResponse",
    message: `the answer came with content-encoding ${JSON.stringify(encoding.slice(0, 40))}, which was not asked for and cannot be read here`
  })
