/**
 * Circuits in memory and in Redis: the contract of both, bounds, and probes counted in several processes together.
 *
 * @module
 */
import { fork } from "node:child_process"
import { CircuitBreaker } from "@plugline/plugs"
import { redis } from "@plugline/plugs/redis"
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { afterAll, describe, expect, it } from "vitest"
import { contract, policy } from "./breaker.contract.ts"
import { redisUrl } from "./servers.ts"

const prefix = `plugline-test-${process.pid}-${process.hrtime.bigint()}`

describe("circuits in memory", () => {
  contract(CircuitBreaker.memory())

  it("are bounded; closed ones that were not used for longest go first", async () => {
    const left = await Effect.runPromise(Effect.provide(Effect.map(CircuitBreaker.BreakerStore, (store) => {
      store.order("open", { to: "open" }, 0)
      for (let at = 1; at <= 5; at++) store.admit(`c${at}`, policy, at)
      store.admit("c3", policy, 9)
      store.admit("c6", policy, 10)
      return store.circuits()
    }), CircuitBreaker.memory({ maxCircuits: 3 })))
    expect(left).toEqual(["open", "c3", "c6"])
  })

  it("take no report meant for a circuit that was forgotten", async () => {
    await Effect.runPromise(Effect.provide(Effect.map(CircuitBreaker.BreakerStore, (store) => {
      const one = { ...policy, consecutive: 1 }
      const permit = store.admit("a", one, 0) as CircuitBreaker.Permit
      store.admit("b", one, 1)
      expect(store.report("a", one, permit, { outcome: "failure", slow: false }, 2)).toBeUndefined()
      store.admit("a", one, 3)
      expect(store.report("a", one, permit, { outcome: "failure", slow: false }, 4)).toBeUndefined()
    }), CircuitBreaker.memory({ maxCircuits: 1 })))
  })
})

describe.skipIf(redisUrl === undefined)("circuits in Redis", () => {
  const server = redis({ url: redisUrl! })
  contract(CircuitBreaker.redis({ prefix, clock: "process" }).pipe(Layer.provide(server), Layer.orDie))

  afterAll(() =>
    Effect.runPromise(Effect.provide(
      Effect.gen(function*() {
        const { send } = yield* Redis.Redis
        const keys = yield* send<ReadonlyArray<string>>("KEYS", `${prefix}*`)
        if (keys.length > 0) yield* send("DEL", ...keys)
      }),
      server
    )))

  it("are forgotten when nobody uses them, but not while they are open by hand", async () => {
    const life = await Effect.runPromise(Effect.provide(
      Effect.gen(function*() {
        const { send } = yield* Redis.Redis
        yield* CircuitBreaker.open("forced")
        yield* CircuitBreaker.open("for a while", 10_000)
        return [yield* send("PTTL", `${prefix}:{breaker}:c:forced`), yield* send<number>("PTTL", `${prefix}:{breaker}:c:for a while`)]
      }),
      CircuitBreaker.redis({ prefix, idle: 5_000 }).pipe(Layer.provideMerge(server))
    ))
    expect(life[0]).toBe(-1)
    expect(life[1]).toBeGreaterThan(14_000)
    expect(life[1]).toBeLessThanOrEqual(15_000)
  })

  it("use the server's clock, so that processes agree", async () => {
    const found = await Effect.runPromise(Effect.provide(
      Effect.flatMap(CircuitBreaker.BreakerStore, (store) => {
        const asked = store.order("clock", { to: "open", for: 60_000 }, 5)
        return Effect.isEffect(asked) ? asked : Effect.succeed(asked)
      }),
      CircuitBreaker.redis({ prefix }).pipe(Layer.provide(server))
    ))
    expect(found!.at).toBeGreaterThan(1_700_000_000_000)
  })

  it.each([1, 3])("let %i probes through in two processes together", async (probes) => {
    const name = `shared ${probes}`
    await Effect.runPromise(Effect.provide(
      Effect.andThen(CircuitBreaker.open(name, 1), Effect.sleep(20)),
      CircuitBreaker.redis({ prefix }).pipe(Layer.provide(server))
    ))
    const children = [0, 1].map(() =>
      fork(new URL("breaker.process.ts", import.meta.url), [redisUrl!, prefix, name, String(probes)], { execArgv: [] }))
    const heard = (child: (typeof children)[number]) => new Promise<unknown>((resolve) => child.once("message", resolve))
    const ready = await Promise.all(children.map(heard))
    expect(ready).toEqual(["ready", "ready"])
    const asked = children.map(heard)
    for (const child of children) child.send("go")
    const counts = await Promise.all(asked) as ReadonlyArray<{ readonly asked: number; readonly refused: number }>
    expect(counts.reduce((sum, { asked }) => sum + asked, 0)).toBe(probes)
    expect(counts.reduce((sum, { refused }) => sum + refused, 0)).toBe(80 - probes)
  }, 20_000)
})
