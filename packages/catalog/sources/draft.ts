/**
 * What one source says of one model, before the sources are merged into a row; and the small tools all readers share.
 *
 * @module
 */
import * as BigDecimal from "effect/BigDecimal"
import { parse, significant, text } from "../src/decimal.ts"
import type { Capability, Mode, Model, PriceList, Prices, Rates, Tier } from "../src/Model.ts"

/** What one source says of one model. */
export interface Draft {
  readonly provider: string
  readonly id: string
  readonly source: SourceName
  readonly name?: string | undefined
  readonly mode: Mode
  readonly context?: number | undefined
  readonly maxInput?: number | undefined
  readonly maxOutput?: number | undefined
  readonly dimensions?: number | undefined
  readonly prices?: Prices | undefined
  readonly unpriced?: string | undefined
  readonly capabilities: { readonly [Name in Capability]?: boolean | undefined }
  readonly input?: ReadonlyArray<string> | undefined
  readonly output?: ReadonlyArray<string> | undefined
  readonly responsesOnly?: boolean | undefined
  readonly released?: string | undefined
  readonly knowledge?: string | undefined
  readonly retires?: string | undefined
  readonly status?: Model["status"] | undefined
  readonly aliases?: ReadonlyArray<string> | undefined
}

/** The sources, the newest and nearest to the provider first. */
export type SourceName = "openrouter" | "litellm" | "models.dev"

/** What a reader found: drafts, and what it left out, by reason. */
export interface Reading {
  readonly drafts: ReadonlyArray<Draft>
  readonly leftOut: Map<string, Array<string>>
  /** Fields that say a price this table has no place for, and how many rows have them. */
  readonly unused: Map<string, number>
}

/** JSON whose numbers are kept as the text they were written in, so that no price passes through a binary float. */
export const parseExact = (source: string): unknown =>
  JSON.parse(source, ((_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? context?.source ?? String(value) : value) as (key: string, value: unknown) => unknown)

/** An object read from a source: text, numbers as text, and objects. */
export type Fields = { readonly [name: string]: unknown }

/** An object's fields; none for anything else. */
export const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value as Fields : {}

/** A text. */
export const word = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** A list of texts. */
export const words = (value: unknown): ReadonlyArray<string> | undefined =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined

/** A positive whole number. */
export const whole = (value: unknown): number | undefined => {
  const number = typeof value === "string" ? Number(value) : Number.NaN
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

/** A full or shortened ISO date. */
export const date = (value: unknown): string | undefined =>
  typeof value === "string" && /^20\d\d(-\d\d){0,2}$/.test(value) ? value : undefined

// No provider quotes more digits than this; what sources have beyond is the noise of their own floats.
const digits = 12

/** An amount times a power of ten, as plain decimal text without float noise; nothing for a negative amount. */
export const amount = (value: unknown, exponent: number): string | undefined => {
  const parsed = typeof value === "string" ? parse(value) : undefined
  if (parsed === undefined || BigDecimal.isNegative(parsed)) return undefined
  return text(significant(BigDecimal.make(parsed.value, parsed.scale - exponent), digits))
}

/** An object without its absent fields, or nothing where none is left. */
export const compact = <T extends object>(value: T): T | undefined => {
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries) as T
}

/** Adds to a list kept under a key. */
export const note = (lists: Map<string, Array<string>>, key: string, item: string): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

/** The rates a list of prices may hold, in the order they are written. */
export const rateNames = [
  "input", "cacheRead", "cacheWrite", "cacheWrite1h", "output", "reasoning", "audioInput", "audioCacheRead",
  "audioOutput", "imageOutput", "citation"
] as const satisfies ReadonlyArray<keyof Rates>

/**
 * Takes out what is no price: cache rates of zero where prompts cost something (sources write 0 for "none"), thinking
 * that costs what the answer costs, and rates that only a tier names.
 */
export const tidy = (list: PriceList): PriceList | undefined => {
  const base = tidyRates(list)
  if (base === undefined) return undefined
  const tiers = (list.tiers ?? []).flatMap((tier): ReadonlyArray<Tier> => {
    const rates = tidyRates(tier)
    if (rates === undefined) return []
    const known = rateNames.filter((name) => base[name] !== undefined && rates[name] !== undefined)
    // Thinking that costs its own price below the limit keeps a price of its own above it.
    const reasoning = base.reasoning !== undefined && rates.reasoning === undefined ? tier.reasoning : undefined
    return [{
      above: tier.above,
      ...pick(rates, known),
      ...(reasoning !== undefined && { reasoning })
    }]
  }).sort((a, b) => a.above - b.above)
  const differing = tiers.filter((tier) => rateNames.some((name) => tier[name] !== base[name]))
  return { ...base, ...(differing.length > 0 && { tiers: differing }) }
}

const tidyRates = (rates: Rates): Rates | undefined => {
  const paid = rates.input !== undefined && rates.input !== "0"
  const rest: { -readonly [Name in keyof Rates]: Rates[Name] } = {}
  for (const name of rateNames) {
    const rate = rates[name]
    if (rate === undefined) continue
    if (paid && rate === "0" && name.startsWith("cache")) continue
    if (name === "reasoning" && rate === rates.output) continue
    if (name === "cacheWrite1h" && rate === rates.cacheWrite) continue
    rest[name] = rate
  }
  return compact(rest)
}

const pick = (rates: Rates, names: ReadonlyArray<keyof Rates>): Rates =>
  Object.fromEntries(names.map((name) => [name, rates[name]])) as Rates
