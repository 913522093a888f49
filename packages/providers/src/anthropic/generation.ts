/**
 * What a model can do, told from the generation in its name: `claude-sonnet-4-5-20250929` is of 4.5, whichever prefix
 * or suffix a service gives it. A name that tells no generation counts as newer than all that are known.
 *
 * @module
 */

/** Version of a model, times 100: 305 for Claude 3.5. `undefined` where the name does not tell. */
export const generationOf = (model: string | undefined): number | undefined => {
  if (model === undefined) return undefined
  if (/claude-instant/.test(model)) return 100
  const found = /claude-(?:[a-z]+-)?v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  return found === null ? undefined : Number(found[1]) * 100 + Number(found[2] ?? 0)
}

const isBefore = (model: string | undefined, generation: number): boolean => {
  const it = generationOf(model)
  return it !== undefined && it < generation
}

/**
 * Most tokens of an answer where the caller does not say. The API wants a number, and a small one cuts answers off, so
 * it is the largest that every model of the generation takes: 4,096 up to Claude 3, 8,192 for Claude 3.5, then 32,000.
 */
export const usualMaxTokens = (model: string | undefined): number =>
  isBefore(model, 305) ? 4096 : isBefore(model, 307) ? 8192 : 32_000

/**
 * How a model thinks before it answers: not at all (up to 3.5), within a budget of tokens (3.7 to 4.5), or as much as
 * it finds right, by effort (from 4.6).
 */
export const thinkingOf = (model: string | undefined): "none" | "budget" | "adaptive" =>
  isBefore(model, 307) ? "none" : isBefore(model, 406) ? "budget" : "adaptive"

/** Whether a model takes system messages between the others (from 4.8), or only rules before the conversation. */
export const takesSystemTurns = (model: string | undefined): boolean => !isBefore(model, 408)
