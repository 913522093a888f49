/**
 * Hedge: when a second attempt starts, who wins, that the other is closed, the budget, and what slow means.
 *
 * @module
 */
import { Pipeline, Request, Result } from "@plugline/core"
import { Hedge } from "@plugline/plugs"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Clock, Effect, Fiber } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const whole = Request.make({ provider: "mock", messages: "Hi", options: { model: "m" } })
const streamed = Request.withOperation(whole, "stream")
const run = <A, E>(program: Effect.Effect<A, E, Hedge.AttemptBudget | Hedge.Latencies>): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(program, Hedge.memory())))
const timed = (options: Parameters<typeof Hedge.plug>[0], mock: Mock.Mock, request: Request = whole) =>
  run(Effect.gen(function*() {
    const final = yield* Pipeline.run([Hedge.plug(options), ...mock.pipeline], request)
    return { final, at: yield* Clock.currentTimeMillis, hedged: Request.get(final, Hedge.outcome) }
  }))
const broken = (delay = 0) => Mock.fail({ _tag: "Network", message: "broken" }, { delay })
const begun = [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "slow" }] as const

describe("Hedge", () => {
  for (
    const [name, plug] of [
      ["that is off", Hedge.plug()],
      ["with a delay", Hedge.plug({ delay: 50 })],
      ["with a percentile", Hedge.plug({ percentile: 95, delay: "1 second", minimum: 1, max: 3 })]
    ] as const
  ) {
    describe(`keeps the laws ${name}`, () => {
      Laws.plug(plug, { services: Hedge.memory(), numRuns: 20 }).forEach(({ check, name }) => it(name, check))
    })
  }

  it("is off unless told when an answer is late", async () => {
    const mock = Mock.make([Mock.text("late", { delay: "1 hour" })])
    const { final, hedged } = await timed({}, mock)
    expect([mock.calls.length, hedged, Result.text(final.result)]).toEqual([1, undefined, "late"])
  })

  it("takes whichever answers first, at the time it does, and closes the others", () =>
    fc.assert(fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 1, max: 150 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(whole, streamed),
      async (delays, delay, max, request) => {
        const mock = Mock.make(delays.map((delay, at) => Mock.text(String(at), { delay })))
        const ends = delays.slice(0, max + 1).map((own, at) => at * delay + own)
        const best = Math.min(...ends)
        const { at, final, hedged } = await timed({ delay, max }, mock, request)
        expect(at).toBe(best)
        expect(ends[Number(Result.text(final.result))]).toBe(best)
        expect(hedged?.winner).toBe(Number(Result.text(final.result)) + 1)
        expect(mock.calls.length).toBe(hedged?.attempts)
        // At the very ms at which the next would begin either may come first.
        const begun = ends.filter((_, index) => index === 0 || index * delay <= best).length
        expect(mock.calls.length).toBeLessThanOrEqual(begun)
        for (const [index, call] of mock.calls.entries()) {
          if (index !== hedged!.winner - 1 && ends[index]! > best) expect(call.interrupted).toBe(true)
        }
      }
    ), { numRuns: 60 }))

  it("closes a stream that lost", async () => {
    const mock = Mock.make([
      Mock.parts([...begun, { type: "text-end", id: "0" }, Mock.finish], { delay: 100 }),
      Mock.parts([...begun, { type: "text-end", id: "0" }, Mock.finish], { delay: 50 })
    ])
    const { final } = await timed({ delay: 50 }, mock, streamed)
    expect(final.state).toBe("completed")
    for (const call of mock.calls) expect(call.closed > 0 || call.interrupted).toBe(true)
  })

  it("closes what lost before it hands on the answer", async () => {
    const mock = Mock.make([Mock.never(), Mock.text("x", { delay: 5 })])
    const interrupted = await run(Effect.map(Pipeline.run([Hedge.plug({ delay: 10 }), ...mock.pipeline], whole), () => mock.calls[0]?.interrupted))
    expect(interrupted).toBe(true)
  })

  it("leaves failures to others: it starts nothing after one", async () => {
    const mock = Mock.make([broken(), "never asked"])
    const { final, hedged } = await timed({ delay: 10 }, mock)
    expect([mock.calls.length, final.state, hedged]).toEqual([1, "error", { attempts: 1, winner: 1, delay: 10 }])
  })

  it("waits for the other when one fails, and keeps what failed", async () => {
    const first = await timed({ delay: 10 }, Mock.make([broken(15), Mock.text("second", { delay: 20 })]))
    expect([Result.text(first.final.result), first.at, first.final.errors]).toEqual(["second", 30, []])
    expect(first.hedged).toMatchObject({ attempts: 2, winner: 2, errors: [{ reason: { _tag: "Network" } }] })
    const second = await timed({ delay: 10 }, Mock.make([Mock.text("first", { delay: 30 }), broken(5)]))
    expect([Result.text(second.final.result), second.at, second.hedged?.winner]).toEqual(["first", 30, 1])
    const none = await timed({ delay: 10 }, Mock.make([broken(15), broken(20)]))
    expect([none.final.state, none.final.errors.length, none.at]).toEqual(["error", 2, 30])
  })

  it("stays within its budget", async () => {
    const mock = Mock.make(() => Mock.text("late", { delay: 100 }))
    const plug = Hedge.plug({ delay: 10, budget: 0.1, reserve: 0 })
    await run(Effect.forEach(Array.from({ length: 200 }), () => Pipeline.run([plug, ...mock.pipeline], whole), { concurrency: 50 }))
    expect(mock.calls.length).toBeLessThanOrEqual(220)
    expect(mock.calls.length).toBeGreaterThan(210)
  })

  it("leaves requests with tools the provider runs alone, unless told", async () => {
    const tools = Request.mergeOptions(whole, { tools: [{ type: "provider", id: "openai.web_search" }] })
    const slow = () => Mock.make(() => Mock.text("late", { delay: 100 }))
    const alone = slow()
    await timed({ delay: 10 }, alone, tools)
    const told = slow()
    await timed({ delay: 10, providerTools: true }, told, tools)
    const own = slow()
    await timed({ delay: 10 }, own, Request.mergeOptions(whole, { tools: [{ name: "own" }] }))
    expect([alone.calls.length, told.calls.length, own.calls.length]).toEqual([1, 2, 2])
  })

  it("learns what is slow", async () => {
    const mock = Mock.make((_, call) => Mock.text("x", { delay: call <= 20 ? call * 10 : 1_000 }))
    const line = [Hedge.plug({ percentile: 90, minimum: 20, budget: false }), ...mock.pipeline]
    const hedged = await run(Effect.gen(function*() {
      for (let call = 1; call <= 20; call++) yield* Pipeline.run(line, whole)
      return Request.get(yield* Pipeline.run(line, whole), Hedge.outcome)
    }))
    expect(hedged).toEqual({ attempts: 2, winner: 1, delay: 180 })
    expect(mock.calls.length).toBe(22)
  })

  it("counts a first attempt that lost with the time it was waited for, and one that failed not", async () => {
    const learned = (script: Mock.Script) =>
      run(Effect.gen(function*() {
        yield* Pipeline.run([Hedge.plug({ delay: 10 }), ...Mock.make(script).pipeline], whole)
        return (yield* Hedge.Latencies).percentile(JSON.stringify(["mock", "m", "chat"]), 50, 1)
      }))
    expect(await learned([Mock.never(), Mock.text("x", { delay: 5 })])).toBe(15)
    expect(await learned([broken(12), Mock.text("x", { delay: 5 })])).toBeUndefined()
    expect(await learned([Mock.text("x", { delay: 3 })])).toBe(3)
  })

  it("knows percentiles", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const sorted = values.toSorted((a, b) => a - b)
      const found = Hedge.percentileOf(sorted, percent)!
      const within = sorted.filter((value) => value <= found).length
      expect(within / sorted.length).toBeGreaterThanOrEqual(percent / 100 - 1e-9)
      expect(sorted.filter((value) => value < found).length / sorted.length).toBeLessThan(percent / 100)
    }))
    expect(Hedge.percentileOf([], 50)).toBeUndefined()
  })

  it("remembers the latest latencies of the latest keys alone", async () => {
    const found = await Effect.runPromise(Effect.provide(Effect.map(Hedge.Latencies, (latencies) => {
      for (let at = 1; at <= 100; at++) latencies.add("a", at)
      const before = latencies.percentile("a", 1, 1)
      latencies.add("b", 1)
      latencies.add("c", 1)
      return [before, latencies.percentile("a", 1, 1), latencies.percentile("c", 50, 1), latencies.percentile("c", 50, 2)]
    }), Hedge.memory({ samples: 10, maxKeys: 2 })))
    expect(found).toEqual([91, undefined, 1, undefined])
  })

  it("interrupts all when it is interrupted", async () => {
    const mock = Mock.make(() => Mock.never())
    await Effect.runPromise(Effect.provide(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([Hedge.plug({ delay: 5 }), ...mock.pipeline], whole))
      yield* Effect.sleep(40)
      yield* Fiber.interrupt(fiber)
    }), Hedge.memory()))
    expect(mock.calls.map(({ interrupted }) => interrupted)).toEqual([true, true])
  })
})
