import { Pipeline, Plug, Request } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Effect, Fiber } from "effect"
import { describe, expect, it } from "vitest"
import * as Identity from "../src/identity.ts"
import * as RateLimit from "../src/RateLimit.ts"
import { LimitStore } from "../src/store/LimitStore.ts"

type Options = NonNullable<Parameters<typeof RateLimit.plug>[0]>

const request = Request.make({ provider: "local", messages: "Hi" })
const as = (user: string) => Identity.as(request, { user })

/** A line whose calls take 1 s each and are written down, with their time, when they reach the provider. */
const lineOf = (options: Options) => {
  const calls: Array<readonly [id: string, at: number]> = []
  const line = [
    RateLimit.plug({ whenFull: "wait", ...options }),
    Plug.make("log", (request) =>
      Effect.clockWith((clock) => Effect.sync(() => (calls.push([request.id, clock.currentTimeMillisUnsafe()]), request)))),
    ...Mock.make(() => Mock.text("x", { delay: 1_000 })).pipeline
  ]
  return { calls, line }
}

const run = <A, E>(effect: Effect.Effect<A, E, LimitStore>): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(effect, RateLimit.memory())))

/** Begins a call, and lets 1 ms pass. */
const start = (line: ReturnType<typeof lineOf>["line"], who: Request, id: string) =>
  Effect.tap(Effect.forkChild(Pipeline.run(line, Request.withId(who, id))), () => Effect.sleep(1))

describe("waiting", () => {
  it("serves callers in the order they came, and says how long they waited", async () => {
    const { calls, line } = lineOf({ limits: [{ per: "global", requestsPerMinute: { rate: 60, burst: 1 } }] })
    const finals = await run(Effect.gen(function*() {
      const fibers: Array<Fiber.Fiber<Request, unknown>> = []
      for (const id of ["a", "b", "c", "d"]) fibers.push(yield* start(line, as(id), id))
      return yield* Effect.forEach(fibers, Fiber.join)
    }))
    expect(calls).toEqual([["a", 0], ["b", 1_000], ["c", 2_000], ["d", 3_000]])
    expect(finals.map((final) => Request.get(final, RateLimit.status)!.waited)).toEqual([0, 999, 1_998, 2_997])
  })

  it("hands a slot on to who waits for it, however the call before it ended", async () => {
    const { calls, line } = lineOf({ limits: [{ per: "global", concurrency: 1 }] })
    await run(Effect.gen(function*() {
      const first = yield* start(line, request, "first")
      const others: Array<Fiber.Fiber<Request, unknown>> = []
      for (const id of ["b", "c"]) others.push(yield* start(line, request, id))
      yield* Effect.sleep(100)
      yield* Fiber.interrupt(first)
      yield* Effect.forEach(others, Fiber.join)
    }))
    expect(calls.map(([id]) => id)).toEqual(["first", "b", "c"])
    expect(calls[1]![1]).toBeLessThan(200)
    expect(calls[2]![1]).toBe(calls[1]![1] + 1_000)
  })

  it("who is interrupted while waiting leaves no hold, and the next moves up", async () => {
    const { calls, line } = lineOf({ limits: [{ per: "global", requestsPerMinute: { rate: 60, burst: 1 }, concurrency: 2 }] })
    const slots = await run(Effect.gen(function*() {
      const all: Array<Fiber.Fiber<Request, unknown>> = []
      for (const id of ["a", "b", "c"]) all.push(yield* start(line, request, id))
      yield* Fiber.interrupt(all[1]!)
      yield* Fiber.join(all[2]!)
      yield* Effect.sleep(60_000)
      const last = yield* Pipeline.run(line, Request.withId(request, "d"))
      return Request.get(last, RateLimit.status)!.limits.find(({ what }) => what === "concurrency")!.remaining
    }))
    expect(calls.slice(0, 2)).toEqual([["a", 0], ["c", 1_000]])
    expect(slots).toBe(1)
  })

  it("nobody waits behind somebody who waits for something else", async () => {
    const { calls, line } = lineOf({
      limits: [{ per: "user", requestsPerMinute: { rate: 6, burst: 1 } }, { per: "global", requestsPerMinute: { rate: 60, burst: 2 } }]
    })
    await run(Effect.gen(function*() {
      const all: Array<Fiber.Fiber<Request, unknown>> = []
      for (const [who, id] of [["ada", "a1"], ["ada", "a2"], ["bob", "b1"], ["cid", "c1"], ["cid", "c2"]] as const) {
        all.push(yield* start(line, as(who), id))
      }
      yield* Effect.forEach(all, Fiber.join)
    }))
    expect(calls.map(([id]) => id)).toEqual(["a1", "b1", "c1", "a2", "c2"])
    expect(calls.map(([, at]) => Math.floor(at / 1_000))).toEqual([0, 0, 1, 10, 11])
  })

  it("a small request does not overtake a large one that came before", async () => {
    const { calls, line } = lineOf({ limits: [{ per: "global", tokensPerMinute: 600 }] })
    const sized = (maxTokens: number) => Request.mergeOptions(request, { maxTokens })
    await run(Effect.gen(function*() {
      const all: Array<Fiber.Fiber<Request, unknown>> = []
      for (const [size, id] of [[599, "all"], [199, "large"], [1, "small"]] as const) {
        all.push(yield* start(line, sized(size), id))
        // By then there is enough for the small one.
        yield* Effect.sleep(5_000)
      }
      yield* Effect.forEach(all, Fiber.join)
    }))
    expect(calls.map(([id]) => id)).toEqual(["all", "large", "small"])
  })

  it("waits no longer than it may, and not at all where it would be in vain", async () => {
    const limits: Options["limits"] = [{ per: "global", requestsPerMinute: 1 }]
    const vain = lineOf({ limits, maxWait: "58 seconds" })
    const [, refused, at] = await run(Effect.gen(function*() {
      const first = yield* Pipeline.run(vain.line, request)
      const second = yield* Pipeline.run(vain.line, request)
      return [first, second, yield* Effect.clockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))] as const
    }))
    expect([refused.errors[0]?.reason._tag, refused.errors[0]?.retryAfter, at]).toEqual(["RateLimit", 59_000, 1_000])
    const slots = lineOf({ limits: [{ per: "global", concurrency: 1 }], maxWait: 300 })
    const late = await run(Effect.gen(function*() {
      yield* start(slots.line, request, "long")
      const two = yield* Effect.all([Pipeline.run(slots.line, request), Pipeline.run(slots.line, request)], { concurrency: 2 })
      return two.map((final) => [final.errors[0]?.reason._tag, Request.get(final, RateLimit.status)?.waited, final.errors[0]?.retryAfter])
    }))
    expect(late).toEqual([["RateLimit", 300, 1_000], ["RateLimit", 300, 1_000]])
  })

  it("refuses at once where too many wait already", async () => {
    const { line } = lineOf({ limits: [{ per: "global", concurrency: 1 }], maxQueue: 2 })
    const crowded = await run(Effect.gen(function*() {
      for (const id of ["a", "b", "c"]) yield* start(line, request, id)
      return yield* Pipeline.run(line, request)
    }))
    expect(crowded.errors[0]?.reason).toMatchObject({ _tag: "RateLimit", message: expect.stringContaining("too many wait") })
    expect(Request.get(crowded, RateLimit.status)!.waited).toBe(0)
  })

  it("who waits past midnight is counted for the new day", async () => {
    const { calls, line } = lineOf({ limits: [{ per: "global", requestsPerDay: 1 }], maxWait: "3 days" })
    await run(Effect.gen(function*() {
      yield* Effect.sleep(23 * 3_600_000)
      const all: Array<Fiber.Fiber<Request, unknown>> = []
      for (const id of ["a", "b", "c"]) all.push(yield* start(line, request, id))
      yield* Effect.forEach(all, Fiber.join)
    }))
    expect(calls.map(([id, at]) => [id, at / 3_600_000])).toEqual([["a", 23], ["b", 24], ["c", 48]])
  })

  it("a refund lets who waits go on at once", async () => {
    const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
    const line = [
      RateLimit.plug({ limits: [{ per: "global", tokensPerDay: 100 }], whenFull: "wait", maxWait: "20 days" }),
      ...Mock.make(() => Mock.text("x", { delay: 1_000, usage })).pipeline
    ]
    const asked = Request.mergeOptions(request, { maxTokens: 90 })
    const waited = await run(Effect.map(
      Effect.all([Pipeline.run(line, asked), Pipeline.run(line, asked)], { concurrency: 2 }),
      (finals) => finals.map((final) => Request.get(final, RateLimit.status)!.waited)
    ))
    expect(waited).toEqual([0, 1_000])
  })

  it("a thousand that come and leave at random leave nothing behind", async () => {
    const { line } = lineOf({ limits: [{ per: "user", concurrency: 1 }, { per: "global", concurrency: 3, requestsPerMinute: 100_000 }], maxQueue: 10_000 })
    const free = await run(Effect.gen(function*() {
      const all: Array<Fiber.Fiber<Request, unknown>> = []
      for (let n = 0; n < 1_000; n++) {
        all.push(yield* Effect.forkChild(Pipeline.run(line, as(`user ${n % 7}`))))
        if (n % 3 === 0) yield* Effect.sleep(n % 50)
        if (n % 2 === 0) yield* Fiber.interrupt(all[(n * 7) % all.length]!)
      }
      yield* Effect.forEach(all, Fiber.await)
      const last = yield* Pipeline.run(line, as("user 0"))
      const { lines } = yield* LimitStore
      return [lines.size, ...Request.get(last, RateLimit.status)!.limits.filter(({ what }) => what === "concurrency").map(({ remaining }) => remaining)]
    }))
    expect(free).toEqual([0, 0, 2])
  })
})
