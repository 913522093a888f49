/**
 * Keeps the slots of calls that are still running, where the process that holds them might be killed: a slot is lent
 * for a while, and lent on as long as the process lives. One that was killed so frees its slots by itself.
 *
 * @module
 */
import { Effect, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { type Ask, type Change, type LimitBackend, LimitStore, type Taken } from "./LimitStore.ts"
import { orElse, type StoreError } from "./patience.ts"

/** What a store that several processes share does, besides the leases. */
export interface SharedBackend {
  readonly take: (holder: string, asks: ReadonlyArray<Ask>, now: number) => Effect.Effect<Taken, StoreError>
  readonly give: (holder: string, changes: ReadonlyArray<Change>, now: number) => Effect.Effect<void, StoreError>
  /** Lends slots on: a key and who holds a slot of it. A slot that was lost meanwhile stays lost. */
  readonly renew: (held: ReadonlyArray<readonly [key: string, holder: string]>, now: number) => Effect.Effect<void, StoreError>
  /** Throws away what is of no use any more, where the store does not do it by itself. */
  readonly sweep?: (now: number) => Effect.Effect<void, StoreError>
}

/** How slots are lent. Times in ms. */
export interface LeaseOptions {
  /** How long a slot is lent at a time: the longest that a killed process keeps it. Default: 60,000. */
  readonly lease?: number
  /** How often a waiting caller looks whether another process has freed a slot. Default: 250. */
  readonly poll?: number
}

/** How long a slot is lent, where nothing else is said. */
export const leaseOf = ({ lease = 60_000 }: LeaseOptions): number => Math.max(1_000, Math.round(lease))

/** The service over a shared store, with a fiber that lends its slots on until the layer is closed. */
export const leased = (backend: SharedBackend, options: LeaseOptions): Effect.Effect<LimitStore["Service"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const held = new Map<string, ReadonlyArray<string>>()
    const over: LimitBackend = {
      poll: Math.max(1, options.poll ?? 250),
      take: (holder, asks, now) =>
        Effect.map(backend.take(holder, asks, Math.floor(now)), (taken) => {
          const keys = asks.flatMap(({ key, kind }) => kind === "slots" ? [key] : [])
          if (taken._tag === "Admitted" && keys.length > 0) held.set(holder, keys)
          return taken
        }),
      give: (holder, changes, now) => {
        held.delete(holder)
        return backend.give(holder, changes, Math.floor(now))
      }
    }
    const every = Math.floor(leaseOf(options) / 3)
    const quietly = (effect: Effect.Effect<void, StoreError>) =>
      orElse(effect, { store: "limit", way: "open", limit: every, instead: () => Effect.void })
    const round = Effect.clockWith((clock) => {
      const now = Math.floor(clock.currentTimeMillisUnsafe())
      const all = [...held].flatMap(([holder, keys]) => keys.map((key) => [key, holder] as const))
      const renewed = all.length === 0 ? Effect.void : quietly(backend.renew(all, now))
      return backend.sweep === undefined ? renewed : Effect.andThen(renewed, quietly(backend.sweep(now)))
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(every), round)))
    return LimitStore.over(over, `${SecureRandom.uuidV4Unsafe()}.`)
  })
