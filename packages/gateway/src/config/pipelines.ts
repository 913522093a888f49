/**
 * The pipelines of a configuration: what a request runs through, by operation, path, alias and tenant, with the
 * limits and budgets of whoever asks.
 *
 * @module
 */
import {
  Budget as BudgetPlug, CircuitBreaker, Metrics, order, Providers, RateLimit, Retry, type Stores, TrackCost
} from "@plugline/plugs"
import type { Operation, Pipeline, Plug } from "plugline"
import { namesModel } from "../auth/pattern.ts"
import type { Config } from "./Config.ts"
import type { Budget, Limit } from "./Limits.ts"
import { asked, permitted } from "./permitted.ts"

/** What the plugs of a pipeline may need. */
export type Needs = Stores | Providers.Providers

/** A pipeline that is ready for the services of the gateway. */
export type Line = Pipeline<Needs>

/** For whom and what a pipeline is wanted. */
export interface Call {
  readonly operation: Operation
  /** The path that was asked: `/v1/messages`. */
  readonly route?: string | undefined
  /** The pipeline that the model's alias names. */
  readonly pipeline?: string | undefined
  readonly tenant?: string | undefined
  /** How much may be asked with the key that asks, beside the limits of the gateway and the tenant. */
  readonly limits?: Omit<Limit, "per"> | undefined
  /** Lists of providers, each of which must name whoever is asked, beside that of the tenant. */
  readonly providers?: ReadonlyArray<ReadonlyArray<string>> | undefined
  /** Lists of patterns of models, each of which must name the model where a call is sent on to another. */
  readonly models?: ReadonlyArray<ReadonlyArray<string>> | undefined
  /** How much may be spent with that key, beside the budgets of the gateway and the tenant. */
  readonly budgets?: ReadonlyArray<Omit<Budget, "per">> | undefined
}

/** The name of the pipeline that stands where the configuration has none of that name. */
export const standard = "default"

/**
 * What requests go through where nothing else is said: counted, charged, tried again, and kept from who fails. Time limits are those
 * of the connection, `providers.<name>.timeouts`, which hold for each attempt.
 */
export const usual: Line = [
  Metrics.plug(),
  TrackCost.plug(),
  Retry.plug({ attempts: 3, deadline: "10 minutes" }),
  TrackCost.plug(),
  CircuitBreaker.plug()
]

/** Most pipelines that are kept ready beside those that the configuration names. */
const most = 2_000

/**
 * Finds the pipeline of a call: that of the tenant, of the model's alias, of the path or operation, the default one.
 * Two calls for the same get the same array, so that it is compiled once.
 */
export const finder = (config: Config, lines: ReadonlyMap<string, Line>): (call: Call) => Line => {
  const kept = new Map<string, Line>()
  return (call) => {
    const name = nameOf(config, call)
    const tenant = call.tenant !== undefined && Object.hasOwn(config.tenants, call.tenant) ? call.tenant : undefined
    const key = `${name}\n${tenant ?? ""}\n${textOf(call.limits)}\n${textOf(call.budgets)}\n${textOf(call.providers)}\n${textOf(call.models)}`
    let found = kept.get(key)
    if (found === undefined) {
      if (kept.size >= most) kept.clear()
      kept.set(key, found = complete(config, lines.get(name) ?? usual, tenant, call))
    }
    return found
  }
}

/** The name of the pipeline of a call. A tenant's counts most: no choice of a model leads around it. */
export const nameOf = (config: Config, { operation, pipeline, route, tenant }: Call): string => {
  const own = tenant !== undefined && Object.hasOwn(config.tenants, tenant) ? config.tenants[tenant] : undefined
  const by = (routes: { readonly [name: string]: string } = {}): string | undefined =>
    [route, operation, standard].flatMap((name) => name !== undefined && Object.hasOwn(routes, name) ? [routes[name]!] : [])[0]
  return by(own?.routes) ?? own?.pipeline ?? pipeline ?? by(config.routes) ?? standard
}

const texts = new WeakMap<object, string>()

/** Limits as a text. Those of one principal are mostly one and the same object. */
const textOf = (limits: object | undefined): string => {
  if (limits === undefined) return ""
  let text = texts.get(limits)
  if (text === undefined) texts.set(limits, text = JSON.stringify(limits))
  return text
}

/** A line with the limits and budgets that hold for a call, and the provider at its end. */
export const complete = (config: Config, line: Line, tenant: string | undefined, call: Call): Line => {
  const own = tenant === undefined ? undefined : config.tenants[tenant]
  const { timeZone, whenDown } = config.accounting
  const counted = { timeZone, ...(whenDown !== undefined && { whenDown }) }
  const limits = [
    ...named("gateway", config.limits),
    ...named(`tenant:${tenant}`, own?.limits),
    ...named("key", call.limits === undefined ? [] : [{ ...call.limits, per: "key" }])
  ]
  const budgets = budgetsFor(config, tenant, call.budgets)
  let whole: ReadonlyArray<Plug<Needs>> = flat(line)
  if (limits.length > 0) whole = limited(whole, RateLimit.plug({ limits, scope: "gateway", ...counted }))
  if (budgets !== undefined) whole = budgeted(whole, BudgetPlug.plug(budgets))
  const providers = [...call.providers ?? [], ...(own?.providers === undefined ? [] : [own.providers])]
  const models = (call.models ?? []).map((list) => [...list, ...meant(config, (alias) => namesModel(list, { alias }))])
  const ofTenant = own?.models
  if (ofTenant !== undefined) {
    models.push([...ofTenant.filter((each) => each.includes("/")), ...meant(config, (alias) => ofTenant.includes(alias))])
  }
  if (models.length > 0) whole = [asked, ...whole]
  const bounds = providers.length + models.length === 0 ? [] : [permitted({ providers, models })]
  return [...whole, ...bounds, Providers.ask]
}

/** What aliases mean: whoever may ask for one by its name may be sent on to what it means. */
const meant = ({ models }: Config, fits: (alias: string) => boolean): ReadonlyArray<string> =>
  Object.entries(models).filter(([alias]) => fits(alias)).map(([, target]) =>
    typeof target === "string" ? target : `${target.provider}/${target.model}`)

/** The budgets that hold for a tenant and a key, as `budget` takes them; `undefined` where there are none. */
export const budgetsFor = (
  config: Config,
  tenant: string | undefined,
  own: Call["budgets"] = []
): NonNullable<Parameters<typeof BudgetPlug.plug>[0]> | undefined => {
  const { timeZone, unpriced, whenDown } = config.accounting
  const ofTenant = tenant !== undefined && Object.hasOwn(config.tenants, tenant) ? config.tenants[tenant]!.budgets : undefined
  // Those of a key have no names: of two for the same time the second is told apart by its place.
  const ofKey = own.map((budget, index): Budget => {
    const before = own.slice(0, index).filter(({ every }) => every === budget.every).length
    return { ...budget, per: "key", name: `key-${budget.every}${before === 0 ? "" : `-${before + 1}`}` }
  })
  const limits = [...named("gateway", config.budgets), ...named(`tenant:${tenant}`, ofTenant), ...named("key", ofKey)]
  if (limits.length === 0) return undefined
  return {
    limits, timeZone, ...(whenDown !== undefined && { whenDown }), ...(unpriced !== undefined && { unpriced })
  }
}

const flat = (line: Line): ReadonlyArray<Plug<Needs>> => line as ReadonlyArray<Plug<Needs>>

/** The same with names that tell whose they are, since each set counts on its own. */
const named = <A extends Limit | Budget>(whose: string, list: ReadonlyArray<A> | undefined): ReadonlyArray<A> =>
  (list ?? []).map((each) => ({ ...each, name: `${whose}:${each.name ?? nameOfLimit(each)}` }))

const nameOfLimit = (limit: Limit | Budget): string =>
  "every" in limit ? `${limit.per}-${limit.every}` : typeof limit.per === "string" ? limit.per : limit.per.join("+")

const rank = (plug: { readonly name: string }): number => order.indexOf(plug.name)

/** A line with limits in front of all that asks, and asks again: what they refuse must not be tried again. */
export const limited = (line: ReadonlyArray<Plug<Needs>>, plug: Plug<Needs>): ReadonlyArray<Plug<Needs>> => {
  const at = line.findIndex((other) => rank(other) > rank(plug))
  return at < 0 ? [...line, plug] : line.toSpliced(at, 0, plug)
}

/**
 * A line with budgets behind all that asks again or answers by itself: each attempt is held and paid for on its
 * own.
 */
export const budgeted = (line: ReadonlyArray<Plug<Needs>>, plug: Plug<Needs>): ReadonlyArray<Plug<Needs>> =>
  line.toSpliced(line.findLastIndex((other) => rank(other) >= 0 && rank(other) < rank(plug)) + 1, 0, plug)
