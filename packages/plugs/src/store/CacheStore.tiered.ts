/**
 * Two stores as one: the near one is asked first, and what only the far one has is written to the near one on its way.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { CacheStore, type CacheStoreShape, open as openly } from "../cache/Store.ts"
import { andThen, effect, type Now } from "../cost/now.ts"
import type { StoreError } from "./patience.ts"

/**
 * A near store in front of a far one: `tiered(memory(), redis())`. Writes go to both. Where the far one is slow or down
 * the near one serves alone; where the near one fails, the far one does. Processes agree by the lock of the far one.
 */
export const tiered = <E, R, E2, R2>(
  near: Layer.Layer<CacheStore, E, R>,
  far: Layer.Layer<CacheStore, E2, R2>
): Layer.Layer<CacheStore, E | E2, R | R2> =>
  Layer.effect(
    CacheStore,
    Effect.gen(function*() {
      return join(
        Context.get(yield* Layer.build(near), CacheStore),
        Context.get(yield* Layer.build(far), CacheStore)
      )
    })
  )

const join = (near: CacheStoreShape, far: CacheStoreShape): CacheStoreShape => {
  const lock = far.lock ?? near.lock
  return {
    get: (key, now) =>
      andThen(open(near.get(key, now), undefined), (entry) =>
        entry ?? andThen(open(far.get(key, now), undefined), (entry) =>
          entry === undefined ? undefined : andThen(open(near.set(key, entry, now), false), () => entry))),
    set: (key, entry, now) =>
      andThen(open(near.set(key, entry, now), false), (inNear) =>
        andThen(open(far.set(key, entry, now), false), (inFar) => inNear || inFar)),
    remove: (key) => andThen(near.remove(key), () => far.remove(key)),
    clear: () => andThen(near.clear(), () => far.clear()),
    size: () => andThen(near.size(), (sizes) => andThen(far.size(), (more) => [...sizes, ...more])),
    ...(lock !== undefined && { lock })
  }
}

/** What one tier answers, or what counts where it is slow or down: the other one is still there. */
const open = <A>(answer: Now<A, StoreError>, instead: A): Now<A> =>
  Effect.isEffect(answer) ? openly(effect(answer), instead) : answer
