/**
 * `/inspector/api/traces`: requests that are over, as a list, as they come, and one with every step.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { JsonValue } from "plugline"
import { queryOf } from "../../admin/act.ts"
import { Count, Text } from "../../admin/fields.ts"
import { openai } from "../../dialects/openai/index.ts"
import type { Route } from "../../server/Server.ts"
import { Digits, off, recordedOf, shield, type Site, tell } from "./shared.ts"

const Status = Schema.String.check(Schema.isPattern(/^(ok|error|[1-5]\d\d)$/, { expected: "ok, error, or a status such as 429" }))

const Query = Schema.Struct({
  limit: Schema.optionalKey(Count),
  before: Schema.optionalKey(Digits),
  q: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(512))),
  provider: Schema.optionalKey(Text),
  model: Schema.optionalKey(Text),
  pipeline: Schema.optionalKey(Text),
  tenant: Schema.optionalKey(Text),
  cache: Schema.optionalKey(Text),
  status: Schema.optionalKey(Status),
  since: Schema.optionalKey(Digits),
  until: Schema.optionalKey(Digits)
})

/** The routes of requests that are over. */
export const traceRoutes = (site: Site): ReadonlyArray<Route> => [
  tell(site, "/inspector/api/traces", "inspect", (ask, { store }) =>
    Effect.flatMap(queryOf(ask, Query), (query) =>
      Effect.map(store.list(query, ask.principal.identity.tenant), (traces) => traces as unknown as JsonValue))),
  live(site),
  tell(site, "/inspector/api/traces/{id}", "inspect", (ask, inspector) =>
    Effect.map(recordedOf(ask, inspector), (recorded) => recorded as unknown as JsonValue))
]

const live = ({ inspector }: Site): Route => ({
  method: "GET",
  path: "/inspector/api/traces/live",
  permission: "inspect",
  dialect: openai,
  handle: ({ exchange, watch }) => {
    shield(exchange)
    if (inspector === undefined) return exchange.fail(off())
    const told = exchange.request.headers["last-event-id"] ?? new URLSearchParams(exchange.query).get("after")
    inspector.feeds.open(exchange, watch, typeof told === "string" && /^\d{1,15}$/.test(told) ? Number(told) : undefined)
  }
})
