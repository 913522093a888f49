/**
 * Answers a call that is sent again under the same key with the one answer that was given, so that a client that
 * lost an answer can repeat its call and is charged once. A second call that comes while the first is under way waits
 * for it. The same key with another request is refused.
 *
 * What is kept: whole answers, however they ended. A call that failed, or whose reader left, frees its key: the next
 * one asks. Calls without a key pass untouched.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Idempotency } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const provider = Mock.make(["one", "two", "three"])
 * const line = [Idempotency.plug(), ...provider.pipeline]
 * const ask = (text: string) =>
 *   Pipeline.run(line, Idempotency.withKey(Request.make({ provider: "mock", messages: text }), "order-7"))
 * const calls = Effect.all([ask("Hi"), ask("Hi"), ask("Bye")])
 * const [first, again, other] = Effect.runSync(Effect.provide(calls, Idempotency.memory()))
 * Result.text(first.result) // => "one"
 * Result.text(again.result) // => "one"
 * other.errors[0]?.status // => 409
 * ```
 *
 * @module
 */
import { type Handler, Plug, Request } from "@plugline/core"
import { Clock, Effect, type Layer, Schema } from "effect"
import type { Redis } from "effect/persistence"
import { duration, millis } from "./cache/duration.ts"
import { key as questionOf } from "./cache/key.ts"
import * as Canonical from "./canonical.ts"
import * as Identity from "./identity.ts"
import { Answers, layer } from "./idempotency/Answers.ts"
import { answer, type Settings } from "./idempotency/Call.ts"
import { keyOf, type Outcome, outcome, unfit } from "./idempotency/outcome.ts"
import * as Stores from "./store/CacheStore.ts"
import type { StoreError } from "./store/patience.ts"
import type { Sqlite } from "./store/Sqlite.ts"

export { Answers, type Kept, layer } from "./idempotency/Answers.ts"
export { requests } from "./idempotency/Call.ts"
export { type Outcome, outcome } from "./idempotency/outcome.ts"

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** How long an answer is given again. Default: 1 day. */
  ttl: Schema.optionalKey(duration),
  /** How long a call waits for the first with its key before it is refused; 0 refuses it at once. Default: 1 minute. */
  wait: Schema.optionalKey(duration),
  /**
   * How long a key is held for a call that is under way, in stores that several processes share: after it another
   * may ask, should the process have been killed. No call should take longer. Default: 15 minutes.
   */
  lease: Schema.optionalKey(duration),
  /** Whose keys are apart: `tenant`, `team`, `user`, `key`. Default: those of tenants. */
  apart: Schema.optionalKey(Schema.Array(Schema.Literals(["tenant", "team", "user", "key"]))),
  /** While the store does not answer, `closed` refuses calls with a key, and `open` asks. Default: `closed`. */
  whenDown: Schema.optionalKey(Schema.Literals(["closed", "open"])),
  /**
   * Where the key is; `undefined` where a call has none. Default: {@link withKey}, else `idempotencyKey` of the metadata.
   */
  key: Schema.optionalKey(
    Schema.declare<(request: Request) => string | undefined>(
      (value): value is (request: Request) => string | undefined => typeof value === "function",
      { expected: "a function from request to text" }
    )
  )
})

/** What belongs behind it. */
const placed = {
  before: {
    cache: "an answer from the cache would not be bound to the key",
    semanticCache: "an answer from the cache would not be bound to the key",
    rateLimit: "an answer that is there takes nothing from a limit",
    fallback: "who is asked next would find the key in use",
    cascade: "who is asked next would find the key in use",
    retry: "a further attempt is part of the same call",
    hedge: "two that are asked side by side would wait for each other"
  }
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<Answers> = Plug.configurable(
  "idempotency",
  Options,
  (options) =>
    Plug.of({
      name: "idempotency",
      make: Effect.gen(function*() {
        const clock = yield* Clock.Clock
        return handler(options, yield* Answers, () => clock.currentTimeMillisUnsafe())
      })
    }),
  { order: placed }
)

/** The request, with a key: sent again with the same one, it is answered with the same answer. */
export const withKey = (request: Request, key: string): Request => Request.assign(request, keyOf, key)

/** How a call with a key was answered. */
export const of = (request: Request): Outcome | undefined => Request.get(request, outcome)

const handler = (options: typeof Options.Type, answers: Answers["Service"], now: () => number): Handler => {
  const settings: Settings = {
    ttl: millis(options.ttl, 86_400_000),
    wait: millis(options.wait, 60_000),
    lease: millis(options.lease, 900_000),
    whenDown: options.whenDown ?? "closed"
  }
  const { apart = ["tenant"], key: find = given } = options
  return (request, next) => {
    if (request.state !== "pending" || !charged.has(request.operation)) return next(request)
    const key: unknown = find(request)
    if (key === undefined) return next(request)
    if (typeof key !== "string" || !visible.test(key)) return Request.fail(request, unfit())
    const who = Identity.of(request)
    const place = Canonical.fingerprint(["plugline idempotency 1", apart.map((name) => [name, who[name] ?? null]), key])
    const question = questionOf(request, { apart: [], ignore: [], version: request.operation })
    return answer({ settings, answers, now, request, next, place, question })
  }
}

/** What is paid for, and can be kept. */
const charged: ReadonlySet<string> = new Set(["chat", "stream", "completion", "embeddings", "moderations"])

/** Printable ASCII, as a header takes it. */
const visible = /^[\x20-\x7e]{1,255}$/

const given = (request: Request): unknown => Request.get(request, keyOf) ?? request.metadata.idempotencyKey

// --- layers ----------------------------------------------------------------------------------------------------------

/** Answers in the memory of this process. */
export const memory = (options?: Stores.MemoryCacheOptions): Layer.Layer<Answers> => layer(Stores.memory(options))

/** Answers in the database of the layer `Sqlite`, apart from those of a cache there. */
export const sqlite = (options?: Stores.SqliteCacheOptions): Layer.Layer<Answers, StoreError, Sqlite> =>
  layer(Stores.sqlite({ name: "idempotency", ...options }))

/** Answers in Redis, apart from those of a cache there. */
export const redis = (
  { prefix = "plugline", ...options }: Stores.RedisCacheOptions = {}
): Layer.Layer<Answers, never, Redis.Redis> =>
  layer(Stores.redis({ prefix: `${prefix}:idempotency`, ...options }))
