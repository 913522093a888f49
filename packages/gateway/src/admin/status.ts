/**
 * `/admin/status`: how the gateway is, as far as its parts can tell at once.
 *
 * @module
 */
import { Cache, CircuitBreaker, Queue } from "@plugline/plugs"
import { Effect, Option } from "effect"
import { type JsonObject, type JsonValue, Mask } from "plugline"
import type { Live } from "../config/reload.ts"
import { matches } from "../auth/pattern.ts"
import type { Principal } from "../auth/Principal.ts"
import { version } from "../version.ts"
import { type Admin, type Ask, tells, timeOf } from "./act.ts"

/** How long a store may take to say how it is. */
const patience = "2 seconds"

/** The routes of the gateway's state. Whoever belongs to a tenant is told nothing of what all share. */
export const statusRoutes = (admin: Admin) => [
  tells(admin, "/admin/status", "status", (ask) =>
    Effect.gen(function*() {
      const { live, now, principal } = ask
      const own: JsonObject = {
        version,
        started: timeOf(admin.started),
        uptimeMs: now - admin.started,
        draining: admin.isDraining(),
        generation: live.generation,
        providers: providersOf(live, principal)
      }
      if (principal.identity.tenant !== undefined) return own
      return {
        ...own,
        open: live.auth.isOpen,
        activeRequests: admin.active(),
        lastReloadError: lastError(admin, ask),
        stores: live.loaded.config.stores.kind,
        circuits: yield* known(circuits),
        cache: yield* known(Cache.info),
        queue: yield* known(queue)
      }
    }))
]

const providersOf = ({ loaded }: Live, { identity: { tenant }, providers, role }: Principal): ReadonlyArray<string> => {
  const ofTenant = tenant !== undefined && Object.hasOwn(loaded.config.tenants, tenant)
    ? loaded.config.tenants[tenant]!.providers
    : undefined
  const lists = [providers, role.providers]
  return loaded.registry.names.filter((name) =>
    lists.every((list) => list === undefined || list.some((pattern) => matches(pattern, name)))
    && (ofTenant === undefined || ofTenant.includes(name)))
}

/** What was wrong is for those who may read the configuration. */
const lastError = ({ configuration }: Admin, { principal }: Ask): JsonValue => {
  const failed = configuration.lastError()
  if (failed === undefined) return null
  return {
    at: timeOf(failed.at),
    ...(principal.permissions.includes("config:read") && { message: Mask.text(failed.error.reason.message) })
  }
}

export const circuits = Effect.map(CircuitBreaker.states, (found) =>
  found.map(({ retryAfter, since, ...rest }) => ({
    ...rest, since: timeOf(since), ...(retryAfter !== undefined && { retryAfterMs: retryAfter })
  })))

/** `null` where there is no queue. */
const queue = Effect.flatMap(Effect.serviceOption(Queue.Jobs), (jobs) =>
  Option.isNone(jobs) ? Effect.succeed(null) : jobs.value.stats)

/** What a part says of itself; that it does not answer where it fails or takes too long. */
export const known = <A, E, R>(asked: Effect.Effect<A, E, R>): Effect.Effect<JsonValue, never, R> =>
  Effect.orElseSucceed(
    Effect.map(Effect.timeout(asked, patience), (said) => said as JsonValue),
    (): JsonValue => ({ error: "does not answer" })
  )
