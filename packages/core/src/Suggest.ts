/**
 * Turns a misspelt name into "did you mean …": every refusal of an unknown name goes through here.
 *
 * @module
 */
import { distance } from "fastest-levenshtein"

/**
 * The known name nearest to what was written, or `undefined` when none is near enough to be what was meant.
 *
 * @example
 * ```ts
 * import { Suggest } from "@plugline/core"
 *
 * Suggest.nearest("temprature", ["model", "temperature"]) // => "temperature"
 * Suggest.nearest("max_tokens", ["maxTokens", "topP"]) // => "maxTokens"
 * Suggest.nearest("xyz", ["model", "temperature"]) // => undefined
 * ```
 */
export const nearest = (written: string, known: Iterable<string>): string | undefined => {
  const wanted = fold(written)
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(wanted.length * 0.4)) + 1
  for (const name of known) {
    const length = distance(wanted, fold(name))
    if (length < bestDistance) {
      best = name
      bestDistance = length
    }
  }
  return best
}

/** A sentence that refuses a name: what it is, what was meant, what there is. */
export const refusal = (what: string, written: string, known: Iterable<string>): string => {
  const names = [...known]
  const near = nearest(written, names)
  const hint = near !== undefined
    ? `did you mean ${quote(near)}?`
    : names.length > 0
    ? `known: ${names.map(quote).join(", ")}`
    : "there are none"
  return `unknown ${what} ${quote(written)}; ${hint}`
}

/** Names from outside are shown as JSON strings, cut short: no line break or escape of theirs reaches a log. */
export const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** `max_tokens`, `max-tokens` and `maxTokens` are the same word. */
const fold = (name: string): string => name.slice(0, 100).toLowerCase().replace(/[^a-z0-9]/g, "")
