/**
 * Where a cache keeps its entries. Stores in memory and SQLite answer at once, those over a network with an Effect.
 *
 * `effect/persistence` has a `PersistedCache`, which is not used: it keeps failures unless told otherwise, loses an
 * answer that was paid for when its store is down, has no bound in bytes, and no way for two processes to wait for one
 * call.
 *
 * @module
 */
import { Context, Effect } from "effect"
import type { Now } from "../cost/now.ts"
import { orElse, type StoreError } from "../store/patience.ts"
import type { Entry } from "./Entry.ts"

/** A store of answers. */
export class CacheStore extends Context.Service<CacheStore, CacheStoreShape>()("@plugline/plugs/CacheStore") {}

/** What a store can do. Times are in ms since 1970. */
export interface CacheStoreShape {
  /** The entry of a key, if there is one that is not over. */
  readonly get: (key: string, now: number) => Now<Entry | undefined, StoreError>
  /** Keeps an entry; `false` where it is too large to be kept. */
  readonly set: (key: string, entry: Entry, now: number) => Now<boolean, StoreError>
  readonly remove: (key: string) => Now<void, StoreError>
  readonly clear: () => Now<void, StoreError>
  /** What it holds, tier by tier. */
  readonly size: () => Now<ReadonlyArray<StoreSize>, StoreError>
  /** How processes that share the store agree who asks the provider. Absent where no other process can. */
  readonly lock?: Lock
}

/** What one store holds, as far as it knows. */
export interface StoreSize {
  readonly store: string
  readonly entries?: number
  readonly bytes?: number
}

/** A lock per key that comes free by itself when its time is over. */
export interface Lock {
  /** Takes the lock for an owner until a time; `false` where somebody else has it. */
  readonly take: (key: string, owner: string, until: number, now: number) => Effect.Effect<boolean, StoreError>
  /** Gives it back; the lock of another owner is left alone. */
  readonly release: (key: string, owner: string) => Effect.Effect<void, StoreError>
}

/** What a store answers, or what counts where it is slow or down: a cache does without (open). */
export const open = <A, B>(answer: Effect.Effect<A, StoreError>, instead: B): Effect.Effect<A | B> =>
  orElse(answer, { store: "cache", way: "open", instead: () => Effect.succeed(instead) })
