/**
 * How much may be asked and spent, of the gateway and of each tenant.
 *
 * @module
 */
import { Schema } from "effect"
import { described, field, fieldOr, whole } from "./values.ts"

const Units = whole(1, 100_000_000_000)
const Rate = Schema.Union([Units, Schema.Struct({
  rate: described(Units, "What comes back in a minute."),
  burst: described(Units, "The most that can be saved up.")
})])
const dimensions = Schema.Literals(["user", "key", "team", "tenant", "model", "provider", "global"])
const amounts = {
  requestsPerMinute: field(Rate, "Calls by the minute: a number, or `{ rate, burst }`."),
  tokensPerMinute: field(Rate, "Tokens by the minute, of question and answer."),
  requestsPerDay: field(Units, "Calls by calendar day."),
  tokensPerDay: field(Units, "Tokens by calendar day."),
  concurrency: field(Units, "Calls at a time.")
}
const unlimited = Schema.Literal("unlimited")

/** How much may be asked. */
export const Limit = Schema.Struct({
  per: described(
    Schema.Union([dimensions, Schema.NonEmptyArray(dimensions)]),
    "What it is counted by: one thing, or several together."
  ),
  name: field(Schema.String, "What it is called in messages and in the store. Default: what it is counted by."),
  ...amounts,
  tiers: field(
    Schema.Record(Schema.String, Schema.Struct({
      requestsPerMinute: field(Schema.Union([Rate, unlimited]), "Calls by the minute."),
      tokensPerMinute: field(Schema.Union([Rate, unlimited]), "Tokens by the minute."),
      requestsPerDay: field(Schema.Union([Units, unlimited]), "Calls by calendar day."),
      tokensPerDay: field(Schema.Union([Units, unlimited]), "Tokens by calendar day."),
      concurrency: field(Schema.Union([Units, unlimited]), "Calls at a time.")
    })),
    "What is different for a class of service. Default: nothing."
  )
})

/** How much may be spent. */
export const Budget = Schema.Struct({
  per: described(
    Schema.Literals(["user", "key", "team", "tenant", "global"]),
    "Whose spending it limits: of each user, key, team or tenant on its own, or of all together."
  ),
  amount: described(Schema.Union([Schema.String, Schema.Finite]), "USD: decimal text, or a number."),
  every: described(Schema.Literals(["day", "week", "month", "total"]), "When it starts anew."),
  kind: field(
    Schema.Literals(["hard", "soft"]),
    "`hard` refuses what does not fit, `soft` lets it through with a warning. Default: hard."
  ),
  name: field(Schema.String, "What it is called, and its accounts are kept under. Default: `user-day` and so on."),
  only: field(
    Schema.Struct({
      tenant: field(Schema.String, "Only for this tenant."),
      team: field(Schema.String, "Only for this team."),
      user: field(Schema.String, "Only for this user."),
      key: field(Schema.String, "Only for this key."),
      tier: field(Schema.String, "Only for this class of service.")
    }),
    "Only for requests made for these. Default: for all."
  )
})

/** One limit, as `rateLimit` takes it. */
export type Limit = typeof Limit.Type

/** One budget, as `budget` takes it. */
export type Budget = typeof Budget.Type

/** How limits and budgets count. */
export const Accounting = Schema.Struct({
  timeZone: fieldOr(Schema.String, "UTC", "Whose calendar days, weeks and months count: `Europe/Berlin`, `+02:00`."),
  unpriced: field(
    Schema.Literals(["refuse", "allow"]),
    "A call under a budget whose price nobody knows: `refuse`, or `allow` it to be counted as unknown. Default: `refuse` where a budget is hard."
  ),
  whenDown: field(
    Schema.Literals(["open", "closed"]),
    "While the store does not answer: `open` lets calls through uncounted, `closed` refuses them. Default: limits are open, hard budgets closed."
  )
})
