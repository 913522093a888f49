/**
 * The answers that were given under a key, and the calls with a key that are under way in this process.
 *
 * @module
 */
import { Context, type Deferred, Effect, Layer } from "effect"
import type { Entry } from "../cache/Entry.ts"
import { CacheStore, type CacheStoreShape } from "../cache/Store.ts"

/** An answer, and the fingerprint of what it is the answer to. */
export interface Kept extends Entry {
  readonly question: string
}

/** A call that others with its key wait for. */
export interface UnderWay {
  /** The fingerprint of what it asks. */
  readonly question: string
  /** How it ended: with an answer, or without one, so that the next may ask. */
  readonly ended: Deferred.Deferred<Kept | "failed">
}

/** Answers by key, and calls that are under way. One for all plugs that share a store. */
export class Answers extends Context.Service<Answers, {
  readonly store: CacheStoreShape
  readonly underWay: Map<string, UnderWay>
}>()("@plugline/plugs/IdempotentAnswers") {}

/** Answers in a store of a cache's kind, which is theirs alone. */
export const layer = <E, R>(store: Layer.Layer<CacheStore, E, R>): Layer.Layer<Answers, E, R> =>
  Layer.provide(
    Layer.effect(Answers, Effect.map(CacheStore, (store) => ({ store, underWay: new Map<string, UnderWay>() }))),
    store
  )
