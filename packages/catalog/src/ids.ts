/**
 * Decides which row an id means. Strict: an id means a row when it is the row's id or alias in one of the spellings
 * the provider itself uses, or such an id followed by exactly a date. No other beginning or likeness counts:
 * `gpt-4-turbo` is never `gpt-4`.
 *
 * @module
 */

/** How an id was understood. */
export interface Reading {
  /** Ids to look for, the best first. */
  readonly ids: ReadonlyArray<string>
  /** Why the row found has no price for the id as it was written. */
  readonly unpriced?: string
}

/**
 * The ways to read an id, in the order they are to be tried: as written, without the path or address around it,
 * without its date, and last as a variant of a model whose price it does not share.
 */
export const readings = (provider: string, written: string): ReadonlyArray<Reading> => {
  const name = bare(provider, written)
  if (name.startsWith("ft:")) return [{ ids: [fineTuned(name)] }]
  const found: Array<Reading> = [{ ids: name === written ? [written] : [written, name] }]
  const undated = dateless(provider, name)
  if (undated !== undefined) found.push({ ids: undated })
  const variant = variantOf(provider, name)
  if (variant !== undefined) found.push(variant)
  return found
}

/** Without the address around it: `models/x`, `publishers/google/models/x`, the ARN of a Bedrock model. */
const bare = (provider: string, written: string): string => {
  switch (provider) {
    case "google":
      return written.startsWith("models/") ? written.slice(7) : written
    case "vertex": {
      const path = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/([^/]+)\/models\/(.+)$/.exec(written)
      if (path !== null) return vertexName(path[1] ?? "", path[2] ?? "")
      return written.startsWith("google/gemini-") ? written.slice(7) : written
    }
    case "bedrock":
      return arn.exec(written)?.[1] ?? written
    case "ollama":
      return written.endsWith(":latest") ? written.slice(0, -7) : written
    default:
      return written
  }
}

const arn = /^arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:(?:foundation-model|inference-profile)\/(.+)$/

/** Google's, Anthropic's and Mistral's models go by their bare name on Vertex, others by maker and name. */
const vertexName = (publisher: string, name: string): string =>
  publisher === "google" || publisher === "anthropic" || publisher === "mistralai" ? name : `${publisher}/${name}`

/** `ft:gpt-4o-mini-2024-07-18:org:name:id` is priced like every fine-tune of that model, never like the model. */
const fineTuned = (name: string): string => name.split(":", 2).join(":")

const dated = /^(.+?)([-@])(20\d\d)(-?)(\d\d)\4(\d\d)$/

/** An id without the date or version at its end, in the other spelling first; `undefined` where there is none. */
const dateless = (provider: string, name: string): ReadonlyArray<string> | undefined => {
  const version = /^(.+)@(?:default|latest)$/.exec(name)
  if (version !== null && (provider === "vertex" || provider === "azure")) return [version[1] ?? ""]
  const parts = dated.exec(name)
  if (parts === null) return undefined
  const [, family = "", mark, year, , month, day] = parts
  if (!isDay(Number(year), Number(month), Number(day))) return undefined
  if (dated.test(family) || /[-@:]latest$/.test(family)) return undefined
  const other = mark === "@" ? "-" : "@"
  return [`${family}${other}${year}-${month}-${day}`, `${family}${other}${year}${month}${day}`, family]
}

const isDay = (year: number, month: number, day: number): boolean =>
  day >= 1 && day <= (month === 2 && year % 4 === 0 ? 29 : lengths[month - 1] ?? 0)

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** A known model asked for in a way that has a price of its own, which no source tells. */
const variantOf = (provider: string, name: string): Reading | undefined => {
  const colon = name.lastIndexOf(":")
  if (colon > 0 && provider === "openrouter") {
    const why = routes[name.slice(colon + 1)]
    return why === undefined ? undefined : { ids: [name.slice(0, colon)], unpriced: why }
  }
  if (colon > 0 && provider === "huggingface") {
    return { ids: [name.slice(0, colon)], unpriced: "the price depends on the host that answers" }
  }
  const profile = provider === "bedrock" ? /^(?:us|us-gov|eu|apac|jp|au|ca|sa|me|af|global)\.(.+)$/.exec(name) : null
  return profile === null
    ? undefined
    : { ids: [profile[1] ?? ""], unpriced: "the price of this regional profile is not known" }
}

/** OpenRouter's suffixes that choose among hosts, or add a service. `:free` is a model of its own. */
const routes: { readonly [suffix: string]: string | undefined } = Object.assign(Object.create(null), {
  nitro: "the price depends on the host that answers: the fastest",
  floor: "the price depends on the host that answers: the cheapest",
  exacto: "the price depends on the host that answers: one of those chosen for tool calls",
  online: "each web search is charged beside the tokens"
})
