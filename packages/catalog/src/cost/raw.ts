/**
 * Reads what a provider's own usage says beyond tokens of prompt and answer: sound, pictures, how long a cache is
 * kept, searches, the level of service, and money. Fields that are not there, or are no count, say nothing.
 *
 * @module
 */
import { Json, type Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { parse } from "../decimal.ts"

/** What the provider's own usage says. */
export interface Extras {
  readonly audioInput: number | undefined
  readonly audioCacheRead: number | undefined
  readonly audioOutput: number | undefined
  readonly imageOutput: number | undefined
  /** Of the tokens written to the cache, those kept for an hour. */
  readonly cacheWrite1h: number | undefined
  readonly citation: number | undefined
  readonly searches: number | undefined
  readonly searchSize: string | undefined
  /** What the provider charged for at prices no table here has: its own tools, mostly. */
  readonly unpriced: ReadonlyArray<string>
  readonly service: string | undefined
  /** Names of factors on the price. */
  readonly factors: ReadonlyArray<string>
}

/** What the provider's own usage says beyond {@link Usage}. */
export const extras = (usage: Usage): Extras => {
  const raw = object(usage.raw)
  const prompt = object(raw.prompt_tokens_details ?? raw.input_tokens_details)
  const completion = object(raw.completion_tokens_details ?? raw.output_tokens_details)
  const tools = object(raw.server_tool_use)
  const calls = object(raw.server_side_tool_usage_details)
  return {
    audioInput: count(prompt.audio_tokens) ?? modality(raw.promptTokensDetails, "AUDIO"),
    audioCacheRead: modality(raw.cacheTokensDetails, "AUDIO"),
    audioOutput: count(completion.audio_tokens) ?? modality(raw.candidatesTokensDetails, "AUDIO"),
    imageOutput: count(completion.image_tokens) ?? modality(raw.candidatesTokensDetails, "IMAGE"),
    cacheWrite1h: count(object(raw.cache_creation).ephemeral_1h_input_tokens) ?? hourly(raw.cacheDetails),
    citation: count(raw.citation_tokens),
    searches: count(tools.web_search_requests) ?? count(calls.web_search_calls) ?? count(raw.num_search_queries),
    searchSize: word(raw.search_context_size),
    unpriced: otherTools(raw, tools, calls),
    service: word(raw.service_tier) ?? word(raw.trafficType),
    factors: [
      ...(raw.inference_geo === "us" || raw.inference_geo === "eu" ? [raw.inference_geo] : []),
      ...(raw.speed === "fast" ? ["fast"] : [])
    ]
  }
}

/**
 * The tokens that are paid for. Cohere counts twice: what the model read and wrote, and `billed_units`, which leave
 * out what Cohere itself puts around a prompt. Anywhere else the two are the same.
 */
export const billed = (usage: Usage): Usage => {
  const units = object(object(usage.raw).billed_units)
  const input = count(units.input_tokens)
  const output = count(units.output_tokens)
  return input === undefined && output === undefined ? usage : {
    inputTokens: input === undefined ? {} : { total: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: output === undefined ? {} : { total: output },
    ...(usage.raw !== undefined && { raw: usage.raw })
  }
}

/**
 * The money a provider says it charged, in USD, or `undefined` where it says nothing: OpenRouter (`cost`; for a key
 * of one's own with the host's charge added), Perplexity (`cost.total_cost`), xAI (`cost_in_usd_ticks`), DeepInfra
 * (`estimated_cost`).
 */
export const reported = (provider: string, usage: Usage): BigDecimal.BigDecimal | undefined => {
  const raw = object(usage.raw)
  switch (provider) {
    case "openrouter": {
      const own = money(raw.cost)
      if (own === undefined || raw.is_byok !== true) return own
      const host = money(object(raw.cost_details).upstream_inference_cost)
      return host === undefined ? undefined : BigDecimal.sum(own, host)
    }
    case "perplexity": {
      const cost = object(raw.cost)
      return cost.currency === undefined || cost.currency === "USD" ? money(cost.total_cost) : undefined
    }
    case "xai": {
      const ticks = money(raw.cost_in_usd_ticks)
      return ticks === undefined ? undefined : BigDecimal.make(ticks.value, ticks.scale + ticksDigits)
    }
    case "deepinfra":
      return money(raw.estimated_cost)
    default:
      return undefined
  }
}

// 10,000,000,000 ticks are a dollar.
const ticksDigits = 10

/** A number of JSON as the decimal it was written as: the shortest text that means the same float. */
const money = (value: unknown): BigDecimal.BigDecimal | undefined => {
  const parsed = typeof value === "number" || typeof value === "string" ? parse(String(value)) : undefined
  return parsed === undefined || parsed.value < 0n ? undefined : parsed
}

const object = (value: unknown): Readonly<Record<string, unknown>> => Json.isRecord(value) ? value : none
const none: Readonly<Record<string, unknown>> = {}

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined

const word = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

/** Google's lists of tokens by kind of content. */
const modality = (list: unknown, name: string): number | undefined => {
  if (!Array.isArray(list)) return undefined
  let sum = 0
  for (const item of list) {
    const entry = object(item)
    if (entry.modality === name) sum += count(entry.tokenCount) ?? 0
  }
  return sum
}

/** Bedrock's list of cache writes by how long they are kept. */
const hourly = (list: unknown): number | undefined => {
  if (!Array.isArray(list)) return undefined
  let sum = 0
  for (const item of list) {
    const entry = object(item)
    if (entry.ttl === "1h") sum += count(entry.inputTokens) ?? 0
  }
  return sum
}

type Fields = Readonly<Record<string, unknown>>

const otherTools = (raw: Fields, tools: Fields, calls: Fields): ReadonlyArray<string> => {
  const found: Array<string> = []
  const look = (fields: Fields, names: ReadonlyArray<string>): void => {
    for (const name of names) if ((count(fields[name]) ?? 0) > 0) found.push(name)
  }
  look(calls, Object.keys(calls).filter((name) => name !== "web_search_calls"))
  // Fetching a page is free at Anthropic: only its tokens are charged.
  look(tools, Object.keys(tools).filter((name) => name !== "web_search_requests" && name !== "web_fetch_requests"))
  look(object(raw.billed_units), ["images", "search_units", "classifications"])
  look(raw, ["prompt_audio_seconds", "num_sources_used", ...(calls === none ? ["num_server_side_tools_used"] : [])])
  return found
}
