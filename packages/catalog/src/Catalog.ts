/**
 * Finds models: by id, by what they can do and cost, beside each other. Pure: the table is part of the package, and
 * nothing is read or fetched.
 *
 * @example
 * ```ts
 * import { Catalog } from "@plugline/catalog"
 *
 * Catalog.get("openai", "gpt-4o")?.prices?.input // => "2.5"
 * Catalog.get("google", "models/gemini-2.5-flash")?.id // => "gemini-2.5-flash"
 * Catalog.get("openai", "gpt-4-turbo-foo") // => undefined
 * Catalog.suggest("openai", "gpt-4o-mni")[0] // => "gpt-4o-mini"
 * ```
 *
 * @module
 */
import { Suggest } from "@plugline/core"
import { type Comparison, compare as compareModels } from "./compare.ts"
import { type Query, search } from "./find.ts"
import { readings } from "./ids.ts"
import type { Model } from "./Model.ts"
import { decode, type OverrideInput, parseJson } from "./overrides.ts"
import { providers as builtinProviders, rowsOf } from "./table.ts"

export type { Comparison, Difference } from "./compare.ts"
export type { Query } from "./find.ts"
export { capabilities, capabilityNames } from "./Model.ts"
export type { OverrideInput } from "./overrides.ts"

/** A set of models with the questions one can ask of it. */
export interface Catalog {
  /** The providers it knows, sorted. */
  readonly providers: ReadonlyArray<string>
  /** All models of a provider, sorted by id; none for a provider it does not know. */
  readonly models: (provider: string) => ReadonlyArray<Model>
  /**
   * The model an id means, or `undefined` for an id it does not know. An id that means a known model at a price
   * nobody tells (`openai/gpt-5:nitro` at OpenRouter) gives that model without prices, and `unpriced` says why.
   */
  readonly get: (provider: string, id: string) => Model | undefined
  /** Known ids like the one that was written, the nearest first: for "did you mean". */
  readonly suggest: (provider: string, id: string, limit?: number) => ReadonlyArray<string>
  /** The models that fit, the cheapest first (by input price, then output price; those of unknown price last). */
  readonly find: (query: Query) => ReadonlyArray<Model>
  /**
   * The same catalog with rows replaced or added. A row about a known model changes the fields it names (`prices` as
   * a whole); any other row adds a model.
   *
   * @throws LlmError `Configuration`, naming the row, the field, and what was meant or would fit.
   */
  readonly withOverrides: (rows: ReadonlyArray<OverrideInput>) => Catalog
  /**
   * The same from the text of a JSON file.
   *
   * @throws LlmError `Configuration`, as `withOverrides`.
   */
  readonly withOverridesJson: (text: string) => Catalog
}

interface Shelf {
  readonly models: ReadonlyArray<Model>
  readonly byName: ReadonlyMap<string, Model>
}

/** Knows nothing; a start for a catalog of one's own rows alone. */
export const empty: Catalog = /* @__PURE__ */ make([], () => [])

/** The built-in table. */
export const builtin: Catalog = /* @__PURE__ */ make(builtinProviders, rowsOf)

/** The providers of the built-in table, sorted. */
export const providers: ReadonlyArray<string> = builtin.providers

/** {@link Catalog.models} of the built-in table. */
export const models: Catalog["models"] = builtin.models

/** {@link Catalog.get} in the built-in table. */
export const get: Catalog["get"] = builtin.get

/** {@link Catalog.suggest} from the built-in table. */
export const suggest: Catalog["suggest"] = builtin.suggest

/** {@link Catalog.find} in the built-in table. */
export const find: Catalog["find"] = builtin.find

/** The built-in table with rows replaced or added: {@link Catalog.withOverrides}. */
export const withOverrides: Catalog["withOverrides"] = builtin.withOverrides

/** The built-in table with rows from the text of a JSON file: {@link Catalog.withOverridesJson}. */
export const withOverridesJson: Catalog["withOverridesJson"] = builtin.withOverridesJson

/** What two models differ in. */
export const compare = (a: Model, b: Model): Comparison => compareModels(a, b)

function make(providers: ReadonlyArray<string>, rows: (provider: string) => ReadonlyArray<Model>): Catalog {
  const shelves = new Map<string, Shelf>()
  const shelf = (provider: string): Shelf => {
    const known = shelves.get(provider)
    if (known !== undefined) return known
    const models = rows(provider)
    const byName = new Map<string, Model>()
    for (const model of models) for (const alias of model.aliases) byName.set(alias, model)
    for (const model of models) byName.set(model.id, model)
    const made = { models, byName }
    // Names from outside must not fill the memory.
    if (models.length > 0) shelves.set(provider, made)
    return made
  }
  const get = (provider: string, id: string): Model | undefined => {
    const { byName } = shelf(provider)
    const direct = byName.get(id)
    if (direct !== undefined || byName.size === 0 || id.length > longest) return direct
    for (const { ids, unpriced } of readings(provider, id)) {
      for (const name of ids) {
        const model = byName.get(name)
        if (model !== undefined) return unpriced === undefined ? model : withoutPrices(model, unpriced)
      }
    }
    return undefined
  }
  const catalog: Catalog = {
    providers,
    models: (provider) => shelf(provider).models,
    get,
    suggest: (provider, id, limit = 3) => {
      const left = new Set(shelf(provider).models.map((model) => model.id))
      const found: Array<string> = []
      while (found.length < limit) {
        const near = Suggest.nearest(id, left)
        if (near === undefined) break
        found.push(near)
        left.delete(near)
      }
      return found
    },
    find: (query) => {
      const asked = query.provider === undefined ? providers : [query.provider]
      return search(asked.flatMap((provider) => shelf(provider).models), query)
    },
    withOverrides: (input) => {
      const overrides = decode(input, catalog)
      const byProvider = Map.groupBy(overrides, ({ provider }) => provider)
      return make([...new Set([...providers, ...byProvider.keys()])].sort(), (provider) => {
        const own = byProvider.get(provider)
        const before = shelf(provider).models
        if (own === undefined) return before
        const merged = new Map(before.map((model) => [model.id, model]))
        for (const model of own) merged.set(model.id, model)
        return [...merged.values()].sort((a, b) => a.id < b.id ? -1 : 1)
      })
    },
    withOverridesJson: (text) => catalog.withOverrides(parseJson(text))
  }
  return catalog
}

// Longer than any id there is; what is longer is not worth a regular expression.
const longest = 512

const withoutPrices = (model: Model, unpriced: string): Model => {
  const { prices: _, ...rest } = model
  return { ...rest, unpriced }
}
