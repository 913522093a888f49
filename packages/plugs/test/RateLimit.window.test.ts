/**
 * The law of the window, for the plug over every store it names: in every window no more is let through than the limit's
 * capacity and what came back in that time, and a refusal takes nothing from any limit.
 */
import { Pipeline, Request } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer, ManagedRuntime } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import * as Identity from "../src/identity.ts"
import * as RateLimit from "../src/RateLimit.ts"
import { postgres } from "../src/store/postgres.ts"
import { redis } from "../src/store/redis.ts"
import { Sqlite } from "../src/store/Sqlite.ts"
import { postgresUrl, redisUrl } from "./stores/servers.ts"
import { limitTables, sweep, sweepRows } from "./stores/sweep.ts"

const prefix = `plugline-test-window-${process.pid}`
// Ahead of the servers' clocks, so that what they throw away by those is not what is tested here.
const start = Date.now() + 3_600_000
const minute = 60_000
let count = 0

const users = ["ada", "bob"] as const
const histories = fc.record({
  calls: fc.array(fc.record({ after: fc.nat(40_000), user: fc.nat(1) }), { minLength: 1, maxLength: 25 }),
  own: fc.record({ burst: fc.integer({ min: 1, max: 4 }), rate: fc.integer({ min: 1, max: 12 }) }),
  all: fc.record({ burst: fc.integer({ min: 1, max: 6 }), rate: fc.integer({ min: 1, max: 12 }) })
})

interface Bucket {
  readonly burst: number
  readonly rate: number
}

/** What is there after some time, in calls times ms of a minute: whole numbers. */
const refilled = (level: number, { burst, rate }: Bucket, after: number): number =>
  Math.min(burst * minute, level + rate * after)

/** In every window no more than its limit lets through. */
const expectWithin = ({ burst, rate }: Bucket, times: ReadonlyArray<number>): void => {
  times.forEach((from, first) => {
    times.slice(first).forEach((to, more) => {
      expect((more + 1) * minute).toBeLessThanOrEqual(burst * minute + rate * (to - from))
    })
  })
}

const law = (
  name: string,
  layer: Layer.Layer<RateLimit.LimitStore, unknown>,
  { runs, skip = false }: { readonly runs: number; readonly skip?: boolean }
): void => {
  const runtime = ManagedRuntime.make(layer)
  afterAll(() => runtime.dispose())

  describe.skipIf(skip)(`limits in ${name}`, () => {
    it("let through in every window what the limit says, and a refusal takes nothing", () =>
      fc.assert(fc.asyncProperty(histories, ({ all, calls, own }) => {
        const limit = RateLimit.plug({
          scope: `${prefix}:${++count}`,
          limits: [{ per: "user", requestsPerMinute: own }, { per: "global", requestsPerMinute: all }]
        })
        const line = [limit, ...Mock.make(() => "Hello").pipeline]
        const levels = { ada: own.burst * minute, bob: own.burst * minute, all: all.burst * minute }
        const admitted: Array<{ readonly at: number; readonly user: string }> = []
        const program = Effect.gen(function*() {
          yield* TestClock.setTime(start)
          let at = start
          for (const { after, user: index } of calls) {
            at += after
            yield* TestClock.setTime(at)
            for (const user of users) levels[user] = refilled(levels[user], own, after)
            levels.all = refilled(levels.all, all, after)
            const user = users[index]!
            const request = Identity.as(Request.make({ provider: "local", messages: "Hi" }), { user })
            const final = yield* Pipeline.run(line, request)
            const may = levels[user] >= minute && levels.all >= minute
            if (may) {
              levels[user] -= minute
              levels.all -= minute
              admitted.push({ at, user })
            }
            expect(final.state).toBe(may ? "completed" : "error")
            const status = Request.get(final, RateLimit.status)!
            expect(status.limits.map(({ remaining }) => remaining))
              .toEqual([Math.floor(levels[user] / minute), Math.floor(levels.all / minute)])
          }
        })
        return runtime.runPromise(Effect.provide(program, TestClock.layer())).then(() => {
          expectWithin(all, admitted.map(({ at }) => at))
          for (const name of users) {
            expectWithin(own, admitted.filter(({ user }) => user === name).map(({ at }) => at))
          }
        })
      }), { numRuns: runs }))
  })
}

law("memory", RateLimit.memory(), { runs: 100 })
law("SQLite", Layer.provide(RateLimit.sqlite(), Sqlite.layer()), { runs: 40 })
law("Redis", Layer.provide(RateLimit.redis({ prefix, clock: "process" }), redis({ url: redisUrl ?? "" })), {
  runs: 15, skip: redisUrl === undefined
})
law("PostgreSQL", Layer.provide(RateLimit.postgres({ clock: "process" }), postgres({ url: postgresUrl ?? "" })), {
  runs: 8, skip: postgresUrl === undefined
})

afterAll(async () => {
  if (redisUrl !== undefined) await sweep(redisUrl, prefix)
  // A limit's key begins with its scope, as JSON.
  if (postgresUrl !== undefined) await sweepRows(postgresUrl, limitTables, "key", `["${prefix}:`)
})
