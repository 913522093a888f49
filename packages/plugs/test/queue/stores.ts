import { Layer } from "effect"
import { Queue, Sqlite } from "../../src/index.ts"
import { postgres } from "../../src/store/postgres.ts"
import { redis } from "../../src/store/redis.ts"

/** What the keys of the jobs in Redis begin with. */
export const prefix = "plugline-test-crash"

/** A store by its name and where it is. */
export const storeOf = (kind: string, place: string): Layer.Layer<Queue.QueueStore, unknown> => {
  switch (kind) {
    case "sqlite":
      return Layer.provide(Queue.sqlite, Sqlite.layer({ path: place }))
    case "redis":
      return Layer.provide(Queue.redis({ prefix }), redis({ url: place }))
    default:
      return Layer.provide(Queue.postgres, postgres({ url: place }))
  }
}
