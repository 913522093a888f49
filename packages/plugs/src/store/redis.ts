/**
 * Connects to Redis, for state that several processes share. An entry of its own, `@plugline/plugs/redis`, because it
 * needs the packages `@effect/platform-node` and `redis`.
 *
 * @module
 */
import { NodeRedis } from "@effect/platform-node"
import type { Layer } from "effect"
import type { Redis } from "effect/persistence"

/** How Redis is reached. */
export interface RedisOptions {
  /** Default: `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** How long connecting may take, in ms. Default: 2,000. */
  readonly connectTimeout?: number
  /** How long one command may take, in ms. Default: 1,000. */
  readonly commandTimeout?: number
}

/**
 * A connection to Redis, closed with the layer. Commands fail at once while the connection is lost: a queue of them
 * would hold up calls that can do without their store.
 */
export const redis = (
  { commandTimeout = 1_000, connectTimeout = 2_000, url = "redis://127.0.0.1:6379" }: RedisOptions = {}
): Layer.Layer<Redis.Redis, Redis.RedisError> =>
  NodeRedis.layer({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout: commandTimeout },
    socket: { connectTimeout }
  })
