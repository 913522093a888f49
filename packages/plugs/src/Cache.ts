/**
 * Answers a question that was asked before with the answer that was given, whole or streamed, with its tools,
 * reasoning, sources and usage. Equal questions at the same time ask the provider once.
 *
 * What is equal: who asks (tenant and credential), provider and address, options, messages. What is kept: whole
 * answers. Never kept: failures, refusals, answers that broke off or were cut short, and those that call a tool with
 * broken arguments.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Cache } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const provider = Mock.make(["Hello"])
 * const line = [Cache.plug({ ttl: "1 hour" }), ...provider.pipeline]
 * const request = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-5-mini" } })
 * const twice = Effect.gen(function*() {
 *   const first = yield* Pipeline.run(line, request)
 *   const second = yield* Pipeline.run(line, request)
 *   return { statuses: [first, second].map((final) => Cache.of(final)?.status), text: Result.text(second.result) }
 * })
 * Effect.runSync(Effect.provide(twice, Cache.memory())) // => { statuses: ["miss", "hit"], text: "Hello" }
 * ```
 *
 * @module
 */
import {
  type Answer, type FinishReason, type Handler, LlmError, type OptionName, Options as Vocabulary, Plug, Request
} from "@plugline/core"
import { Clock, Effect, Layer, Schema } from "effect"
import type { Redis } from "effect/persistence"
import { Call, type Desk, type Settings } from "./cache/Call.ts"
import { duration, millis } from "./cache/duration.ts"
import { refusal, wholeByDefault } from "./cache/Entry.ts"
import { type Counts, Flights } from "./cache/Flights.ts"
import { dividers, key as keyOf } from "./cache/key.ts"
import { mark, order, status, type Order, type Status } from "./cache/status.ts"
import { CacheStore, type StoreSize } from "./cache/Store.ts"
import * as Amount from "./cost/amount.ts"
import { Prices } from "./cost/charge.ts"
import { effect } from "./cost/now.ts"
import * as Stores from "./store/CacheStore.ts"
import type { StoreError } from "./store/patience.ts"
import type { Sqlite } from "./store/Sqlite.ts"

export { calls, Flights } from "./cache/Flights.ts"
export { type Divider, key, type KeyOptions } from "./cache/key.ts"
export { isServed, type Order, order, status, type Status } from "./cache/status.ts"

/** The finish reasons whose answers may be kept. A refused or failed answer never is. */
const keepable = [
  "stop", "tool-calls", "length", "pause", "other", "unknown"
] as const satisfies ReadonlyArray<FinishReason>

const isOptionName = (value: string): value is OptionName => (Vocabulary.names as ReadonlyArray<string>).includes(value)

const optionName = Schema.String.check(
  Schema.makeFilter(isOptionName, { expected: `the name of an option: ${Vocabulary.names.join(", ")}` })
)

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** How long an answer is given again. Default: 1 hour. */
  ttl: Schema.optionalKey(duration),
  /** For how long behind `ttl` it is still given, while it is asked for anew in the background. Default: 0. */
  stale: Schema.optionalKey(duration),
  /**
   * How long a call waits for an equal one that is under way, here or in another process, before it asks itself.
   * Default: 30 seconds.
   */
  wait: Schema.optionalKey(duration),
  /** Who shares no answers: `tenant`, `team`, `user`, `key`, `tier`, `credential`. Default: tenant and credential. */
  apart: Schema.optionalKey(Schema.Array(Schema.Literals(dividers))),
  /** Options that make no difference. Default: `metadata` and `user`. */
  ignore: Schema.optionalKey(Schema.Array(optionName)),
  /**
   * What counts as the question, as any JSON value, in place of options and messages. Who shares no answers still does
   * not.
   */
  key: Schema.optionalKey(
    Schema.declare<(request: Request) => unknown>(
      (value): value is (request: Request) => unknown => typeof value === "function",
      { expected: "a function from request to a JSON value" }
    )
  ),
  /**
   * A new text forgets all that was kept under another: for a change of prompts or rules that the request does not
   * show.
   */
  version: Schema.optionalKey(Schema.String),
  /** Finish reasons of answers that are kept. Default: `stop` and `tool-calls`. */
  finish: Schema.optionalKey(Schema.Array(Schema.Literals(keepable))),
  /** Whether only questions with `temperature: 0`, and embeddings, are cached. Default: false. */
  onlyDeterministic: Schema.optionalKey(Schema.Boolean),
  /** How a stream is given again: all at once, or in the time in which it was written. Default: `instant`. */
  timing: Schema.optionalKey(Schema.Literals(["instant", "recorded"])),
  /** The longest pause of a recorded stream. Default: 250 ms. */
  maxGap: Schema.optionalKey(duration)
})

/** What a hit must not have gone through. */
const placed = {
  before: {
    retry: "an answer that is there needs no second try",
    fallback: "an answer that is there needs nobody else, and that of somebody else would be kept as its own",
    cascade: "an answer that is there needs no better one",
    hedge: "questions that are asked side by side would wait for each other"
  }
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<CacheStore | Flights> = Plug.configurable(
  "cache",
  Options,
  (options) => Plug.of({
    name: "cache",
    make: Effect.gen(function*() {
      const clock = yield* Clock.Clock
      return handler(settingsOf(options), {
        store: yield* CacheStore,
        flights: yield* Flights,
        catalog: yield* Prices,
        now: () => clock.currentTimeMillisUnsafe()
      })
    })
  }),
  { order: placed }
)

const settingsOf = (options: typeof Options.Type): Settings => ({
  ttl: millis(options.ttl, 3_600_000),
  stale: millis(options.stale, 0),
  wait: millis(options.wait, 30_000),
  finish: options.finish ?? wholeByDefault,
  recorded: options.timing === "recorded",
  maxGap: millis(options.maxGap, 250),
  onlyDeterministic: options.onlyDeterministic ?? false,
  key: {
    ...(options.apart !== undefined && { apart: options.apart }),
    ...(options.ignore !== undefined && { ignore: options.ignore.filter(isOptionName) }),
    ...(options.version !== undefined && { version: options.version }),
    ...(options.key !== undefined && { question: options.key })
  }
})

const handler = (settings: Settings, desk: Desk): Handler => (request, next) => {
  if (request.state !== "pending" && request.state !== "executing") return next(request)
  const bypass = (why: string): Answer => {
    desk.flights.count("bypass", request.provider)
    return next(mark(request, { status: "bypass", why }))
  }
  const asked = Request.get(request, order)
  if (asked === "skip") return bypass("the caller skips it")
  const unfit = unfitness(request, settings)
  if (unfit !== undefined) return bypass(unfit)
  let key: string
  try {
    key = keyOf(request, settings.key)
  } catch (thrown) {
    return bypass(`the question has no key: ${LlmError.fromUnknown(thrown).reason.message}`)
  }
  const call = new Call(settings, desk, request, next, key)
  return asked === "refresh" ? call.renew() : asked === "only-if-cached" ? call.look() : call.ask()
}

const unfitness = ({ operation, options }: Request, { onlyDeterministic }: Settings): string | undefined => {
  if (operation === "embeddings" || operation === "moderations") return undefined
  if (operation === "list_models" || operation === "validate") return `${operation} is not cached`
  return onlyDeterministic && options.temperature !== 0 ? "the temperature is not 0" : undefined
}

// --- for callers
// ------------------------------------------------------------------------------------------------------------

/**
 * Asks the caches on the way of this request for something else than usual: to be skipped (`skip`), to ask the provider
 * and keep the new answer (`refresh`), or to answer from what they have and never ask the provider (`only-if-cached`;
 * without an answer the request ends with the reason `Halted`).
 */
export const control = (request: Request, what: Order): Request => Request.assign(request, order, what)

/** What the caches say of an answer, once a request has passed one. */
export const of = (request: Request): Status | undefined => Request.get(request, status)

/**
 * Why an answer is not kept, or `undefined` where it is: the rule for what may be kept, for finish reasons `stop` and
 * `tool-calls`.
 */
export const whyNot: (request: Request) => string | undefined = (request) => refusal(request)

/** What a cache has done since its layer was made, and what it holds. */
export interface Info extends Omit<Counts, "savedCost"> {
  /** USD, decimal text: what hits would have cost, as far as it is known. */
  readonly savedCost: string
  /** What the store holds, tier by tier; a store that is down says nothing. */
  readonly stores: ReadonlyArray<StoreSize>
}

/** What the cache has done so far in this process, and what its store holds. */
export const info: Effect.Effect<Info, never, CacheStore | Flights> = Effect.gen(function*() {
  const flights = yield* Flights
  const store = yield* CacheStore
  const stores = yield* Effect.orElseSucceed(effect(store.size()), (): ReadonlyArray<StoreSize> => [])
  const { savedCost, ...counts } = flights.counts()
  return { ...counts, savedCost: Amount.text(savedCost), stores }
})

/** Forgets the entry of a key: see `key` of what {@link of} gives. */
export const forget = (key: string): Effect.Effect<void, StoreError, CacheStore> =>
  Effect.flatMap(CacheStore, (store) => effect(store.remove(key)))

/** Forgets all entries of the store. */
export const clear: Effect.Effect<void, StoreError, CacheStore> =
  Effect.flatMap(CacheStore, (store) => effect(store.clear()))

// --- layers
// -----------------------------------------------------------------------------------------------------------------

/** A cache over a store, or over two: `layer(CacheStore.tiered(CacheStore.memory(), CacheStore.redis()))`. */
export const layer = <E, R>(store: Layer.Layer<CacheStore, E, R>): Layer.Layer<CacheStore | Flights, E, R> =>
  Layer.merge(store, Layer.fresh(Flights.layer))

/** A cache in memory. */
export const memory = (options?: Stores.MemoryCacheOptions): Layer.Layer<CacheStore | Flights> =>
  layer(Stores.memory(options))

/** A cache in the database of the layer `Sqlite`. */
export const sqlite = (options?: Stores.SqliteCacheOptions): Layer.Layer<CacheStore | Flights, StoreError, Sqlite> =>
  layer(Stores.sqlite(options))

/** A cache in Redis. */
export const redis = (options?: Stores.RedisCacheOptions): Layer.Layer<CacheStore | Flights, never, Redis.Redis> =>
  layer(Stores.redis(options))
