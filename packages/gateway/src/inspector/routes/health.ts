/**
 * `/inspector/api/health`: what requests took and cost over time, and how circuits, budgets and the cache stand.
 *
 * @module
 */
import type { Health } from "@plugline/inspector"
import { Cache } from "@plugline/plugs"
import { Effect, Schema } from "effect"
import { setImmediate } from "node:timers/promises"
import type { JsonValue } from "plugline"
import { type Ask, queryOf } from "../../admin/act.ts"
import { circuits, known } from "../../admin/status.ts"
import { standingsFor } from "../../admin/usage.ts"
import type { Route } from "../../server/Server.ts"
import { type By, slotsOf, sumOf } from "../health.ts"
import type { Inspector } from "../Inspector.ts"
import { Digits, type Site, tell } from "./shared.ts"

const Query = Schema.Struct({
  since: Schema.optionalKey(Digits),
  slot: Schema.optionalKey(Digits),
  by: Schema.optionalKey(Schema.Literals(["provider", "model", "tenant", "pipeline", "none"]))
})

const hour = 3_600_000

/** How many requests are looked at before others go first. */
const page = 2_000

/** The route of how it goes. Whoever belongs to a tenant is told nothing of what all share. */
export const healthRoutes = (site: Site): ReadonlyArray<Route> => [
  tell(site, "/inspector/api/health", "inspect", (ask, inspector) =>
    Effect.gen(function*() {
      const { by = "provider", since = ask.now - hour, slot } = yield* queryOf(ask, Query)
      const { groups, slots } = yield* plots(ask, inspector, since, slot, by)
      const shared = ask.principal.identity.tenant === undefined
      const mayKnow = ask.principal.permissions.includes("usage")
      const health: Health = {
        since,
        slot: slots.slot,
        times: Array.from({ length: slots.count }, (_, index) => since + index * slots.slot),
        groups,
        circuits: shared ? listOf(yield* known(circuits)) : [],
        limits: mayKnow ? listOf(yield* known(standingsFor(ask))) : [],
        cache: shared ? yield* known(Cache.info) as Effect.Effect<never> : {}
      }
      return health as unknown as JsonValue
    }))
]

const plots = (ask: Ask, { store }: Inspector, since: number, slot: number | undefined, by: By) =>
  Effect.gen(function*() {
    const until = ask.now + 1
    const slots = slotsOf(since, ask.now, slot)
    const sum = sumOf(slots, by)
    let after = 0
    while (true) {
      const found = yield* store.measures({ since, until, after, limit: page }, ask.principal.identity.tenant)
      sum.add(found)
      if (found.length < page) return { slots, groups: sum.groups() }
      after = found.at(-1)!.seq
      yield* Effect.promise(() => setImmediate())
    }
  })

const listOf = (value: JsonValue): Health["circuits"] => Array.isArray(value) ? value as unknown as Health["circuits"] : []
