/** SQL in the name of a tenant, a user, a key, a model or a job is a name like any other, in every store that speaks SQL. */
import { Pipeline, Request, Result } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { describe, expect, it } from "vitest"
import { Prices } from "../../src/cost/charge.ts"
import {
  Budget, Cache, Idempotency, Identity, Queue, RateLimit, SemanticCache, Sqlite, TrackCost
} from "../../src/index.ts"
import { postgres } from "../../src/store/postgres.ts"
import { catalog, usage } from "../money.ts"
import { postgresUrl } from "./servers.ts"
import { budgetTables, limitTables, queueTables } from "./sweep.ts"

/** In each text, so that it can be looked for. */
const mark = `zq${randomUUID().slice(0, 8)}`
const names = [
  `${mark}'; DROP TABLE plugline_limits; --`, `${mark}"); DELETE FROM plugline_queue_jobs; --`, `${mark}' OR '1'='1`,
  `${mark}\\'; --`, `${mark}$1`, `${mark}?1`, `${mark}:name`, `${mark}%' LIKE '%`, `${mark} UNION SELECT * FROM sqlite_master`,
  `${mark}\`;--`, `${mark}$$; SELECT pg_sleep(9); $$`
]

type Kept = Budget.BudgetStore | RateLimit.LimitStore

const limits = {
  limits: [{ per: "user" as const, amount: "0.002", every: "total" as const, name: `'; DROP TABLE x; -- ${mark}` }]
}
const request = (name: string) =>
  Identity.as(
    Request.make({
      provider: "mock",
      messages: name,
      options: { model: "round", maxTokens: 100, user: name, metadata: { [name]: name } }
    }),
    { tenant: name, team: name, user: name, key: name, tier: name }
  )
const mock = () => Mock.make(({ options }) => Mock.text(`to ${options.user}`, { usage: usage(10, 50) }))

/** Each name has a limit and a budget of its own, whatever the others are. */
const shared = (line: Pipeline<Kept>) =>
  Effect.gen(function*() {
    for (const name of names) {
      const first = yield* Pipeline.run(line, request(name))
      expect([first.state, Result.text(first.result)], name).toEqual(["completed", `to ${name}`])
      expect(Request.get(first, Budget.state)?.limits[0], name).toMatchObject({ spent: "0.00051", held: "0" })
    }
    for (const name of names) {
      expect(yield* Budget.standing(limits, { tenant: name, user: name }), name).toMatchObject([{ spent: "0.00051", held: "0" }])
      expect((yield* Pipeline.run(line, request(name))).errors[0]?.reason._tag, name).toBe("RateLimit")
    }
  })

const held = [
  RateLimit.plug({
    limits: [{ per: "user", requestsPerDay: 1 }, { per: "model", requestsPerDay: 1_000 }],
    scope: `${mark}'--`
  }),
  Budget.plug(limits)
]

const queued = Effect.gen(function*() {
  yield* Effect.forkChild(Queue.work(mock().pipeline))
  for (const name of names) yield* Queue.offer(request(name), { id: name, tenant: name })
  for (const name of names) {
    const ended = yield* Queue.wait(name)
    expect([ended.id, ended.tenant, Result.text(ended.result)]).toEqual([name, name, `to ${name}`])
  }
  expect(yield* Queue.find(`${mark}' OR '1'='1' --`)).toBeUndefined()
  expect((yield* Queue.stats).done).toBe(names.length)
})

const prices = Layer.succeed(Prices, catalog)

describe("SQLite", () => {
  /** A database that writes down every text it is told. */
  const told: Array<string> = []
  const watched = Layer.effect(Sqlite, Effect.map(Sqlite, (sqlite) => ({
    ...sqlite,
    statement: (sql: string) => {
      told.push(sql)
      return sqlite.statement(sql)
    }
  })))
  const database = Layer.provide(watched, Sqlite.layer())
  const stores = Layer.mergeAll(
    Budget.sqlite, RateLimit.sqlite(), Cache.sqlite(), SemanticCache.sqlite(), Idempotency.sqlite(), TrackCost.sqlite,
    Queue.sqlite
  )
  const services = Layer.mergeAll(Layer.provideMerge(Queue.layer({ poll: 10 }), Layer.provideMerge(stores, database)), prices)

  it("has bound parameters alone, and every table is there in the end", () =>
    Effect.runPromise(Effect.scoped(Effect.provide(Effect.gen(function*() {
      const { database } = yield* Sqlite
      const tables = () => database.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").all()
      const before = tables()
      const provider = mock()
      yield* shared([...held, ...provider.pipeline] as Pipeline<Kept>)
      const lines = [
        [Idempotency.plug()], [Cache.plug()], [SemanticCache.plug()], [TrackCost.plug({ pipeline: names[0]! })]
      ]
      for (const line of lines) {
        for (const name of names) {
          const keyed = Idempotency.withKey(request(name), name)
          const run = Pipeline.run([...line, ...provider.pipeline] as Pipeline, keyed)
          for (const final of [yield* run, yield* run]) expect(Result.text(final.result), name).toBe(`to ${name}`)
        }
      }
      const totals = yield* TrackCost.totals({ by: ["user", "model"] })
      const counted = totals.map(({ calls, cost, group }) => [group.user, calls, cost])
      expect(counted.toSorted()).toEqual(names.map((name) => [name, 2, "0.00102"]).toSorted())
      expect(yield* TrackCost.totals({ where: { user: `${mark}' OR '1'='1' --` } })).toMatchObject([])
      yield* queued
      expect(tables()).toEqual(before)
      expect(told.length).toBeGreaterThan(100)
      expect(told.filter((sql) => sql.includes(mark))).toEqual([])
    }), services) as Effect.Effect<void>)))
})

describe.skipIf(postgresUrl === undefined)("PostgreSQL", () => {
  const server = postgres({ url: postgresUrl! })
  const stores = Layer.mergeAll(Budget.postgres, RateLimit.postgres(), Queue.postgres)
  const services = Layer.mergeAll(
    Layer.provideMerge(Queue.layer({ name: mark, poll: 10 }), Layer.provideMerge(stores, server)), prices
  )

  const sweep = Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const [tables, column] of [[budgetTables, "account"], [limitTables, "key"], [queueTables, "queue"]] as const) {
      for (const table of tables) yield* sql`DELETE FROM ${sql(table)} WHERE position(${mark} in ${sql(column)}) > 0`
    }
  })

  it("keeps each name apart, and every table is there in the end", () =>
    Effect.runPromise(Effect.scoped(Effect.provide(Effect.ensuring(Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const tables = sql<{ name: string }>`SELECT table_name AS name FROM information_schema.tables
        WHERE table_name LIKE 'plugline%' ORDER BY 1`
      const before = yield* tables
      expect(before.length).toBeGreaterThan(3)
      yield* shared([...held, ...mock().pipeline] as Pipeline<Kept>)
      yield* queued
      expect(yield* tables).toEqual(before)
    }), Effect.orDie(sweep)), services) as Effect.Effect<void>)), 20_000)
})
