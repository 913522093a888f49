/**
 * Numbers, names and lists as people read them.
 *
 * @module
 */

/** A length of time in ms. */
export const duration = (ms: number): string => {
  if (!(ms >= 0)) return "0 ms"
  if (ms < 10) return `${Number(ms.toFixed(2))} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round(ms % 60_000 / 1_000)} s`
  return `${Math.floor(ms / 3_600_000)} h ${Math.round(ms % 3_600_000 / 60_000)} min`
}

/** USD, given as decimal text: small amounts keep their first digits. */
export const usd = (text: string): string => {
  const amount = Number(text)
  if (!Number.isFinite(amount)) return `$${text}`
  if (amount === 0) return "$0"
  if (amount >= 1) return `$${amount.toFixed(2)}`
  // Three digits that count, and never `1e-7`: that is no price.
  const digits = Math.min(12, 2 - Math.floor(Math.log10(amount)))
  return `$${amount.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, "$1")}`
}

/** `1 attempt`, `3 attempts`. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`

/** `a, b and c`. */
export const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`

/** A text from elsewhere, at most so long. */
export const short = (text: string, most = 300): string => text.length > most ? `${text.slice(0, most - 1)}…` : text

/** A sentence begins with a capital and ends in one full stop. */
export const sentence = (text: string): string => {
  const trimmed = text.trim()
  return `${trimmed.slice(0, 1).toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? "" : "."}`
}

/** `openai/gpt-5-mini`. */
export const service = (provider: string, model?: string): string =>
  model === undefined || model === "" ? provider : model.startsWith(`${provider}/`) ? model : `${provider}/${model}`
