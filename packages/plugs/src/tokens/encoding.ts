/**
 * The exact tokenizers of OpenAI's models, from the package `gpt-tokenizer`. Each is a table of some megabytes, so it
 * is read when it is first asked for, and only the one that is.
 *
 * @module
 */
import { Effect } from "effect"

/** A tokenizer of OpenAI's. */
export type EncodingName = "o200k_base" | "cl100k_base" | "p50k_base" | "r50k_base"

/** How many tokens a text is. */
export type Counter = (text: string) => number

/**
 * The tokenizer of a model, or `undefined` where none is known: models of others than OpenAI, and names that tell
 * nothing.
 *
 * @example
 * ```ts
 * import { Tokens } from "@plugline/plugs"
 *
 * Tokens.encodingOf("gpt-5-mini") // => "o200k_base"
 * Tokens.encodingOf("openai/gpt-4o") // => "o200k_base"
 * Tokens.encodingOf("ft:gpt-3.5-turbo-0125:acme::x1") // => "cl100k_base"
 * Tokens.encodingOf("claude-sonnet-5") // => undefined
 * ```
 */
export const encodingOf = (model: string): EncodingName | undefined => {
  const id = model.startsWith("ft:") ? model.slice(3) : model.slice(model.lastIndexOf("/") + 1)
  for (const [start, name] of starts) {
    // The name ends there, or goes on with what cannot be part of another family's name.
    if (id.startsWith(start) && !(isWord(start.at(-1)) && isWord(id[start.length]))) return name
  }
  return undefined
}

const isWord = (letter: string | undefined): boolean => letter !== undefined && /[a-z0-9]/i.test(letter)

// The longest first: `gpt-4o` begins like `gpt-4`.
const starts: ReadonlyArray<readonly [start: string, name: EncodingName]> = [
  ["text-embedding-", "cl100k_base"],
  ["text-davinci-002", "p50k_base"],
  ["text-davinci-003", "p50k_base"],
  ["gpt-3.5", "cl100k_base"],
  ["gpt-35", "cl100k_base"],
  ["chatgpt-4o", "o200k_base"],
  ["gpt-4o", "o200k_base"],
  ["gpt-4.", "o200k_base"],
  ["gpt-oss", "o200k_base"],
  ["gpt-4", "cl100k_base"],
  ["gpt-5", "o200k_base"],
  ["babbage-002", "cl100k_base"],
  ["davinci-002", "cl100k_base"],
  ["babbage", "r50k_base"],
  ["davinci", "r50k_base"],
  ["o1", "o200k_base"],
  ["o3", "o200k_base"],
  ["o4", "o200k_base"]
]

interface Tokenizer {
  readonly countTokens: (text: string, options: { readonly disallowedSpecial: Set<string> }) => number
}

const tables: { readonly [Name in EncodingName]: () => Promise<Tokenizer> } = {
  o200k_base: () => import("gpt-tokenizer/encoding/o200k_base"),
  cl100k_base: () => import("gpt-tokenizer/encoding/cl100k_base"),
  p50k_base: () => import("gpt-tokenizer/encoding/p50k_base"),
  r50k_base: () => import("gpt-tokenizer/encoding/r50k_base")
}

const read = new Map<EncodingName, Counter>()

/** A tokenizer that has been read already. */
export const ready = (name: EncodingName): Counter | undefined => read.get(name)

/** A tokenizer, read when it is first asked for: some 100 ms, once. */
export const load = (name: EncodingName): Effect.Effect<Counter> => {
  const known = read.get(name)
  if (known !== undefined) return Effect.succeed(known)
  return Effect.map(Effect.promise(tables[name]), (table) => {
    const counter = read.get(name) ?? counterOf(table)
    read.set(name, counter)
    return counter
  })
}

/** What looks like a special token in a text is text: `<|endoftext|>` from a person means nothing to the model. */
const counterOf = ({ countTokens }: Tokenizer): Counter => {
  const options = { disallowedSpecial: new Set<string>() }
  return (text) => {
    let count = 0
    for (const piece of pieces(text)) count += countTokens(piece, options)
    return count
  }
}

/**
 * The tokenizer takes time that grows with the square of a run of letters, spaces or marks: a hundred thousand spaces
 * would take half a minute. Runs longer than any word are cut here; the count is then off by a token or two per cut.
 */
const longest = 192

/** The text, cut where a run goes on too long. Mostly the text as it is. */
export const pieces = (text: string): ReadonlyArray<string> => {
  if (text.length <= longest) return [text]
  let out: Array<string> | undefined
  let from = 0
  let run = 0
  let before: Kind = other
  for (let index = 0; index < text.length; index++) {
    const kind = kindOf(text.charCodeAt(index))
    run = kind === before || kind === other || before === other ? run + 1 : 1
    before = kind
    // Not between the two halves of one character.
    if (run > longest && (text.charCodeAt(index) & 0xfc00) !== 0xdc00) {
      ;(out ??= []).push(text.slice(from, index))
      from = index
      run = 1
    }
  }
  if (out === undefined) return [text]
  out.push(text.slice(from))
  return out
}

type Kind = 0 | 1 | 2 | 3 | 4
const other: Kind = 4

/** A kind of character that never forms one piece with another kind; 4 where that is not sure. */
const kindOf = (code: number): Kind => {
  if (code <= 32) return 0
  if (code >= 48 && code <= 57) return 1
  if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) return 2
  if (code < 128 || code === 0xff0c || (code >= 0x3000 && code <= 0x3003) || (code >= 0x3008 && code <= 0x3011)) {
    return 3
  }
  return code >= 0x3400 && code < 0xd7a4 ? 2 : other
}
