/**
 * Cuts text into tokens of its own, simple kind: pieces of words of up to eight letters, groups of up to three digits, single
 * signs. No language model's tokens; good enough to count and to stream by.
 *
 * @module
 */

const piece = / ?\p{L}{1,8}|\p{N}{1,3}|[^\p{L}\p{N}]/gsu

/**
 * The tokens of a text; joined they are the text again.
 *
 * @example
 * ```ts
 * import { tokens } from "@plugline/providers/local"
 *
 * tokens("Hello, old world 2024!") // => ["Hello", ",", " old", " world", " ", "202", "4", "!"]
 * ```
 */
export const tokens = (text: string): ReadonlyArray<string> => text.match(piece) ?? []

/** How many tokens a text has. */
export const count = (text: string): number => tokens(text).length

/** The first so many tokens of a text. */
export const first = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const all = tokens(text)
  return all.length <= limit ? text : all.slice(0, limit).join("")
}
