/**
 * What pictures, documents, sound and film in a prompt count for: the size of a picture is read from the first bytes of
 * its data, everything else is guessed from how many bytes there are.
 *
 * @module
 */
import type { FilePart } from "@plugline/core"
import type { Family, Size } from "./family.ts"

/** Tokens of a file; `sure` where the formula of the provider gave them, else they are a guess. */
export const fileTokens = (
  part: FilePart,
  family: Family,
  model: string
): { readonly tokens: number; readonly sure: boolean } => {
  const data = typeof part.data === "string" ? part.data : "base64" in part.data ? part.data.base64 : undefined
  if (part.mediaType.startsWith("image/")) {
    const size = data === undefined ? undefined : imageSize(data)
    const detail = part.options?.openai?.imageDetail
    const tokens = family.image(size, model, typeof detail === "string" ? detail : undefined)
    return { tokens, sure: size !== undefined }
  }
  const bytes = data === undefined ? unseen : data.length * 3 / 4
  if (part.mediaType.startsWith("text/")) return { tokens: Math.ceil(bytes / 3), sure: false }
  // Sound: 32 tokens a second at 16 kB a second; film: 263 tokens a second at 250 kB a second.
  if (part.mediaType.startsWith("audio/")) return { tokens: Math.ceil(bytes / 16_000 * 32), sure: false }
  if (part.mediaType.startsWith("video/")) return { tokens: Math.ceil(bytes / 250_000 * 263), sure: false }
  // Documents: 2,500 tokens a page, at 50 kB a page.
  return { tokens: Math.max(1, Math.ceil(bytes / 50_000)) * 2_500, sure: false }
}

/** For what is only a URL: a file of this many bytes. */
const unseen = 500_000

/** The size of a picture from its base64 data: PNG, JPEG, GIF and WebP. `undefined` for anything else. */
export const imageSize = (base64: string): Size | undefined => {
  // Enough for the header of a photograph with its description in front.
  const bytes = Buffer.from(base64.slice(0, 262_144), "base64")
  const size = png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes)
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined
}

const png = (bytes: Buffer): Size | undefined =>
  bytes.length >= 24 && bytes.readUInt32BE(0) === 0x89504e47
    ? { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
    : undefined

const gif = (bytes: Buffer): Size | undefined =>
  bytes.length >= 10 && bytes.toString("latin1", 0, 4) === "GIF8"
    ? { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
    : undefined

const webp = (bytes: Buffer): Size | undefined => {
  if (bytes.length < 30 || bytes.toString("latin1", 0, 4) !== "RIFF") return undefined
  if (bytes.toString("latin1", 8, 12) !== "WEBP") return undefined
  switch (bytes.toString("latin1", 12, 16)) {
    case "VP8 ":
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
    case "VP8L": {
      const packed = bytes.readUInt32LE(21)
      return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 }
    }
    case "VP8X":
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
    default:
      return undefined
  }
}

/** JPEG: the size stands in the first frame header, behind segments that say how long they are. */
const jpeg = (bytes: Buffer): Size | undefined => {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  let at = 2
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]!
    if (marker === 0xff) at++
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    } else {
      const length = bytes.readUInt16BE(at + 2)
      if (length < 2) return undefined
      at += 2 + length
    }
  }
  return undefined
}
