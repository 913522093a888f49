/**
 * Reads LiteLLM's price map: USD per token, tiers and levels of service in the field's name.
 *
 * @module
 */
import type { Mode, PriceList, Prices, Rates, SearchPrice, Service, Tier } from "../src/Model.ts"
import {
  amount, compact, date, type Draft, fields, type Fields, note, parseExact, type Reading, tidy, whole, word, words
} from "./draft.ts"

/** Reads the file. */
export const read = (source: string): Reading => {
  const drafts: Array<{ readonly rank: number; readonly draft: Draft }> = []
  const leftOut = new Map<string, Array<string>>()
  const unused = new Map<string, number>()
  for (const [key, value] of Object.entries(fields(parseExact(source)))) {
    const entry = fields(value)
    const place = placed(key, word(entry.litellm_provider) ?? "")
    if (place === undefined) continue
    const mode = modeOf(place.provider, key, entry)
    if (mode === undefined || "leave" in place) {
      const reason = "leave" in place ? place.leave : `no operation for ${word(entry.mode) ?? "an unnamed mode"}`
      note(leftOut, `${place.provider}: ${reason}`, key)
      continue
    }
    const { aliases, id, provider } = place
    drafts.push({ rank: place.rank ?? 0, draft: draft(provider, id, mode, entry, unused, aliases) })
  }
  return { drafts: drafts.sort((a, b) => a.rank - b.rank).map(({ draft }) => draft), leftOut, unused }
}

type Place =
  | {
    readonly provider: string
    readonly id: string
    readonly aliases?: ReadonlyArray<string>
    /** Of several rows about one model the one with the lowest rank counts. Default: 0. */
    readonly rank?: number
  }
  | { readonly provider: string; readonly leave: string }

/** Ours and theirs: whose rows are read, and the prefixes their keys may carry. */
const owners: { readonly [theirs: string]: readonly [ours: string, ...prefixes: ReadonlyArray<string>] } = {
  openai: ["openai", "openai/"],
  "text-completion-openai": ["openai"],
  anthropic: ["anthropic"],
  gemini: ["google", "gemini/"],
  bedrock: ["bedrock", "bedrock/"],
  bedrock_converse: ["bedrock", "bedrock/"],
  bedrock_mantle: ["bedrock-mantle", "bedrock_mantle/"],
  azure: ["azure", "azure/"],
  azure_text: ["azure", "azure/"],
  azure_ai: ["azure", "azure_ai/"],
  mistral: ["mistral", "mistral/"],
  groq: ["groq", "groq/"],
  openrouter: ["openrouter", "openrouter/"],
  perplexity: ["perplexity", "perplexity/"],
  xai: ["xai", "xai/"],
  deepseek: ["deepseek", "deepseek/"],
  together_ai: ["together", "together_ai/"],
  fireworks_ai: ["fireworks", "fireworks_ai/"],
  "fireworks_ai-embedding-models": ["fireworks", "fireworks_ai/"],
  cohere: ["cohere", "cohere/"],
  cohere_chat: ["cohere"],
  ollama: ["ollama", "ollama/"],
  cerebras: ["cerebras", "cerebras/"],
  databricks: ["databricks", "databricks/"],
  zai: ["zai", "zai/"],
  dashscope: ["alibaba", "dashscope/"],
  snowflake: ["snowflake", "snowflake/"],
  vertex_ai: ["vertex", "vertex_ai/"],
  voyage: ["voyage", "voyage/"],
  crusoe: ["crusoe", "crusoe/"],
  heroku: ["heroku", "heroku/"]
}

const placed = (key: string, theirs: string): Place | undefined => {
  const name = theirs.startsWith("vertex_ai") ? "vertex_ai" : theirs
  const owner = Object.hasOwn(owners, name) ? owners[name] : undefined
  if (owner === undefined) return undefined
  const [provider, ...prefixes] = owner
  const prefix = prefixes.find((prefix) => key.startsWith(prefix)) ?? ""
  const id = key.slice(prefix.length)
  const leave = (reason: string): Place => ({ provider, leave: reason })
  if (/^(together|fireworks)-ai-/.test(id)) return leave("a price class by size, no model")
  if (id === "container") return leave("a sandbox, no model")
  switch (provider) {
    case "azure": {
      const global = /^global(?:-standard)?\//.exec(id)
      if (global !== null) return { provider, id: id.slice(global[0].length) }
      if (/^(us|eu)\//.test(id)) return leave("price of a data zone, which the id does not tell")
      // Some prices under the plain name are those of a data zone, and those of other makers' models are old.
      const openai = /^(gpt|o\d|text-|codex|computer)/.test(id)
      return { provider, id, rank: prefix === "azure/" ? 1 : openai ? 2 : 0 }
    }
    case "bedrock":
      if (id.includes("-month-commitment/")) return leave("price of a commitment, which the id does not tell")
      if (/^[a-z-]+-\d\//.test(id)) return leave("price of a region, which the id does not tell")
      return id.includes("/") || id.includes("@") || !id.includes(".") || id.startsWith("claude-")
        ? leave("no id that Bedrock takes")
        : { provider, id }
    case "fireworks":
      return id.includes("/") ? { provider, id } : { provider, id: `accounts/fireworks/models/${id}`, aliases: [id] }
    case "perplexity":
      return id.startsWith("preset/") ? leave("a preset, no model") : { provider, id }
    default:
      return { provider, id }
  }
}

const modeOf = (provider: string, key: string, entry: Fields): Mode | undefined => {
  if (/-tts|lyria|-live-|native-audio/.test(key)) return undefined
  switch (entry.mode) {
    case "chat":
    case "responses":
      return "chat"
    case "completion":
      return provider === "ollama" ? "chat" : "completion"
    case "embedding":
      return "embedding"
    case "moderation":
      return "moderation"
    case "image_generation":
      // Gemini's image models are spoken to like any other; they answer with pictures among the text.
      return /gemini-[^/]*image/.test(key) ? "chat" : undefined
    default:
      return undefined
  }
}

const draft = (
  provider: string,
  id: string,
  mode: Mode,
  entry: Fields,
  unused: Map<string, number>,
  aliases: ReadonlyArray<string> | undefined
): Draft => {
  const prices = pricesOf(provider, mode, entry, unused)
  const flag = (name: string): boolean | undefined =>
    typeof entry[`supports_${name}`] === "boolean" ? entry[`supports_${name}`] as boolean : undefined
  const output = words(entry.supported_output_modalities)
  return {
    provider,
    id,
    source: "litellm",
    mode,
    context: whole(entry.max_input_tokens) ?? whole(entry.max_tokens),
    maxOutput: mode === "embedding" || mode === "moderation" ? undefined : whole(entry.max_output_tokens),
    dimensions: whole(entry.output_vector_size),
    prices,
    capabilities: {
      tools: flag("function_calling"),
      parallelTools: flag("parallel_function_calling"),
      toolChoice: flag("tool_choice"),
      vision: flag("vision") ?? (flag("embedding_image_input") === true ? true : undefined),
      pdf: flag("pdf_input"),
      audioInput: flag("audio_input"),
      audioOutput: flag("audio_output"),
      videoInput: flag("video_input"),
      imageOutput: output?.includes("image") === true && /image/.test(id) ? true : undefined,
      reasoning: flag("reasoning"),
      jsonSchema: flag("response_schema"),
      promptCaching: flag("prompt_caching"),
      systemMessages: flag("system_messages"),
      streaming: flag("native_streaming"),
      prefill: flag("assistant_prefill"),
      webSearch: flag("web_search"),
      computerUse: flag("computer_use"),
      sampling: flag("sampling_params")
    },
    responsesOnly: entry.mode === "responses" ? true : undefined,
    retires: date(entry.deprecation_date),
    aliases
  }
}

/** Their name of a rate, and ours. */
const rates: { readonly [theirs: string]: keyof Rates } = {
  input_cost_per_token: "input",
  output_cost_per_token: "output",
  cache_read_input_token_cost: "cacheRead",
  cache_creation_input_token_cost: "cacheWrite",
  cache_creation_input_token_cost_above_1hr: "cacheWrite1h",
  output_cost_per_reasoning_token: "reasoning",
  input_cost_per_audio_token: "audioInput",
  output_cost_per_audio_token: "audioOutput",
  cache_read_input_audio_token_cost: "audioCacheRead",
  output_cost_per_image_token: "imageOutput",
  citation_cost_per_token: "citation"
}

const named = /^(.+?)(?:_above_(\d+)k_tokens)?(?:_(flex|priority|batches))?$/

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }
type Open = Mutable<Rates> & { tiers: Map<number, Mutable<Tier>> }

const pricesOf = (provider: string, mode: Mode, entry: Fields, unused: Map<string, number>): Prices | undefined => {
  const lists = new Map<"standard" | Service, Open>()
  const list = (service: "standard" | Service): Open => {
    const found: Open = lists.get(service) ?? { tiers: new Map() }
    lists.set(service, found)
    return found
  }
  const put = (service: "standard" | Service, above: number, rate: keyof Rates, value: unknown): void => {
    const price = amount(value, 6)
    if (price === undefined) return
    const target = list(service)
    if (above === 0) target[rate] = price
    else {
      const tier = target.tiers.get(above) ?? { above }
      target.tiers.set(above, tier)
      tier[rate] = price
    }
  }
  for (const [field, value] of Object.entries(entry)) {
    const parts = named.exec(field)
    const rate = parts === null ? undefined : rates[parts[1] ?? ""]
    if (parts === null || rate === undefined) {
      const price = /cost|price|pricing|multiplier/.test(field) && !handled.has(field)
      if (price) unused.set(field, (unused.get(field) ?? 0) + 1)
      continue
    }
    const service = parts[3] === "batches" ? "batch" : parts[3] as Service | undefined
    put(service ?? "standard", Number(parts[2] ?? 0) * 1000, rate, value)
  }
  for (const step of Array.isArray(entry.tiered_pricing) ? entry.tiered_pricing.map(fields) : []) {
    const [from] = words(step.range) ?? []
    for (const [field, value] of Object.entries(step)) {
      const rate = rates[field]
      if (rate !== undefined) put("standard", Number(from), rate, value)
    }
  }
  const standard = settled(lists.get("standard"), mode)
  if (standard === undefined) return undefined
  const factors = factorsOf(entry)
  const search = searchPrice(entry.search_context_cost_per_query)
  const batch = settled(lists.get("batch"), mode)
  const flex = settled(lists.get("flex"), mode)
  const priority = settled(lists.get("priority"), mode)
  const request = amount(entry.input_cost_per_request, 0)
  return {
    ...standard,
    ...(batch !== undefined && { batch }),
    ...(flex !== undefined && { flex }),
    ...(priority !== undefined && { priority }),
    ...(request !== undefined && { request }),
    ...(search !== undefined && { search }),
    ...(provider === "alibaba" && standard.reasoning !== undefined && { reasoningCovers: "whole" as const }),
    ...(factors !== undefined && { factors })
  }
}

/** Fields read elsewhere, or that repeat another. */
const handled = new Set([
  "tiered_pricing", "input_cost_per_request", "search_context_cost_per_query", "input_cost_per_token_cache_hit",
  "regional_processing_uplift_multiplier_eu", "regional_processing_uplift_multiplier_us", "input_dbu_cost_per_token",
  "output_dbu_cost_per_token"
])

const settled = (list: Open | undefined, mode: Mode): PriceList | undefined => {
  if (list === undefined) return undefined
  const { tiers, ...base } = list
  if ((mode === "embedding" || mode === "moderation") && base.output === "0") delete base.output
  return tidy({ ...base, tiers: [...tiers.values()] })
}

const factorsOf = (entry: Fields): { readonly [name: string]: string } | undefined => {
  const special = fields(entry.provider_specific_entry)
  return compact({
    us: amount(special.us ?? entry.regional_processing_uplift_multiplier_us, 0),
    eu: amount(entry.regional_processing_uplift_multiplier_eu, 0),
    fast: amount(special.fast, 0)
  }) as { readonly [name: string]: string } | undefined
}

const searchPrice = (value: unknown): string | SearchPrice | undefined => {
  const sizes = fields(value)
  const low = amount(sizes.search_context_size_low, 0)
  const medium = amount(sizes.search_context_size_medium, 0)
  const high = amount(sizes.search_context_size_high, 0)
  if (low !== undefined && low === medium && low === high) return low === "0" ? undefined : low
  return compact({ low, medium, high }) as SearchPrice | undefined
}
