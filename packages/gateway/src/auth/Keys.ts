/**
 * What admins do with API keys: make, list, rotate, date and revoke them. Nobody gives away more than he may do
 * himself, nor reaches into another tenant; each act is written to the audit log before it is done.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Clock, Effect, Redacted, Schema } from "effect"
import { type JsonObject, type JsonValue, LlmError } from "plugline"
import { Audit, type Outcome } from "../audit/Audit.ts"
import { described, field, fieldOr, Span } from "../config/values.ts"
import { grant as grantFields, Moment, momentOf, Name } from "./AuthConfig.ts"
import { decode, invalid } from "./input.ts"
import { type Grant, isLive, type KeyPage, type KeyQuery, type KeyRecord, KeyStore } from "./KeyStore.ts"
import { principalOf } from "./load.ts"
import type { Permission, Role } from "./permissions.ts"
import { forbidden, type Principal } from "./Principal.ts"
import { digest, make as makeSecret, makeId, visible } from "./secret.ts"

// --- models
// ----------------------------------------------------------------------------------------------------------------

/** What a new key is to be. */
export const NewKey = Schema.Struct({
  name: described(Name, "What it is called in logs and lists."),
  ...grantFields,
  expires: field(
    Moment,
    "From when it is refused: a day, which begins in UTC, or a time with its zone. Default: never."
  )
})

/** How a key is rotated. */
export const Rotation = Schema.Struct({
  overlap: fieldOr(
    Schema.Union([Schema.Literal(0), Span]),
    "1 day",
    "How long the old key is still taken; 0 for no longer."
  )
})

/** When a key ends. */
export const Dating = Schema.Struct({
  expires: described(Moment, "From when it is refused: a day, which begins in UTC, or a time with its zone.")
})

/** A key that was just made: the only time that it can be seen. */
export interface Issued {
  readonly key: Redacted.Redacted<string>
  readonly record: KeyRecord
}

/** Who acts, and by which request. */
export interface Actor {
  readonly by: Principal
  readonly requestId?: string
}

type Act<A> = Effect.Effect<A, LlmError | StoreError>

/** What admins do with keys. Input is checked here: it may be what a client sent. */
export interface Keys {
  readonly create: (actor: Actor, input: unknown) => Act<Issued>
  readonly list: (actor: Actor, query?: KeyQuery) => Act<KeyPage>
  readonly get: (actor: Actor, id: string) => Act<KeyRecord>
  readonly rotate: (actor: Actor, id: string, input?: unknown) => Act<Issued>
  readonly expire: (actor: Actor, id: string, input: unknown) => Act<KeyRecord>
  readonly revoke: (actor: Actor, id: string) => Act<KeyRecord>
}

// --- make
// ------------------------------------------------------------------------------------------------------------------

/** See the module. */
export const make: (options: {
  readonly roles: ReadonlyMap<string, Role>
}) => Effect.Effect<Keys, never, Audit | KeyStore> = Effect.fnUntraced(function*({ roles }) {
  const audit = yield* Audit
  const store = yield* KeyStore

  const note = (
    { by, requestId }: Actor,
    action: string,
    target: string,
    outcome: Outcome,
    summary: { readonly before?: JsonValue; readonly after?: JsonValue } = {}
  ) => audit.record({ who: by, action, target, outcome, ...summary, ...(requestId !== undefined && { requestId }) })

  /** Refuses, and writes down that somebody tried. */
  const deny = (actor: Actor, action: string, target: string, error: LlmError): Act<never> =>
    Effect.andThen(note(actor, action, target, "refused"), Effect.fail(error))

  const permit = (actor: Actor, permission: Permission, action: string, target: string): Act<void> =>
    actor.by.permissions.includes(permission)
      ? Effect.void
      : deny(actor, action, target, forbidden(`it lacks the permission "${permission}"`))

  /** A key that is the actor's to see. Another tenant's is not there, as far as he is told. */
  const reach = (actor: Actor, id: string, action: string): Act<KeyRecord> =>
    Effect.flatMap(store.get(id), (record) => {
      const { tenant } = actor.by.identity
      return record === undefined || (tenant !== undefined && record.grant.tenant !== tenant)
        ? deny(actor, action, id, missing)
        : Effect.succeed(record)
    })

  /** Why somebody may not hand out a key for this, or `undefined` where he may. */
  const tooMuch = (by: Principal, grant: Grant): LlmError | undefined => {
    const then = principalOf({ id: "", name: "", account: "", grant }, roles)
    if (then === undefined) return invalid(`role must be one of ${[...roles.keys()].join(", ")}`, "role")
    if (!then.permissions.every((each) => by.permissions.includes(each))) {
      return forbidden("a key may do no more than whoever makes it")
    }
    const { models, providers, role } = by
    if ([models, providers, role.models, role.providers, role.routes].some((list) => list !== undefined)) {
      return forbidden("whoever is held to some models, providers or routes makes no keys")
    }
    const { tenant } = by.identity
    return tenant === undefined || grant.tenant === tenant
      ? undefined
      : forbidden("it makes keys of its own tenant alone")
  }

  const issue = Effect.fnUntraced(function*(
    actor: Actor,
    action: string,
    parts: Pick<KeyRecord, "name" | "grant"> & Partial<KeyRecord>
  ) {
    const denied = tooMuch(actor.by, parts.grant)
    if (denied !== undefined) return yield* deny(actor, action, parts.replaces ?? parts.name, denied)
    const key = makeSecret()
    const id = makeId()
    const created = yield* Clock.currentTimeMillis
    const record: KeyRecord = { id, account: id, prefix: visible(key), created, by: actor.by.id, ...parts }
    return { key: Redacted.make(key), digest: digest(key), record }
  })

  return {
    create: Effect.fnUntraced(function*(actor, input) {
      yield* permit(actor, "keys:write", "keys.create", "")
      const { expires, name, ...given } = yield* decode(NewKey, input)
      const { tenant } = actor.by.identity
      const grant: Grant = tenant === undefined || given.tenant !== undefined ? given : { ...given, tenant }
      const { digest, key, record } = yield* issue(actor, "keys.create", {
        name, grant, ...(expires !== undefined && { expires: momentOf(expires)! })
      })
      yield* note(actor, "keys.create", record.id, "allowed", { after: summary(record) })
      if (!(yield* store.add(record, digest))) return yield* failed(note(actor, "keys.create", record.id, "failed"))
      return { key, record }
    }),

    list: Effect.fnUntraced(function*(actor, query = {}) {
      yield* permit(actor, "keys:read", "keys.list", "")
      const own = actor.by.identity.tenant
      if (own !== undefined && query.tenant !== undefined && query.tenant !== own) return { keys: [] }
      return yield* store.list({ ...query, tenant: own ?? query.tenant })
    }),

    get: Effect.fnUntraced(function*(actor, id) {
      yield* permit(actor, "keys:read", "keys.get", id)
      return yield* reach(actor, id, "keys.get")
    }),

    rotate: Effect.fnUntraced(function*(actor, id, input = {}) {
      yield* permit(actor, "keys:write", "keys.rotate", id)
      const { overlap } = yield* decode(Rotation, input)
      const old = yield* reach(actor, id, "keys.rotate")
      const { digest, key, record } = yield* issue(actor, "keys.rotate", {
        name: old.name,
        grant: old.grant,
        account: old.account,
        replaces: id,
        ...(old.expires !== undefined && { expires: old.expires })
      })
      const ends = record.created + overlap
      if (old.replacedBy !== undefined || !isLive(old, record.created)) {
        return yield* deny(actor, "keys.rotate", id, conflict("the key is over, revoked or replaced already"))
      }
      yield* note(actor, "keys.rotate", id, "allowed", {
        before: summary(old), after: { ...summary(record), old: { ends: Math.min(ends, old.expires ?? ends) } }
      })
      if (!(yield* store.rotate(record, digest, ends))) return yield* failed(note(actor, "keys.rotate", id, "failed"))
      return { key, record }
    }),

    expire: Effect.fnUntraced(function*(actor, id, input) {
      yield* permit(actor, "keys:write", "keys.expire", id)
      const expires = momentOf((yield* decode(Dating, input)).expires)!
      const old = yield* reach(actor, id, "keys.expire")
      const denied = tooMuch(actor.by, old.grant)
      if (denied !== undefined) return yield* deny(actor, "keys.expire", id, denied)
      // A key that was replaced ends with its overlap: to date it later would bring it back.
      if (old.replacedBy !== undefined && old.expires !== undefined && expires > old.expires) {
        return yield* deny(actor, "keys.expire", id, conflict("the key was replaced and can only end earlier"))
      }
      yield* note(actor, "keys.expire", id, "allowed", { before: summary(old), after: { expires } })
      return (yield* store.change(id, { expires })) ?? (yield* failed(note(actor, "keys.expire", id, "failed")))
    }),

    revoke: Effect.fnUntraced(function*(actor, id) {
      yield* permit(actor, "keys:write", "keys.revoke", id)
      const old = yield* reach(actor, id, "keys.revoke")
      const revoked = yield* Clock.currentTimeMillis
      const after = { revoked: old.revoked ?? revoked }
      yield* note(actor, "keys.revoke", id, "allowed", { before: summary(old), after })
      return (yield* store.change(id, { revoked })) ?? (yield* failed(note(actor, "keys.revoke", id, "failed")))
    })
  }
})

// --- helpers
// ---------------------------------------------------------------------------------------------------------------

/** What the audit log says of a key. */
const summary = (record: KeyRecord) => record as unknown as JsonObject

const failed = (note: Effect.Effect<unknown, StoreError>): Act<never> =>
  Effect.andThen(note, Effect.fail(conflict("the key changed meanwhile: look at it again")))

const conflict = (message: string): LlmError => LlmError.make({ _tag: "InvalidRequest", status: 409, message })

const missing: LlmError = LlmError.make({ _tag: "NotFound", status: 404, message: "there is no such key" })
