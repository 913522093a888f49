/**
 * `/admin/usage`: what was spent, by key, model, tenant and more, and how budgets stand.
 *
 * @module
 */
import { Budget, type Identity, type StoreError, TrackCost } from "@plugline/plugs"
import { Effect, Schema } from "effect"
import type { JsonValue, LlmError } from "plugline"
import { momentOf } from "../auth/AuthConfig.ts"
import { KeyStore } from "../auth/KeyStore.ts"
import type { Principal } from "../auth/Principal.ts"
import { invalid } from "../auth/input.ts"
import { budgetsFor } from "../config/pipelines.ts"
import { type Admin, type Ask, queryOf, tells } from "./act.ts"
import { Text, Time } from "./fields.ts"

const dimensions = ["key", "model", "tenant", "provider", "team", "user", "pipeline"] as const
type Dimension = (typeof dimensions)[number]

const Query = Schema.Struct({
  by: Schema.optionalKey(Text),
  since: Schema.optionalKey(Time),
  until: Schema.optionalKey(Time),
  keyId: Schema.optionalKey(Text),
  model: Schema.optionalKey(Text),
  tenant: Schema.optionalKey(Text),
  provider: Schema.optionalKey(Text),
  team: Schema.optionalKey(Text),
  user: Schema.optionalKey(Text)
})

/** The routes of usage. */
export const usageRoutes = (admin: Admin) => [
  tells(admin, "/admin/usage", "usage", (ask) =>
    Effect.gen(function*() {
      const { by: written, keyId, since, until, ...filters } = yield* queryOf(ask, Query)
      const by = yield* dimensionsOf(written)
      const own = scopeOf(ask.principal)
      const asked: TrackCost.Labels = { ...filters, ...(keyId !== undefined && { key: keyId }) }
      const where = { ...asked, ...own }
      const foreign = Object.entries(own ?? {}).some(([name, value]) => (asked[name as Dimension] ?? value) !== value)
      const totals = foreign ? [] : yield* TrackCost.totals({
        by,
        where,
        ...(since !== undefined && { since: momentOf(since)! }),
        ...(until !== undefined && { until: momentOf(until)! })
      })
      const budgets = foreign ? [] : yield* standings(ask, where, own !== undefined)
      return {
        by,
        totals: totals.map(({ cost, ...total }) => ({ ...total, costUsd: cost })) as unknown as JsonValue,
        budgets: budgets as unknown as JsonValue
      }
    }))
]

const dimensionsOf = (written = "key,model,tenant"): Effect.Effect<ReadonlyArray<Dimension>, LlmError> => {
  const by = written.split(",")
  const isKnown = (name: string): name is Dimension => (dimensions as ReadonlyArray<string>).includes(name)
  return by.every(isKnown)
    ? Effect.succeed(by)
    : Effect.fail(invalid(`"by" must be some of ${dimensions.join(", ")}, with commas between them`, "by"))
}

/**
 * What somebody may see: of his tenant, where he belongs to one; else all, where he may also read the metrics of the
 * whole gateway; else what he spent himself.
 */
const scopeOf = ({ identity: { key, tenant, user }, permissions }: Principal): TrackCost.Labels | undefined => {
  if (tenant !== undefined) return { tenant }
  if (permissions.includes("metrics")) return undefined
  return key !== undefined ? { key } : { user: user ?? "" }
}

// --- budgets
// --------------------------------------------------------------------------------------------------------------

/** Somebody who may have budgets, with those of his key. */
interface Spender {
  readonly identity: Identity.Identity
  readonly budgets?: Principal["budgets"]
}

/** The most whose budgets are looked at. */
const most = 1_000

/** How the budgets stand of all that fits. What all share is for those who may see all. */
const standings = (ask: Ask, where: TrackCost.Labels, narrow: boolean) =>
  Effect.gen(function*() {
    const { config } = ask.live.loaded
    const found = new Map<string, Budget.Standing & { readonly tenant?: string }>()
    const spenders = (yield* everybody(ask, where)).filter((each) => fits(each, where)).slice(0, most)
    yield* Effect.forEach(spenders, ({ budgets, identity }) => {
      const { tenant } = identity
      const options = budgetsFor(config, tenant, budgets)
      if (options === undefined) return Effect.void
      return Effect.map(Budget.standing(options, identity), (list) => {
        for (const each of list) {
          const isShared = each.whose === "all" && each.limit.startsWith("gateway:")
          const isIdle = each.whose.startsWith("requests without") && each.spent === "0" && each.held === "0"
          if (isIdle || (narrow && isShared)) continue
          const within = each.whose === "all" || each.whose.startsWith("tenant ") ? undefined : tenant
          const place = JSON.stringify([each.limit, each.whose, within ?? null])
          found.set(place, within === undefined ? each : { ...each, tenant: within })
        }
      })
    }, { concurrency: 8, discard: true })
    return [...found.values()]
  })

/** How the budgets stand of whomever somebody may see. */
export const standingsFor = (
  ask: Ask
): Effect.Effect<ReadonlyArray<Budget.Standing>, LlmError | StoreError, KeyStore | TrackCost.TotalsStore | Budget.BudgetStore> => {
  const own = scopeOf(ask.principal)
  return standings(ask, own ?? {}, own !== undefined)
}

const fits = ({ identity }: Spender, { key, team, tenant, user }: TrackCost.Labels): boolean =>
  Object.entries({ key, team, tenant, user }).every(([name, value]) =>
    value === undefined || identity[name as "key"] === value)

/** Everybody there is: who asks, tenants and keys, and who has spent something. */
const everybody = ({ live, principal }: Ask, where: TrackCost.Labels): Effect.Effect<
  ReadonlyArray<Spender>,
  StoreError,
  KeyStore | TrackCost.TotalsStore
> =>
  Effect.gen(function*() {
    const { auth, loaded } = live
    const { keys } = yield* (yield* KeyStore).list({ tenant: where.tenant, limit: most })
    const spent = yield* TrackCost.totals({ by: ["key", "user", "tenant", "team"], where })
    const own = where.tenant === undefined ? {} : { tenant: where.tenant }
    return [
      principal,
      { identity: own },
      ...Object.keys(loaded.config.tenants).map((tenant) => ({ identity: { tenant } })),
      ...auth.configured,
      ...keys.map(({ account, grant: { budgets, team, tenant, user } }): Spender => ({
        identity: {
          key: account,
          ...(tenant !== undefined && { tenant }),
          ...(team !== undefined && { team }),
          ...(user !== undefined && { user })
        },
        ...(budgets !== undefined && { budgets })
      })),
      ...spent.map(({ group: { key, team, tenant, user } }): Spender => ({
        identity: {
          ...(key !== undefined && { key }),
          ...(tenant !== undefined && { tenant }),
          ...(team !== undefined && { team }),
          ...(user !== undefined && { user })
        }
      }))
    ]
  })
