/**
 * Reads the models.dev catalogue: USD per million tokens, a list of models for each provider.
 *
 * @module
 */
import type { Mode, PriceList, Prices, Rates } from "../src/Model.ts"
import {
  amount, compact, date, type Draft, fields, type Fields, note, parseExact, type Reading, tidy, whole, word, words
} from "./draft.ts"

/** Their name of a provider, and ours. */
const owners: { readonly [theirs: string]: string } = {
  alibaba: "alibaba",
  "amazon-bedrock": "bedrock",
  anthropic: "anthropic",
  azure: "azure",
  cerebras: "cerebras",
  cohere: "cohere",
  databricks: "databricks",
  deepseek: "deepseek",
  "fireworks-ai": "fireworks",
  google: "google",
  "google-vertex": "vertex",
  groq: "groq",
  huggingface: "huggingface",
  mistral: "mistral",
  "ollama-cloud": "ollama-cloud",
  openai: "openai",
  openrouter: "openrouter",
  perplexity: "perplexity",
  "snowflake-cortex": "snowflake",
  togetherai: "together",
  xai: "xai",
  zai: "zai"
}

/** Reads the file. */
export const read = (source: string): Reading => {
  const drafts: Array<Draft> = []
  const leftOut = new Map<string, Array<string>>()
  const unused = new Map<string, number>()
  for (const [theirs, owner] of Object.entries(fields(parseExact(source)))) {
    const provider = Object.hasOwn(owners, theirs) ? owners[theirs] : undefined
    if (provider === undefined) continue
    for (const value of Object.values(fields(fields(owner).models))) {
      const entry = fields(value)
      const id = word(entry.id)
      if (id === undefined) continue
      const mode = modeOf(id, entry)
      if (mode === undefined) note(leftOut, `${provider}: no operation for sound, pictures or ranking alone`, id)
      else drafts.push(draft(provider, id, mode, entry, unused))
    }
  }
  return { drafts, leftOut, unused }
}

const modeOf = (id: string, entry: Fields): Mode | undefined => {
  if (/(^|[-/])embed|embedding/i.test(id)) return "embedding"
  if (/tts|whisper|transcribe|rerank|gpt-image|-live(-|$)|realtime|speech/i.test(id)) return undefined
  const output = words(fields(entry.modalities).output) ?? []
  if (!output.includes("text")) return undefined
  return /-instruct(-0914)?$/.test(id) && id.startsWith("gpt-3.5") ? "completion" : "chat"
}

const draft = (provider: string, id: string, mode: Mode, entry: Fields, unused: Map<string, number>): Draft => {
  const limit = fields(entry.limit)
  const modalities = fields(entry.modalities)
  const input = words(modalities.input)
  const output = mode === "embedding" ? undefined : words(modalities.output)
  const flag = (value: unknown): boolean | undefined => typeof value === "boolean" ? value : undefined
  const chat = mode === "chat"
  const status = word(entry.status)
  return {
    provider,
    id,
    source: "models.dev",
    name: word(entry.name),
    mode,
    context: whole(limit.context),
    maxInput: whole(limit.input) === whole(limit.context) ? undefined : whole(limit.input),
    maxOutput: chat ? whole(limit.output) : undefined,
    prices: pricesOf(provider, mode, fields(entry.cost), output ?? [], unused),
    capabilities: chat
      ? {
        tools: flag(entry.tool_call),
        vision: input?.includes("image"),
        pdf: input?.includes("pdf"),
        audioInput: input?.includes("audio"),
        videoInput: input?.includes("video"),
        audioOutput: output?.includes("audio"),
        imageOutput: output?.includes("image"),
        reasoning: flag(entry.reasoning),
        jsonSchema: flag(entry.structured_output),
        sampling: flag(entry.temperature)
      }
      : {},
    input,
    output,
    released: date(entry.release_date),
    knowledge: date(entry.knowledge),
    status: status === "alpha" || status === "beta" || status === "deprecated" ? status : undefined
  }
}

/** Their name of a rate, and ours. */
const rates: { readonly [theirs: string]: keyof Rates } = {
  input: "input",
  output: "output",
  cache_read: "cacheRead",
  cache_write: "cacheWrite",
  reasoning: "reasoning",
  input_audio: "audioInput",
  output_audio: "audioOutput",
  citation: "citation"
}

const pricesOf = (
  provider: string,
  mode: Mode,
  cost: Fields,
  output: ReadonlyArray<string>,
  unused: Map<string, number>
): Prices | undefined => {
  for (const field of Object.keys(cost)) {
    if (!Object.hasOwn(rates, field) && field !== "tiers" && field !== "context_over_200k") {
      unused.set(field, (unused.get(field) ?? 0) + 1)
    }
  }
  // `output` of a model that draws is the price of pictures in some rows and of text in others.
  if (output.includes("image")) return undefined
  const base = ratesOf(cost, mode)
  const tiers = (Array.isArray(cost.tiers) ? cost.tiers.map(fields) : []).flatMap((tier) => {
    const above = whole(fields(tier.tier).size)
    const kind = fields(tier.tier).type
    return above === undefined || (kind !== undefined && kind !== "context") ? [] : [{ above, ...ratesOf(tier, mode) }]
  })
  const list: PriceList | undefined = tidy({ ...base, tiers })
  return list === undefined ? undefined : {
    ...list,
    ...(provider === "alibaba" && list.reasoning !== undefined && { reasoningCovers: "whole" as const })
  }
}

const ratesOf = (from: Fields, mode: Mode): Rates =>
  compact(Object.fromEntries(Object.entries(rates).map(([theirs, ours]) => {
    const value = amount(from[theirs], 0)
    return [ours, mode === "embedding" && ours === "output" ? undefined : value]
  }))) ?? {}
