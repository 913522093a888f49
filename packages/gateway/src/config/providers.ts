/**
 * The providers that a configuration offers: built-in ones as it sets them up, and those it names itself.
 *
 * @module
 */
import { Credentials, type KeySource, type Provider, Registry, type Transport } from "@plugline/providers"
import { all } from "@plugline/providers/all"
import { compatible, usualOperations } from "@plugline/providers/compatible"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { type Config as RequestConfig, type LlmError, Pipeline, Plug, Request, Suggest } from "plugline"
import { type Provider as ProviderSchema, settings } from "./Config.ts"
import { isPrivate } from "./guard.ts"
import type { Env, Path } from "./read.ts"
import { digest } from "./shared.ts"

type Entry = typeof ProviderSchema.Type

/** The providers that are offered, and how they are reached. */
export interface Offer {
  readonly registry: Registry
  /** Keys of the configuration, then those of the environment. */
  readonly credentials: Layer.Layer<Credentials>
  /** The same for the same keys: for what is kept open as long as they stay. */
  readonly credentialsKey: string
  /** What a provider is called in the catalog: of one that is named here, what it is of. */
  readonly kindOf: (name: string) => string
  /** The models a provider is said to have. */
  readonly modelsOf: (name: string) => ReadonlyArray<string> | undefined
  /** Whether a provider's address may be one of this machine or of a private network. */
  readonly allowsPrivate: (name: string) => boolean
  /** Their origins: where a connection may lead to such an address. */
  readonly privateOrigins: ReadonlySet<string>
  /** What may be meant otherwise. */
  readonly warnings: ReadonlyArray<{ readonly path: Path; readonly message: string }>
}

const builtIn: ReadonlyMap<string, Provider> = new Map(all.map((provider) => [provider.name, provider]))

/** The name of what speaks OpenAI's wire and is not built in. */
const compatibleType = "openai-compatible"

/** Types that an entry may have. */
export const types: ReadonlyArray<string> = [compatibleType, ...builtIn.keys()]

const plain: Entry = { allowPrivate: false }

/**
 * What is offered.
 *
 * @throws what `refuse` gives, for an entry that does not fit.
 */
export const offer = (
  entries: { readonly [name: string]: Entry } | undefined,
  env: Env,
  refuse: (path: Path, message: string) => LlmError
): Offer => {
  const given = entries ?? Object.fromEntries(fromEnvironment(env).map((name) => [name, plain]))
  const keys: Record<string, ReadonlyArray<Redacted.Redacted<string>>> = {}
  const kinds = new Map<string, string>()
  const privates = new Map<string, string | undefined>()
  const warnings: Array<{ readonly path: Path; readonly message: string }> = []
  const providers = Object.entries(given).map(([name, entry]) => {
    const made = one(name, entry, env, (path, message) => refuse(["providers", name, ...path], message))
    if (entry.apiKey !== undefined) keys[name] = Redacted.isRedacted(entry.apiKey) ? [entry.apiKey] : entry.apiKey
    kinds.set(name, made.kind)
    if (made.private) privates.set(name, made.origin)
    if (made.warning !== undefined) warnings.push({ path: ["providers", name], message: made.warning })
    return made.provider
  })
  return {
    registry: Registry.make(providers),
    credentials: Credentials.orElse(
      Credentials.memory(keys),
      Layer.provide(Credentials.fromEnv, ConfigProvider.layer(ConfigProvider.fromEnv({ env: defined(env) })))
    ),
    credentialsKey: JSON.stringify(Object.entries(keys).map(([name, list]) => [name, list.map(digest)])),
    kindOf: (name) => kinds.get(name) ?? name,
    modelsOf: (name) => Object.hasOwn(given, name) ? given[name]!.models : undefined,
    allowsPrivate: (name) => privates.has(name),
    privateOrigins: new Set([...privates.values()].filter((origin) => origin !== undefined)),
    warnings
  }
}

/** The variables that are set. */
export const defined = (env: Env): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

// --- what the environment offers
// -------------------------------------------------------------------------------------------------

/** The built-in providers whose key or address the environment names, and the one that needs neither. */
export const fromEnvironment = (env: Env): ReadonlyArray<string> =>
  all.filter((provider) => provider.name === "local" || hasKey(provider.keys, env) || isAt(provider, env)).map(({ name }) => name)

const set = (env: Env, name: string): boolean => env[name] !== undefined && env[name]?.trim() !== ""

const hasKey = (sources: ReadonlyArray<KeySource>, env: Env): boolean =>
  sources.some((source) =>
    typeof source === "string"
      ? set(env, source)
      : "file" in source
      ? set(env, source.file)
      : Object.entries(source.fields).every(([field, name]) => source.optional?.includes(field) === true || set(env, name)))

/** Whether a server that needs no key has been given an address. */
const isAt = ({ needsKey, settings = {} }: Provider, env: Env): boolean =>
  !needsKey && Object.values(settings).some(({ keys, kind }) => kind === "url" && keys.some((name) => set(env, name)))

// --- one provider
// ----------------------------------------------------------------------------------------------------------------

interface Made {
  readonly provider: Provider
  readonly kind: string
  readonly private: boolean
  readonly origin: string | undefined
  readonly warning?: string
}

const one = (name: string, entry: Entry, env: Env, refuse: (path: Path, message: string) => LlmError): Made => {
  const type = entry.type ?? name
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw refuse(
      [],
      `${Suggest.quote(name)} must be a name of letters, digits, ".", "_" and "-", because models are written as provider/model`
    )
  }
  const base = type === compatibleType ? own(name, entry, refuse) : builtIn.get(type)
  if (base === undefined) {
    throw refuse(entry.type === undefined ? [] : ["type"], entry.type === undefined
      ? `${Suggest.refusal("provider", name, builtIn.keys())}; one of your own needs type: ${compatibleType}`
      : Suggest.refusal("type", type, types))
  }
  if (entry.needsKey !== undefined && type !== compatibleType) {
    throw refuse(["needsKey"], `needsKey is known of ${type} and is only for type: ${compatibleType}`)
  }
  const values = settingsOf(entry)
  for (const setting in values) {
    if (!Object.hasOwn(base.settings ?? {}, setting) && settings.get(setting)?.of.includes(type) !== true) {
      throw refuse([setting], `${setting} is for ${settings.get(setting)?.of.join(", ")}, not for ${type}`)
    }
  }
  if (entry.api !== undefined && !apisOf(base).includes(entry.api)) {
    throw refuse(
      ["api"],
      apisOf(base).length === 0 ? `${type} has only one interface` : Suggest.refusal("api", entry.api, apisOf(base))
    )
  }
  if (entry.tokenDelay !== undefined && type !== "local") {
    throw refuse(["tokenDelay"], `tokenDelay is for local, not for ${type}`)
  }

  const urls = Object.entries(base.settings ?? {}).filter(([, { kind }]) => kind === "url")
  const told = urls.find(([setting]) => values[setting] !== undefined)
  const moved = type !== compatibleType && (entry.baseUrl !== undefined || told !== undefined)
  const address = entry.baseUrl ?? addressOf(base, values, env)
  const atHome = urls.some(([, { fallback }]) => fallback !== undefined && isPrivate(fallback))
  const mayBePrivate = entry.allowPrivate || (atHome && !moved)
  if (!mayBePrivate && address !== undefined && isPrivate(address)) {
    throw refuse([entry.baseUrl !== undefined ? "baseUrl" : told?.[0] ?? "allowPrivate"],
      `${address} leads to this machine or a private network; write allowPrivate: true where that is meant`)
  }
  const keyless = base.needsKey && entry.apiKey === undefined && entry.headers === undefined
  if (keyless && moved) {
    throw refuse(
      [],
      `the key of the environment is for ${base.title}'s own address and is not sent to another; write apiKey: env:NAME beside it`
    )
  }
  const warning = keyless && !hasKey(base.keys, env) ? `providers.${name} has no key: write apiKey, or set its environment variable` : undefined
  return {
    provider: setUp(
      name,
      entry,
      base,
      { moved: moved || (type !== name && type !== compatibleType), address: moved, values }
    ),
    kind: type === compatibleType ? name : type,
    private: mayBePrivate,
    origin: address === undefined ? undefined : URL.parse(address)?.origin,
    ...(warning !== undefined && { warning })
  }
}

const own = (name: string, { baseUrl, needsKey = true }: Entry, refuse: (path: Path, message: string) => LlmError): Provider => {
  if (builtIn.has(name)) throw refuse(["type"], `${name} is the name of a built-in provider; give yours another name`)
  if (baseUrl === undefined) throw refuse([], `${name} needs its baseUrl`)
  // Whether it moderates too nobody can know before it is asked.
  return compatible({ name, baseUrl, keys: [], needsKey, operations: [...usualOperations, "moderations"] })
}

const settingsOf = (entry: Entry): { readonly [name: string]: string } => {
  const values: Record<string, string> = {}
  for (const name of settings.keys()) {
    const value = (entry as { readonly [field: string]: unknown })[name]
    if (typeof value === "string") values[name] = value
  }
  return values
}

const apisOf = ({ wires }: Provider): ReadonlyArray<string> =>
  [...new Set(Object.values(wires).flatMap((wire) => Object.keys(wire?.apis ?? {})))]

/** Where a provider is, as far as that is known before a call. */
const addressOf = ({ baseUrl, settings = {} }: Provider, values: { readonly [name: string]: string }, env: Env): string | undefined => {
  if (baseUrl === "") return undefined
  const setting = /^\{([A-Za-z]+)\}/.exec(baseUrl)?.[1]
  if (setting === undefined) return baseUrl.includes("{") ? undefined : baseUrl
  const { fallback, keys = [], read = (said: string) => said } = settings[setting] ?? {}
  const said = values[setting] ?? keys.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== "") ?? fallback
  return said === undefined ? undefined : read(said)
}

interface SetUp {
  /** Whether its key has to be brought along, because its usual address or name is not where it goes. */
  readonly moved: boolean
  /** Whether its address is another than the usual one. */
  readonly address: boolean
  readonly values: { readonly [name: string]: string }
}

/** The same provider, reached as the configuration says. */
const setUp = (name: string, entry: Entry, base: Provider, { address, moved, values }: SetUp): Provider => {
  const config: Record<string, unknown> = { ...values }
  if (entry.baseUrl !== undefined) config.baseUrl = entry.baseUrl.replace(/\/+$/, "")
  if (entry.timeouts !== undefined) config.timeouts = entry.timeouts
  if (entry.api !== undefined) config.api = entry.api
  if (entry.tokenDelay !== undefined) config.tokenDelay = entry.tokenDelay
  const headers = entry.headers === undefined
    ? undefined
    : Object.fromEntries(Object.entries(entry.headers).map(([header, value]) => [header, Redacted.value(value)]))
  const front: ReadonlyArray<Plug<Credentials>> = [
    ...(Object.keys(config).length > 0 || headers !== undefined ? [reached(name, config, headers)] : []),
    ...(moved ? [credential(name, address ? [] : base.keys, config)] : [])
  ]
  if (front.length === 0 && base.name === name) return base
  const pipelines = Object.fromEntries(
    Object.entries<Pipeline<Transport | Credentials>>(base.pipelines).map(([operation, line]) => [
      operation,
      [...front, ...(base.name === name ? line : Pipeline.replace(line, "validate", renamed(name, base.name, line)))]
    ])
  )
  return { ...base, name, pipelines, ...(entry.api !== undefined && { wires: only(base.wires, entry.api) }) }
}

/** The wires of a provider with one interface alone, so that no client's format chooses another. */
const only = (wires: Provider["wires"], api: string): Provider["wires"] =>
  Object.fromEntries(Object.entries(wires).map(([operation, wire]) => {
    const one = wire?.apis?.[api]
    return [operation, one === undefined ? wire : { ...one, apis: { [api]: one } }]
  }))

/** The first plug of a provider, which knows it by another name. */
const renamed = (name: string, known: string, line: Pipeline<unknown>): Plug =>
  Plug.around("validate", (request, next) => {
    if (request.state !== "pending") return next(request)
    const own = line.find((plug) => Plug.isPlug(plug) && plug.name === "validate") as Plug
    const meant = request.provider === name ? Request.patch(request, { provider: known }) : request
    return Effect.flatMap(Pipeline.run([own], meant), (checked) => {
      const error = Request.failure(checked)
      return error === undefined ? next(request) : Effect.succeed(Request.fail(request, error))
    })
  }, { options: { provider: name } })

/**
 * Says how a provider is reached. What a request says itself counts more, and headers go to the configured
 * address alone.
 */
const reached = (provider: string, config: RequestConfig, headers: { readonly [name: string]: string } | undefined): Plug =>
  Plug.make("reached", (request) => {
    if (request.state !== "pending") return request
    const elsewhere = request.config.baseUrl !== undefined && request.config.baseUrl !== config.baseUrl
    return Request.mergeConfig(request, {
      ...config,
      ...(headers !== undefined && !elsewhere && { headers }),
      ...request.config,
      ...(config.timeouts !== undefined && { timeouts: { ...config.timeouts, ...request.config.timeouts } })
    })
  }, { options: { provider, ...Object.fromEntries(Object.entries(config).filter(([, value]) => typeof value === "string")) as object } })

/** Brings the key along of a provider whose address or name is not the one its key is looked up by. */
const credential = (name: string, keys: ReadonlyArray<KeySource>, { baseUrl, ...config }: RequestConfig): Plug<Credentials> => {
  const owner = { name, keys }
  const elsewhere = (given: RequestConfig): boolean =>
    given.baseUrl !== baseUrl || Object.entries(config).some(
      ([setting, value]) => settings.has(setting) && given[setting] !== value
    )
  return Plug.of({
    name: "credential",
    options: { provider: name },
    make: Effect.map(Credentials, (credentials) => (request, next) => {
      if (request.state !== "pending" || request.config.apiKey !== undefined || elsewhere(request.config)) {
        return next(request)
      }
      return Effect.flatMap(credentials.get(owner), (key) => {
        if (key === undefined) return next(request)
        return Effect.tap(next(Request.mergeConfig(request, { apiKey: key })), (answer) => {
          const error = Request.failure(answer)
          return error === undefined ? Effect.void : credentials.report(owner, key, error)
        })
      })
    })
  })
}
