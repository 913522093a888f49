/**
 * Finds out who is asked for a model, and lists the models that are offered.
 *
 * @module
 */
import { Catalog } from "@plugline/catalog"
import { all } from "@plugline/providers/all"
import { LlmError, type Model, type Operation, Options, Suggest } from "plugline"
import type { Config } from "./Config.ts"
import { type Offer, types } from "./providers.ts"
import type { Path } from "./read.ts"

/** Who is asked for a model. */
export interface Target {
  readonly provider: string
  /** The provider's name for it; absent where the provider has one of its own choice. */
  readonly model: string | undefined
  /** What an alias adds to a request; what the caller says counts more. */
  readonly options?: Options
  /** The pipeline an alias names. */
  readonly pipeline?: string
  /**
   * Where nobody here knows the model: what may have been meant, for the error of a provider that does not know it
   * either.
   */
  readonly hint?: string
}

/** The models of a configuration. */
export interface Models {
  /** Who is asked for a model of this name, or why nobody can be. `tenant`: by whom. */
  readonly resolve: (name: string | undefined, operation: Operation, tenant?: string) => Target | LlmError
  /** The models that are offered, aliases first. */
  readonly models: ReadonlyArray<Model>
}

/**
 * The models that a configuration offers.
 *
 * @throws what `refuse` gives, for an alias that does not fit.
 */
export const modelsOf = (config: Config, offer: Offer, refuse: (path: Path, message: string) => LlmError): Models => {
  const { registry } = offer
  const aliases = new Map<string, Target>()
  for (const [name, alias] of Object.entries(config.models)) aliases.set(name, aliasOf(name, alias, offer, refuse))
  const usual = aliases.get("default") ?? only(registry.names)
  const elsewhere = new Map<string, Target | LlmError>()

  const lookUp = (name: string): Target | LlmError => {
    const alias = aliases.get(name)
    if (alias !== undefined) return alias
    const slash = name.indexOf("/")
    const prefix = slash > 0 ? name.slice(0, slash) : undefined
    if (prefix !== undefined && registry.has(prefix) && slash + 1 < name.length) {
      return { provider: prefix, model: name.slice(slash + 1) }
    }
    const known = registry.names.filter((provider) => knows(offer, provider, name))
    if (known.length === 1) return { provider: known[0]!, model: name }
    if (known.length > 1) {
      return usual !== undefined && known.includes(usual.provider)
        ? { provider: usual.provider, model: name }
        : notFound(
          `${Suggest.quote(name)} is offered by ${known.join(", ")}; write ${known.map((provider) => `${provider}/${name}`).join(" or ")}`
        )
    }
    if (prefix !== undefined && types.includes(prefix)) {
      return notFound(`the provider ${prefix} is not configured here; there are ${registry.names.join(", ")}`)
    }
    const meant = Suggest.nearest(name, near(name, aliases.keys(), offer))
    const hint = `no provider here is known to have the model ${Suggest.quote(name)}${meant === undefined ? "" : `; did you mean ${Suggest.quote(meant)}?`}`
    return usual === undefined ? notFound(hint) : { provider: usual.provider, model: name, hint }
  }

  const find = (name: string | undefined): Target | LlmError => {
    if (name === undefined) {
      return usual ?? notFound(
        "the request names no model, and none is the default: name one, or set models.default in the configuration"
      )
    }
    if (name.length > 512) return notFound("the name of a model has at most 512 characters")
    let found = elsewhere.get(name)
    if (found === undefined) {
      // Names come from outside: only so many are kept.
      if (elsewhere.size >= 1_000) elsewhere.clear()
      elsewhere.set(name, found = lookUp(name))
    }
    return found
  }

  const has = (provider: string, operation: Operation): boolean => Object.hasOwn(registry.get(provider).pipelines, operation)

  /** Who judges where no model is named: never the model that chats, for that is another kind. */
  const judge = (): Target | LlmError => {
    const alias = aliases.get(usualJudge)
    if (alias !== undefined) return alias
    if (usual !== undefined && has(usual.provider, "moderations")) return { provider: usual.provider, model: undefined }
    const able = registry.names.filter((provider) => has(provider, "moderations"))
    const known = able.length === 1 ? able : able.filter((provider) => knows(offer, provider, usualJudge))
    if (known.length === 1) return { provider: known[0]!, model: undefined }
    if (able.length === 0) return usual ?? { provider: registry.names[0]!, model: undefined }
    return notFound(`the request names no model, and ${able.join(", ")} could judge: name one, or set models.${usualJudge}`)
  }

  return {
    resolve: (name, operation, tenant) => {
      const found = name === undefined && operation === "moderations" ? judge() : find(name)
      if (LlmError.isLlmError(found)) return found
      const forbidden = tenant === undefined ? undefined : refusedTo(config, tenant, name, found)
      if (forbidden !== undefined) return forbidden
      try {
        registry.pipeline(found.provider, operation)
        return found
      } catch (thrown) {
        return helped(LlmError.fromUnknown(thrown), operation)
      }
    },
    models: listed(aliases, offer)
  }
}

/** What OpenAI's clients mean where they name no model to judge. */
const usualJudge = "omni-moderation-latest"

/** An operation that nobody here has, with who has it elsewhere. */
const helped = (error: LlmError, operation: Operation): LlmError => {
  const { reason } = error
  if (reason._tag !== "Unsupported" || (reason.alternatives?.length ?? 0) > 0) return error
  const able = all.filter(({ pipelines }) => Object.hasOwn(pipelines, operation)).map(({ name }) => name)
  const message = `${reason.message}, and nobody else here has it; these could be configured: ${able.join(", ")}`
  return LlmError.make({ ...reason, alternatives: able, message }, { provider: error.provider })
}

const notFound = (message: string): LlmError => LlmError.make({ _tag: "NotFound", status: 404, message })

/** Where nothing is said: the one provider there is beside the one that needs no service. */
const only = (names: ReadonlyArray<string>): Target | undefined => {
  const others = names.filter((name) => name !== "local")
  const provider = others.length === 1 ? others[0] : others.length === 0 ? names[0] : undefined
  return provider === undefined ? undefined : { provider, model: undefined }
}

const aliasOf = (
  name: string,
  alias: Config["models"][string],
  { registry }: Offer,
  refuse: (path: Path, message: string) => LlmError
): Target => {
  const path = ["models", name]
  if (typeof alias === "string") {
    const slash = alias.indexOf("/")
    const provider = slash < 0 ? alias : alias.slice(0, slash)
    if (!registry.has(provider)) {
      throw refuse(path, `models.${name}: ${Suggest.refusal("provider", provider, registry.names)}`)
    }
    if (slash < 0 || slash + 1 === alias.length) {
      throw refuse(path, `models.${name} must be written as ${provider}/model`)
    }
    return { provider, model: alias.slice(slash + 1) }
  }
  const { model, options, pipeline, provider } = alias
  if (!registry.has(provider)) {
    throw refuse([...path, "provider"], `models.${name}: ${Suggest.refusal("provider", provider, registry.names)}`)
  }
  if (options !== undefined) {
    try {
      Options.check(options)
    } catch (thrown) {
      const { reason } = LlmError.fromUnknown(thrown)
      const parameter = reason._tag === "InvalidRequest" ? reason.parameter : undefined
      throw refuse(
        [...path, "options", ...(parameter === undefined ? [] : [parameter])],
        `models.${name}: ${reason.message}`
      )
    }
  }
  return { provider, model, ...(options !== undefined && { options: options as Options }), ...(pipeline !== undefined && { pipeline }) }
}

const knows = (offer: Offer, provider: string, model: string): boolean =>
  offer.modelsOf(provider)?.includes(model)
    ?? (provider === "local" ? rules.includes(model) : Catalog.get(offer.kindOf(provider), model) !== undefined)

/** Names near to one that is not known: aliases, then what the providers offer. */
const near = (name: string, aliases: Iterable<string>, offer: Offer): ReadonlyArray<string> => [
  ...aliases,
  ...offer.registry.names.flatMap((provider) => {
    const own = offer.modelsOf(provider)
    return own ?? Catalog.suggest(offer.kindOf(provider), name, 1)
  })
]

/** Why a tenant may not ask for this, if it may not. */
const refusedTo = (config: Config, tenant: string, name: string | undefined, { model, provider }: Target): LlmError | undefined => {
  const { models, providers } = Object.hasOwn(config.tenants, tenant) ? config.tenants[tenant]! : {}
  const full = `${provider}/${model ?? ""}`
  const fits = models === undefined || models.some((each) =>
    each === name || each === full || (each.endsWith("/*") && full.startsWith(each.slice(0, -1))))
  if (fits && (providers === undefined || providers.includes(provider))) return undefined
  return LlmError.make({
    _tag: "Permission",
    status: 403,
    message: fits ? `${tenant} may not ask the provider ${provider}` : `${tenant} may not ask for the model ${Suggest.quote(name ?? full)}`
  })
}

const listed = (aliases: ReadonlyMap<string, Target>, offer: Offer): ReadonlyArray<Model> => [
  ...[...aliases].map(([id, { provider }]) => ({ id, ownedBy: provider })),
  ...offer.registry.names.flatMap((provider) =>
    (offer.modelsOf(provider) ?? offered(offer.kindOf(provider))).map((model) => ({ id: `${provider}/${model}`, ownedBy: provider })))
]

/** What a provider offers now: what the catalog says, or the rules that are built in. */
const offered = (provider: string): ReadonlyArray<string> =>
  provider === "local" ? rules : Catalog.find({ provider }).map(({ id }) => id).toSorted()

/** The models of the provider that needs no service. */
const rules = ["rules-1", "ngrams-1"]
