/**
 * How alike two texts are: their vectors, and what must be the same whatever the vectors say. Pure.
 *
 * @module
 */

/** A vector of length 1, so that the cosine of two is their scalar product. */
export type Unit = Float32Array

/** How many numbers a lexical vector has. */
export const lexicalSize = 2_048

/**
 * The longest text that is compared by its letters, in characters: in a longer one another word would no longer show.
 */
export const lexicalLength = 500

/**
 * A vector brought to length 1; `undefined` where it has none: it is empty, zero, or holds something that is no number.
 */
export const unit = (vector: ArrayLike<number>): Unit | undefined => {
  let square = 0
  for (let index = 0; index < vector.length; index++) square += vector[index]! ** 2
  const length = Math.sqrt(square)
  if (!(length > 0 && Number.isFinite(length))) return undefined
  const out = new Float32Array(vector.length)
  for (let index = 0; index < vector.length; index++) out[index] = vector[index]! / length
  return out
}

/** The cosine of two unit vectors, -1 to 1; of two that do not fit each other, -1. */
export const cosine = (a: Unit, b: Unit): number => {
  if (a.length !== b.length) return -1
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!
  return Math.min(1, sum)
}

/**
 * A text as the set of its pieces of four letters, words and their order included, without regard to case, width,
 * punctuation and spaces. What it finds alike is the same question typed another way, not the same thought in other
 * words. `undefined` for a text without words, or longer than {@link lexicalLength}.
 */
export const lexical = (text: string): Unit | undefined => {
  if (text.length > lexicalLength) return undefined
  const found = words(text)
  if (found.length === 0) return undefined
  const line = `  ${found.join(" ")}  `
  const pieces = new Uint8Array(lexicalSize)
  for (let at = 0; at + pieceLength <= line.length; at++) pieces[slot(line, at)] = 1
  return unit(pieces)
}

const pieceLength = 4

/** FNV-1a of the code units of one piece. */
const slot = (text: string, from: number): number => {
  let hash = 0x811c9dc5
  for (let at = from; at < from + pieceLength; at++) {
    const code = text.charCodeAt(at)
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (code >>> 8), 0x01000193)
  }
  return (hash >>> 0) % lexicalSize
}

/**
 * How alike two texts must be by their letters: the threshold, or more for a long text, so that never more than about a
 * quarter of one word may differ. In a text of a hundred words another word hardly shows in the similarity.
 */
export const lexicalThreshold = (text: string, threshold: number): number =>
  Math.max(threshold, 1 - 0.25 / Math.max(1, new Set(words(text)).size))

const words = (text: string): ReadonlyArray<string> => folded(text).match(/[\p{L}\p{M}\p{N}]+(?:'\p{L}+)*/gu) ?? []

/**
 * What two questions must have in common whatever their vectors say, in order: numbers, signs of arithmetic and money,
 * and the English words that turn a question round. `2 + 2` and `2 + 3` are near in every vector space.
 */
export const fixed = (text: string): ReadonlyArray<string> => folded(text).match(marks) ?? []

const marks =
  /[-+*/^=<>%$€£¥]|\p{N}+(?:[.,:]\p{N}+)*|\b(?:not|no|none|never|nor|neither|without|except|cannot)\b|\p{L}+n't\b/gu

const folded = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/[’ʼ]/g, "'")
