/**
 * Lets one of several processes that share a store ask the provider: who has the lock asks, and the others wait for
 * its answer to be in the store.
 *
 * @module
 */
import { Effect, Random } from "effect"
import type { Entry } from "./Entry.ts"
import { type Lock, open } from "./Store.ts"

/** What is claimed, and how long for. Times are in ms. */
export interface Claim {
  readonly lock: Lock
  readonly key: string
  /** Tells this call from all others, in all processes: see {@link ownerOf}. */
  readonly owner: string
  /** How long callers wait for each other, and so how long a lock is of use. */
  readonly wait: number
  /** ms since 1970. */
  readonly now: () => number
}

/** How often another process is asked whether it is ready: the first pause and the longest, in ms. */
const firstPause = 20
const longestPause = 500

/** A lock is never taken for longer, in ms, however long callers wait. */
const longestLease = 600_000

/** Tells one call from all others, in all processes. */
export const ownerOf: Effect.Effect<string> = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt, Random.nextInt]),
  (numbers) => numbers.map((number) => (number >>> 0).toString(36)).join("-")
)

/** Takes the lock; `false` where somebody else has it, `undefined` where the store is slow or down. */
export const take = ({ key, lock, now, owner, wait }: Claim): Effect.Effect<boolean | undefined> =>
  Effect.suspend(() => open(lock.take(key, owner, now() + Math.min(wait, longestLease), now()), undefined))

/**
 * Waits until the lock is ours, or until the process that has it has an answer: then that is given, looked up with
 * `stored`. A store that is down is not waited for, and nobody longer than `until`: then it is asked without the lock.
 */
export const claim = (
  given: Claim,
  until: number,
  stored: Effect.Effect<Entry | undefined>
): Effect.Effect<Entry | undefined> => {
  const attempt = (pause: number): Effect.Effect<Entry | undefined> =>
    Effect.flatMap(take(given), (ours) => {
      if (ours === undefined) return Effect.succeed(undefined)
      const left = until - given.now()
      const last = ours || left <= 0
      // Also where the lock is ours: who had it before may have written an answer since we looked.
      return Effect.flatMap(Effect.andThen(last ? Effect.void : Effect.sleep(Math.min(pause, left)), stored), (entry) =>
        last || entry !== undefined ? Effect.succeed(entry) : attempt(Math.min(longestPause, pause * 2)))
    })
  return attempt(firstPause)
}
