/**
 * Settles where a provider is. An address may hold `{name}`s, which are filled from `config[name]`, else from the
 * environment, else from a fallback: `https://bedrock-runtime.{region}.amazonaws.com`.
 *
 * @module
 */
import { type Config, LlmError } from "@plugline/core"
import { ConfigProvider, Effect } from "effect"

/** One `{name}` of an address. */
export interface Setting {
  /** What it is, for messages: `the AWS region`. */
  readonly meaning: string
  /** The environment variables that customarily hold it, the first that is set counts. */
  readonly keys: ReadonlyArray<string>
  /** What it is where nobody says. Default: it has to be said. */
  readonly fallback?: string
  /**
   * `label`: letters, digits, `_` and, not as the first, `-` and `.`, so that it cannot lead to another service. `url`: a
   * whole address, which a credential from the environment follows only where the environment named it too. Default: `label`.
   */
  readonly kind?: "label" | "url"
  /** What is said, as an address, where people customarily write it otherwise: `127.0.0.1:11434`. Default: as it is said. */
  readonly read?: (said: string) => string
}

/** Settings by name. */
export type Settings = { readonly [name: string]: Setting }

/** Values of settings, as the environment knows them. */
export type Values = { readonly [name: string]: string }

/** What must be known of a provider. */
interface Known {
  readonly name: string
  readonly title: string
  readonly baseUrl: string
  readonly origins: ReadonlyArray<string>
  readonly settings: Settings
}

const nothing: Values = {}

/** What the environment says of a provider's settings, through Effect's `ConfigProvider`. */
export const environment = ({ name: provider, settings }: Known): Effect.Effect<Values, LlmError> => {
  const names = Object.keys(settings)
  if (names.length === 0) return Effect.succeed(nothing)
  return Effect.gen(function*() {
    const source = yield* ConfigProvider.ConfigProvider
    const values: Record<string, string> = {}
    for (const name of names) {
      for (const key of settings[name]!.keys) {
        const node = yield* Effect.mapError(source.load([key]), () =>
          LlmError.make({ _tag: "Configuration", option: key, message: `the source of ${key} cannot be read` }, { provider }))
        const value = node?.value?.trim()
        if (value === undefined || value === "") continue
        values[name] = value
        break
      }
    }
    return values
  })
}

/**
 * Where the provider is for this call.
 *
 * @throws LlmError `Configuration` where a setting is missing or does not fit, or the address is none.
 */
export const addressOf = (provider: Known, config: Config, env: Values): string =>
  baseUrl(fill(provider, (name) => given(config, name) ?? env[name]))

/**
 * The values of the provider's settings, as far as they are known, for a wire that needs them: those of the call before those
 * of the environment.
 */
export const valuesOf = ({ settings }: Known, config: Config, env: Values): Values => {
  const values: Record<string, string> = {}
  for (const name in settings) {
    const value = given(config, name) ?? env[name] ?? settings[name]!.fallback
    if (value !== undefined) values[name] = value
  }
  return values
}

/**
 * The origins that a credential of the provider is for, its usual one first: what the environment names, in whatever region
 * the call asks for. None where the environment names none.
 */
export const homesOf = (provider: Known, config: Config, env: Values): ReadonlyArray<string> => {
  const value = (name: string, { kind }: Setting) => (kind === "url" ? undefined : given(config, name)) ?? env[name]
  const homes: Array<string> = []
  for (const address of [provider.baseUrl, ...provider.origins]) {
    try {
      homes.push(originOf(fill(provider, value, address)))
    } catch {
      // It takes a setting that is not known here, so it is nobody's home.
    }
  }
  return homes
}

/** Whether an address lies under another, which is one of {@link baseUrl}'s: then it has the same origin. */
export const isUnder = (url: string, address: string): boolean => {
  if (!url.startsWith(address)) return false
  const next = url.charCodeAt(address.length)
  return Number.isNaN(next) || next === slash || next === question
}

const slash = 47
const question = 63

/** Scheme, host and port of an address. */
export const originOf = (url: string): string => URL.parse(url)?.origin ?? url

const given = (config: Config, name: string): string | undefined => {
  const value = config[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

const place = /\{([A-Za-z]+)\}/g

/** It begins with no dot, so that it is no step up a path. */
const label = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

const fill = (
  provider: Known,
  value: (name: string, setting: Setting) => string | undefined,
  address = provider.baseUrl
): string =>
  address.includes("{")
    ? address.replace(place, (_, name: string) => {
      const setting = provider.settings[name]!
      const found = value(name, setting) ?? setting.fallback
      if (found === undefined) throw missing(provider, name, setting)
      if (setting.kind === "url") return (setting.read?.(found) ?? found).replace(/\/+$/, "")
      if (!label.test(found)) throw misfit(provider, name, setting)
      return found
    })
    : address

const missing = ({ name: provider, title }: Known, name: string, { keys, meaning }: Setting): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: name,
    expected: meaning,
    message: `${title} has to be told ${meaning}: ${
      keys.length === 0 ? "give" : `set ${keys.join(" or ")} in the environment, or give`
    } config.${name}`
  }, { provider })

const misfit = ({ name: provider }: Known, name: string, { meaning }: Setting): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: name,
    expected: "letters, digits, -, _ and ., the first a letter, a digit or _",
    message: `config.${name}, ${meaning}, must be 1 to 128 letters, digits, -, _ or ., the first a letter, a digit or _`
  }, { provider })

/**
 * An address in its one form: without a slash at the end.
 *
 * @throws LlmError `Configuration` when it is no http or https URL, or holds a user name, password, query or fragment.
 */
export const baseUrl = (address: string): string => {
  const known = addresses.get(address)
  if (known !== undefined) return known
  const url = typeof address === "string" ? URL.parse(address) : null
  const fits = url !== null && (url.protocol === "https:" || url.protocol === "http:")
    && url.username === "" && url.password === "" && url.search === "" && url.hash === ""
  if (!fits) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "baseUrl",
      expected: "an http or https URL without user name, password, query and fragment",
      message: "baseUrl must be an http or https URL without user name, password, query and fragment"
    })
  }
  if (addresses.size >= 256) addresses.clear()
  const made = address.replace(/\/+$/, "")
  addresses.set(address, made)
  return made
}

/** A program knows few addresses and asks them often, so the last ones are kept. */
const addresses = new Map<string, string>()

/**
 * The address of a definition, checked: every `{name}` is a setting, and what comes out is an address.
 *
 * @throws LlmError `Configuration`.
 */
export const template = (address: string, settings: Settings): string => {
  if (typeof address !== "string" || !address.includes("{")) return baseUrl(address)
  const sample = address.replace(place, (_, name: string) => {
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined
    if (setting !== undefined) return setting.kind === "url" ? "https://a" : "a"
    throw LlmError.make({
      _tag: "Configuration",
      option: "settings",
      expected: Object.keys(settings).join(", "),
      message: `the address ${address} holds {${name}}, which is no setting`
    })
  })
  if (/^https?:\/\/[^/]*\}(?:[:/]|$)/i.test(address)) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "settings",
      expected: "a domain behind the last {name} of the host",
      message: `whoever fills the address ${address} would choose its host; a setting of the kind "url" may`
    })
  }
  baseUrl(sample)
  return address.replace(/\/+$/, "")
}
