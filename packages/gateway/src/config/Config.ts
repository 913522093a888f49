/**
 * What the gateway's configuration may say, field by field, each with its default.
 *
 * @module
 */
import { all } from "@plugline/providers/all"
import { Schema } from "effect"
import { AuthConfig } from "../auth/AuthConfig.ts"
import { Batches } from "./Batches.ts"
import { Inspector } from "./Inspector.ts"
import { Accounting, Budget, Limit } from "./Limits.ts"
import { Server } from "./Server.ts"
import { Address, described, field, fieldOr, named, Path, Secret, Span, whole } from "./values.ts"

// --- providers
// ---------------------------------------------------------------------------------------------------------------

/** Time limits of calls to a provider. */
export const Timeouts = Schema.Struct({
  connect: field(Span, "Until the connection stands. Default: 10 seconds."),
  firstToken: field(Span, "From sending the request until the first byte of the answer. Default: 2 minutes."),
  idle: field(Span, "Between two pieces of the answer. Default: 1 minute."),
  total: field(Span, "For the whole exchange. Default: 10 minutes.")
})

/** What some providers have to be told, by name: what it is, and for which of them. */
export const settings: ReadonlyMap<string, { readonly meaning: string; readonly of: ReadonlyArray<string> }> = (() => {
  const found = new Map<string, Array<readonly [provider: string, meaning: string]>>()
  const add = (setting: string, meaning: string, provider: string) => found.set(
    setting,
    [...found.get(setting) ?? [], [provider, meaning]]
  )
  for (const { name, settings = {} } of all) {
    for (const [setting, { meaning }] of Object.entries(settings)) add(
      setting,
      meaning.startsWith("where ") ? "where the server is" : meaning,
      name
    )
  }
  add("apiVersion", "the version of the interface", "azure")
  add("organization", "the organization a call is made for", "openai")
  add("project", "the project a call is made for", "openai")
  add("referer", "the site a call is made for", "openrouter")
  add("title", "the program a call is made for", "openrouter")
  add("tokenType", "what kind of token the key is", "snowflake")
  return new Map([...found].map(([setting, told]) => {
    const byMeaning = Map.groupBy(told, ([, meaning]) => meaning)
    const meaning = [...byMeaning].map(([meaning, those]) => `of ${those.map(([provider]) => `\`${provider}\``).join(", ")}: ${meaning}`).join("; ")
    return [setting, { meaning, of: told.map(([provider]) => provider) }]
  }))
})()

const settingFields: { readonly [name: string]: Schema.optionalKey<Schema.String> } = Object.fromEntries(
  [...settings].map(
    ([name, { meaning }]) => [name, field(Schema.String, `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`)]
  )
)

/** One service that can be asked. */
export const Provider = Schema.Struct({
  type: field(
    Schema.String,
    "What the service speaks: `openai-compatible`, or the name of a built-in provider. Default: the name of the entry."
  ),
  apiKey: field(
    Schema.Union([Secret, Schema.NonEmptyArray(Secret)]),
    "The key, or several that are taken in turn: mostly `env:NAME`. Default: the provider's customary environment variables."
  ),
  baseUrl: field(Address, "Where it is, up to and with the version. Default: the provider's own address."),
  needsKey: field(Schema.Boolean, "Of `openai-compatible`: whether it answers nobody without a key. Default: true."),
  headers: field(named(Secret), "Sent with every request to it. Default: none."),
  timeouts: field(Timeouts, "Time limits of calls to it."),
  api: field(
    Schema.String,
    "Which of its interfaces is spoken, where it has several: `responses` of `openai`. Default: its usual one."
  ),
  models: field(
    Schema.Array(Schema.NonEmptyString),
    "The ids of the models it offers, for the list of models. Default: those the catalog knows."
  ),
  allowPrivate: fieldOr(
    Schema.Boolean,
    false,
    "Whether its address may be one of this machine or of a private network. The usual addresses of servers that run at home "
      + "(`ollama`, `vllm`, …) always may."
  ),
  tokenDelay: field(whole(0, 60_000), "Of `local`: how many ms it takes for each token of a stream. Default: 0."),
  ...settingFields
})

// --- models, pipelines, routes
// -----------------------------------------------------------------------------------------------

/** A model by another name. */
export const Alias = Schema.Union([
  Schema.NonEmptyString,
  Schema.Struct({
    provider: described(Schema.NonEmptyString, "The provider that offers it."),
    model: described(Schema.NonEmptyString, "Its id at that provider."),
    options: field(
      Schema.Record(Schema.String, Schema.Json),
      "Options of calls that set none of their own: `temperature`, `maxTokens`, `reasoning`, … Default: none."
    ),
    pipeline: field(Schema.String, "The pipeline its requests go through. Default: that of the route.")
  })
])

/** One plug: its name, or its options with the name as `plug`. */
export const Entry = Schema.Union([Schema.NonEmptyString, Schema.Record(Schema.String, Schema.Json)])

/** A list of plugs, or a preset with its options beside it. */
export const Line = Schema.Union([Schema.Array(Entry), Schema.Record(Schema.String, Schema.Json)])

// --- tenants
// -----------------------------------------------------------------------------------------------------------

/** A customer whose requests stay apart from those of every other. */
export const Tenant = Schema.Struct({
  pipeline: field(Schema.String, "The pipeline of all its requests. Default: that of the route."),
  routes: field(named(Schema.String), "Its own pipelines by operation or route, before `pipeline`. Default: none."),
  models: field(
    Schema.Array(Schema.NonEmptyString),
    "The models it may ask for: aliases, `provider/model`, or `provider/*`. Default: all."
  ),
  providers: field(Schema.Array(Schema.NonEmptyString), "The providers its requests may go to. Default: all."),
  limits: field(Schema.Array(Limit), "How much it may ask, beside the limits of all. Default: no more than those."),
  budgets: field(Schema.Array(Budget), "How much it may spend, beside the budgets of all. Default: no more than those.")
})

// --- stores, telemetry
// --------------------------------------------------------------------------------------------

/** Where caches, limits, budgets and circuits are kept. */
export const Stores = Schema.Struct({
  kind: fieldOr(
    Schema.Literals(["memory", "sqlite", "redis", "postgres"]),
    "memory",
    "`memory` of this process; `sqlite`, one file on this machine; `redis` or `postgres`, shared by several processes."
  ),
  root: field(
    Path,
    "Of `sqlite`: the folder that `path` lies in. Default: the folder of this file, else the current one."
  ),
  path: field(
    Path,
    "Of `sqlite`: the file, below `root`, made where it is missing; `:memory:` for none. Default: `plugline.db`."
  ),
  url: field(Secret, "Of `redis` and `postgres`: the address with its credentials, mostly `env:NAME`."),
  prefix: field(Schema.NonEmptyString, "Of `redis`: what every key begins with. Default: `plugline`."),
  maxBytes: field(
    Schema.Int.check(Schema.isGreaterThan(0)),
    "Most bytes of cached answers. Default: that of the store."
  ),
  connections: field(whole(1, 1_000), "Of `postgres`: most connections. Default: 10.")
})

/** What is told of requests, and where. */
export const Telemetry = Schema.Struct({
  logs: fieldOr(
    Schema.Struct({
      level: fieldOr(
        Schema.Literals(["trace", "debug", "info", "warn", "error", "none"]),
        "info",
        "The least important lines that are written."
      ),
      format: fieldOr(
        Schema.Literals(["auto", "json", "text"]),
        "auto",
        "One JSON object or one text a line; `auto`: text on a terminal."
      ),
      content: fieldOr(
        Schema.Boolean,
        false,
        "Whether questions and answers may be written to logs and receipts, secrets masked."
      )
    }),
    {},
    "What is written to the log."
  ),
  otlp: field(
    Schema.Struct({
      url: described(
        Address,
        "Where traces and metrics are sent: an OpenTelemetry collector, `http://127.0.0.1:4318`."
      ),
      headers: field(named(Secret), "Sent along, mostly a credential as `env:NAME`. Default: none."),
      service: fieldOr(Schema.NonEmptyString, "plugline", "What this process is called there."),
      interval: fieldOr(Span, "10 seconds", "How often they are sent."),
      content: fieldOr(Schema.Boolean, false, "Whether questions and answers are sent too, secrets masked.")
    }),
    "Sends traces and metrics by OTLP. Default: nowhere."
  ),
  metrics: fieldOr(
    Schema.Struct({ enabled: fieldOr(Schema.Boolean, true, "Whether `/metrics` answers.") }),
    {},
    "Metrics in the format of Prometheus."
  )
})

// --- all of it
// -----------------------------------------------------------------------------------------------------------------

/** The whole file. */
export const Config = Schema.Struct({
  server: fieldOr(Server, {}, "How the gateway listens."),
  providers: field(
    named(Provider),
    "The services that can be asked, by name. Default: every built-in provider whose key is in the environment, and `local`."
  ),
  models: fieldOr(
    named(Alias),
    {},
    "Models by other names: `provider/model`, or more than that. `default` is the one of requests that name none."
  ),
  pipelines: fieldOr(
    named(Line),
    {},
    "What requests go through, by name: plugs from the outermost inwards, or `preset` with its options. `default` is that of all "
      + "requests for which nothing else is said."
  ),
  routes: fieldOr(
    named(Schema.String),
    {},
    "Pipelines by operation (`chat`, `stream`, `completion`, `embeddings`, `moderations`, `list_models`, `validate`) or by path (`/v1/messages`); "
      + "`default` for all others."
  ),
  tenants: fieldOr(named(Tenant), {}, "What is different for a customer."),
  limits: fieldOr(Schema.Array(Limit), [], "How much may be asked of the gateway."),
  budgets: fieldOr(Schema.Array(Budget), [], "How much may be spent through the gateway."),
  accounting: fieldOr(Accounting, {}, "How limits and budgets count."),
  auth: field(AuthConfig, "Who may ask. Default: everyone who reaches the address it listens on."),
  stores: fieldOr(Stores, {}, "Where caches, limits, budgets and circuits are kept."),
  batches: fieldOr(Batches, {}, "Batches of requests, and their files."),
  telemetry: fieldOr(Telemetry, {}, "What is told of requests, and where."),
  inspector: fieldOr(Inspector, {}, "The page that shows requests plug by plug.")
})

/** A configuration, checked and with its defaults: lengths of time in ms, sizes in bytes, secrets wrapped. */
export type Config = typeof Config.Type
