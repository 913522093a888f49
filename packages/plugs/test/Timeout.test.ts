/**
 * Timeout: each limit around any provider, whole and streamed, and that the provider is released.
 *
 * @module
 */
import { Pipeline, Plug, Request, Result } from "@plugline/core"
import { Timeout } from "@plugline/plugs"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Clock, Effect, Fiber } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const whole = Request.make({ provider: "mock", messages: "Hi" })
const streamed = Request.withOperation(whole, "stream")
const parts = Result.parts(Result.fold([
  { type: "text-start", id: "0" },
  ...Array.from({ length: 5 }, (_, at) => ({ type: "text-delta", id: "0", delta: String(at) }) as const),
  { type: "text-end", id: "0" },
  Mock.finish
]))
const begun = parts.slice(0, 3)

/** The request a run ended with, and how long it took. */
const timed = (options: Parameters<typeof Timeout.plug>[0], mock: Mock.Mock, request: Request) =>
  Effect.runPromise(VirtualClock.provide(Effect.gen(function*() {
    const final = yield* Pipeline.run([Timeout.plug(options), ...mock.pipeline], request)
    return { final, at: yield* Clock.currentTimeMillis, reason: Request.failure(final)?.reason }
  })))

describe("Timeout", () => {
  for (
    const [name, plug] of [
      ["with every limit", Timeout.plug({ connect: 1_000, firstToken: 60_000, idle: "1 minute", total: "10 minutes" })],
      ["that alone limits the beginning", Timeout.plug({ firstToken: "1 hour" })],
      ["that alone limits pauses", Timeout.plug({ idle: "1 hour" })],
      ["that alone limits connecting", Timeout.plug({ connect: 1_000 })]
    ] as const
  ) {
    describe(`keeps the laws ${name}`, () => {
      // What is told to the transport stays on the request.
      Laws.plug(plug, { numRuns: 20 }).forEach(({ check, name }) => it(name, check))
    })
  }

  it.each([whole, streamed])("ends a call that does not begin", async (request) => {
    const mock = Mock.make([Mock.never()])
    const { at, final, reason } = await timed({ firstToken: 2_000, total: 9_000 }, mock, request)
    expect(at).toBe(2_000)
    expect(reason).toMatchObject({ _tag: "Timeout", phase: "first-token", limit: 2_000 })
    expect(final.errors[0]?.plug).toBe("timeout")
    expect(mock.calls[0]?.interrupted).toBe(true)
  })

  it.each([whole, streamed])("ends a call that takes too long in all before it begins", async (request) => {
    const { at, reason } = await timed({ firstToken: "1 hour", total: 3_000 }, Mock.make([Mock.never()]), request)
    expect(at).toBe(3_000)
    expect(reason).toMatchObject({ _tag: "Timeout", phase: "total", limit: 3_000 })
  })

  it("ends a stream that pauses, keeps what had arrived, and closes it", async () => {
    const mock = Mock.make([Mock.stall(begun)])
    const { at, final, reason } = await timed({ idle: 1_500 }, mock, streamed)
    expect(at).toBe(1_500)
    expect(reason).toMatchObject({ _tag: "Timeout", phase: "idle", limit: 1_500 })
    expect(Result.text(final.result)).toBe("01234")
    expect(mock.calls[0]).toMatchObject({ interrupted: true, closed: expect.any(Number) })
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  })

  it("ends a stream that trickles", async () => {
    const mock = Mock.make([Mock.parts(parts, { between: 1_000, cut: 1 })])
    const { at, reason } = await timed({ idle: 1_500, total: 3_500 }, mock, streamed)
    expect(at).toBe(3_500)
    expect(reason).toMatchObject({ _tag: "Timeout", phase: "total", limit: 3_500 })
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  })

  it("keeps each limit exactly, wherever the pause is", () =>
    fc.assert(fc.asyncProperty(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      async (firstToken, idle, total, delay, between) => {
        const mock = Mock.make([Mock.parts(parts, { delay, between, chunks: 1 })])
        const { at, final, reason } = await timed({ firstToken, idle, total }, mock, streamed)
        const gaps = parts.length - 1
        const began = Math.min(firstToken, total)
        const expected = delay >= began && delay > 0
          ? { phase: firstToken <= total ? "first-token" : "total", at: began }
          : between >= idle && delay + idle <= total
          ? { phase: "idle", at: delay + idle }
          : delay + gaps * between >= total && between > 0
          ? { phase: "total", at: total }
          : undefined
        // At the very ms either may come first.
        if (delay === began || between === idle || (total - delay) % Math.max(1, between) === 0) return
        expect({ phase: reason?._tag === "Timeout" ? reason.phase : undefined, at }).toEqual(expected ?? { phase: undefined, at: delay + gaps * between })
        expect(final.state).toBe(expected === undefined ? "completed" : "error")
      }
    ), { numRuns: 80 }))

  it("leaves a reader that is slow alone: only waiting for the provider counts as a pause", async () => {
    const mock = Mock.make([Mock.parts(parts)])
    const heard = await Effect.runPromise(VirtualClock.provide(Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open([Timeout.plug({ idle: 10 }), ...mock.pipeline], streamed)
      let count = 0
      for (let some = yield* live.pull; some !== undefined; some = yield* live.pull) {
        count += some.length
        yield* Effect.sleep(1_000)
      }
      return { count, state: live.final()?.state }
    }))))
    expect(heard).toEqual({ count: parts.length, state: "completed" })
  })

  it("closes the stream when the reader leaves, and tells plugs on both sides of it once", async () => {
    const mock = Mock.make([Mock.stall(begun)])
    const told: Array<string> = []
    const note = (name: string) => Plug.after(name, (request) => (told.push(`${name} ${request.state}`), request))
    await Effect.runPromise(VirtualClock.provide(Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open([note("outer"), Timeout.plug({ idle: 60_000 }), note("inner"), ...mock.pipeline], streamed)
      yield* live.pull
    }))))
    expect(told).toEqual(["inner streaming", "outer streaming"])
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  })

  it("closes the stream when a plug in front of it hands on something else", async () => {
    const mock = Mock.make([Mock.stall(begun), "other"])
    const swap = Plug.around("swap", (request, next) => Effect.andThen(next(request), next(request)))
    await Effect.runPromise(VirtualClock.provide(Pipeline.run([swap, Timeout.plug({ idle: 60_000 }), ...mock.pipeline], streamed)))
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  })

  it("closes everything when the run is interrupted while it waits for a part", async () => {
    const mock = Mock.make([Mock.stall(begun)])
    await Effect.runPromise(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([Timeout.plug({ idle: 60_000 }), ...mock.pipeline], streamed))
      yield* Effect.sleep(20)
      yield* Fiber.interrupt(fiber)
    }))
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
  })

  it("tells the transport, and leaves what it does not limit", async () => {
    const seen: Array<unknown> = []
    const look = Plug.make("look", (request) => (seen.push(request.config.timeouts), request))
    const request = Request.mergeConfig(whole, { timeouts: { idle: 7, total: 8 } })
    await Effect.runPromise(Pipeline.run([Timeout.plug({ connect: "2 seconds", total: 9_000 }), look, ...Mock.make(["x"]).pipeline], request))
    expect(seen).toEqual([{ connect: 2_000, idle: 7, total: 9_000 }])
  })

  it("nested: the tighter one counts", async () => {
    const line = [Timeout.plug({ idle: 500 }), Timeout.plug({ idle: 100 }), Timeout.plug({ idle: 300 }), ...Mock.make([Mock.stall(begun)]).pipeline]
    const final = await Effect.runPromise(VirtualClock.provide(Pipeline.run(line, streamed)))
    expect(Request.failure(final)?.reason).toMatchObject({ phase: "idle", limit: 100 })
    expect(final.errors.length).toBe(1)
  })

  it.each([[{}, "timeout"], [{ idle: -1 }, "idle"], [{ total: "soon" }, "total"], [{ first: 1 }, "first"]])("refuses the options %j", async (options, option) => {
    const error = await Effect.runPromise(Effect.flip(Pipeline.run([Timeout.plug(options as never), ...Mock.make(["x"]).pipeline], whole)))
    expect(error.reason).toMatchObject({ _tag: "Configuration", option })
  })
})
