/**
 * The plugs that can stand in a line, each with a word of what it does and its options as JSON Schema.
 *
 * @module
 */
import type { ShippedPlug } from "@plugline/inspector"
import {
  Batch, Budget, Cache, Cascade, CircuitBreaker, Fallback, Hedge, Idempotency, Identity, Log, Metrics, order, PromptCache, RateLimit, Receipt,
  Retry, Route, SemanticCache, Timeout, Tokens, TrackCost
} from "@plugline/plugs"
import { Schema } from "effect"
import type { JsonObject } from "plugline"

const told: { readonly [name: string]: readonly [says: string, options: Schema.Top] } = {
  identity: ["Says who every request is made for.", Identity.Options],
  log: ["Writes a line about each call.", Log.Options],
  receipt: ["Keeps a receipt of each call: who answered, what it cost, hashes of question and answer.", Receipt.Options],
  metrics: ["Counts and measures calls by the names of OpenTelemetry.", Metrics.Options],
  trackCost: ["Adds up what calls cost.", TrackCost.Options],
  idempotency: ["Answers a call that is sent twice once.", Idempotency.Options],
  "tokens.trim": ["Leaves out the oldest messages where a request is too long for its model.", Tokens.TrimOptions],
  "tokens.limit": ["Refuses a request that is too long for its model.", Tokens.LimitOptions],
  cache: ["Answers a repeated request from a store.", Cache.Options],
  semanticCache: ["Answers a request from a store that asks the same in other words.", SemanticCache.Options],
  rateLimit: ["Holds callers to so many requests and tokens a minute.", RateLimit.Options],
  cascade: ["Asks a cheap model first, and a better one where the answer will not do.", Cascade.Options],
  fallback: ["Asks the next where one fails.", Fallback.Options],
  route: ["Chooses whom to ask among several.", Route.Options],
  retry: ["Tries again what failed for a reason that passes.", Retry.Options],
  hedge: ["Asks a second time where the first answer is late, and takes the first that comes.", Hedge.Options],
  budget: ["Stops calls that nobody has the money for.", Budget.Options],
  embeddings: ["Makes one call of many that want vectors.", Batch.EmbeddingsOptions],
  promptCache: ["Marks long beginnings so that the service keeps them.", PromptCache.Options],
  circuitBreaker: ["Leaves a failing provider alone for a while.", CircuitBreaker.Options],
  timeout: ["Waits no longer than that.", Timeout.Options]
}

let made: ReadonlyArray<ShippedPlug> | undefined

/** The plugs that are shipped, outermost first. */
export const shippedPlugs = (): ReadonlyArray<ShippedPlug> =>
  made ??= order.map((name) => {
    const found = told[name]
    if (found === undefined) return { name, says: "" }
    const schema = schemaOf(found[1])
    return { name, says: found[0], ...(schema !== undefined && { schema }) }
  })

/** What a form can be made of; `undefined` of options that are no plain data. */
const schemaOf = (options: Schema.Top): JsonObject | undefined => {
  try {
    const { definitions, schema } = Schema.toJsonSchemaDocument(options)
    const whole = Object.keys(definitions).length === 0 ? schema : { ...schema, $defs: definitions }
    return JSON.parse(JSON.stringify(whole).replaceAll("#/definitions/", "#/$defs/")) as JsonObject
  } catch {
    return undefined
  }
}

