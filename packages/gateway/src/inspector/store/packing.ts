/**
 * Packs the steps of a request for the store, and unpacks them: JSON in Zstandard, on threads of Node's own.
 *
 * @module
 */
import { Effect } from "effect"
import { LlmError } from "plugline"
import { promisify } from "node:util"
import { constants, zstdCompress, zstdDecompress } from "node:zlib"

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** The fastest level: about 1 ms for 300 KB, and an eighth of the size. */
const settings = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** What nothing of ours is larger than, unpacked. */
const largest = 1 << 29

/** A text, packed. */
export const pack = (text: string): Promise<Uint8Array> => compress(text, settings)

/** What was packed, read as JSON. */
export const unpack = (packed: Uint8Array): Effect.Effect<unknown, LlmError> =>
  Effect.tryPromise({
    try: async () => JSON.parse((await decompress(packed, { maxOutputLength: largest })).toString("utf8")) as unknown,
    catch: (cause) =>
      LlmError.make({ _tag: "Server", status: 500, message: "what is kept of this request is damaged and cannot be read" }, { cause })
  })
