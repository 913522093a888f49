import { LlmError, type Pipeline, Plug, Request, Result } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { Identity, Queue, StoreError } from "../src/index.ts"

const ask = (text = "Hi") => Request.make({ provider: "mock", messages: text })

const text = (ticket: Queue.Ticket | undefined) => Result.text(ticket?.result)

type Needs = Queue.Jobs | Queue.QueueStore

const live = (options: Parameters<typeof Queue.layer>[0] = {}) => Layer.provideMerge(Queue.layer(options), Queue.memory())

const run = <A>(program: Effect.Effect<A, unknown, Needs>, options?: Parameters<typeof Queue.layer>[0]) =>
  Effect.runPromise(Effect.scoped(Effect.provide(program, live(options))) as Effect.Effect<A>)

/** On a clock that stands until it is moved. */
const still = <A>(program: Effect.Effect<A, unknown, Needs>, options?: Parameters<typeof Queue.layer>[0]) =>
  Effect.runPromise(Effect.scoped(Effect.provide(program, Layer.provideMerge(live(options), TestClock.layer()))) as Effect.Effect<A>)

const working = (pipeline: Pipeline, options?: Queue.WorkOptions) => Effect.forkChild(Queue.work(pipeline, options))

it("answers by id and while one waits, and keeps the answer", () =>
  run(Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.flatMap(Queue.offer(ask(), { id: "a" }), Queue.wait))
    yield* working(Mock.make(["Hello"]).pipeline)
    expect(text(yield* Fiber.join(fiber))).toBe("Hello")
    expect(yield* Queue.find("a")).toMatchObject({ state: "done", attempts: 1, class: "normal" })
    expect(text(yield* Queue.wait("a"))).toBe("Hello")
    expect(yield* Effect.flip(Queue.wait("b"))).toMatchObject({ reason: { _tag: "NotFound" } })
  })))

it("takes the same job once, and refuses another under its id", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make(() => "Hello")
    expect(yield* Queue.offer(ask(), { id: "a" })).toBe("a")
    expect(yield* Queue.offer(ask(), { id: "a" })).toBe("a")
    expect(yield* Queue.offer(Request.withId(ask(), "another id of the same question"), { id: "a" })).toBe("a")
    expect(yield* Effect.flip(Queue.offer(ask("other"), { id: "a" }))).toMatchObject({ reason: { _tag: "InvalidRequest", status: 409 } })
    yield* working(mock.pipeline)
    yield* Queue.wait("a")
    yield* Queue.offer(ask(), { id: "a" })
    yield* Queue.wait("a")
    expect(mock.calls).toHaveLength(1)
  })))

it("refuses what is too much, and says when to come again", () =>
  still(Effect.gen(function*() {
    yield* Queue.offer(ask(), { class: "batch" })
    yield* TestClock.adjust("1 minute")
    yield* Queue.offer(ask(), { class: "batch" })
    const error = yield* Effect.flip(Queue.offer(ask(), { class: "batch" }))
    expect(error.reason).toMatchObject({ _tag: "Overloaded", status: 503, retryAfter: 6_000 })
    expect(error.message).toContain("holds 2 jobs of class batch")
    yield* Queue.offer(ask(), { class: "high" })
  }), { depth: { batch: 2 } }))

it("hands the request on as it was, with who it is for, and tells which delivery it is", () =>
  run(Effect.gen(function*() {
    const seen: Array<Request> = []
    const look = Plug.make("look", (request) => {
      seen.push(request)
      return request
    })
    const request = Identity.as(
      Request.make({
        id: "r1", operation: "stream", provider: "mock", messages: [{ role: "system", content: "Be kind" }, { role: "user", content: "Hi" }],
        options: { temperature: 0.5, stop: ["x"] }, config: { baseUrl: "https://example.com", timeouts: { total: 5 } }, metadata: { a: 1 }
      }),
      { tenant: "acme", user: "ada" }
    )
    yield* working([look, ...Mock.make(["Hello"]).pipeline])
    const ended = yield* Effect.flatMap(Queue.offer(request, { id: "j" }), Queue.wait)
    expect(text(ended)).toBe("Hello")
    const [got] = seen
    for (const field of ["id", "operation", "provider", "messages", "options", "config", "metadata"] as const) {
      expect(got![field]).toEqual(request[field])
    }
    expect(Identity.of(got!)).toEqual({ tenant: "acme", user: "ada" })
    expect(Request.get(got!, Queue.idempotencyKey)).toBe("default:j")
    expect(Request.get(got!, Queue.delivery)).toEqual({
      queue: "default", id: "j", class: "normal", tenant: "acme", attempt: 1, again: false
    })
  })))

it("writes down no credential", () =>
  run(Effect.gen(function*() {
    const key = Redacted.make("sk-very-secret-key-123")
    for (const config of [{ apiKey: key }, { nested: { deep: key } }, { headers: { "x-any": "1" } }, { secret: "abc" }, { f: () => 1 }]) {
      const error = yield* Effect.flip(Queue.offer(Request.make({ provider: "mock", messages: "Hi", config })))
      expect(error.reason._tag).toBe("Configuration")
      expect(JSON.stringify(error)).not.toContain("very-secret")
    }
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const request = Request.make({ provider: "mock", messages: "Hi", options: { providerOptions: { mock: cyclic as never } } })
    expect((yield* Effect.flip(Queue.offer(request))).reason._tag).toBe("InvalidRequest")
    expect((yield* Queue.stats).classes.normal.waiting).toBe(0)
  })))

it("tries again what may succeed, resting longer each time, and buries it after the last try", () =>
  still(Effect.gen(function*() {
    const mock = Mock.make(() => Mock.fail({ _tag: "RateLimit", message: "slow down", retryAfter: 5_000 }))
    yield* working(mock.pipeline)
    const id = yield* Queue.offer(ask())
    yield* TestClock.adjust("1 second")
    expect(mock.calls).toHaveLength(1)
    expect(yield* Queue.find(id)).toMatchObject({ state: "waiting", attempts: 1, error: { reason: { _tag: "RateLimit" } } })
    yield* TestClock.adjust("3900 millis")
    expect(mock.calls).toHaveLength(1)
    yield* TestClock.adjust("1 second")
    expect(mock.calls).toHaveLength(2)
    yield* TestClock.adjust("20 seconds")
    expect(mock.calls).toHaveLength(3)
    expect(yield* Queue.wait(id)).toMatchObject({ state: "dead", attempts: 3, error: { reason: { _tag: "RateLimit", retryAfter: 5_000 } } })
    expect((yield* Queue.dead()).map((job) => job.id)).toEqual([id])
    mock.reset()
    expect(yield* Queue.redrive(id)).toBe(true)
    expect(yield* Queue.redrive(id)).toBe(false)
    yield* TestClock.adjust("1 second")
    expect(mock.calls).toHaveLength(1)
  }), { deliveries: 3 }))

it("buries at once what can never succeed, also where the payload cannot be read", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make([Mock.fail({ _tag: "InvalidRequest", message: "no" }), Mock.throws(new Error("boom"))])
    yield* working(mock.pipeline)
    const one = yield* Effect.flatMap(Queue.offer(ask()), Queue.wait)
    expect(one).toMatchObject({ state: "dead", attempts: 1, error: { reason: { _tag: "InvalidRequest" } } })
    const two = yield* Effect.flatMap(Queue.offer(ask()), Queue.wait)
    expect(two.error?.reason._tag).toBe("Plug")
    const { store } = yield* Queue.Jobs
    yield* store.push({ queue: "default", id: "bad", class: "high", tenant: "", payload: "{", runAt: 0, now: 0, depth: 9 })
    expect((yield* Queue.wait("bad")).state).toBe("dead")
    expect(mock.calls).toHaveLength(2)
  })))

it("waits with a delayed job until its time", () =>
  still(Effect.gen(function*() {
    const mock = Mock.make(["Hello"])
    yield* working(mock.pipeline)
    yield* Queue.offer(ask(), { delay: "1 hour" })
    yield* TestClock.adjust("59 minutes")
    expect(mock.calls).toHaveLength(0)
    yield* TestClock.adjust("61 seconds")
    expect(mock.calls).toHaveLength(1)
  })))

it.each([{}, { gather: { max: 2, window: 1 } }])("works on no more jobs at a time than it should: %j", (options) =>
  run(Effect.gen(function*() {
    let now = 0
    let most = 0
    const count = Plug.around("count", (request, next) =>
      Effect.gen(function*() {
        most = Math.max(most, ++now)
        yield* Effect.sleep(2)
        const answer = yield* next(request)
        now--
        return answer
      }))
    yield* working([count, ...Mock.make(() => "Hello").pipeline], { concurrency: 3, ...options })
    const ids = yield* Effect.forEach(Array.from({ length: 20 }), () => Queue.offer(ask()))
    yield* Effect.forEach(ids, Queue.wait, { concurrency: "unbounded" })
    expect(most).toBe(3)
    const misfit = yield* Effect.flip(Queue.work([], { concurrency: 1, gather: { max: 2, window: 1 } }))
    expect(misfit.reason).toMatchObject({ _tag: "Configuration", option: "gather.max" })
  })))

it("begins together what comes within a window", () =>
  still(Effect.gen(function*() {
    const begun: Array<number> = []
    const { store } = yield* Queue.Jobs
    const mock = Mock.make((_request, call) => {
      begun.push(call)
      return "Hello"
    })
    yield* working(mock.pipeline, { gather: { max: 4, window: "100 millis" } })
    yield* TestClock.adjust("1 second")
    for (let index = 0; index < 3; index++) yield* Queue.offer(ask())
    yield* TestClock.adjust("99 millis")
    yield* Queue.offer(ask())
    expect(begun).toHaveLength(0)
    yield* TestClock.adjust("1 millis")
    expect(begun).toHaveLength(4)
    expect((yield* store.stats("default", 0)).done).toBe(4)
  })))

it("stops a cancelled job, and gives back what it has not finished when it is stopped", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make(() => Mock.never())
    const worker = yield* working(mock.pipeline, { concurrency: 2 })
    yield* Queue.offer(ask(), { id: "a" })
    yield* Queue.offer(ask(), { id: "b" })
    yield* Effect.sleep(20)
    expect(mock.calls).toHaveLength(2)
    const waiting = yield* Effect.forkChild(Queue.wait("a"))
    expect(yield* Queue.cancel("a")).toBe(true)
    expect((yield* Fiber.join(waiting)).state).toBe("cancelled")
    yield* Effect.sleep(5)
    expect(mock.calls[0]!.interrupted).toBe(true)
    expect(yield* Queue.cancel("a")).toBe(false)
    yield* Fiber.interrupt(worker)
    expect(mock.calls[1]!.interrupted).toBe(true)
    expect(yield* Queue.find("b")).toMatchObject({ state: "waiting", attempts: 0 })
    yield* working(Mock.make(["Hello"]).pipeline)
    expect(text(yield* Queue.wait("b"))).toBe("Hello")
  })))

it("keeps a long job its own, and leaves one that has been called off elsewhere", () =>
  still(Effect.gen(function*() {
    const mock = Mock.make(() => Mock.never())
    yield* working(mock.pipeline)
    yield* Queue.offer(ask(), { id: "a" })
    yield* TestClock.adjust("10 minutes")
    expect(mock.calls).toHaveLength(1)
    expect(yield* Queue.find("a")).toMatchObject({ state: "running", attempts: 1 })
    const { store } = yield* Queue.Jobs
    yield* store.cancel("default", "a", Infinity)
    yield* TestClock.adjust("11 seconds")
    expect(mock.calls[0]!.interrupted).toBe(true)
  })))

it("asks a provider once, also where the job is delivered again", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make(() => "Hello")
    const reached = yield* Deferred.make<void>()
    let crash = true
    // The answer is there, and the worker goes before the job is settled.
    const fall = Plug.around("fall", (request, next) =>
      Effect.flatMap(next(request), (answer) =>
        crash ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never) : Effect.succeed(answer)))
    const pipeline = [fall, Queue.once(), ...mock.pipeline]
    const worker = yield* Effect.forkChild(Queue.work(pipeline))
    yield* Queue.offer(ask(), { id: "a" })
    yield* Deferred.await(reached)
    yield* Fiber.interrupt(worker)
    crash = false
    yield* Effect.forkChild(Queue.work(pipeline))
    expect(text(yield* Queue.wait("a"))).toBe("Hello")
    expect(mock.calls).toHaveLength(1)
  })))

it("fails closed and in time where the store does not answer, and loses no answer while it is away", async () => {
  let away: "no" | "never" | "fails" = "no"
  const shaky = Layer.effect(Queue.QueueStore, Effect.map(Queue.QueueStore, (store) => {
    const wrap = <Given extends ReadonlyArray<never>, A>(f: (...given: Given) => Effect.Effect<A, StoreError>) => (...given: Given) =>
      Effect.suspend(() => away === "never" ? Effect.never : away === "fails" ? Effect.fail(new StoreError("queue", "gone")) : f(...given))
    return Object.fromEntries(Object.entries(store).map(([name, f]) => [name, wrap(f as never)])) as unknown as typeof store
  }))
  const layer = Layer.provideMerge(
    Layer.provideMerge(Queue.layer({ patience: 50, poll: 5 }), Layer.provide(shaky, Queue.memory())),
    Layer.empty
  )
  const slow = Plug.make("slow", (request) => Effect.as(Effect.sleep(20), request))
  await Effect.runPromise(Effect.provide(Effect.gen(function*() {
    const mock = Mock.make(() => "Hello")
    yield* Effect.forkChild(Queue.work([...mock.pipeline, slow]))
    for (const way of ["never", "fails"] as const) {
      away = "no"
      const id = yield* Queue.offer(ask())
      yield* Effect.sleep(10)
      away = way
      const refused = yield* Effect.flip(Queue.offer(ask()))
      expect(refused.reason).toMatchObject({ _tag: "Overloaded", retryAfter: 1_000 })
      yield* Effect.sleep(60)
      away = "no"
      expect(text(yield* Queue.wait(id))).toBe("Hello")
    }
    expect(mock.calls).toHaveLength(2)
  }), layer) as Effect.Effect<void>)
})

it("refuses options that do not fit", async () => {
  for (const options of [{ name: "a b" }, { depth: { high: 0 } }, { wieghts: {} }, { lease: "soon" }]) {
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(Layer.provide(Queue.layer(options as never), Queue.memory())))))
    expect(LlmError.isLlmError(error) && error.reason._tag).toBe("Configuration")
  }
})
