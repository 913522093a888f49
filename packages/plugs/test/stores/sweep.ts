/**
 * Takes away what tests left in a Redis that others use too.
 *
 * @module
 */
import { Effect } from "effect"
import { Redis } from "effect/persistence"
import { redis } from "../../src/store/redis.ts"

/** Deletes every key that begins with `prefix:`. */
export const sweep = (url: string, prefix: string): Promise<void> =>
  Effect.runPromise(Effect.provide(Effect.ignore(Effect.flatMap(Redis.Redis, ({ send }) =>
    Effect.flatMap(send<ReadonlyArray<string>>("KEYS", `${prefix}:*`), (keys) => keys.length === 0 ? Effect.void : send("DEL", ...keys)))), redis({ url })))
