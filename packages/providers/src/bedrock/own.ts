/**
 * What the caller says in Bedrock's own words, in `options.bedrock` of a message, part or tool.
 *
 * @module
 */
import type { JsonObject, ProviderOptions, Request } from "@plugline/core"

/** The provider's own fields of a message or part. */
export const ownOf = (options: ProviderOptions | undefined, { provider }: Request): JsonObject | undefined =>
  options?.[provider] ?? undefined

/** Those of them that are merged into what is written: all but some that mean something else here. */
export const ownFields = (own: JsonObject | undefined, words: ReadonlySet<string>): JsonObject => {
  if (own === undefined) return none
  let kept = true
  for (const name in own) if (words.has(name)) kept = false
  return kept ? own : Object.fromEntries(Object.entries(own).filter(([name]) => !words.has(name)))
}

const none: JsonObject = {}
