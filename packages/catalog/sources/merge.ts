/**
 * Makes one row of what the sources say of one model, and says where they disagree.
 *
 * @module
 */
import { type Capability, capabilityNames, type Prices } from "../src/Model.ts"
import { kinds, type Row, saysKinds } from "../src/row.ts"
import { compact, type Draft, note, rateNames, type SourceName } from "./draft.ts"
import { price, type Report } from "./price.ts"

/** Rows by provider, and what was found on the way. */
export interface Merged extends Report {
  readonly rows: Map<string, Array<Row>>
}

const order: ReadonlyArray<SourceName> = ["openrouter", "litellm", "models.dev"]
const letters: { readonly [Name in SourceName]: string } = { litellm: "l", "models.dev": "m", openrouter: "o" }

/** Merges the drafts of all sources. The earlier of two drafts of one source about one model wins. */
export const merge = (drafts: ReadonlyArray<Draft>): Merged => {
  const models = new Map<string, Map<SourceName, Draft>>()
  const report: Report = { differences: [], leftOut: new Map(), filled: [] }
  for (const draft of drafts) {
    const key = `${draft.provider}/${draft.id}`
    const of = models.get(key) ?? new Map<SourceName, Draft>()
    models.set(key, of)
    const earlier = of.get(draft.source)
    if (earlier === undefined) of.set(draft.source, draft)
    else {
      if (!sameRates(earlier.prices, draft.prices)) {
        const [first, second] = [shown(earlier.prices), shown(draft.prices)]
        report.differences.push(`${key}: ${draft.source} lists it twice, at ${first} and ${second}; the first is taken`)
      }
      of.set(draft.source, { ...earlier, aliases: [...earlier.aliases ?? [], ...draft.aliases ?? []] })
    }
  }
  const rows = new Map<string, Array<Row>>()
  for (const [key, of] of models) {
    const provider = key.slice(0, key.indexOf("/"))
    const list = rows.get(provider) ?? []
    rows.set(provider, list)
    list.push(row(key, provider, of, report))
  }
  for (const [provider, list] of rows) rows.set(provider, settle(provider, list, report.leftOut))
  return { rows, ...report }
}

const row = (key: string, provider: string, of: Map<SourceName, Draft>, report: Report): Row => {
  const drafts = order.flatMap((source) => of.get(source) ?? [])
  const first = <Name extends keyof Draft>(name: Name, from: ReadonlyArray<Draft> = drafts): Draft[Name] | undefined =>
    from.find((draft) => draft[name] !== undefined)?.[name]
  const described = [...drafts].sort((a, b) => rank(a) - rank(b))
  const { from, prices } = price(key, drafts, report)
  const unpriced = prices === undefined ? first("unpriced") : undefined
  const listed = provider !== "openrouter" || of.has("openrouter")
  const status = listed ? first("status") : "unlisted"
  const mode = drafts[0]?.mode ?? "chat"
  const said = abilities(drafts)
  const input = listing(first("input", described) ?? implied(said.can))
  const output = listing(first("output", described) ?? ["text"])
  const aliases = [...new Set(drafts.flatMap((draft) => draft.aliases ?? []))].sort()
  const named = [...(from === undefined ? [] : [from]), ...drafts.map(({ source }) => source)]
  const sources = [...new Set(named)].map((name) => letters[name]).join("")
  const derived = saysKinds(sources) ? kinds((input ?? "text").split(" "), (output ?? "text").split(" ")) : {}
  const unsaid = (names: ReadonlyArray<Capability>, value: boolean): string | undefined =>
    names.filter((name) => derived[name] !== value).join(" ") || undefined
  return compact({
    id: key.slice(provider.length + 1),
    name: first("name"),
    mode: mode === "chat" ? undefined : mode,
    context: first("context", described),
    maxInput: first("maxInput", described),
    maxOutput: first("maxOutput"),
    dimensions: first("dimensions"),
    prices,
    unpriced,
    can: unsaid(said.can, true),
    cannot: unsaid(said.cannot, false),
    in: input,
    out: output,
    responsesOnly: first("responsesOnly") === true ? true : undefined,
    released: first("released"),
    knowledge: first("knowledge"),
    retires: first("retires"),
    status,
    aliases: aliases.length === 0 ? undefined : aliases,
    from: sources
  }) as Row
}

/** models.dev says best what a model is like; LiteLLM and OpenRouter know better what it costs. */
const rank = (draft: Draft): number => draft.source === "openrouter" ? 0 : draft.source === "models.dev" ? 1 : 2

const listing = (kinds: ReadonlyArray<string>): string | undefined => {
  const list = [...kinds].sort((a, b) => Number(b === "text") - Number(a === "text") || (a < b ? -1 : 1)).join(" ")
  return list === "text" || list === "" ? undefined : list
}

/** The kinds of content a model reads, by what it can do. */
const implied = (can: ReadonlyArray<Capability>): ReadonlyArray<string> => [
  "text",
  ...(can.includes("vision") ? ["image"] : []),
  ...(can.includes("pdf") ? ["pdf"] : []),
  ...(can.includes("audioInput") ? ["audio"] : []),
  ...(can.includes("videoInput") ? ["video"] : [])
]

/**
 * What one source affirms counts, also where another denies it: lists of abilities lag behind, they do not run ahead.
 */
const abilities = (drafts: ReadonlyArray<Draft>) => {
  const can: Array<Capability> = []
  const cannot: Array<Capability> = []
  for (const name of capabilityNames) {
    const said = drafts.map((draft) => draft.capabilities[name])
    // OpenRouter says what it passes on, whatever the model could do elsewhere. Sampling was taken away from models,
    // never added: there a denial is the newer word.
    const final = name === "sampling" || (said[0] === false && drafts[0]?.source === "openrouter")
    if (said.includes(false) && (final || !said.includes(true))) cannot.push(name)
    else if (said.includes(true)) can.push(name)
  }
  return { can, cannot }
}

const sameRates = (a: Prices | undefined, b: Prices | undefined): boolean =>
  rateNames.every((name) => a?.[name] === b?.[name])

const shown = (prices: Prices | undefined): string =>
  prices === undefined ? "no price" : `${prices.input ?? "?"}/${prices.output ?? "?"}`

/**
 * Sorts a provider's rows, joins those that are one model under several names, and drops aliases that would be
 * ambiguous.
 */
const settle = (provider: string, list: ReadonlyArray<Row>, leftOut: Map<string, Array<string>>): Array<Row> => {
  const sorted = [...list].sort((a, b) => a.id < b.id ? -1 : 1)
  const joined = provider === "vertex" ? joinDefaults(sorted) : sorted
  const ids = new Set(joined.map(({ id }) => id))
  const uses = new Map<string, number>()
  for (const { aliases } of joined) for (const alias of aliases ?? []) uses.set(alias, (uses.get(alias) ?? 0) + 1)
  return joined.map((row) => {
    const { aliases, ...rest } = row
    const kept = (aliases ?? []).filter((alias) => {
      const single = !ids.has(alias) && uses.get(alias) === 1
      if (!single && !ids.has(alias)) note(leftOut, "an alias of several models", `${provider}/${alias}`)
      return single
    })
    const { from, ...facts } = rest
    return kept.length === 0 ? rest : { ...facts, aliases: kept, from }
  })
}

/** Vertex lists `model` and `model@default`, which are the same. */
const joinDefaults = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const bare = (row: Row) => row.id.endsWith("@default") ? byId.get(row.id.slice(0, -"@default".length)) : undefined
  return rows.flatMap((row) => {
    if (bare(row) !== undefined) return []
    const twin = byId.get(`${row.id}@default`)
    if (twin === undefined) return [row]
    const from = [...new Set(row.from + twin.from)].join("")
    return [{ ...twin, ...row, aliases: [...row.aliases ?? [], twin.id], from }]
  })
}
