/** A worker that is stopped, as at SIGTERM: no new work, time to end what runs, and nothing lost. */
import { Request, Result } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { Queue } from "../../src/index.ts"

const ask = (id: string) => Request.make({ id, provider: "mock", messages: "Hi" })
const provider = (times: { readonly [id: string]: number }) =>
  Mock.make((request) => Mock.text(`answer to ${request.id}`, { delay: times[request.id] ?? 0 }))
const layer = Layer.provideMerge(Queue.layer({ lease: "6 seconds" }), Queue.memory())

const still = <A>(program: Effect.Effect<A, unknown, Queue.Jobs | Queue.QueueStore>) =>
  Effect.runPromise(Effect.scoped(Effect.provide(program, Layer.provideMerge(layer, TestClock.layer()))) as Effect.Effect<A>)

const states = (...ids: ReadonlyArray<string>) =>
  Effect.map(Effect.forEach(ids, Queue.find), (tickets) => tickets.map((ticket) => [ticket?.state, ticket?.attempts]))

it("takes nothing new, lets what runs end within the grace time, and gives the rest back", () =>
  still(Effect.gen(function*() {
    const mock = provider({ short: 20_000, long: 100_000 })
    const worker = yield* Effect.forkChild(Queue.work(mock.pipeline, { concurrency: 3, grace: "1 minute" }))
    yield* Queue.offer(ask("short"), { id: "short" })
    yield* Queue.offer(ask("long"), { id: "long" })
    yield* TestClock.adjust("1 second")
    const stopping = yield* Effect.forkChild(Fiber.interrupt(worker))
    yield* TestClock.adjust(1)
    yield* Queue.offer(ask("new"), { id: "new" })
    // Longer than a lease: what runs is still the worker's own.
    yield* TestClock.adjust("20 seconds")
    expect(Result.text((yield* Queue.find("short"))?.result)).toBe("answer to short")
    expect(yield* states("short", "long", "new")).toEqual([["done", 1], ["running", 1], ["waiting", 0]])
    yield* TestClock.adjust("39 seconds")
    expect(stopping.pollUnsafe()).toBeUndefined()
    yield* TestClock.adjust("1 second")
    expect(stopping.pollUnsafe()).toBeDefined()
    const ends = mock.calls.map(({ interrupted, request }) => [request.id, interrupted])
    expect(ends).toEqual([["short", false], ["long", true]])
    // Given back: the next worker begins at once, and no try was counted.
    expect(yield* states("long", "new")).toEqual([["waiting", 0], ["waiting", 0]])
    yield* Effect.forkChild(Queue.work(provider({}).pipeline))
    yield* TestClock.adjust("1 second")
    expect(yield* states("long", "new")).toEqual([["done", 1], ["done", 1]])
  })))

it("waits no longer than for what runs, and not at all where nothing does", () =>
  still(Effect.gen(function*() {
    for (const [offered, time] of [[["a"], 5_000], [[], 0]] as const) {
      const worker = yield* Effect.forkChild(Queue.work(provider({ a: 5_000 }).pipeline, { grace: "1 hour" }))
      for (const id of offered) yield* Queue.offer(ask(id), { id })
      yield* TestClock.adjust(300)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker))
      if (time > 0) {
        yield* TestClock.adjust(time - 301)
        expect(stopping.pollUnsafe()).toBeUndefined()
      }
      yield* TestClock.adjust(1)
      expect(stopping.pollUnsafe()).toBeDefined()
    }
  })))

it("also as a layer, when its scope is closed", () =>
  still(Effect.gen(function*() {
    const scope = yield* Scope.make()
    const mock = provider({ a: 5_000, b: 90_000 })
    yield* Layer.buildWithScope(Queue.worker(mock.pipeline, { grace: "10 seconds" }), scope)
    for (const id of ["a", "b"]) yield* Queue.offer(ask(id), { id })
    yield* TestClock.adjust("1 second")
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("9 seconds")
    expect(yield* states("a", "b")).toEqual([["done", 1], ["running", 1]])
    expect(closing.pollUnsafe()).toBeUndefined()
    yield* TestClock.adjust("1 second")
    expect(yield* states("a", "b")).toEqual([["done", 1], ["waiting", 0]])
    expect(closing.pollUnsafe()).toBeDefined()
  })))
