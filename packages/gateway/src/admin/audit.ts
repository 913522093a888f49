/**
 * `/admin/audit`: what admins did, the latest first.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { JsonValue } from "plugline"
import { Audit } from "../audit/Audit.ts"
import { type Admin, queryOf, tells, timeOf } from "./act.ts"
import { Count, Place, Text } from "./fields.ts"

const Query = Schema.Struct({
  tenant: Schema.optionalKey(Text),
  who: Schema.optionalKey(Text),
  action: Schema.optionalKey(Text),
  target: Schema.optionalKey(Text),
  before: Schema.optionalKey(Place),
  limit: Schema.optionalKey(Count)
})

/** The routes of the audit log. Whoever belongs to a tenant reads what its own admins did. */
export const auditRoutes = (admin: Admin) => [
  tells(admin, "/admin/audit", "audit:read", (ask) =>
    Effect.gen(function*() {
      const query = yield* queryOf(ask, Query)
      const own = ask.principal.identity.tenant
      if (own !== undefined && query.tenant !== undefined && query.tenant !== own) return { entries: [] }
      const { entries, next } = yield* (yield* Audit).read({ ...query, tenant: own ?? query.tenant })
      return {
        entries: entries.map(({ at, ...entry }) => ({ ...entry, at: timeOf(at) })) as unknown as JsonValue,
        ...(next !== undefined && { next })
      }
    }))
]
