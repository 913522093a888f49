/**
 * What a recording must keep of the services that the shipped plugs use, so that a run on a recording goes the same way
 * whatever they hold by then; and services for such a run, which touches none of those that are in use.
 *
 * `Taped.stores` is given to `record` and `replay` of `@plugline/replay`, and `Taped.apart` goes around a replay.
 *
 * @module
 */
import { Json } from "@plugline/core"
import type { JsonObject, JsonValue } from "@plugline/core"
import { Context, Effect, Logger, Metric, PubSub, Tracer } from "effect"
import { Alerts } from "./Budget.ts"
import type { Alert } from "./budget/state.ts"
import { Flights } from "./cache/Flights.ts"
import { CacheStore } from "./cache/Store.ts"
import { VectorStore } from "./cache/Vectors.ts"
import { Answers } from "./idempotency/Answers.ts"
import { MetricNames, Names } from "./observe/names.ts"
import { ReceiptSink } from "./observe/ReceiptSink.ts"
import { AttemptBudget } from "./retry/AttemptBudget.ts"
import { Latencies } from "./retry/Latencies.ts"
import { RouteState } from "./route/RouteState.ts"
import { Collector } from "./batch/embeddings.ts"
import { memory, type Stores } from "./shipped.ts"
import { BreakerStore } from "./store/BreakerStore.ts"
import { BudgetStore } from "./store/BudgetStore.ts"
import { LimitStore } from "./store/LimitStore.ts"
import { StoreError } from "./store/patience.ts"
import { TotalsStore } from "./store/TotalsStore.ts"
import { ProviderCount } from "./Tokens.ts"

type Given = ReadonlyArray<JsonValue>

/**
 * What becomes of a member of a service. A function: it is on the tape, and in a run where the same was not asked, what was
 * recorded for something else is given back where the function says that it fits. `settled`: on the tape as it was then, for
 * answers that change later, and with what a `Deferred` in it is settled with by another call. `local`: it only brings calls
 * together that are under way in this process.
 */
export type Mode = "settled" | "local" | ((recorded: Given, asked: Given) => boolean)

/** Every member of a service must be named: one that is forgotten would escape the tape. */
type ModesOf<S> = {
  readonly [Member in keyof S]-?: NonNullable<S[Member]> extends (...given: never) => unknown ? Mode
    : NonNullable<S[Member]> extends ReadonlyMap<infer _Key, infer _Value> ? "local" | ModesOfMap
    : NonNullable<S[Member]> extends object ? "local" | ModesOf<NonNullable<S[Member]>>
    : "local"
}

type ModesOfMap = { readonly [Name in "delete" | "get" | "has" | "set"]: Mode }

/** A service on the tape, as `@plugline/replay` takes it. */
export interface Store {
  readonly name: string
  readonly service: Context.Key<never, unknown>
  readonly modes: Mode | { readonly [member: string]: Store["modes"] }
  readonly failure: (fields: JsonObject) => unknown
}

/** `name` is what it is called in recordings. */
const store = <I, S extends object>(name: string, service: Context.Key<I, S>, modes: ModesOf<S>): Store => ({
  name,
  // The key is only looked up in a context.
  service: service as unknown as Store["service"],
  modes: modes as Store["modes"],
  failure
})

/** What a store failed with, as it was. */
const failure = ({ message, name, store, ...fields }: JsonObject): unknown =>
  name === "StoreError"
    ? new StoreError(String(store), String(message))
    : Object.assign(new Error(String(message)), { ...fields, name })

// --- what fits --------------------------------------------------------------------------------------------------------

/** What was recorded is true of anything else that is asked. */
const any: Mode = () => true

/** It is true of the same thing only: a key, an account, a circuit. */
const sameFirst: Mode = ([a], [b]) => Json.equals(a, b)

const sameTwo: Mode = ([a, c], [b, d]) => Json.equals(a, b) && Json.equals(c, d)

/** The same limits are asked, for however much. */
const sameLimits: Mode = ([, a], [, b]) => Json.equals(listOf(a, "key"), listOf(b, "key"))

/** The same accounts are asked, for however much. */
const sameClaims: Mode = ([a], [b]) => Json.equals(accountsOf(a), accountsOf(b))

const accountsOf = (hold: JsonValue | undefined) => listOf(fieldOf(hold, "claims"), "account")

const sameAccounts: Mode = ([a], [b]) => Json.equals(fieldOf(a, "accounts"), fieldOf(b, "accounts"))

const fieldOf = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  Json.isRecord(value) ? value[name] as JsonValue | undefined : undefined

const listOf = (value: JsonValue | undefined, name: string): ReadonlyArray<JsonValue | undefined> =>
  Array.isArray(value) ? value.map((item) => fieldOf(item, name)) : []

// --- the stores -------------------------------------------------------------------------------------------------------

const cache: ModesOf<CacheStore["Service"]> = {
  get: sameFirst,
  set: sameFirst,
  remove: sameFirst,
  clear: any,
  size: any,
  lock: { take: sameFirst, release: sameFirst }
}

/** One for each of {@link Stores}, by what it is called in recordings. */
const table = {
  CacheStore: store("CacheStore", CacheStore, cache),
  Flights: store("Flights", Flights, {
    find: "settled", begin: "local", land: "local", end: "local", count: "local", saved: "local", counts: "local", scope: "local"
  }),
  VectorStore: store("VectorStore", VectorStore, { nearest: sameTwo, add: sameTwo, clear: any, size: any }),
  Answers: store("Answers", Answers, { store: cache, underWay: { get: "settled", has: "local", set: "local", delete: "local" } }),
  AttemptBudget: store("AttemptBudget", AttemptBudget, { began: "local", take: sameFirst }),
  Latencies: store("Latencies", Latencies, { add: "local", percentile: sameFirst }),
  RouteState: store("RouteState", RouteState, {
    look: sameFirst, turn: sameFirst, begin: "local", answered: "local", end: "local"
  }),
  BreakerStore: store("BreakerStore", BreakerStore, {
    admit: sameFirst, report: sameFirst, order: sameFirst, read: sameFirst, circuits: any, transitions: "local"
  }),
  LimitStore: store("LimitStore", LimitStore, {
    take: sameLimits,
    give: sameLimits,
    holder: any,
    poll: "local",
    lines: {
      length: sameFirst, ahead: sameFirst, waiter: "settled",
      first: "local", join: "local", leave: "local", free: "local", size: "local"
    },
    paces: { of: sameFirst, set: "local" }
  }),
  TotalsStore: store("TotalsStore", TotalsStore, { add: any, buckets: any }),
  BudgetStore: store("BudgetStore", BudgetStore, {
    reserve: sameClaims, settle: sameAccounts, balances: sameFirst, entries: sameFirst
  }),
  ReceiptSink: store("ReceiptSink", ReceiptSink, { write: any, recent: "local" }),
  Collector: store("Collector", Collector, { windows: "local" })
} satisfies { readonly [Name in keyof Known]: Store }

/** What each is called; a service more among {@link Stores} is one that must be added here. */
interface Known {
  readonly CacheStore: CacheStore
  readonly Flights: Flights
  readonly VectorStore: VectorStore
  readonly Answers: Answers
  readonly AttemptBudget: AttemptBudget
  readonly Latencies: Latencies
  readonly RouteState: RouteState
  readonly BreakerStore: BreakerStore
  readonly LimitStore: LimitStore
  readonly TotalsStore: TotalsStore
  readonly BudgetStore: BudgetStore
  readonly ReceiptSink: ReceiptSink
  readonly Collector: Collector
}

const complete: [Exclude<Stores, Known[keyof Known]>] extends [never] ? true : never = true

/** A function that is a service by itself. */
const providerCount: Store = { name: "ProviderCount", service: ProviderCount as unknown as Store["service"], modes: any, failure }

/** The services that the shipped plugs use. */
export const stores: ReadonlyArray<Store> = complete ? [...Object.values(table), providerCount] : []

// --- apart ------------------------------------------------------------------------------------------------------------

/**
 * Runs something in services of its own: stores in memory that are empty at first, metrics, alerts, spans and a log that nobody
 * reads. For runs on a recording, which must neither find nor leave anything in the services that are in use.
 */
export const apart = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Stores>> =>
  Effect.updateContext(Effect.provide(effect, memory, { local: true }), aside)

const aside = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.omit(Tracer.Tracer, Tracer.ParentSpan, ProviderCount)(context as Context.Context<Tracer.ParentSpan | R>).pipe(
    Context.add(Metric.MetricRegistry, new Map()),
    Context.add(MetricNames, new Names()),
    Context.add(Alerts, Effect.runSync(PubSub.sliding<Alert>(1))),
    Context.add(Logger.CurrentLoggers, Context.get(context, Logger.CurrentLoggers).size === 0 ? new Set() : silent)
  ) as Context.Context<R>

/** Where anybody logs, the clock is read for it: in a replay too. */
const silent: ReadonlySet<Logger.Logger<unknown, unknown>> = new Set([Logger.make(() => {})])
