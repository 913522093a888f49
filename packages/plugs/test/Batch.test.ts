import { Plug, Request, Result } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { Batch, Sqlite } from "../src/index.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-batch-"))
afterAll(() => rmSync(folder, { recursive: true }))

const ask = (text: string, id = "") => Request.make({ id, provider: "openai", messages: text, options: { model: "gpt-4o-mini" } })
const said = (request: Request) => JSON.stringify(request.messages)
const usage = { inputTokens: { total: 1_000 }, outputTokens: { total: 100 } }
const echo = () => Mock.make((request) => Mock.text(said(request), { usage }))
const still = <A, E>(program: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(program, TestClock.layer()))
const tags = (outcomes: ReadonlyArray<Batch.Outcome>) => outcomes.map((outcome) => outcome._tag)

it("gives item i the answer to item i, in whatever order they come, and runs no more at a time than it should", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delay: fc.integer({ min: 0, max: 50 }), fails: fc.boolean() }), { maxLength: 25 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("items" as const, "completed" as const),
      async (plan, concurrency, order) => {
        let now = 0
        let most = 0
        const pipeline = [
          Plug.around("work", (request, next) =>
            Effect.gen(function*() {
              most = Math.max(most, ++now)
              const { delay, fails } = plan[Number(request.id)]!
              yield* Effect.sleep(delay)
              now--
              return fails ? Request.refuse(request, "no") : yield* next(request)
            })),
          ...echo().pipeline
        ]
        const items = plan.map((_, index) => ask(`item ${index}`, String(index)))
        const check = (outcome: Batch.Outcome, index: number) => {
          expect(outcome.index).toBe(index)
          expect(outcome._tag).toBe(plan[index]!.fails ? "Failed" : "Answered")
          if (outcome._tag === "Answered") expect(Result.text(outcome.result)).toBe(said(items[index]!))
        }
        const both = await still(Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Batch.run(pipeline, items, { concurrency }))
          yield* TestClock.adjust("1 hour")
          const { outcomes, progress } = yield* Fiber.join(fiber)
          const streamed = yield* Effect.forkChild(Stream.runCollect(Batch.stream(pipeline, items, { concurrency, order })))
          yield* TestClock.adjust("1 hour")
          return { outcomes, progress, streamed: yield* Fiber.join(streamed) }
        }))
        both.outcomes.forEach(check)
        const failed = plan.filter(({ fails }) => fails).length
        expect(both.progress).toMatchObject({ total: plan.length, failed, done: plan.length - failed })
        expect(both.streamed).toHaveLength(plan.length)
        if (order === "items") both.streamed.forEach(check)
        else both.streamed.forEach((outcome) => check(outcome, outcome.index))
        expect(most).toBeLessThanOrEqual(concurrency)
        expect(now).toBe(0)
      }
    ),
    { numRuns: 40 }
  ))

it("tells progress: items, tokens, cost and how long it may still take", () =>
  still(Effect.gen(function*() {
    const told: Array<Batch.Progress> = []
    const slow = Plug.around("slow", (request, next) => Effect.andThen(Effect.sleep(1_000), next(request)))
    const fiber = yield* Effect.forkChild(
      Batch.run([slow, ...echo().pipeline], [ask("a"), ask("b"), ask("c"), ask("d")], { concurrency: 1, onProgress: (p) => void told.push(p) })
    )
    yield* TestClock.adjust("10 seconds")
    const { progress } = yield* Fiber.join(fiber)
    expect(told[0]).toEqual({
      done: 1, resumed: 0, failed: 0, total: 4, tokens: { input: 1_000, output: 100 }, cost: "0.00021", unknownCosts: 0, elapsed: 1_000, eta: 3_000
    })
    expect(told.map(({ done, eta }) => [done, eta])).toEqual([[1, 3_000], [2, 2_000], [3, 1_000], [4, 0]])
    expect(progress).toMatchObject({ done: 4, cost: "0.00084" })
  })))

it("does not mind a progress callback that breaks, nor a plug that throws", async () => {
  const mock = Mock.make([Mock.throws(new Error("boom")), "ok"])
  const { outcomes } = await Effect.runPromise(Batch.run(mock.pipeline, [ask("a"), ask("b")], {
    concurrency: 1,
    onProgress: () => {
      throw new Error("mine")
    }
  }))
  expect(tags(outcomes)).toEqual(["Failed", "Answered"])
})

it("stops after so many failures, and says what was not asked", async () => {
  const mock = Mock.make((_request, call) => call % 2 === 0 ? Mock.fail({ _tag: "Server", message: "no" }) : "ok")
  const items = Array.from({ length: 9 }, (_, index) => ask(`${index}`))
  const { outcomes, progress } = await Effect.runPromise(Batch.run(mock.pipeline, items, { concurrency: 1, stopAfter: 2 }))
  expect(tags(outcomes)).toEqual(["Answered", "Failed", "Answered", "Failed", "Skipped", "Skipped", "Skipped", "Skipped", "Skipped"])
  expect(mock.calls).toHaveLength(4)
  expect(progress).toMatchObject({ done: 2, failed: 2, total: 9 })
  const endless = function*() {
    for (let index = 0;; index++) yield ask(`${index}`)
  }
  mock.reset()
  const streamed = await Effect.runPromise(Stream.runCollect(Batch.stream(mock.pipeline, endless(), { stopAfter: 3, concurrency: 2 })))
  expect(streamed.filter(({ _tag }) => _tag === "Failed").length).toBeGreaterThanOrEqual(3)
  expect(mock.calls.length).toBeLessThan(10)
})

it("asks nothing more at the moment it stops, also not what was drawn already", () =>
  still(Effect.gen(function*() {
    for (const order of ["items", "completed"] as const) {
      const mock = Mock.make(() => Mock.fail({ _tag: "Server", message: "no" }, { delay: 100 }))
      const items = Array.from({ length: 9 }, (_, index) => ask(`${index}`))
      const fiber = yield* Effect.forkChild(
        Stream.runCollect(Batch.stream(mock.pipeline, items, { concurrency: 3, stopAfter: 1, order }))
      )
      yield* TestClock.adjust("10 seconds")
      const failed = yield* Fiber.join(fiber)
      expect(failed.length).toBeLessThanOrEqual(3)
      expect(mock.calls).toHaveLength(failed.length)
    }
  })))

it("asks nothing that was drawn, and waits for its turn, when it stops", () =>
  still(Effect.gen(function*() {
    const delays = [100, 300, 100]
    const mock = Mock.make((_request, call) => Mock.fail({ _tag: "Server", message: "no" }, { delay: delays[call - 1]! }))
    const items = Array.from({ length: 4 }, (_, index) => ask(`${index}`))
    const fiber = yield* Effect.forkChild(Batch.run(mock.pipeline, items, { concurrency: 2, stopAfter: 1 }))
    yield* TestClock.adjust("10 seconds")
    const { outcomes } = yield* Fiber.join(fiber)
    expect(tags(outcomes)).toEqual(["Failed", "Failed", "Skipped", "Skipped"])
    expect(mock.calls).toHaveLength(2)
  })))

it("draws from an endless list no more than it is asked for", async () => {
  let drawn = 0
  const endless = function*() {
    for (;;) yield ask(`${drawn++}`)
  }
  const some = await Effect.runPromise(Stream.runCollect(Stream.take(Batch.stream(echo().pipeline, endless(), { concurrency: 3 }), 5)))
  expect(some).toHaveLength(5)
  expect(drawn).toBeLessThan(40)
})

it("leaves nothing running when it is cancelled", async () => {
  const mock = Mock.make(() => Mock.never())
  const fiber = Effect.runFork(Batch.run(mock.pipeline, Array.from({ length: 20 }, (_, index) => ask(`${index}`)), { concurrency: 5 }))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(mock.calls).toHaveLength(5)
  await Effect.runPromise(Fiber.interrupt(fiber))
  expect(mock.calls.every(({ interrupted }) => interrupted)).toBe(true)
  expect(mock.calls).toHaveLength(5)
})

const journals: ReadonlyArray<readonly [string, <A>(use: (journal: Batch.Journal) => Effect.Effect<A, unknown>) => Promise<A>]> = [
  ["a text file", (use) => Effect.runPromise(Effect.scoped(Effect.flatMap(Batch.jsonl(join(folder, "a.jsonl")), use)))],
  ["SQLite", (use) =>
    Effect.runPromise(Effect.provide(Effect.flatMap(Batch.sqlite("one"), use), Sqlite.layer({ path: join(folder, "a.db") })))]
]

it.each(journals)("goes on from %s where it was broken off, and asks again only what has changed", async (_name, open) => {
  const items = Array.from({ length: 8 }, (_, index) => ask(`item ${index}`, `id-${index}`))
  const first = Mock.make((request, call) => call > 5 ? Mock.never() : Mock.text(said(request), { usage }))
  await open((journal) =>
    Effect.timeoutOption(Batch.run(first.pipeline, items, { concurrency: 1, journal }), 100))
  expect(first.calls).toHaveLength(6)
  const second = echo()
  const changed = items.map((item, index) => index === 1 ? ask("something else", "id-1") : item)
  const { outcomes, progress } = await open((journal) => Batch.run(second.pipeline, changed, { journal }))
  expect(second.calls.map(({ request }) => request.id).toSorted()).toEqual(["id-1", "id-5", "id-6", "id-7"])
  expect(outcomes.map((outcome) => outcome._tag === "Answered" && Result.text(outcome.result))).toEqual(changed.map(said))
  expect(progress).toMatchObject({ done: 8, resumed: 4, tokens: { input: 4_000 } })
})

it("passes over a line that was cut off, and writes none onto it", async () => {
  const path = join(folder, "cut.jsonl")
  const items = [ask("a", "a"), ask("b", "b")]
  const once = (provider: Mock.Mock) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(Batch.jsonl(path), (journal) => Batch.run(provider.pipeline, items, { journal, concurrency: 1 }))))
  await once(echo())
  const whole = readFileSync(path, "utf8")
  writeFileSync(path, `null\n{"id":7}\n${whole.slice(0, -20)}`)
  const again = echo()
  await once(again)
  expect(again.calls.map(({ request }) => request.id)).toEqual(["b"])
  const third = echo()
  await once(third)
  expect(third.calls).toHaveLength(0)
})

it("writes down no failure", async () => {
  const path = join(folder, "failed.jsonl")
  const once = (provider: Mock.Mock) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(Batch.jsonl(path), (journal) => Batch.run(provider.pipeline, [ask("a")], { journal }))))
  expect(tags((await once(Mock.make([Mock.fail({ _tag: "Server", message: "no" })]))).outcomes)).toEqual(["Failed"])
  expect(tags((await once(echo())).outcomes)).toEqual(["Answered"])
})

it("refuses options that do not fit", async () => {
  for (const options of [{ concurrency: 0 }, { concurrency: 1.5 }, { stopAfter: 0 }, { stopAfter: Number.NaN }]) {
    const error = await Effect.runPromise(Effect.flip(Batch.run([], [], options)))
    expect(error.reason._tag).toBe("Configuration")
  }
})
