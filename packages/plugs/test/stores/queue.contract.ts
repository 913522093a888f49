/**
 * What every store of queued jobs does, run against each of them.
 *
 * @module
 */
import { Effect, type Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { memory } from "../../src/store/QueueStore.memory.ts"
import { type NewJob, QueueStore, type QueueStoreShape, type Take } from "../../src/store/QueueStore.ts"

const weights = { high: 4, normal: 2, batch: 1 }

const newJob = (queue: string, id: string, more: Partial<NewJob> = {}): NewJob => ({
  queue, id, class: "normal", tenant: "", payload: `{"of":"${id}"}`, runAt: 0, now: 0, depth: 100, ...more
})

const taking = (queue: string, more: Partial<Take> = {}): Take => ({
  queue, now: 0, max: 1, lease: 1_000, weights, deliveries: 3, keep: 10_000, lost: "lost", ...more
})

export const contract = (name: string, layer: Layer.Layer<QueueStore, unknown>): void => {
  describe(name, () => {
    const runtime = ManagedRuntime.make(layer)
    afterAll(() => runtime.dispose())
    let number = 0
    const test = (title: string, body: (store: QueueStoreShape, queue: string) => Effect.Effect<void, unknown>) =>
      it(title, () => runtime.runPromise(Effect.flatMap(QueueStore, (store) => body(store, `test-${process.pid}-${number++}`))))

    test("gives jobs in the order in which they came, each once", (store, queue) =>
      Effect.gen(function*() {
        for (const id of ["a", "b", "c"]) expect(yield* store.push(newJob(queue, id))).toEqual({ _tag: "Accepted" })
        expect(yield* store.push(newJob(queue, "a", { payload: "other" }))).toEqual({ _tag: "Known", payload: "{\"of\":\"a\"}" })
        expect((yield* store.take(taking(queue, { max: 2 }))).map(({ id }) => id)).toEqual(["a", "b"])
        expect(yield* store.take(taking(queue, { max: 5 }))).toEqual([
          { id: "c", class: "normal", tenant: "", payload: "{\"of\":\"c\"}", attempt: 1, fence: 1 }
        ])
        expect(yield* store.take(taking(queue))).toEqual([])
      }))

    test("never holds more than the depth of a class, however many push at once", (store, queue) =>
      Effect.gen(function*() {
        const pushes = Array.from({ length: 40 }, (_, index) => store.push(newJob(queue, `j${index}`, { depth: 13, now: index })))
        const said = yield* Effect.all(pushes, { concurrency: 20 })
        expect(said.filter(({ _tag }) => _tag === "Accepted")).toHaveLength(13)
        expect(said.filter(({ _tag }) => _tag === "Full")).toHaveLength(27)
        // Those that run count, and other classes do not.
        yield* store.take(taking(queue, { now: 50, max: 5 }))
        expect((yield* store.push(newJob(queue, "more", { depth: 13 })))._tag).toBe("Full")
        expect((yield* store.push(newJob(queue, "more", { depth: 13, class: "high" })))._tag).toBe("Accepted")
      }))

    test("gives each job to one of many that take at once", (store, queue) =>
      Effect.gen(function*() {
        for (let index = 0; index < 30; index++) yield* store.push(newJob(queue, `j${index}`, { tenant: `t${index % 3}` }))
        const taken = (yield* Effect.all(Array.from({ length: 20 }, () => store.take(taking(queue, { max: 2 }))), { concurrency: 20 })).flat()
        expect(new Set(taken.map(({ id }) => id)).size).toBe(30)
        expect(taken).toHaveLength(30)
      }))

    test("shares by weight between classes, none starving", (store, queue) =>
      Effect.gen(function*() {
        for (const name of ["batch", "normal", "high"] as const) {
          for (let index = 0; index < 12; index++) yield* store.push(newJob(queue, `${name}${index}`, { class: name }))
        }
        const order = (yield* store.take(taking(queue, { max: 14 }))).map((job) => job.class)
        expect(order.slice(0, 3)).toEqual(["high", "normal", "batch"])
        const count = (name: string) => order.filter((other) => other === name).length
        expect([count("high"), count("normal"), count("batch")]).toEqual([8, 4, 2])
      }))

    test("takes tenants in turns, whoever has more", (store, queue) =>
      Effect.gen(function*() {
        for (let index = 0; index < 6; index++) yield* store.push(newJob(queue, `big${index}`, { tenant: "big" }))
        yield* store.push(newJob(queue, "small0", { tenant: "small" }))
        yield* store.push(newJob(queue, "small1", { tenant: "small" }))
        const order = (yield* store.take(taking(queue, { max: 8 }))).map(({ id }) => id)
        expect(order).toEqual(["big0", "small0", "big1", "small1", "big2", "big3", "big4", "big5"])
      }))

    test("keeps a delayed job until its time", (store, queue) =>
      Effect.gen(function*() {
        yield* store.push(newJob(queue, "later", { runAt: 500 }))
        yield* store.push(newJob(queue, "now"))
        expect((yield* store.take(taking(queue, { now: 499, max: 2 }))).map(({ id }) => id)).toEqual(["now"])
        expect((yield* store.stats(queue, 499)).classes.normal).toEqual({ waiting: 1, delayed: 1, running: 1, age: 499 })
        expect((yield* store.take(taking(queue, { now: 500, max: 2 }))).map(({ id }) => id)).toEqual(["later"])
      }))

    test("delivers again what a dead worker held, and buries what kills workers", (store, queue) =>
      Effect.gen(function*() {
        yield* store.push(newJob(queue, "a"))
        const [one] = yield* store.take(taking(queue))
        expect(yield* store.renew({ queue, id: "a", fence: one!.fence, now: 500 }, 1_500)).toBe(true)
        expect(yield* store.take(taking(queue, { now: 1_499 }))).toEqual([])
        const [two] = yield* store.take(taking(queue, { now: 1_500 }))
        expect(two).toMatchObject({ attempt: 2, fence: 2 })
        expect(yield* store.renew({ queue, id: "a", fence: 1, now: 1_600 }, 3_000)).toBe(false)
        expect((yield* store.take(taking(queue, { now: 2_500 }))).map(({ attempt }) => attempt)).toEqual([3])
        expect(yield* store.take(taking(queue, { now: 4_000 }))).toEqual([])
        expect(yield* store.find(queue, "a", 4_000)).toMatchObject({ state: "dead", outcome: "lost", attempts: 3 })
      }))

    test("takes the first answer and no other, and other endings only from who holds the job", (store, queue) =>
      Effect.gen(function*() {
        yield* store.push(newJob(queue, "a"))
        yield* store.take(taking(queue))
        yield* store.take(taking(queue, { now: 1_000 }))
        const late = { queue, id: "a", fence: 1, now: 1_100 }
        expect(yield* store.settle(late, { _tag: "Retry", outcome: "x", runAt: 0 })).toBe(false)
        expect(yield* store.settle(late, { _tag: "Dead", outcome: "x", expires: 9_000 })).toBe(false)
        expect(yield* store.settle(late, { _tag: "Release" })).toBe(false)
        expect(yield* store.settle(late, { _tag: "Done", outcome: "one", expires: 9_000 })).toBe(true)
        expect(yield* store.settle({ ...late, fence: 2 }, { _tag: "Done", outcome: "two", expires: 9_000 })).toBe(false)
        expect(yield* store.renew({ ...late, fence: 2 }, 9_000)).toBe(false)
        expect(yield* store.find(queue, "a", 8_999)).toMatchObject({ state: "done", outcome: "one" })
        expect(yield* store.find(queue, "a", 9_000)).toBeUndefined()
      }))

    test("sets a failed job aside, and counts no delivery that was given back", (store, queue) =>
      Effect.gen(function*() {
        yield* store.push(newJob(queue, "a"))
        yield* store.take(taking(queue))
        expect(yield* store.settle({ queue, id: "a", fence: 1, now: 10 }, { _tag: "Retry", outcome: "slow down", runAt: 50 })).toBe(true)
        expect(yield* store.take(taking(queue, { now: 49 }))).toEqual([])
        expect(yield* store.take(taking(queue, { now: 50 }))).toMatchObject([{ attempt: 2, fence: 2 }])
        expect(yield* store.settle({ queue, id: "a", fence: 2, now: 60 }, { _tag: "Release" })).toBe(true)
        expect(yield* store.take(taking(queue, { now: 60 }))).toMatchObject([{ attempt: 2, fence: 3 }])
      }))

    test("cancels what waits and what runs, once", (store, queue) =>
      Effect.gen(function*() {
        for (const id of ["a", "b"]) yield* store.push(newJob(queue, id, { tenant: id }))
        yield* store.take(taking(queue))
        for (const id of ["a", "b"]) expect(yield* store.cancel(queue, id, 5_000)).toBe(true)
        expect(yield* store.cancel(queue, "a", 5_000)).toBe(false)
        expect(yield* store.renew({ queue, id: "a", fence: 1, now: 1 }, 5_000)).toBe(false)
        expect(yield* store.settle({ queue, id: "a", fence: 1, now: 1 }, { _tag: "Done", outcome: "x", expires: 9 })).toBe(false)
        expect(yield* store.take(taking(queue, { now: 2_000 }))).toEqual([])
        expect(yield* store.stats(queue, 2_000)).toMatchObject({ cancelled: 2, done: 0 })
        // The id may be used again once the job is forgotten.
        expect((yield* store.push(newJob(queue, "a", { now: 5_000, payload: "new" })))._tag).toBe("Accepted")
        expect(yield* store.take(taking(queue, { now: 5_000 }))).toMatchObject([{ id: "a", payload: "new", attempt: 1 }])
      }))

    test("shows dead jobs and lets them start again, if there is room", (store, queue) =>
      Effect.gen(function*() {
        for (const id of ["a", "b"]) yield* store.push(newJob(queue, id))
        yield* store.take(taking(queue, { max: 2 }))
        yield* store.settle({ queue, id: "b", fence: 1, now: 10 }, { _tag: "Dead", outcome: "no", expires: 5_000 })
        yield* store.settle({ queue, id: "a", fence: 1, now: 20 }, { _tag: "Dead", outcome: "no", expires: 5_001 })
        expect((yield* store.dead(queue, 100, 10)).map(({ id }) => id)).toEqual(["b", "a"])
        expect(yield* store.dead(queue, 100, 1)).toMatchObject([{ id: "b", state: "dead", outcome: "no", attempts: 1 }])
        expect(yield* store.redrive(queue, "b", 100, 0)).toBe("full")
        expect(yield* store.redrive(queue, "b", 100, 1)).toBe("redriven")
        expect(yield* store.redrive(queue, "b", 100, 5)).toBe("missing")
        expect(yield* store.redrive(queue, "nobody", 100, 5)).toBe("missing")
        expect(yield* store.take(taking(queue, { now: 100, max: 2 }))).toMatchObject([{ id: "b", attempt: 1, fence: 2 }])
      }))

    test("remembers answers of a job until it is gone", (store, queue) =>
      Effect.gen(function*() {
        yield* store.push(newJob(queue, "a"))
        yield* store.remember(queue, "nobody", "q", "x")
        yield* store.remember(queue, "a", "q", "one")
        yield* store.remember(queue, "a", "q", "two")
        expect(yield* store.answer(queue, "a", "q")).toBe("two")
        expect(yield* store.answer(queue, "a", "r")).toBeUndefined()
        expect(yield* store.answer(queue, "nobody", "q")).toBeUndefined()
        yield* store.settle({ queue, id: "a", fence: 0, now: 1 }, { _tag: "Done", outcome: "done", expires: 100 })
        yield* store.sweep(queue, 99)
        expect((yield* store.find(queue, "a", 50))?.outcome).toBe("done")
        yield* store.sweep(queue, 100)
        expect(yield* store.find(queue, "a", 50)).toBeUndefined()
        expect(yield* store.answer(queue, "a", "q")).toBeUndefined()
      }))

    it("does what the store in memory does, whatever is asked of it", () =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (asked) => {
          const queue = `model-${process.pid}-${number++}`
          const here = runtime.runPromise(Effect.flatMap(QueueStore, (store) => play(store, queue, asked)))
          const there = Effect.runPromise(Effect.flatMap(QueueStore, (store) => play(store, queue, asked)).pipe(Effect.provide(memory())))
          expect(await here).toEqual(await there)
        }),
        { numRuns: 25, seed: 7 }
      ))
  })
}

const id = fc.constantFrom("a", "b", "c", "d", "e", "f")

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      id,
      name: fc.constantFrom("high" as const, "normal" as const, "batch" as const),
      tenant: fc.constantFrom("x", "y", ":'\"{}\u00e9"),
      delay: fc.constantFrom(0, 0, 300)
    })
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), max: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      id,
      fence: fc.integer({ min: 1, max: 2 }),
      how: fc.constantFrom("Done" as const, "Retry" as const, "Dead" as const, "Release" as const)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("cancel" as const, "redrive" as const, "renew" as const, "find" as const), id })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("stats" as const, "dead" as const, "sweep" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 600, 1_500) }) }
)

type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

/** Plays steps and hands back all that was answered. */
const play = (store: QueueStoreShape, queue: string, asked: ReadonlyArray<Step>) =>
  Effect.gen(function*() {
    const said: Array<unknown> = []
    let now = 1_000
    for (const step of asked) {
      now++
      switch (step.do) {
        case "push":
          said.push(yield* store.push(newJob(queue, step.id, { class: step.name, tenant: step.tenant, now, runAt: now + step.delay, depth: 3 })))
          break
        case "take":
          said.push(yield* store.take(taking(queue, { now, max: step.max })))
          break
        case "settle": {
          const held = { queue, id: step.id, fence: step.fence, now }
          said.push(yield* store.settle(held, step.how === "Release"
            ? { _tag: "Release" }
            : step.how === "Retry"
            ? { _tag: "Retry", outcome: "again", runAt: now + 200 }
            : { _tag: step.how, outcome: step.how, expires: now + 2_000 }))
          break
        }
        case "cancel":
          said.push(yield* store.cancel(queue, step.id, now + 2_000))
          break
        case "redrive":
          said.push(yield* store.redrive(queue, step.id, now, 3))
          break
        case "renew":
          said.push(yield* store.renew({ queue, id: step.id, fence: 1, now }, now + 900))
          break
        case "find":
          said.push(yield* store.find(queue, step.id, now))
          break
        case "stats":
          said.push(yield* store.stats(queue, now))
          break
        case "dead":
          said.push((yield* store.dead(queue, now, 10)).map(({ id }) => id).toSorted())
          break
        case "sweep":
          yield* store.sweep(queue, now)
          break
        case "wait":
          now += step.ms
      }
    }
    return said
  })
