/**
 * Reads OpenRouter's own list of models: USD per token as decimal text, tiers as `overrides`.
 *
 * @module
 */
import type { PriceList, Rates } from "../src/Model.ts"
import {
  amount, compact, date, type Draft, fields, type Fields, note, parseExact, type Reading, tidy, whole, word, words
} from "./draft.ts"

/** Reads the file. */
export const read = (source: string): Reading => {
  const drafts: Array<Draft> = []
  const leftOut = new Map<string, Array<string>>()
  const unused = new Map<string, number>()
  const list = fields(parseExact(source)).data
  for (const value of Array.isArray(list) ? list : []) {
    const entry = fields(value)
    const id = word(entry.id)
    if (id === undefined) continue
    const output = words(fields(entry.architecture).output_modalities) ?? []
    if (!output.includes("text")) {
      note(leftOut, "openrouter: no operation for pictures or sound alone", id)
      continue
    }
    drafts.push(draft(id, entry, output, unused))
  }
  return { drafts, leftOut, unused }
}

const kinds: { readonly [theirs: string]: string } = { file: "pdf" }

const draft = (id: string, entry: Fields, output: ReadonlyArray<string>, unused: Map<string, number>): Draft => {
  const pricing = fields(entry.pricing)
  const input = (words(fields(entry.architecture).input_modalities) ?? ["text"]).map((kind) => kinds[kind] ?? kind)
  const takes = new Set(words(entry.supported_parameters) ?? [])
  const slug = word(entry.canonical_slug)
  const suffix = id.includes(":") ? id.slice(id.indexOf(":")) : ""
  const created = whole(entry.created)
  const routed = word(pricing.prompt)?.startsWith("-") === true
  return {
    provider: "openrouter",
    id,
    source: "openrouter",
    name: word(entry.name),
    mode: "chat",
    context: whole(entry.context_length),
    maxOutput: whole(fields(entry.top_provider).max_completion_tokens),
    prices: routed ? undefined : pricesOf(pricing, input, unused),
    unpriced: routed ? "it hands the request to a model of its choice, at that model's price" : undefined,
    capabilities: {
      tools: takes.has("tools"),
      toolChoice: takes.has("tool_choice"),
      ...(takes.has("parallel_tool_calls") && { parallelTools: true }),
      vision: input.includes("image"),
      pdf: input.includes("pdf"),
      audioInput: input.includes("audio"),
      videoInput: input.includes("video"),
      audioOutput: output.includes("audio"),
      imageOutput: output.includes("image"),
      reasoning: takes.has("reasoning"),
      jsonSchema: takes.has("structured_outputs"),
      sampling: takes.has("temperature"),
      ...(pricing.web_search !== undefined && { webSearch: true }),
      ...(pricing.input_cache_read !== undefined && { promptCaching: true })
    },
    input,
    output,
    released: created === undefined ? undefined : new Date(created * 1000).toISOString().slice(0, 10),
    knowledge: date(entry.knowledge_cutoff),
    retires: date(entry.expiration_date),
    aliases: slug === undefined || slug + suffix === id || id.startsWith("~") ? [] : [slug + suffix]
  }
}

/** Their name of a rate, and ours. */
const rates: { readonly [theirs: string]: keyof Rates } = {
  prompt: "input",
  completion: "output",
  input_cache_read: "cacheRead",
  input_cache_write: "cacheWrite",
  input_cache_write_1h: "cacheWrite1h",
  internal_reasoning: "reasoning",
  audio: "audioInput",
  input_audio_cache: "audioCacheRead",
  audio_output: "audioOutput",
  image_output: "imageOutput"
}

const pricesOf = (pricing: Fields, input: ReadonlyArray<string>, unused: Map<string, number>) => {
  for (const field of Object.keys(pricing)) {
    // Pictures in a prompt are counted as tokens of the prompt, at its price.
    if (!Object.hasOwn(rates, field) && field !== "overrides" && field !== "web_search" && field !== "image") {
      unused.set(field, (unused.get(field) ?? 0) + 1)
    }
  }
  const tiers = (Array.isArray(pricing.overrides) ? pricing.overrides.map(fields) : []).flatMap((tier) => {
    const above = whole(tier.min_prompt_tokens)
    return above === undefined ? [] : [{ above, ...ratesOf(tier) }]
  })
  const list: PriceList | undefined = tidy({ ...ratesOf(pricing), tiers })
  const search = amount(pricing.web_search, 0)
  return list === undefined ? undefined : {
    ...(input.includes("audio") ? list : { ...list, audioInput: undefined, audioCacheRead: undefined }),
    ...(search !== undefined && search !== "0" && { search })
  } as PriceList
}

const ratesOf = (from: Fields): Rates =>
  compact(Object.fromEntries(Object.entries(rates).map(([theirs, ours]) => [ours, amount(from[theirs], 6)]))) ?? {}
