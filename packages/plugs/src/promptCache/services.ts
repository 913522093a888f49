/**
 * How services are told what of a prompt to cache, and from which length on they do.
 *
 * @module
 */

/**
 * How a service is told: a mark on the last block of a prefix, as Anthropic has it (`cache_control`); a block behind
 * it, as Bedrock has it (`cachePoint`); a key under which like prompts meet, as OpenAI has it (`prompt_cache_key`); or
 * not at all, because it caches by itself, has caches of another kind (Gemini's are made and paid for apart), or none.
 */
export type Way = "cache_control" | "cachePoint" | "key" | "none"

/** How the services that are known are told. */
const ways: { readonly [provider: string]: Way } = {
  anthropic: "cache_control",
  bedrock: "cachePoint",
  openai: "key",
  vertex: "cache_control"
}

/** What can be done for a model of a provider. */
export interface Service {
  readonly way: Way
  /** Prefixes of fewer tokens are not cached. */
  readonly minTokens: number
  /** Whether the tools may end in a mark of their own. */
  readonly tools: boolean
  /** Whether it keeps prefixes for an hour, if asked to. */
  readonly hour: boolean
}

/** What is known of a model. `given`: ways that the program says itself, by provider. */
export const serviceOf = (
  provider: string,
  model: string,
  given: { readonly [provider: string]: Way } = {}
): Service => {
  const own = Object.hasOwn(given, provider) ? given[provider] : undefined
  const way = own ?? (Object.hasOwn(ways, provider) ? ways[provider]! : "none")
  const id = model.toLowerCase()
  if (way === "none") return none
  if (way === "key") return { way, minTokens: 1_024, tools: true, hour: false }
  const isClaude = id.includes("claude")
  if (way === "cachePoint") {
    // A service that does not cache a model refuses a request with a mark, so unknown models get none.
    if (isClaude && !/claude-(v2|instant|3-opus|3-sonnet|3-haiku|3-5-sonnet-20240620)/.test(id)) return claude(way, id)
    return id.includes("amazon.nova") ? { way, minTokens: 1_000, tools: false, hour: false } : none
  }
  return isClaude || own !== undefined || provider === "anthropic" ? claude(way, id) : none
}

const none: Service = { way: "none", minTokens: Infinity, tools: false, hour: false }

const claude = (way: Way, id: string): Service => ({
  way,
  minTokens: minimums.find(([names]) => names.test(id))?.[1] ?? 1_024,
  tools: true,
  // At Anthropic all do; at Amazon those since 4.5.
  hour: way === "cache_control" || /(sonnet|opus|haiku|fable|mythos)-(4-[5-9]|[5-9])/.test(id)
})

/** From how many tokens on a prefix is cached, where it is not 1,024. */
const minimums: ReadonlyArray<readonly [RegExp, number]> = [
  [/(opus|fable|mythos)-5/, 512],
  [/opus-4-7|haiku-3|3-haiku|3-5-haiku/, 2_048],
  [/opus-4-[56]|haiku-4-5/, 4_096]
]
