/**
 * `/admin/keys`: API keys made, listed by their beginning, rotated, dated and revoked. A key itself is in one answer
 * only: that to whoever made it.
 *
 * @module
 */
import { Effect, Redacted, Schema } from "effect"
import type { JsonObject } from "plugline"
import { type Actor, make } from "../auth/Keys.ts"
import { isLive, type KeyRecord } from "../auth/KeyStore.ts"
import type { Principal } from "../auth/Principal.ts"
import { type Admin, type Ask, acts, queryOf, Said, tells, timeOf } from "./act.ts"
import { Count, Text } from "./fields.ts"

const path = "/admin/keys"
const writes = (action: string) => ({ permission: "keys:write", action } as const)

const Query = Schema.Struct({
  tenant: Schema.optionalKey(Text),
  after: Schema.optionalKey(Text),
  limit: Schema.optionalKey(Count)
})

/** The routes of keys. */
export const keyRoutes = (admin: Admin) => [
  tells(admin, path, "keys:read", (ask) =>
    Effect.gen(function*() {
      const query = yield* queryOf(ask, Query)
      const keys = yield* keysOf(ask)
      const { keys: made, next } = yield* keys.list(actorOf(ask), query)
      return {
        keys: made.map((record) => shown(record, ask.now)),
        ...(query.after === undefined && { configured: configured(ask, query.tenant) }),
        ...(next !== undefined && { next })
      }
    })),
  acts(admin, "POST", path, writes("keys.create"), (ask) =>
    Effect.map(
      Effect.flatMap(keysOf(ask), (keys) => keys.create(actorOf(ask), ask.input)),
      (issued) => once(issued, ask)
    )),
  tells(admin, `${path}/{id}`, "keys:read", (ask) =>
    Effect.map(
      Effect.flatMap(keysOf(ask), (keys) => keys.get(actorOf(ask), ask.id)),
      (record) => shown(record, ask.now)
    )),
  acts(admin, "PATCH", `${path}/{id}`, writes("keys.expire"), (ask) =>
    Effect.map(
      Effect.flatMap(keysOf(ask), (keys) => keys.expire(actorOf(ask), ask.id, ask.input)),
      (record) => shown(record, ask.now)
    )),
  acts(admin, "DELETE", `${path}/{id}`, writes("keys.revoke"), (ask) =>
    Effect.map(
      Effect.flatMap(keysOf(ask), (keys) => keys.revoke(actorOf(ask), ask.id)),
      (record) => shown(record, ask.now)
    )),
  acts(admin, "POST", `${path}/{id}/rotate`, writes("keys.rotate"), (ask) =>
    Effect.map(
      Effect.flatMap(keysOf(ask), (keys) => keys.rotate(actorOf(ask), ask.id, ask.input)),
      (issued) => once(issued, ask)
    ))
]

const keysOf = ({ live }: Ask) => make({ roles: live.auth.roles })

const actorOf = ({ principal, requestId }: Ask): Actor => ({ by: principal, requestId })

/** The only answer that holds a key. */
const once = ({ key, record }: { readonly key: Redacted.Redacted<string>; readonly record: KeyRecord }, { now }: Ask) =>
  new Said(201, { key: Redacted.value(key), ...shown(record, now) })

/** A key without itself. */
const shown = (record: KeyRecord, now: number): JsonObject => {
  const { created, expires, grant, id, name, prefix, revoked, ...rest } = record
  return {
    id,
    name,
    prefix,
    state: revoked !== undefined ? "revoked" : isLive(record, now) ? "active" : "expired",
    ...grant as unknown as JsonObject,
    created: timeOf(created),
    ...(expires !== undefined && { expires: timeOf(expires) }),
    ...(revoked !== undefined && { revoked: timeOf(revoked) }),
    ...rest
  }
}

/** The keys of the configuration, which are changed there. */
const configured = ({ live, principal }: Ask, asked: string | undefined): ReadonlyArray<JsonObject> => {
  const own = principal.identity.tenant
  const within = ({ identity }: Principal): boolean =>
    (own === undefined || identity.tenant === own) && (asked === undefined || identity.tenant === asked)
  return live.auth.configured.filter(within).map(({ expires, identity, name, role }) => ({
    name,
    role: role.name,
    ...(identity.tenant !== undefined && { tenant: identity.tenant }),
    ...(expires !== undefined && { expires: timeOf(expires) })
  }))
}
