import { Pipeline, Plug, Request, Result } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Duration, Effect, Exit, Fiber, Layer } from "effect"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Cache, CacheStore, Identity, Sqlite } from "../../src/index.ts"
import { redis } from "../../src/store/redis.ts"
import { redisUrl } from "../stores/servers.ts"

const request = (operation: "chat" | "stream" = "chat") =>
  Request.make({ provider: "openai", operation, messages: "Hi", options: { model: "m" } })

const folder = mkdtempSync(join(tmpdir(), "plugline-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const file = () => Cache.sqlite().pipe(Layer.provide(Sqlite.layer({ path: join(folder, `${files++}.db`) })))

const layers: { readonly [name: string]: () => Layer.Layer<CacheStore.CacheStore | Cache.Flights, unknown> } = { memory: () => Cache.memory(), sqlite: file }

const run = <A, E>(program: Effect.Effect<A, E, CacheStore.CacheStore | Cache.Flights>, layer: Layer.Layer<CacheStore.CacheStore | Cache.Flights, unknown> = Cache.memory()) =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(program, layer, { local: true })) as Effect.Effect<A>)

describe("equal calls at the same time ask the provider once", () => {
  for (const [name, layer] of Object.entries(layers)) {
    for (const operation of ["chat", "stream"] as const) {
      it(`a thousand, ${operation}, over ${name}`, async () => {
        const mock = Mock.make(() => Mock.text("Hello", { delay: 100, between: 50, cut: 1 }))
        const line = [Cache.plug(), ...mock.pipeline]
        const { finals, info } = await run(Effect.gen(function*() {
          const finals = yield* Effect.forEach(Array.from({ length: 1_000 }), () => Pipeline.run(line, request(operation)), { concurrency: "unbounded" })
          return { finals, info: yield* Cache.info }
        }), layer())
        expect(mock.calls.length).toBe(1)
        expect(new Set(finals.map(({ result }) => Result.text(result)))).toEqual(new Set(["Hello"]))
        expect(info).toMatchObject({ misses: 1, hits: 999, shared: 999 })
        expect(finals.filter((final) => Cache.of(final)?.shared === true).length).toBe(999)
      })
    }
  }

  it("those of two tenants are not equal", async () => {
    const mock = Mock.make(() => Mock.text("Hello", { delay: 100 }))
    const ask = (tenant: string) => Pipeline.run([Identity.plug({ tenant }), Cache.plug(), ...mock.pipeline], request())
    await run(Effect.all([ask("a"), ask("b"), ask("a")], { concurrency: "unbounded" }))
    expect(mock.calls.length).toBe(2)
  })
})

/** What one of several equal callers does. */
const act = fc.record({ begins: fc.nat(200), leaves: fc.option(fc.nat(400), { nil: undefined }), operation: fc.constantFrom("chat" as const, "stream" as const) })

it("whoever leaves and whatever fails, everybody else has an answer, and nobody asks beside another", () =>
  fc.assert(fc.asyncProperty(
    fc.array(act, { minLength: 1, maxLength: 8 }),
    fc.array(fc.boolean(), { maxLength: 6 }),
    fc.constantFrom(...Object.keys(layers)),
    async (acts, fails, layer) => {
      let asking = 0
      let most = 0
      const upstream = Plug.around("count", (request, next) =>
        Effect.suspend(() => {
          most = Math.max(most, ++asking)
          return Effect.ensuring(next(request), Effect.sync(() => asking--))
        }))
      const mock = Mock.make((_, call) =>
        fails[call - 1] === true
          ? Mock.fail({ _tag: "Server", message: "down" }, { delay: 30 })
          : Mock.text("Hello", { delay: 50, between: 20, cut: 2, chunks: 1 }))
      const line = [Cache.plug({ wait: "1 hour" }), upstream, ...mock.pipeline]
      const ends = await run(Effect.forEach(acts, ({ begins, leaves, operation }) => {
        const asked = Effect.andThen(Effect.sleep(begins), Pipeline.run(line, request(operation)))
        return Effect.exit(leaves === undefined ? asked : Effect.timeout(asked, begins + leaves))
      }, { concurrency: "unbounded" }), layers[layer]!())
      ends.forEach((end, index) => {
        if (acts[index]!.leaves !== undefined) return
        if (!Exit.isSuccess(end)) throw new Error(`caller ${index} did not come to an end`)
        // Only who asked the provider itself sees it fail.
        if (end.value.state === "error") expect(end.value.errors.at(-1)?.reason._tag).toBe("Server")
        else expect(Result.text(end.value.result)).toBe("Hello")
      })
      const failed = ends.filter((end) => Exit.isSuccess(end) && end.value.state === "error").length
      expect(failed).toBeLessThanOrEqual(fails.filter(Boolean).length)
      expect(most).toBeLessThanOrEqual(1)
    }
  ), { numRuns: 60 }))

it("a caller who leaves while it waits, and one who leads, harm nobody", async () => {
  const mock = Mock.make(() => Mock.text("Hello", { delay: 100 }))
  const line = [Cache.plug(), ...mock.pipeline]
  const final = await run(Effect.gen(function*() {
    const leader = yield* Effect.forkChild(Pipeline.run(line, request()))
    yield* Effect.sleep(10)
    const waiter = yield* Effect.forkChild(Pipeline.run(line, request()))
    const other = yield* Effect.forkChild(Pipeline.run(line, request()))
    yield* Effect.sleep(10)
    yield* Fiber.interrupt(waiter)
    yield* Fiber.interrupt(leader)
    return yield* Fiber.join(other)
  }))
  expect(Result.text(final.result)).toBe("Hello")
  expect(mock.calls.map(({ interrupted }) => interrupted)).toEqual([true, false])
})

it("a reader who leaves a stream in the middle lets the next one ask", async () => {
  const mock = Mock.make(() => Mock.text("Hello", { between: 50, cut: 1 }))
  const line = [Cache.plug(), ...mock.pipeline]
  const { other, info } = await run(Effect.gen(function*() {
    const other = yield* Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open(line, request("stream"))
      yield* live.pull
      const other = yield* Effect.forkChild(Pipeline.run(line, request("stream")))
      yield* Effect.sleep(10)
      return other
    }))
    return { other: yield* Fiber.join(other), info: yield* Cache.info }
  }))
  expect(Result.text(other.result)).toBe("Hello")
  expect(mock.calls.length).toBe(2)
  expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  expect(info).toMatchObject({ misses: 2, hits: 0 })
})

it("a call that is set up and never run, or run twice, holds up nobody", async () => {
  const mock = Mock.make(() => "Hello")
  const line = [Cache.plug(), ...mock.pipeline]
  await run(Effect.gen(function*() {
    const compiled = yield* Pipeline.compile(line)
    Pipeline.runCompiled(compiled, request())
    const late = Pipeline.runCompiled(compiled, request())
    const [took, final] = yield* Effect.timed(Pipeline.runCompiled(compiled, request()))
    expect([Result.text(final.result), Duration.toMillis(took)]).toEqual(["Hello", 0])
    expect([(yield* late).state, (yield* late).state]).toEqual(["completed", "completed"])
    expect((yield* Cache.info).hits + (yield* Cache.info).misses).toBeGreaterThan(1)
  }))
})

it("nobody waits longer than is said, and an answer that is not kept is not waited for one after the other", async () => {
  const slow = Mock.make(() => Mock.text("Hello", { delay: 10_000 }))
  const ask = (wait: number) =>
    run(Effect.timed(Effect.forEach([1, 2, 3], () => Pipeline.run([Cache.plug({ wait }), ...slow.pipeline], request()), { concurrency: "unbounded" })))
  const [took] = await ask(1_000)
  expect(Duration.toMillis(took)).toBe(11_000)
  expect(slow.calls.length).toBe(3)
  slow.reset()
  await ask(0)
  expect(slow.calls.length).toBe(3)

  const cut = Mock.make(() => Mock.result({ type: "chat", content: [{ type: "text", text: "A" }], finishReason: "length", usage: { inputTokens: {}, outputTokens: {} } }, { delay: 1_000 }))
  const [time] = await run(Effect.timed(Effect.forEach(Array.from({ length: 10 }), () => Pipeline.run([Cache.plug(), ...cut.pipeline], request()), { concurrency: "unbounded" })))
  expect(Duration.toMillis(time)).toBe(2_000)
})

describe("two processes that share a store ask the provider once", () => {
  const two = async (make: () => Layer.Layer<CacheStore.CacheStore | Cache.Flights, unknown>, clock: "virtual" | "live", wait = 5_000) => {
    const mock = Mock.make(() => Mock.text("Hello", { delay: 150 }))
    const line = [Cache.plug({ wait }), ...mock.pipeline]
    const process = Effect.provide(
      Effect.forEach([1, 2, 3], () => Pipeline.run(line, request("stream")), { concurrency: "unbounded" }),
      make(),
      { local: true }
    )
    const both = Effect.all([process, process, process], { concurrency: "unbounded" })
    const finals = await Effect.runPromise((clock === "virtual" ? VirtualClock.provide(both) : both) as Effect.Effect<ReadonlyArray<ReadonlyArray<Request>>, unknown>)
    expect(finals.flat().every((final) => Result.text(final.result) === "Hello")).toBe(true)
    return mock
  }

  it("SQLite", async () => {
    const path = join(folder, "shared.db")
    expect((await two(() => Layer.provide(Cache.sqlite(), Sqlite.layer({ path })), "virtual")).calls.length).toBe(1)
  })

  it.skipIf(redisUrl === undefined)("Redis", async () => {
    const prefix = `plugline-flights-${process.pid}`
    const layer = () => Cache.layer(CacheStore.tiered(CacheStore.memory(), CacheStore.redis({ prefix }))).pipe(Layer.provide(redis({ url: redisUrl! })))
    expect((await two(layer, "live")).calls.length).toBe(1)
    await Effect.runPromise(Effect.provide(Cache.clear, layer()) as Effect.Effect<void>)
  })

  it("also where the one answers between the other's look and its lock", async () => {
    const mock = Mock.make(["Hello"])
    let locked = false
    let released = false
    const entry = { at: 0, result: { type: "chat", content: [{ type: "text", text: "theirs" }], finishReason: "stop", usage: { inputTokens: {}, outputTokens: {} } }, saves: {} } as const
    const store = Layer.succeed(CacheStore.CacheStore, {
      get: () => Effect.sync(() => locked ? entry : undefined), set: () => true, remove: () => undefined, clear: () => undefined, size: () => [],
      lock: { take: () => Effect.sync(() => locked = true), release: () => Effect.sync(() => void (released = true)) }
    })
    const final = await run(Pipeline.run([Cache.plug(), ...mock.pipeline], request()), Cache.layer(store))
    expect([Result.text(final.result), mock.calls.length, released]).toEqual(["theirs", 0, true])
  })

  it("and one that has died holds up the others no longer than is said", async () => {
    const path = join(folder, "dead.db")
    const layer = () => Layer.provide(Cache.sqlite(), Sqlite.layer({ path }))
    const mock = Mock.make(["Hello"])
    const line = [Cache.plug({ wait: 2_000 }), ...mock.pipeline]
    const program = Effect.gen(function*() {
      const store = yield* CacheStore.CacheStore
      yield* store.lock!.take(Cache.key(request()), "dead", 1_000_000, 0)
      return yield* Effect.timed(Pipeline.run(line, request()))
    })
    const [took, final] = await run(program, layer())
    expect(Result.text(final.result)).toBe("Hello")
    expect(Duration.toMillis(took)).toBe(2_000)
  })
})
