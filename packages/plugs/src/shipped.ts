/**
 * Every plug that is shipped, by its name, in the order in which they mostly stand in a line, from the outermost to the innermost;
 * and what they all need, in memory.
 *
 * @module
 */
import type { Plug } from "@plugline/core"
import { Layer } from "effect"
import * as Batch from "./Batch.ts"
import * as Budget from "./Budget.ts"
import * as Cache from "./Cache.ts"
import * as Cascade from "./Cascade.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Fallback from "./Fallback.ts"
import * as Hedge from "./Hedge.ts"
import * as Idempotency from "./Idempotency.ts"
import * as Identity from "./identity.ts"
import * as Log from "./Log.ts"
import * as Metrics from "./Metrics.ts"
import * as PromptCache from "./PromptCache.ts"
import type { Providers } from "./Providers.ts"
import * as RateLimit from "./RateLimit.ts"
import * as Receipt from "./Receipt.ts"
import * as Retry from "./Retry.ts"
import * as Route from "./Route.ts"
import * as SemanticCache from "./SemanticCache.ts"
import * as Timeout from "./Timeout.ts"
import * as Tokens from "./Tokens.ts"
import * as TrackCost from "./TrackCost.ts"

/** What the shipped plugs need, but for the providers that {@link Providers} knows. */
export type Stores = Layer.Success<typeof memory>

/** What the shipped plugs keep, in the memory of this process: bounded, and gone with it. */
export const memory = Layer.mergeAll(
  Cache.memory(), SemanticCache.memory(), Retry.memory(), Hedge.memory(), CircuitBreaker.memory(), RateLimit.memory(),
  TrackCost.memory(), Budget.memory(), Receipt.memory(), Route.memory(), Idempotency.memory(), Batch.collecting
)

/** Makes a plug from options that came from outside: from a file, or from a form. */
export type Make = (options: never) => Plug<Stores | Providers>

/** The shipped plugs, outermost first. */
export const shipped = {
  identity: Identity.plug,
  log: Log.plug,
  receipt: Receipt.plug,
  metrics: Metrics.plug,
  trackCost: TrackCost.plug,
  idempotency: Idempotency.plug,
  "tokens.trim": Tokens.trim,
  "tokens.limit": Tokens.limit,
  cache: Cache.plug,
  semanticCache: SemanticCache.plug,
  rateLimit: RateLimit.plug,
  cascade: Cascade.plug,
  fallback: Fallback.plug,
  route: Route.plug,
  retry: Retry.plug,
  hedge: Hedge.plug,
  budget: Budget.plug,
  embeddings: Batch.embeddings,
  promptCache: PromptCache.plug,
  circuitBreaker: CircuitBreaker.plug,
  timeout: Timeout.plug
} satisfies { readonly [name: string]: Make }

/** Their names, outermost first. */
export const order: ReadonlyArray<string> = Object.keys(shipped)
