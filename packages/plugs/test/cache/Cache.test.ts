import { type Part, Pipeline, Plug, Request, Result } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Clock, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { describe, expect, it } from "vitest"
import { Cache, CacheStore, Sqlite, StoreError } from "../../src/index.ts"
import { redis } from "../../src/store/redis.ts"
import { ownRedis } from "../stores/servers.ts"

const request = (operation: "chat" | "stream" = "chat") =>
  Request.make({ provider: "openai", operation, messages: "Hi", options: { model: "m" } })

const run = <A, E, R extends CacheStore.CacheStore | Cache.Flights>(program: Effect.Effect<A, E, R>, layer: Layer.Layer<CacheStore.CacheStore | Cache.Flights, unknown> = Cache.memory()) =>
  Effect.runPromise(Effect.provide(program, Layer.merge(layer, TestClock.layer()), { local: true }) as Effect.Effect<A>)

/** Answers with the number of the call. */
const counting = () => Mock.make((_, call) => `answer ${call}`)

const said = (final: Request) => [Result.text(final.result), Cache.of(final)?.status, Cache.of(final)?.age] as const

describe("time", () => {
  it("an answer is given until its time is over, to the millisecond", () =>
    fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), fc.array(fc.nat(4_000), { maxLength: 12 }), (ttl, waits) => {
      const mock = counting()
      const line = [Cache.plug({ ttl }), ...mock.pipeline]
      return run(Effect.gen(function*() {
        let at = -Infinity
        let calls = 0
        for (const wait of waits) {
          yield* TestClock.adjust(wait)
          const now = yield* Clock.currentTimeMillis
          const over = now - at >= ttl
          if (over) {
            at = now
            calls++
          }
          const final = yield* Pipeline.run(line, request())
          expect(said(final)).toEqual([`answer ${calls}`, over ? "miss" : "hit", over ? undefined : now - at])
        }
      }))
    }), { numRuns: 60 }))

  it("a plug with less time gives no answer that another keeps for longer", () =>
    run(Effect.gen(function*() {
      const mock = counting()
      const ask = (ttl: number) => Effect.map(Pipeline.run([Cache.plug({ ttl }), ...mock.pipeline], request()), said)
      yield* ask(1_000)
      yield* TestClock.adjust(9)
      expect(yield* ask(10)).toEqual(["answer 1", "hit", 9])
      yield* TestClock.adjust(1)
      expect(yield* ask(10)).toEqual(["answer 2", "miss", undefined])
    })))

  it("a stale answer is given while one call asks anew in the background", async () => {
    const mock = Mock.make((_, call) => Mock.text(`answer ${call}`, { delay: 50 }))
    for (const operation of ["chat", "stream"] as const) {
      for (const layer of [Cache.memory(), Layer.provide(Cache.sqlite(), Sqlite.layer())]) {
        mock.reset()
        const line = [Cache.plug({ ttl: "1 minute", stale: "10 minutes" }), ...mock.pipeline]
        const program = Effect.gen(function*() {
          const ask = Effect.map(Pipeline.run(line, request(operation)), said)
          expect(yield* ask).toEqual(["answer 1", "miss", undefined])
          yield* Effect.sleep("2 minutes")
          expect(yield* Effect.all([ask, ask, ask], { concurrency: "unbounded" })).toEqual([1, 2, 3].map(() => ["answer 1", "stale", 120_000]))
          yield* Effect.sleep(20)
          expect(yield* ask).toEqual(["answer 1", "stale", 120_020])
          yield* Effect.sleep(100)
          const [text, status] = yield* ask
          expect([text, status]).toEqual(["answer 2", "hit"])
          expect(mock.calls.length).toBe(2)
          yield* Effect.sleep("12 minutes")
          expect((yield* ask)[1]).toBe("miss")
          expect(yield* Cache.info).toMatchObject({ hits: 1, stale: 4, misses: 2, refreshed: 1 })
        })
        await Effect.runPromise(VirtualClock.provide(Effect.provide(program, layer, { local: true })) as Effect.Effect<void>)
      }
    }
  })

  it("a refresh that fails leaves the stale answer, and the next call tries again", () =>
    run(Effect.gen(function*() {
      const mock = Mock.make(["old", Mock.fail({ _tag: "Server", message: "down" }), "new"])
      const line = [Cache.plug({ ttl: 10, stale: 1_000 }), ...mock.pipeline]
      const ask = Effect.map(Pipeline.run(line, request()), said)
      yield* ask
      yield* TestClock.adjust(10)
      const stale = yield* Pipeline.run(line, request())
      expect([...said(stale), Cache.isServed(stale)]).toEqual(["old", "stale", 10, true])
      yield* Effect.yieldNow
      expect(yield* ask).toEqual(["old", "stale", 10])
      yield* Effect.yieldNow
      expect(yield* ask).toEqual(["new", "hit", 0])
    })))
})

describe("what a caller asks for", () => {
  it("skip, refresh and only-if-cached", () =>
    run(Effect.gen(function*() {
      const mock = counting()
      const line = [Cache.plug(), ...mock.pipeline]
      const ask = (what?: Cache.Order) =>
        Pipeline.run(line, what === undefined ? request() : Cache.control(request(), what))
      const none = yield* ask("only-if-cached")
      expect([none.state, none.errors.at(-1)?.reason._tag, none.errors.at(-1)?.plug, mock.calls.length]).toEqual(["error", "Halted", "cache", 0])
      expect(said(yield* ask("skip"))).toEqual(["answer 1", "bypass", undefined])
      expect(said(yield* ask())).toEqual(["answer 2", "miss", undefined])
      expect(said(yield* ask("skip"))).toEqual(["answer 3", "bypass", undefined])
      expect(said(yield* ask())).toEqual(["answer 2", "hit", 0])
      expect(said(yield* ask("refresh"))).toEqual(["answer 4", "refreshed", undefined])
      expect(said(yield* ask())).toEqual(["answer 4", "hit", 0])
      expect(said(yield* ask("only-if-cached"))).toEqual(["answer 4", "hit", 0])
      const { key } = Cache.of(yield* ask())!
      yield* Cache.forget(key!)
      expect(said(yield* ask())).toEqual(["answer 5", "miss", undefined])
      yield* Cache.clear
      expect(said(yield* ask())).toEqual(["answer 6", "miss", undefined])
      expect(yield* Cache.info).toMatchObject({ hits: 4, misses: 4, refreshed: 1, bypassed: 2 })
    })))

  it("a caller cannot say for the cache that an answer was cached", () =>
    run(Effect.gen(function*() {
      const forged = Request.putMetadata(request(), "cache", { status: "hit" })
      const final = yield* Pipeline.run([Cache.plug(), ...counting().pipeline], forged)
      expect(final.metadata.cache).toMatchObject({ status: "miss" })
      expect(Cache.isServed(final)).toBe(false)
    })))

  it("what has no key, and what is no answer, passes by", () =>
    run(Effect.gen(function*() {
      const mock = counting()
      const odd = Request.mergeConfig(request(), { hook: () => 1 })
      const line = [Cache.plug(), ...mock.pipeline]
      expect(Cache.of(yield* Pipeline.run(line, odd))).toMatchObject({ status: "bypass", why: expect.stringContaining("function") })
      const throws = Cache.plug({ key: () => { throw new Error("no") } })
      expect(Cache.of(yield* Pipeline.run([throws, ...mock.pipeline], request()))?.why).toContain("no")
      const models = Mock.make([Mock.result({ type: "list_models", models: [] })])
      const final = yield* Pipeline.run([Cache.plug(), ...models.pipeline], Request.make({ provider: "openai", operation: "list_models" }))
      expect(Cache.of(final)).toEqual({ status: "bypass", why: "list_models is not cached" })
      const behind = yield* Pipeline.run([...counting().pipeline, Cache.plug()], request())
      expect(Cache.of(behind)).toBeUndefined()
    })))
})

describe("options", () => {
  it("are refused where they do not fit", async () => {
    for (const [options, message] of [
      [{ ttl: -1 }, "option ttl must be a duration, in ms or as in \"1 hour\", not -1"],
      [{ ttl: "soon" }, "not \"soon\""],
      [{ finish: ["content-filter"] }, "option finish.0"],
      [{ ignore: ["modle"] }, "option ignore.0 must be the name of an option"],
      [{ apart: ["tenants"] }, "option apart.0"],
      [{ tll: 1 }, "unknown option \"tll\"; "]
    ] as const) {
      const error = await run(Effect.flip(Pipeline.run([Cache.plug(options as never)], request())))
      expect(error.message).toContain(message)
    }
  })

  it("a recorded stream is given again in its time, without the long pauses", async () => {
    const mock = Mock.make([Mock.text("Hello", { delay: 300, between: 40, cut: 1, chunks: 1 })])
    const line = [Cache.plug({ timing: "recorded", maxGap: 100 }), ...mock.pipeline]
    const read = Effect.scoped(Effect.gen(function*() {
      const begun = yield* Clock.currentTimeMillis
      const live = yield* Pipeline.open(line, request("stream"), { keep: true })
      const heard: Array<readonly [number, string]> = []
      for (let some = yield* live.pull; some !== undefined; some = yield* live.pull) {
        const now = yield* Clock.currentTimeMillis
        for (const part of some) heard.push([now - begun, part.type === "text-delta" ? part.delta : part.type])
      }
      return { heard, final: live.final() }
    }))
    const [first, second] = await Effect.runPromise(VirtualClock.provide(Effect.provide(Effect.all([read, read]), Cache.memory())))
    expect(second.heard.map(([, part]) => part)).toEqual(first.heard.map(([, part]) => part))
    expect(second.heard.map(([at]) => at)).toEqual(first.heard.map(([at]) => at - 200))
    expect(second.final?.result).toEqual(first.final?.result)
    expect(Cache.of(second.final!)?.status).toBe("hit")
    mock.reset()
    const whole = Effect.andThen(Pipeline.run(line, request("stream")), Effect.timed(Pipeline.run(line, request())))
    const [took, final] = await Effect.runPromise(VirtualClock.provide(Effect.provide(whole, Cache.memory())))
    expect([Duration.toMillis(took), Result.text(final.result)]).toEqual([0, "Hello"])
  })
})

describe("a store that is slow or down", () => {
  const odd = (answer: Effect.Effect<never, StoreError>): Layer.Layer<CacheStore.CacheStore> =>
    Layer.succeed(CacheStore.CacheStore, {
      get: () => answer, set: () => answer, remove: () => answer, clear: () => answer, size: () => answer,
      lock: { take: () => answer, release: () => answer }
    })

  it("loses no answer and holds nothing up for long", async () => {
    for (const [answer, most] of [[Effect.never, 1_000], [Effect.fail(new StoreError("cache", "down")), 0]] as const) {
      for (const operation of ["chat", "stream"] as const) {
        const mock = counting()
        const ask = Effect.timed(Pipeline.run([Cache.plug(), ...mock.pipeline], request(operation)))
        const [took, final] = await Effect.runPromise(VirtualClock.provide(Effect.provide(ask, Cache.layer(odd(answer)))))
        expect(said(final)).toEqual(["answer 1", "miss", undefined])
        expect(Cache.of(final)).toMatchObject({ stored: false, why: "the store is down" })
        expect(Duration.toMillis(took)).toBe(most)
      }
    }
  })

  it("also where it goes down between reading and writing", async () => {
    const half: Layer.Layer<CacheStore.CacheStore> = Layer.succeed(CacheStore.CacheStore, {
      get: () => Effect.succeed(undefined), set: () => Effect.never, remove: () => Effect.never, clear: () => Effect.never, size: () => Effect.never,
      lock: { take: () => Effect.succeed(true), release: () => Effect.never }
    })
    const mock = counting()
    const line = [Cache.plug(), ...mock.pipeline]
    const program = Effect.timed(Effect.all([Pipeline.run(line, request()), Pipeline.run(line, request("stream"))], { concurrency: "unbounded" }))
    const [took, finals] = await Effect.runPromise(VirtualClock.provide(Effect.provide(program, Cache.layer(half))))
    expect(finals.map((final) => Result.text(final.result))).toEqual(["answer 1", "answer 1"])
    expect(Duration.toMillis(took)).toBe(2_000)
  })

  it.skipIf(!ownRedis)("a Redis that is killed", { timeout: 20_000 }, async () => {
    const port = await freePort()
    const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"], { stdio: "ignore" })
    try {
      await answering(port)
      const mock = counting()
      const line = [Cache.plug(), ...mock.pipeline]
      const program = Effect.gen(function*() {
        expect(said(yield* Pipeline.run(line, request()))).toEqual(["answer 1", "miss", undefined])
        expect(said(yield* Pipeline.run(line, request()))[1]).toBe("hit")
        server.kill("SIGKILL")
        yield* Effect.promise(() => once(server, "exit"))
        const [took, final] = yield* Effect.timed(Pipeline.run(line, request("stream")))
        expect(said(final)).toEqual(["answer 2", "miss", undefined])
        expect(Cache.of(final)?.stored).toBe(false)
        return took
      })
      const took = await Effect.runPromise(Effect.provide(program, Layer.provide(Cache.redis(), redis({ url: `redis://127.0.0.1:${port}` }))))
      expect(Duration.toMillis(took)).toBeLessThan(3_000)
    } finally {
      server.kill("SIGKILL")
    }
  })
})

it("two caches in one line: what the inner one has is not kept twice, and says so", () =>
  run(Effect.gen(function*() {
    const mock = counting()
    const inner = Cache.plug({ ttl: "1 hour" })
    yield* Pipeline.run([inner, ...mock.pipeline], request())
    const outer = yield* Pipeline.run([Cache.plug({ version: "2" }), inner, ...mock.pipeline], request())
    expect(said(outer)).toEqual(["answer 1", "hit", 0])
    expect((yield* Cache.info).stores[0]).toMatchObject({ entries: 1 })
  })))

it("what a plug in front does to an answer is not kept, what one behind does is", () =>
  run(Effect.gen(function*() {
    const add = (word: string) => Plug.mapParts(word, (part: Part) => part.type === "text-delta" ? { ...part, delta: `${part.delta} ${word}` } : part)
    const line = [add("front"), Cache.plug(), add("behind"), ...counting().pipeline]
    for (const operation of ["chat", "stream"] as const) {
      const final = yield* Pipeline.run(line, request(operation))
      expect(Result.text(final.result)).toBe("answer 1 behind front")
    }
  })))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const answering = async (port: number): Promise<void> => {
  const ping = Effect.asVoid(Effect.provide(Effect.void, redis({ url: `redis://127.0.0.1:${port}`, connectTimeout: 200 })))
  for (let tries = 0; tries < 50; tries++) {
    if ((await Effect.runPromiseExit(ping))._tag === "Success") return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
