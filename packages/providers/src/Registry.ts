/**
 * Finds providers by name, and their pipelines by operation.
 *
 * @module
 */
import { LlmError, type Operation, type Pipeline, Suggest } from "@plugline/core"
import type { Credentials } from "./Credentials.ts"
import type { Provider } from "./Provider.ts"
import type { Transport } from "./Transport.ts"

/** Some providers, by name. `R`: the services their pipelines need. */
export interface Registry<out R = Transport | Credentials> {
  /** In the order of registration. */
  readonly providers: ReadonlyArray<Provider<R>>
  readonly names: ReadonlyArray<string>
  /** Whether there is a provider of this name. */
  readonly has: (name: string) => boolean
  /**
   * The provider of this name.
   *
   * @throws LlmError `Configuration` with the nearest name there is.
   */
  readonly get: (name: string) => Provider<R>
  /**
   * What a request to this provider runs through.
   *
   * @throws LlmError `Configuration` when there is no such provider, `Unsupported`, naming who has it, when it has no such
   * operation.
   */
  readonly pipeline: (name: string, operation: Operation) => Pipeline<R>
  /** This registry and further providers; one of a name that is there already takes its place. */
  readonly add: <R2>(...providers: ReadonlyArray<Provider<R2>>) => Registry<R | R2>
}

/**
 * A registry of providers. Registering your own is one line: `registry.add(mine)`.
 *
 * @example
 * ```ts
 * import { Registry } from "@plugline/providers"
 * import { local } from "@plugline/providers/local"
 *
 * const registry = Registry.make([local])
 * registry.names // => ["local"]
 * registry.pipeline("local", "chat").length // => 2
 * ```
 */
export const make = <R>(providers: Iterable<Provider<R>>): Registry<R> => {
  const byName = new Map<string, Provider<R>>()
  for (const provider of providers) byName.set(provider.name, provider)
  const all = [...byName.values()]
  const names = all.map(({ name }) => name)

  const get = (name: string): Provider<R> => {
    const found = byName.get(name)
    if (found !== undefined) return found
    throw LlmError.make({
      _tag: "Configuration",
      option: "provider",
      value: String(name).slice(0, 80),
      expected: names.join(", "),
      message: Suggest.refusal("provider", String(name), names)
    })
  }

  const pipeline = (name: string, operation: Operation): Pipeline<R> => {
    const provider = get(name)
    const found: Pipeline<R> | undefined = Object.hasOwn(provider.pipelines, operation) ? provider.pipelines[operation] : undefined
    if (found !== undefined) return found
    const alternatives = all.filter(({ pipelines }) => Object.hasOwn(pipelines, operation)).map(({ name }) => name)
    throw LlmError.make({
      _tag: "Unsupported",
      alternatives,
      message: `${provider.title} has no operation ${JSON.stringify(operation)}${
        alternatives.length === 0 ? "" : `; these have: ${alternatives.join(", ")}`
      }`
    }, { provider: name })
  }

  return {
    providers: all,
    names,
    has: (name) => byName.has(name),
    get,
    pipeline,
    add: <R2>(...more: ReadonlyArray<Provider<R2>>) => make<R | R2>([...all, ...more])
  }
}
