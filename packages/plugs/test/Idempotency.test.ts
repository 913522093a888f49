/** Calls with a key: one answer, one charge, one question; over every store, and while one is away. */
import { Pipeline, Plug, Request, Result } from "@plugline/core"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Clock, Duration, Effect, Exit, Fiber, Layer } from "effect"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { effect } from "../src/cost/now.ts"
import { Budget, Cache, CacheStore, Idempotency, Identity, Retry, Sqlite, StoreError, TrackCost } from "../src/index.ts"
import { redis } from "../src/store/redis.ts"
import { ask, play, usage } from "./money.ts"
import { redisUrl } from "./stores/servers.ts"
import { sweep } from "./stores/sweep.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-idempotency-"))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, "keys.db")
const inFile = () => Layer.provide(Idempotency.sqlite(), Sqlite.layer({ path }))

const keyed = (key = "k", text = "Hi", operation: "chat" | "stream" = "chat") =>
  Idempotency.withKey(Request.make({ provider: "mock", operation, messages: text, options: { model: "m" } }), key)

const layers: { readonly [name: string]: () => Layer.Layer<Idempotency.Answers, unknown> } = {
  memory: () => Idempotency.memory(),
  SQLite: () => Layer.provide(Idempotency.sqlite(), Sqlite.layer())
}

const virtual = <A>(
  program: Effect.Effect<A, unknown, Idempotency.Answers>,
  layer: Layer.Layer<Idempotency.Answers, unknown> = Idempotency.memory()
) =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(program, layer, { local: true })) as Effect.Effect<A>)

const said = (final: Request) => [Result.text(final.result), Idempotency.of(final)?.status]
const tag = ({ errors }: Request) => [errors.at(-1)?.reason._tag, errors.at(-1)?.reason.code, errors.at(-1)?.status]
const conflict = ["InvalidRequest", "idempotency_conflict", 409]
const numbered = () => Mock.make((_, call) => Mock.text(`answer ${call}`, { delay: 100, between: 10, cut: 2 }))

describe("the laws", () => {
  for (
    const [title, plug] of [
      ["without a key", Idempotency.plug()],
      ["with a key for each request", Idempotency.plug({ key: ({ id }) => `key of ${id.length}`, wait: 0 })]
    ] as const
  ) {
    describe(title, () => {
      Laws.plug(plug, { services: Idempotency.memory(), numRuns: 25 }).forEach(({ check, name }) => it(name, check))
    })
  }
})

describe("a key", () => {
  it("gives one answer, whole and streamed, however often it comes, and makes one charge", () =>
    play(Effect.gen(function*() {
      for (const operation of ["chat", "stream"] as const) {
        const mock = Mock.make((_, call) => Mock.text(`answer ${call}`, { usage: usage(10, 50) }))
        const limits = { limits: [{ per: "global" as const, amount: "1", every: "total" as const, name: operation }] }
        const line = [TrackCost.plug({ pipeline: operation }), Idempotency.plug(), Budget.plug(limits), mock.plug]
        const request = Idempotency.withKey(ask({ operation }), `key of ${operation}`)
        const finals = yield* Effect.forEach([1, 2, 3], () => Pipeline.run(line, request))
        expect(finals.map(said)).toEqual([["answer 1", "first"], ["answer 1", "replayed"], ["answer 1", "replayed"]])
        expect(finals[1]!.result).toEqual(finals[0]!.result)
        expect(finals.map((final) => TrackCost.of(final)?.total)).toEqual(["0.00051", "0", "0"])
        expect(yield* Budget.standing(limits, {})).toMatchObject([{ spent: "0.00051", held: "0" }])
        const totals = yield* TrackCost.totals({ where: { pipeline: operation } })
        expect(totals).toMatchObject([{ cost: "0.00051", calls: 3, cached: 2 }])
        expect(mock.calls.length).toBe(1)
      }
    }), Layer.mergeAll(TrackCost.memory(), Budget.memory(), Idempotency.memory())))

  it("with anything else asked is a conflict, before, while and after the first is answered", () =>
    virtual(Effect.gen(function*() {
      const mock = numbered()
      const line = [Idempotency.plug(), ...mock.pipeline]
      const first = yield* Effect.forkChild(Pipeline.run(line, keyed()))
      yield* Effect.sleep(50)
      expect(tag(yield* Pipeline.run(line, keyed("k", "Bye")))).toEqual(conflict)
      expect(yield* Clock.currentTimeMillis).toBe(50)
      expect(said(yield* Fiber.join(first))).toEqual(["answer 1", "first"])
      const others = [
        keyed("k", "Bye"), keyed("k", "Hi", "stream"),
        Request.mergeOptions(keyed(), { temperature: 1 }), Request.mergeOptions(keyed(), { user: "x" }),
        Request.mergeConfig(keyed(), { baseUrl: "https://elsewhere.test" }), Request.withProvider(keyed(), "another")
      ]
      for (const other of others) expect(tag(yield* Pipeline.run(line, other))).toEqual(conflict)
      const renamed = Request.withId(keyed(), "another id of the same call")
      expect(said(yield* Pipeline.run(line, renamed))).toEqual(["answer 1", "replayed"])
      expect(mock.calls.length).toBe(1)
    })))

  it("is its tenant's own, and no text of the one looks like the other", () => {
    const word = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 4 })
    const tenant = fc.option(fc.oneof(word, fc.constantFrom("null", "undefined", "")), { nil: undefined })
    const who = fc.record({ tenant, key: word })
    // Two that are one text when they are put together: `a:b` and `c`, `a` and `b:c`.
    const alike = fc.tuple(word, word, word, fc.constantFrom(",", ":", "|", "/", " ", "\",\"", "")).map(([a, b, c, between]) => [
      { tenant: `${a}${between}${b}`, key: c }, { tenant: a, key: `${b}${between}${c}` }
    ] as const)
    return fc.assert(fc.asyncProperty(fc.oneof(fc.tuple(who, who), alike), ([one, two]) => {
      const mock = Mock.make((_, call) => `answer ${call}`)
      const run = ({ key, tenant }: { readonly tenant: string | undefined; readonly key: string }) =>
        Pipeline.run([Idempotency.plug(), ...mock.pipeline], Identity.as(keyed(key), tenant === undefined ? {} : { tenant }))
      return virtual(Effect.gen(function*() {
        yield* run(one)
        const [, status] = said(yield* run(two))
        expect(status).toBe(one.tenant === two.tenant && one.key === two.key ? "replayed" : "first")
      }))
    }), { numRuns: 200 })
  })

  it("is read where one says, from the metadata too, and refused where it is none", () =>
    virtual(Effect.gen(function*() {
      const mock = numbered()
      const line = [Idempotency.plug(), ...mock.pipeline]
      const plain = { provider: "mock", messages: "Hi" }
      const told = Request.make({ ...plain, options: { model: "m" }, metadata: { idempotencyKey: "k" } })
      yield* Pipeline.run(line, told)
      expect(said(yield* Pipeline.run(line, keyed()))).toEqual(["answer 1", "replayed"])
      const own = [Idempotency.plug({ key: ({ options }) => options.metadata?.order }), ...mock.pipeline]
      const order = Request.mergeOptions(Request.make(plain), { metadata: { order: "7" } })
      yield* Pipeline.run(own, order)
      expect(said(yield* Pipeline.run(own, order))).toEqual(["answer 2", "replayed"])
      expect(said(yield* Pipeline.run(line, Request.make(plain)))).toEqual(["answer 3", undefined])
      for (const key of ["", "a\nb", "x".repeat(256), "é", 7, null, {}]) {
        const bad = yield* Pipeline.run(line, Request.make({ ...plain, metadata: { idempotencyKey: key } }))
        expect(bad.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400, parameter: "idempotencyKey" })
      }
      expect(mock.calls.length).toBe(3)
    })))

  it("is over after its time", () =>
    virtual(Effect.gen(function*() {
      const line = [Idempotency.plug({ ttl: "1 hour" }), ...numbered().pipeline]
      yield* Pipeline.run(line, keyed())
      yield* Effect.sleep(3_599_999)
      const again = yield* Pipeline.run(line, keyed())
      expect([...said(again), Idempotency.of(again)?.age]).toEqual(["answer 1", "replayed", 3_599_999])
      yield* Effect.sleep(1)
      expect(said(yield* Pipeline.run(line, keyed()))).toEqual(["answer 2", "first"])
    })))

  it.each(Object.entries(layers))("of a call that failed, or was left, is free again at once, over %s", (_, layer) =>
    virtual(Effect.gen(function*() {
      const mock = Mock.make([
        Mock.fail({ _tag: "Server", message: "down" }), Mock.cut([{ type: "text-start", id: "0" }]), Mock.never(),
        Mock.stall([{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }]), "fine"
      ])
      const line = [Idempotency.plug(), ...mock.pipeline]
      expect((yield* Pipeline.run(line, keyed())).state).toBe("error")
      expect((yield* Pipeline.run(line, keyed())).state).toBe("error")
      yield* Effect.timeoutOption(Pipeline.run(line, keyed()), 1_000)
      yield* Effect.scoped(Effect.flatMap(Pipeline.open(line, keyed("k", "Hi", "stream")), (live) => live.pull))
      expect(said(yield* Pipeline.run(line, keyed()))).toEqual(["fine", "first"])
      expect(yield* Clock.currentTimeMillis).toBe(1_000)
    }), layer()))

  it("stands in front of what asks several times, and a retry behind it is one call", () =>
    Effect.runPromise(Effect.provide(Effect.gen(function*() {
      const error = yield* Effect.flip(Pipeline.run([Retry.plug(), Idempotency.plug()], keyed()))
      expect(error.message).toContain("must stand in front of \"retry\"")
      const mock = Mock.make([Mock.fail({ _tag: "Overloaded", message: "busy" }), "fine"])
      const line = [Idempotency.plug(), Cache.plug(), Retry.plug({ base: 1 }), ...mock.pipeline]
      const finals = yield* Effect.forEach([1, 2], () => Pipeline.run(line, keyed()))
      expect(finals.map(said)).toEqual([["fine", "first"], ["fine", "replayed"]])
    }), Layer.mergeAll(Idempotency.memory(), Retry.memory(), Cache.memory()))))
})

describe("calls with one key at the same time", () => {
  const act = fc.record({
    begins: fc.nat(200),
    leaves: fc.option(fc.nat(400), { nil: undefined }),
    operation: fc.constantFrom("chat" as const, "stream" as const)
  })
  for (const [name, layer] of Object.entries(layers)) {
    it(`ask one after the other, and all that stay have one answer, over ${name}`, () =>
      fc.assert(fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 8 }), fc.array(fc.boolean()), async (acts, fails) => {
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
            : Mock.text(`answer ${call}`, { delay: 50 }))
        const line = [Idempotency.plug({ wait: "1 hour" }), upstream, ...mock.pipeline]
        const ends = await virtual(Effect.forEach(acts, ({ begins, leaves, operation }) => {
          const asked = Effect.andThen(Effect.sleep(begins), Pipeline.run(line, keyed(operation, "Hi", operation)))
          return Effect.exit(leaves === undefined ? asked : Effect.timeout(asked, begins + leaves))
        }, { concurrency: "unbounded" }), layer())
        for (const operation of ["chat", "stream"] as const) {
          const texts = new Set(ends.flatMap((end, index) =>
            acts[index]!.operation === operation && Exit.isSuccess(end) && end.value.state === "completed"
              ? [Result.text(end.value.result)]
              : []))
          expect(texts.size).toBeLessThanOrEqual(1)
        }
        ends.forEach((end, index) => {
          if (acts[index]!.leaves !== undefined) return
          if (!Exit.isSuccess(end)) throw new Error(`caller ${index} did not come to an end`)
          if (end.value.state === "error") expect(end.value.errors.at(-1)?.reason._tag).toBe("Server")
        })
        // Two keys, and so no more than two calls at a time.
        expect(most).toBeLessThanOrEqual(2)
      }), { numRuns: 50 }))
  }

  it("wait no longer than they may, and are told to come again", () =>
    virtual(Effect.gen(function*() {
      const mock = Mock.make(() => Mock.text("late", { delay: 10_000 }))
      const first = yield* Effect.forkChild(Pipeline.run([Idempotency.plug(), ...mock.pipeline], keyed()))
      yield* Effect.sleep(1)
      for (const wait of [0, 2_000]) {
        const [took, refused] = yield* Effect.timed(Pipeline.run([Idempotency.plug({ wait }), ...mock.pipeline], keyed()))
        expect([...tag(refused), Duration.toMillis(took)]).toEqual(["Overloaded", "idempotency_running", 409, wait])
      }
      expect(said(yield* Fiber.join(first))).toEqual(["late", "first"])
      expect(mock.calls.length).toBe(1)
    })))

  const processes = async (layer: () => Layer.Layer<Idempotency.Answers, unknown>) => {
    const mock = Mock.make((_, call) => Mock.text(`answer ${call}`, { delay: 150 }))
    const line = [Idempotency.plug({ wait: 10_000 }), ...mock.pipeline]
    const alone = <A>(program: Effect.Effect<A, unknown, Idempotency.Answers>) =>
      Effect.provide(program, layer(), { local: true }) as Effect.Effect<A>
    const process = alone(Effect.all([1, 2, 3].map(() => Pipeline.run(line, keyed())), { concurrency: "unbounded" }))
    const both = Effect.all([process, process], { concurrency: "unbounded" })
    const other = alone(Effect.delay(Pipeline.run(line, keyed("k", "Bye")), 50))
    const [finals, refused] = await Effect.runPromise(Effect.all([both, other], { concurrency: "unbounded" }))
    expect(finals.flat().map((final) => Result.text(final.result))).toEqual(Array.from({ length: 6 }, () => "answer 1"))
    expect(tag(refused)).toEqual(conflict)
    expect(mock.calls.length).toBe(1)
    expect(said(await Effect.runPromise(alone(Pipeline.run(line, keyed()))))).toEqual(["answer 1", "replayed"])
  }

  it("in several processes that share SQLite ask once", () => processes(inFile))

  it.skipIf(redisUrl === undefined)("in several processes that share Redis ask once", async () => {
    const prefix = `plugline-test-${process.pid}`
    await processes(() => Layer.provide(Idempotency.redis({ prefix }), redis({ url: redisUrl! })))
    await sweep(redisUrl!, prefix)
  })

  it("of a process that was killed hold their key no longer than its lease", () =>
    virtual(Effect.gen(function*() {
      const { store } = yield* Idempotency.Answers
      // A process that gives no lock back when it ends.
      const killed = Layer.succeed(Idempotency.Answers, {
        underWay: new Map(), store: { ...store, lock: { ...store.lock!, release: () => Effect.void } }
      })
      const first = Pipeline.run([Idempotency.plug({ lease: "1 minute" }), ...Mock.make([Mock.never()]).pipeline], keyed())
      yield* Effect.timeoutOption(Effect.provide(first, killed, { local: true }), "1 second")
      const mock = numbered()
      const again = (wait: string) => Pipeline.run([Idempotency.plug({ wait: wait as "1 second" }), ...mock.pipeline], keyed())
      expect(tag(yield* again("30 seconds"))).toEqual(["Overloaded", "idempotency_running", 409])
      expect(yield* Clock.currentTimeMillis).toBe(31_000)
      expect(said(yield* again("1 minute"))).toEqual(["answer 1", "first"])
      expect(yield* Clock.currentTimeMillis).toBeGreaterThanOrEqual(60_000)
    }), Layer.provide(Idempotency.sqlite(), Sqlite.layer())))
})

describe("a store that is slow or down", () => {
  const down = Effect.fail(new StoreError("cache", "down"))
  const odd = (get: Effect.Effect<never, StoreError> | undefined, set: Effect.Effect<never, StoreError>) =>
    Idempotency.layer(Layer.succeed(CacheStore.CacheStore, {
      get: () => get, set: () => set, remove: () => set, clear: () => set, size: () => set
    }))

  it("asks nothing, or asks where that was said, within a second", async () => {
    for (const [answer, most] of [[Effect.never, 1_000], [down, 0]] as const) {
      const mock = numbered()
      const closed = Effect.timed(Pipeline.run([Idempotency.plug(), ...mock.pipeline], keyed()))
      const [took, refused] = await virtual(closed, odd(answer, answer))
      expect(tag(refused)).toEqual(["Overloaded", "idempotency_unavailable", 503])
      expect([Duration.toMillis(took), mock.calls.length]).toEqual([most, 0])
      const open = Pipeline.run([Idempotency.plug({ whenDown: "open" }), ...mock.pipeline], keyed())
      expect(said(await virtual(open, odd(answer, answer)))).toEqual(["answer 1", "first"])
    }
  })

  it("loses no answer that was paid for where it goes down before it is kept", async () => {
    for (const answer of [Effect.never, down]) {
      for (const operation of ["chat", "stream"] as const) {
        const line = [Idempotency.plug(), ...numbered().pipeline]
        const run = Pipeline.run(line, keyed("k", "Hi", operation))
        const both = Effect.all([run, run], { concurrency: "unbounded" })
        const finals = await virtual(both, odd(undefined, answer))
        expect(finals.map(said)).toEqual([["answer 1", "first"], ["answer 1", "replayed"]])
        expect(Idempotency.of(finals[0]!)).toMatchObject({ stored: false, why: "the store is down" })
      }
    }
  })
})

it("keeps an answer that was paid for also where its caller leaves while it is written down", () => {
  const slow = Layer.effect(Idempotency.Answers, Effect.map(Idempotency.Answers, ({ store, underWay }) => ({
    underWay,
    store: { ...store, set: (key, entry, now) => Effect.delay(Effect.suspend(() => effect(store.set(key, entry, now))), 500) }
  })))
  return virtual(Effect.gen(function*() {
    const mock = numbered()
    const line = [Idempotency.plug(), ...mock.pipeline]
    yield* Effect.timeoutOption(Pipeline.run(line, keyed()), 300)
    expect(said(yield* Pipeline.run(line, keyed()))).toEqual(["answer 1", "replayed"])
    expect(mock.calls.length).toBe(1)
  }), Layer.provide(slow, Idempotency.memory()))
})

it("refuses options that do not fit", async () => {
  const wrong = [
    [{ ttl: -1 }, "ttl"], [{ wait: "soon" }, "wait"], [{ apart: ["model"] }, "apart.0"],
    [{ whenDown: "ajar" }, "whenDown"], [{ tll: 1 }, "tll"]
  ] as const
  for (const [options, option] of wrong) {
    const error = await virtual(Effect.flip(Pipeline.run([Idempotency.plug(options as never)], keyed())))
    expect(error.reason).toMatchObject({ _tag: "Configuration", option })
  }
})

it("keeps its answers apart from those of a cache in the same database", () =>
  Effect.runPromise(Effect.provide(Effect.gen(function*() {
    const line = [Idempotency.plug(), Cache.plug(), ...numbered().pipeline]
    yield* Pipeline.run(line, keyed())
    yield* Cache.clear
    expect(said(yield* Pipeline.run(line, keyed()))).toEqual(["answer 1", "replayed"])
    expect((yield* Cache.info).stores).toMatchObject([{ entries: 0 }])
    const forged = Layer.provide(Idempotency.sqlite({ name: "x; DROP TABLE y" }), Sqlite.layer())
    const error = yield* Effect.flip(Effect.provide(Effect.void, forged))
    expect(error.message).toContain("cannot be called")
  }), Layer.provide(Layer.merge(Idempotency.sqlite(), Cache.sqlite()), Sqlite.layer())) as Effect.Effect<void>))
