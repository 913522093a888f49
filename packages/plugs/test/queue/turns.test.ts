import { Pipeline, Plug, Request } from "@plugline/core"
import { Laws, Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Queue } from "../../src/index.ts"

const weight = fc.integer({ min: 1, max: 20 })
const weights = fc.record({ high: weight, normal: weight, batch: weight })

it("shares by weight however long it goes on: no class is off by more than one turn", () =>
  fc.assert(fc.property(weights, fc.integer({ min: 1, max: 300 }), (weights, turns) => {
    const served = { high: 0, normal: 0, batch: 0 }
    let passes = Queue.start
    for (let turn = 0; turn < turns; turn++) {
      const name = Queue.order(passes)[0]!
      served[name]++
      passes = Queue.advance(passes, name, weights)
    }
    const all = weights.high + weights.normal + weights.batch
    for (const name of Queue.classes) {
      // Within one turn of each of the others.
      expect(Math.abs(served[name] - turns * weights[name] / all)).toBeLessThanOrEqual(2)
    }
  })))

it("lets no class save up turns while it has nothing to do", () => {
  let passes = Queue.start
  const even = { high: 1, normal: 1, batch: 1 }
  for (let turn = 0; turn < 100; turn++) passes = Queue.advance(passes, "high", even)
  const order: Array<string> = []
  for (let turn = 0; turn < 4; turn++) {
    const name = Queue.order(passes).find((name) => name !== "batch")!
    order.push(name)
    passes = Queue.advance(passes, name, even)
  }
  expect(order).toEqual(["normal", "high", "normal", "high"])
})

it("rests longer from try to try, within bounds, and as long as it was asked to", () =>
  fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double(), (attempt, chance, retryAfter) => {
    const pause = Queue.rest(attempt, chance, { base: 1_000, max: 60_000, retryAfter })
    expect(pause).toBeGreaterThanOrEqual(0)
    expect(pause).toBeLessThanOrEqual(60_000)
    expect(pause).toBeLessThanOrEqual(Math.max(1_000 * 2 ** (attempt - 1), Number.isFinite(retryAfter) ? retryAfter : 0))
    if (Number.isFinite(retryAfter) && retryAfter <= 60_000) expect(pause).toBeGreaterThanOrEqual(retryAfter)
  })))

it("says when to come again: between a second and five minutes", () => {
  expect(Queue.retryAfter(0, 0)).toBe(1_000)
  expect(Queue.retryAfter(0, 100_000)).toBe(10_000)
  expect(Queue.retryAfter(0, 1e12)).toBe(300_000)
  expect(Queue.retryAfter(10, 0)).toBe(1_000)
})

/** Lets one worker, which takes a second for each job, work off what is there, and tells in which order. */
const workOff = (jobs: ReadonlyArray<{ readonly class: Queue.Class; readonly tenant: string }>, weights: Queue.PerClass) => {
  const order: Array<number> = []
  const slow = Plug.around("slow", (request, next) => {
    order.push(Number(request.id))
    return Effect.andThen(Effect.sleep("1 second"), next(request))
  })
  const program = Effect.gen(function*() {
    for (const [index, offer] of jobs.entries()) {
      yield* Queue.offer(Request.make({ id: String(index), provider: "mock", messages: "Hi" }), offer)
    }
    yield* Effect.forkChild(Queue.work([slow, ...Mock.make(() => "Hello").pipeline], { concurrency: 1 }))
    yield* TestClock.adjust(`${jobs.length + 5} seconds`)
    return order
  })
  const layer = Layer.provideMerge(Layer.provide(Queue.layer({ weights, poll: "10 seconds" }), Queue.memory()), TestClock.layer())
  return Effect.runPromise(Effect.provide(program, layer))
}

it("serves classes by weight and tenants in turns, and everybody in the end", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ class: fc.constantFrom(...Queue.classes), tenant: fc.constantFrom("a", "b", "c") }), { minLength: 1, maxLength: 25 }),
      weights,
      async (jobs, weights) => {
        const order = await workOff(jobs, weights)
        expect(order.toSorted((a, b) => a - b)).toEqual(jobs.map((_, index) => index))
        const left = new Set(jobs.keys())
        const waiting = (name: Queue.Class, tenant?: string) =>
          [...left].filter((index) => jobs[index]!.class === name && (tenant === undefined || jobs[index]!.tenant === tenant))
        const passed = { high: 0, normal: 0, batch: 0 }
        const skipped = new Map<string, number>()
        for (const index of order) {
          const { class: served, tenant } = jobs[index]!
          // Of one tenant and class: first come, first served.
          expect(index).toBe(waiting(served, tenant)[0])
          for (const name of Queue.classes) passed[name] = name === served || waiting(name).length === 0 ? 0 : passed[name] + 1
          for (const name of Queue.classes) {
            const others = Queue.classes.filter((other) => other !== name).reduce((sum, other) => sum + Math.ceil(weights[other] / weights[name]), 0)
            expect(passed[name]).toBeLessThanOrEqual(others + 2)
          }
          for (const other of ["a", "b", "c"]) {
            const lane = `${served} ${other}`
            const waits = other !== tenant && waiting(served, other).length > 0
            skipped.set(lane, waits ? (skipped.get(lane) ?? 0) + 1 : 0)
            // Nobody waits longer than each of the others has had one turn.
            expect(skipped.get(lane)).toBeLessThanOrEqual(2)
          }
          left.delete(index)
        }
      }
    ),
    { numRuns: 25 }
  ))

describe("laws", () => {
  const queue = () => Layer.provide(Queue.layer(), Queue.memory())
  Laws.plug(Queue.once(), { services: queue(), numRuns: 30 }).forEach(({ check, name }) => it(name, check))
  const served = () => Layer.unwrap(Effect.sync(() => {
    const jobs = queue()
    return Layer.provideMerge(Queue.worker(Mock.make((request) => Mock.text(JSON.stringify(request.messages))).pipeline), jobs)
  }))
  Laws.plug(Queue.plug({ class: "high" }), { services: served(), numRuns: 30 }).forEach(({ check, name }) => it(name, check))
})

it("answers through the plug, calls off what nobody waits for, and hands failures on", () => {
  const mock = Mock.make(["Hello", Mock.fail({ _tag: "InvalidRequest", message: "no" }), Mock.never()])
  const ask = Request.make({ provider: "mock", messages: "Hi" })
  const program = Effect.gen(function*() {
    yield* Effect.forkChild(Queue.work(mock.pipeline))
    const one = yield* Pipeline.run([Queue.plug()], ask)
    expect(one).toMatchObject({ state: "completed", halted: true, metadata: { queue: { class: "normal", attempts: 1 } } })
    expect(Request.get(one, Queue.job)?.attempts).toBe(1)
    const two = yield* Pipeline.run([Queue.plug()], ask)
    expect(two.errors).toMatchObject([{ reason: { _tag: "InvalidRequest" }, plug: "mock" }])
    yield* Effect.timeoutOption(Pipeline.run([Queue.plug()], ask), 30)
    expect(mock.calls[2]!.interrupted).toBe(true)
    expect(yield* Queue.stats).toMatchObject({ done: 1, dead: 1, cancelled: 1 })
  })
  return Effect.runPromise(Effect.provide(program, Layer.provide(Queue.layer(), Queue.memory())))
})
