/**
 * Where cached answers are kept: in memory, in SQLite, in Redis, or in two of them, the near one in front of the far
 * one. All keep the same contract; {@link tiered} makes one of two.
 *
 * @module
 */
export { CacheStore, type CacheStoreShape, type Lock, type StoreSize } from "../cache/Store.ts"
export { memory, type MemoryCacheOptions } from "./CacheStore.memory.ts"
export { redis, type RedisCacheOptions } from "./CacheStore.redis.ts"
export { sqlite, type SqliteCacheOptions } from "./CacheStore.sqlite.ts"
export { tiered } from "./CacheStore.tiered.ts"
