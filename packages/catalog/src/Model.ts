/**
 * What is known of one model of one provider: limits, prices, capabilities, dates. Plain JSON; what is absent is
 * unknown.
 *
 * @module
 */

/**
 * Prices of tokens: decimal text, USD per 1,000,000 tokens. A price that is absent is unknown, never zero; only
 * `reasoning` and `cacheWrite1h` are absent where there is nothing of the kind to tell apart.
 */
export interface Rates {
  /** Prompt tokens that came from no cache. */
  readonly input?: string
  /** Prompt tokens read from the provider's cache. */
  readonly cacheRead?: string
  /** Prompt tokens written to the provider's cache (for 5 minutes, where it offers several times). */
  readonly cacheWrite?: string
  /** Prompt tokens written to the provider's cache for an hour. */
  readonly cacheWrite1h?: string
  readonly output?: string
  /** Thinking, where it costs something else than `output`. */
  readonly reasoning?: string
  /** Sound in the prompt. */
  readonly audioInput?: string
  /** Sound in the prompt, read from the cache. */
  readonly audioCacheRead?: string
  /** Sound in the answer. */
  readonly audioOutput?: string
  /** Images in the answer, counted in tokens. */
  readonly imageOutput?: string
  /** Tokens of sources the model read for the answer (Perplexity's deep research). */
  readonly citation?: string
}

/** Prices of a whole request whose prompt is longer than this many tokens (cached ones counted). */
export interface Tier extends Rates {
  readonly above: number
}

/** Prices at one level of service. */
export interface PriceList extends Rates {
  /** From the shortest prompt to the longest. */
  readonly tiers?: ReadonlyArray<Tier>
}

/** Levels of service that have prices of their own. */
export const services = ["batch", "flex", "priority"] as const

/** A level of service that has prices of its own. */
export type Service = typeof services[number]

/** USD for one web search, by how much of what was found is read. */
export interface SearchPrice {
  readonly low?: string
  readonly medium?: string
  readonly high?: string
}

/** All prices of a model: the ordinary ones, and beside them those of other levels of service. */
export interface Prices extends PriceList {
  readonly batch?: PriceList
  readonly flex?: PriceList
  readonly priority?: PriceList
  /** USD for each request, whatever its length. */
  readonly request?: string
  /** USD for one web search. */
  readonly search?: string | SearchPrice
  /** `whole`: where the model thinks, the answer too costs what thinking does. */
  readonly reasoningCovers?: "whole"
  /** Factors on every token price: kept within a region (`us`, `eu`) or answered at greater speed (`fast`). */
  readonly factors?: { readonly [name: string]: string }
}

/** Everything a model may be able to do, by the name it has here. */
export const capabilityNames = [
  "tools", "parallelTools", "toolChoice", "vision", "pdf", "audioInput", "audioOutput", "videoInput", "imageOutput",
  "reasoning", "jsonSchema", "promptCaching", "systemMessages", "streaming", "prefill", "webSearch", "computerUse",
  "sampling"
] as const

/**
 * Something a model may be able to do. `jsonSchema`: holds its answer to a schema. `prefill`: continues an answer
 * begun by the caller. `sampling`: takes `temperature` and its like.
 */
export type Capability = typeof capabilityNames[number]

/**
 * What a model does (`chat` for all conversation, also where only the Responses interface serves it; `moderation`: says what is
 * objectionable).
 */
export type Mode = "chat" | "completion" | "embedding" | "moderation"

/** One model at one provider. */
export interface Model {
  readonly provider: string
  /** The id the provider's interface takes. */
  readonly id: string
  readonly name?: string
  readonly mode: Mode
  /** Tokens of prompt and answer together. */
  readonly context?: number
  /** Most tokens of a prompt, where that is less than `context`. */
  readonly maxInput?: number
  /** Most tokens it writes. */
  readonly maxOutput?: number
  /** Length of its vectors. */
  readonly dimensions?: number
  readonly prices?: Prices
  /** Why there are no prices, where that is known. */
  readonly unpriced?: string
  /** What it can (`true`) and cannot (`false`) do; absent is unknown. */
  readonly capabilities: { readonly [Name in Capability]?: boolean }
  /** Kinds of content it reads: `text`, `image`, `audio`, `video`, `pdf`. */
  readonly input: ReadonlyArray<string>
  /** Kinds of content it makes. */
  readonly output: ReadonlyArray<string>
  /** Served by the Responses interface alone. */
  readonly responsesOnly?: boolean
  /** Date (`2025-08-07`, or `2025-08`) it came out. */
  readonly released?: string
  /** Date its knowledge ends. */
  readonly knowledge?: string
  /** Date the provider ends it. */
  readonly retires?: string
  /** `unlisted`: was on the provider's own list, and is no longer. */
  readonly status?: "alpha" | "beta" | "deprecated" | "unlisted"
  /** Other ids of the same model at the same prices. */
  readonly aliases: ReadonlyArray<string>
  /** Date the facts were read. */
  readonly asOf?: string
  /** Where the facts are from; the first one said the prices. */
  readonly sources: ReadonlyArray<string>
}

/** What a model is known to do, by name. */
export const capabilities = (model: Model): ReadonlyArray<Capability> =>
  capabilityNames.filter((name) => model.capabilities[name] === true)
