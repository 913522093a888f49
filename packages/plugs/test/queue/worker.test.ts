/** When a worker has room for another job, and how long it clings to one that has ended. */
import { Plug, Request } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { Queue, StoreError } from "../../src/index.ts"

const ask = (text: string) => Request.make({ provider: "mock", messages: text })

const run = <A>(
  program: Effect.Effect<A, unknown, Queue.Jobs>,
  options: Parameters<typeof Queue.layer>[0],
  store: Layer.Layer<Queue.QueueStore> = Queue.memory()
): Promise<A> => {
  const queue = Layer.provideMerge(Layer.provide(Queue.layer(options), store), TestClock.layer())
  return Effect.runPromise(Effect.scoped(Effect.provide(program, queue)) as Effect.Effect<A>)
}

it("works on as many jobs at a time as it may, also where they come one by one", () =>
  run(Effect.gen(function*() {
    const begun = [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
    const hold = Plug.around("hold", (request) => {
      const which = Request.get(request, Queue.delivery)!.id === "first" ? 0 : 1
      return Effect.andThen(Deferred.succeed(begun[which], undefined), Effect.never)
    })
    yield* Effect.forkChild(Queue.work([hold], { concurrency: 2 }))
    yield* Queue.offer(ask("a"), { id: "first" })
    yield* Deferred.await(begun[0])
    yield* Queue.offer(ask("b"), { id: "second" })
    yield* TestClock.adjust("1 second")
    expect(yield* Deferred.isDone(begun[1])).toBe(true)
  }), {}))

it("tells those who wait that a job is dead, without their looking", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make([Mock.fail({ _tag: "InvalidRequest", message: "no" })])
    const go = yield* Deferred.make<void>()
    const hold = Plug.around("hold", (request, next) => Effect.andThen(Deferred.await(go), next(request)))
    yield* Effect.forkChild(Queue.work([hold, ...mock.pipeline]))
    const id = yield* Queue.offer(ask("a"))
    const waiting = yield* Effect.forkChild(Queue.wait(id))
    const turns = Effect.repeat(Effect.yieldNow, { times: 200 })
    yield* turns
    expect(waiting.pollUnsafe()).toBeUndefined()
    yield* Deferred.succeed(go, undefined)
    // No time passes, so nobody has looked again.
    yield* turns
    expect(waiting.pollUnsafe()).toBeDefined()
    expect((yield* Fiber.join(waiting)).state).toBe("dead")
  }), { poll: "1 hour" }))

it("writes a failure down for as long as a store may take, and no longer; then it goes on to the next job", () => {
  let tried = 0
  const store = Layer.effect(Queue.QueueStore, Effect.map(Queue.QueueStore, (store) => ({
    ...store,
    settle: (held: Parameters<typeof store.settle>[0], settlement: Parameters<typeof store.settle>[1]) =>
      held.id !== "a" ? store.settle(held, settlement) : Effect.suspend(() => {
        tried++
        return Effect.fail(new StoreError("queue", "gone"))
      })
  }))).pipe(Layer.provide(Queue.memory()))
  return run(Effect.gen(function*() {
    const mock = Mock.make([Mock.fail({ _tag: "Server", message: "no" }), "Hello"])
    yield* Effect.forkChild(Queue.work(mock.pipeline, { concurrency: 1 }))
    yield* Queue.offer(ask("a"), { id: "a" })
    yield* TestClock.adjust(100)
    yield* Queue.offer(ask("b"), { id: "b" })
    const waiting = yield* Effect.forkChild(Queue.wait("b"))
    yield* TestClock.adjust("800 millis")
    // Twice more, 400 ms apart.
    expect(tried).toBe(3)
    expect(waiting.pollUnsafe()).toBeUndefined()
    yield* TestClock.adjust("2 seconds")
    expect(tried).toBe(3)
    expect((yield* Fiber.join(waiting)).state).toBe("done")
  }), { patience: "1 second", lease: "1 minute", poll: 100 }, store)
})
