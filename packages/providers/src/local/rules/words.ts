/**
 * Counts, turns round, sorts and shortens text that stands in the message.
 *
 * @module
 */
import { type Rule, type Said, subject } from "./rule.ts"

/** How many words, letters, sentences, lines; or how often one letter. */
export const counting: Rule = {
  name: "counting",
  does: "count words, letters and sentences",
  answer: (said) => {
    const letter = /\bhow (?:many|often)\b[^.?!]{0,40}?(?<!\p{L})["'“]?(\p{L})["'”]?(?:['’]?s)?(?!\p{L})[^.?!]{0,40}?\bin\s+(?:the word\s+)?["'“]?(\p{L}+)/u.exec(said.lower)
    if (letter !== null) {
      const [, one = "", word = ""] = letter
      return `The letter "${one}" occurs ${times([...word].filter((each) => each === one).length)} in "${word}".`
    }
    if (!/\b(?:how many|count)\b/.test(said.lower)) return undefined
    const what = /\b(word|character|letter|sentence|line)s?\b/.exec(said.lower)?.[1]
    const text = subject(said)
    if (what === undefined || text === undefined) return undefined
    const count = counters[what]!(text)
    return `There ${count === 1 ? "is" : "are"} ${count} ${what}${count === 1 ? "" : "s"}.`
  }
}

const counters: { readonly [what: string]: (text: string) => number } = {
  word: (text) => (text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? []).length,
  character: (text) => [...text].length,
  letter: (text) => (text.match(/\p{L}/gu) ?? []).length,
  sentence: (text) => sentences(text).length,
  line: (text) => text.split("\n").length
}

const times = (count: number): string => count === 0 ? "nowhere" : count === 1 ? "once" : count === 2 ? "twice" : `${count} times`

/** The sentences of a text. */
export const sentences = (text: string): ReadonlyArray<string> =>
  text.split(/(?<=[.!?]["”')]?)\s+|\n{2,}/).map((sentence) => sentence.trim()).filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))

/** The first sentences stand for the whole, and are said to. */
export const summary: Rule = {
  name: "summary",
  does: "shorten a text to its first sentences",
  answer: (said) => {
    if (!/\b(?:summari[sz]e|summary|tl;?dr|shorten|in short)\b/.test(said.lower)) return undefined
    const text = longer(said)
    if (text === undefined) return "Give me the text behind a colon, and I shorten it to its first sentences."
    const all = sentences(text)
    const kept = all.slice(0, all.length > 6 ? 3 : all.length > 2 ? 2 : 1)
    return all.length === kept.length ? kept.join(" ") : `${kept.join(" ")} (The first ${kept.length} of ${all.length} sentences; I do not understand what I shorten.)`
  }
}

/** A text behind a colon or on further lines. A quotation inside it does not stand for it. */
const longer = ({ text }: Said): string | undefined => {
  const from = /[:\n]/.exec(text)?.index
  const rest = from === undefined ? "" : text.slice(from + 1).trim()
  return rest === "" ? undefined : rest
}

/** Backwards, large, small, sorted. */
export const shaping: Rule = {
  name: "shaping",
  does: "reverse, upper-case, lower-case or sort text",
  answer: (said) => {
    const shape = /\b(reverse|backwards|upper[- ]?case|capital letters|lower[- ]?case|sort|alphabetical)/.exec(said.lower)?.[1]
    const text = shape === undefined ? undefined : subject(said)
    if (shape === undefined || text === undefined) return undefined
    if (shape === "reverse" || shape === "backwards") return [...text].reverse().join("")
    if (shape.startsWith("upper") || shape.startsWith("capital")) return text.toUpperCase()
    if (shape.startsWith("lower")) return text.toLowerCase()
    return text.split(/\s*[,;\n]\s*|\s+and\s+/).filter((item) => item !== "").sort((a, b) => a < b ? -1 : a > b ? 1 : 0).join(", ")
  }
}

/** Says what it is told to say. */
export const echo: Rule = {
  name: "echo",
  does: "repeat what you tell me to say",
  answer: (said) => {
    const told = /^(?:please\s+)?(?:say|repeat|echo|reply with|answer with)\b(?:\s+(?:after me|the words?|exactly|just|only))*[:\s]+(.+)$/is.exec(said.text)?.[1]
    if (told === undefined) return undefined
    const bare = /^(["“'])(.*)(["”'])[.!]?$/s.exec(told.trim())
    return bare?.[2] ?? told.trim()
  }
}
