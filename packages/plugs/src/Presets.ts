/**
 * Lines of plugs that go well together, as plain arrays: print them, edit them, put your own between them.
 *
 * @example
 * ```ts
 * import { Pipeline } from "@plugline/core"
 * import { Presets } from "@plugline/plugs"
 *
 * const line = Presets.resilient({ deadline: "20 seconds" })
 * // What a call costs is counted for each attempt, and summed up for the whole.
 * Pipeline.names(line) // => ["metrics", "trackCost", "retry", "trackCost", "circuitBreaker", "timeout"]
 * ```
 *
 * @module
 */
import type { Plug } from "@plugline/core"
import * as Budget from "./Budget.ts"
import * as Cache from "./Cache.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Fallback from "./Fallback.ts"
import * as Log from "./Log.ts"
import * as Metrics from "./Metrics.ts"
import * as PromptCache from "./PromptCache.ts"
import type { Providers } from "./Providers.ts"
import * as RateLimit from "./RateLimit.ts"
import * as Receipt from "./Receipt.ts"
import * as Retry from "./Retry.ts"
import type { Stores } from "./shipped.ts"
import * as Timeout from "./Timeout.ts"
import * as TrackCost from "./TrackCost.ts"

/** The options of a plug. */
type OptionsOf<Make extends (options: never) => unknown> = NonNullable<Parameters<Make>[0]>

/** Who is asked after the provider, or what is answered in its place. */
type Step = Fallback.Step<Stores | Providers>

/** Some plugs, in order. */
export type Preset = ReadonlyArray<Plug<Stores | Providers>>

/** What {@link resilient} is made with. Every field is optional. */
export interface Resilient {
  /** How long a whole call may take, all attempts included. Default: 60 seconds. */
  readonly deadline?: NonNullable<OptionsOf<typeof Retry.plug>["deadline"]>
  /**
   * How long the first part may take, per attempt: of a whole answer, which comes at once, that is all of it. Default:
   * the deadline.
   */
  readonly firstToken?: NonNullable<OptionsOf<typeof Timeout.plug>["firstToken"]>
  /** How long a stream may pause. Default: 20 seconds. */
  readonly idle?: NonNullable<OptionsOf<typeof Timeout.plug>["idle"]>
  /** Attempts, the first included. Default: 3. */
  readonly attempts?: number
  /**
   * Who answers when the provider does not, in order: `[{ provider: "…", model: "…" }, { answer: "…" }]`. Default:
   * nobody.
   */
  readonly fallback?: ReadonlyArray<Step>
  /** When a provider is left alone for a while. Default: those of `CircuitBreaker`. */
  readonly circuitBreaker?: OptionsOf<typeof CircuitBreaker.plug>
}

/**
 * For calls that must be answered: retries within a deadline, a breaker and time limits, and who answers when all fail.
 */
export const resilient = (
  { attempts = 3, circuitBreaker, deadline = "60 seconds", fallback, firstToken = deadline, idle = "20 seconds" }: Resilient = {}
): Preset => [
  Metrics.plug(),
  TrackCost.plug(),
  ...(fallback === undefined ? [] : [Fallback.plug({ steps: fallback, deadline })]),
  Retry.plug({ attempts, deadline, enforce: true }),
  TrackCost.plug(),
  CircuitBreaker.plug(circuitBreaker ?? {}),
  Timeout.plug({ firstToken, idle })
]

/** What {@link economical} is made with. Every field is optional. */
export interface Economical {
  /** How long an answer is given again. Default: 1 day. */
  readonly ttl?: NonNullable<OptionsOf<typeof Cache.plug>["ttl"]>
  /** What may be spent. Default: as much as it takes. */
  readonly limits?: OptionsOf<typeof Budget.plug>["limits"]
}

/**
 * For calls that should cost little: nothing is paid twice, long prefixes are kept by the provider, and a budget holds.
 */
export const economical = ({ limits, ttl = "1 day" }: Economical = {}): Preset => [
  Metrics.plug(),
  TrackCost.plug(),
  Cache.plug({ ttl }),
  Retry.plug(),
  TrackCost.plug(),
  ...(limits === undefined ? [] : [Budget.plug({ limits })]),
  PromptCache.plug()
]

/** What {@link middleware} is made with. Every field is optional. */
export interface Middleware {
  /** Default: 60. */
  readonly requestsPerMinute?: number
  /** Default: 90,000. */
  readonly tokensPerMinute?: number
  /** How long an answer is given again. Default: 1 hour. */
  readonly ttl?: NonNullable<OptionsOf<typeof Cache.plug>["ttl"]>
  /** Attempts, the first included. Default: 3. */
  readonly attempts?: number
}

/**
 * The usual five for one program on its own: a log, what it cost, a cache, limits per minute, retries; and a receipt of
 * every call.
 */
export const middleware = (
  { attempts = 3, requestsPerMinute = 60, tokensPerMinute = 90_000, ttl = "1 hour" }: Middleware = {}
): Preset => [
  Log.plug(),
  Receipt.plug(),
  TrackCost.plug(),
  Cache.plug({ ttl }),
  RateLimit.plug({
    limits: [{ per: "global", requestsPerMinute, tokensPerMinute }],
    whenFull: "wait"
  }),
  Retry.plug({ attempts }),
  TrackCost.plug()
]
