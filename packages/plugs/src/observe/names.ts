/**
 * Keeps metric labels bounded, whatever callers and providers send: only so many different names get through, the rest
 * is `other`.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { Context } from "effect"

/** What stands in place of a name too many. */
export const other = "other"

/** The names that have been let through. A service, because the series they belong to live as long as the program. */
export class Names {
  readonly #known = new Set<string>()
  readonly #strange = new Map<string, Set<string>>()

  /** A name that nobody can make up: it counts against no bound but a wide one. */
  known(name: string): string {
    if (this.#known.has(name)) return name
    if (this.#known.size >= 2_000) return other
    this.#known.add(name)
    return name
  }

  /** A name from outside, of a kind of which `bound` different ones get through. */
  strange(kind: string, name: string, bound: number): string {
    let seen = this.#strange.get(kind)
    if (seen === undefined) this.#strange.set(kind, seen = new Set())
    if (seen.has(name)) return name
    if (seen.size >= bound || name === "" || name.length > 128) return other
    seen.add(name)
    return name
  }
}

/** Where names are kept. Default: one place for the program. */
export const MetricNames = Context.Reference<Names>("@plugline/plugs/MetricNames", { defaultValue: () => new Names() })

/** Decides which names become labels. */
export interface Labels {
  readonly provider: (name: string) => string
  readonly model: (provider: string, name: string) => string
  readonly plug: (name: string) => string
}

/** Labels for names as the catalog and the configuration know them; of others so many as `unknownModels`. */
export const labels = (
  names: Names,
  catalog: Catalog,
  models: ReadonlyArray<string>,
  unknownModels: number
): Labels => {
  const configured = new Set(models)
  const providers = new Set(catalog.providers)
  return {
    provider: (name) => providers.has(name) ? names.known(name) : names.strange("provider", name, 50),
    model: (provider, name) => {
      if (configured.has(name)) return names.known(name)
      const known = catalog.get(provider, name)
      return known === undefined ? names.strange("model", name, unknownModels) : names.known(known.id)
    },
    // Plugs are named by the program; a fork of a pipeline per request could name many.
    plug: (name) => names.strange("plug", name, 100)
  }
}
