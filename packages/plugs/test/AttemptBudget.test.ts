/**
 * What Retry, Hedge and CircuitBreaker count with: sliding windows, the share of extra attempts, lengths of time, and metrics.
 *
 * @module
 */
import { Pipeline, Request } from "@plugline/core"
import { CircuitBreaker, Hedge, Retry, Timeout } from "@plugline/plugs"
import { Mock, VirtualClock } from "@plugline/testing"
import { Effect, Layer, Metric, Random } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Slots, slotOf } from "../src/retry/Slots.ts"

describe("a sliding window", () => {
  it("holds exactly what happened in its ten latest slots", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.array(fc.record({ wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })), kind: fc.nat(2), cleared: fc.nat(30) }), { maxLength: 60 }),
      (window, steps) => {
        const width = slotOf(window)
        const slots = new Slots(window, 3)
        let seen: Array<readonly [slot: number, kind: number]> = []
        let now = 1_000_000
        for (const { cleared, kind, wait } of steps) {
          now += wait
          if (cleared === 0) {
            slots.clear()
            seen = []
          }
          slots.add(now, kind)
          seen.push([Math.floor(now / width), kind])
          for (const at of [now, now + 1, now + width]) {
            // Looking at a time that is to come slides it there: each look has its own.
            const copy = new Slots(window, 3)
            for (const [slot, kind] of seen) copy.add(slot * width, kind)
            for (const kind of [0, 1, 2]) {
              expect(copy.sum(at, kind)).toBe(seen.filter(([slot, other]) => other === kind && slot > Math.floor(at / width) - 10).length)
            }
          }
          expect([0, 1, 2].map((kind) => slots.sum(now, kind)))
            .toEqual([0, 1, 2].map((kind) => seen.filter(([slot, other]) => other === kind && slot > Math.floor(now / width) - 10).length))
        }
      }
    ), { numRuns: 60 })
  })

  it("counts on when the clock is set back", () => {
    const slots = new Slots(1_000, 1)
    slots.add(5_000, 0)
    slots.add(1_000, 0)
    expect([slots.sum(1_000, 0), slots.sum(5_900, 0), slots.sum(6_000, 0)]).toEqual([2, 2, 0])
  })
})

describe("the budget of extra attempts", () => {
  it("gives as many as its share allows in the window that ends then, and no more", () =>
    fc.assert(fc.asyncProperty(
      fc.array(fc.record({ wait: fc.integer({ min: 0, max: 400 }), extra: fc.boolean() }), { maxLength: 200 }),
      fc.constantFrom(0, 0.1, 0.2, 0.5, 1.5),
      fc.nat(4),
      async (steps, share, reserve) => {
        const requests: Array<number> = []
        const extras: Array<number> = []
        await Effect.runPromise(Effect.provide(Effect.map(Retry.AttemptBudget, (budget) => {
          let now = 7_777_777
          for (const { extra, wait } of steps) {
            now += wait
            const inside = (times: ReadonlyArray<number>) => times.filter((time) => Math.floor(time / 100) > Math.floor(now / 100) - 10).length
            if (!extra) {
              budget.began("a", now)
              requests.push(now)
              continue
            }
            const given = budget.take("a", now, { share, reserve })
            expect(given).toBe(inside(extras) + 1 <= Math.max(reserve, Math.floor(share * inside(requests))))
            if (given) extras.push(now)
          }
        }), Retry.memory({ window: 1_000 })))
      }
    ), { numRuns: 60 }))

  it("forgets the keys that came first when there are too many", async () => {
    const given = await Effect.runPromise(Effect.provide(Effect.map(Retry.AttemptBudget, (budget) => {
      const take = (key: string) => budget.take(key, 0, { share: 0, reserve: 1 })
      return [take("a"), take("a"), take("b"), take("c"), take("a"), take("c")]
    }), Retry.memory({ maxKeys: 2 })))
    expect(given).toEqual([true, false, true, true, true, false])
  })
})

describe("metrics", () => {
  const request = Request.make({ provider: "metered", messages: "Hi", options: { model: "m" } })
  const counts = <R>(line: Pipeline<R>, calls: number, layer: Layer.Layer<R>) =>
    Effect.runPromise(VirtualClock.provide(Random.withSeed(Effect.provideService(Effect.provide(Effect.gen(function*() {
      for (let call = 0; call < calls; call++) yield* Pipeline.run(line, request)
      const all = yield* Metric.snapshot
      return all.map(({ attributes, id, state }) => ({ id, ...attributes, count: (state as { readonly count?: number }).count }))
    }), layer), Metric.MetricRegistry, new Map()), 1)))
  const broken = Mock.make(() => Mock.fail({ _tag: "Server", message: "broken", status: 500 })).pipeline

  it("count retries and what gave up", async () => {
    expect(await counts([Retry.plug(), ...broken], 2, Retry.memory())).toEqual(expect.arrayContaining([
      { id: "plugline.retry.retries", provider: "metered", reason: "Server", count: 4 },
      { id: "plugline.retry.gave_up", provider: "metered", why: "attempts", count: 2 }
    ]))
  })

  it("count limits that passed, before an answer and in it", async () => {
    const mock = Mock.make([Mock.never(), Mock.stall([{ type: "text-start", id: "0" }], { as: "stream" })])
    expect(await counts([Timeout.plug({ firstToken: 10, idle: 10 }), ...mock.pipeline], 2, Layer.empty)).toEqual(expect.arrayContaining([
      { id: "plugline.timeout.timeouts", provider: "metered", phase: "first-token", count: 1 },
      { id: "plugline.timeout.timeouts", provider: "metered", phase: "idle", count: 1 }
    ]))
  })

  it("count hedges", async () => {
    const mock = Mock.make((_, call) => Mock.text("x", { delay: call === 1 ? 1_000 : 5 }))
    expect(await counts([Hedge.plug({ delay: 10 }), ...mock.pipeline], 3, Hedge.memory())).toEqual(expect.arrayContaining([
      { id: "plugline.hedge.calls", provider: "metered", won: "true", count: 1 }
    ]))
  })

  it("count circuits that moved and calls they refused", async () => {
    expect(await counts([CircuitBreaker.plug({ consecutive: 2 }), ...broken], 5, CircuitBreaker.memory())).toEqual(expect.arrayContaining([
      { id: "plugline.circuit_breaker.transitions", to: "open", why: "consecutive", count: 1 },
      { id: "plugline.circuit_breaker.refused", provider: "metered", state: "open", count: 3 }
    ]))
  })
})
