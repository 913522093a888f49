/**
 * The scripted provider gives what was written down, whole and streamed, in the time that was written down, and
 * remembers.
 *
 * @module
 */
import { LlmError, Part, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { EmbeddingsResult, Parts } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Clock, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"

const chat = Request.make({ provider: "mock", messages: "Hi" })
const stream = Request.withOperation(chat, "stream")

const hello: Parts = [
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: "Hello" },
  { type: "text-end", id: "0" },
  Mock.finish
]

const run = (mock: Mock.Mock, request: Request = chat) =>
  Effect.runPromise(VirtualClock.provide(Pipeline.run(mock.pipeline, request)))

const partsOf = (mock: Mock.Mock, request: Request = stream) =>
  Effect.runPromise(VirtualClock.provide(Stream.runCollect(Pipeline.stream(mock.pipeline, request))))

describe("answers", () => {
  it("gives one per request, and says so when there is no further one", async () => {
    const mock = Mock.make(["one", Mock.text("two", { model: "m" })])
    expect(Result.text((await run(mock)).result)).toBe("one")
    expect(mock.left()).toBe(1)
    expect((await run(mock)).result).toMatchObject({ model: "m", content: [{ type: "text", text: "two" }] })
    const third = await run(mock)
    expect(third.errors[0]?.reason._tag).toBe("Configuration")
    expect(third.errors[0]?.message).toContain("the script of \"mock\" has 2 answers, and this is call 3")
    expect(mock.calls.length).toBe(3)
    mock.reset()
    expect(Result.text((await run(mock)).result)).toBe("one")
  })

  it("plays the same script whole and streamed", async () => {
    const mock = Mock.make(() => Mock.parts(hello, { cut: 2 }))
    const whole = await run(mock)
    const streamed = await run(mock, stream)
    expect(whole.result).toEqual(streamed.result)
    expect(Result.text(whole.result)).toBe("Hello")
    expect((await partsOf(mock)).filter((part) =>
      part.type === "text-delta").map(({ delta }) => delta)).toEqual(["He", "ll", "o"])
    expect((await run(mock, Request.withOperation(chat, "completion"))).result?.type).toBe("completion")
  })

  it("answers other operations with their results, and refuses to answer them with a text", async () => {
    const result: EmbeddingsResult = { type: "embeddings", embeddings: [[1, 0]],
      usage: { inputTokens: {}, outputTokens: {} } }
    const request = Request.withOperation(chat, "embeddings")
    expect((await run(Mock.make([result]), request)).result).toEqual(result)
    expect((await run(Mock.make(["text"]), request)).errors[0]?.message).toContain("the request asks for embeddings")
    expect((await run(Mock.make([result]),
      chat)).errors[0]?.message).toContain("answers with embeddings, but the request asks for chat")
  })

  it("hands on what was answered already", async () => {
    const mock = Mock.make(["mine"])
    const answered = Plug.make("cache", Request.complete(Result.fold(hello)))
    const final = await Effect.runPromise(Pipeline.run([answered, mock.plug], chat))
    expect(Result.text(final.result)).toBe("Hello")
    expect(mock.calls).toEqual([])
  })

  it("may be made up for each request", async () => {
    const mock = Mock.make(({ id }, call) => `${id} ${call}`, { name: "clever" })
    expect(mock.plug.name).toBe("clever")
    await run(mock)
    expect(Result.text((await run(mock, Request.withId(chat, "r"))).result)).toBe("r 2")
    expect(mock.left()).toBe(Infinity)
  })
})

describe("failures", () => {
  const rate = LlmError.make({ _tag: "RateLimit", message: "slow down", retryAfter: 1_000 })

  it("fails before the first part, so that a retry can act", async () => {
    for (const request of [chat, stream]) {
      const final = await run(Mock.make([Mock.fail(rate)]), request)
      expect(final.state).toBe("error")
      expect(final.errors[0]?.reason).toEqual(rate.reason)
      expect(final.errors[0]?.plug).toBe("mock")
    }
  })

  it("fails in the middle, with what had arrived", async () => {
    const script = () => Mock.fail(rate, { after: hello.slice(0, 2) })
    for (const request of [chat, stream]) {
      const final = await run(Mock.make(script), request)
      expect(final.errors.map(({ reason }) => reason._tag)).toEqual(["RateLimit"])
      expect(Result.text(final.result)).toBe("Hello")
    }
  })

  it("is cut off", async () => {
    for (const request of [chat, stream]) {
      const final = await run(Mock.make([Mock.cut(hello.slice(0, 2))]), request)
      expect(final.errors[0]?.reason._tag).toBe("CutStream")
      expect(Result.text(final.result)).toBe("Hello")
    }
  })

  it("throws", async () => {
    const final = await run(Mock.make([Mock.throws(new Error("boom"), { delay: 5 })]))
    expect(final.errors[0]?.message).toContain("boom")
  })
})

describe("time", () => {
  it("waits before the answer and between its pieces", async () => {
    const mock = Mock.make([Mock.parts(hello, { delay: "1 second", between: "10 millis", chunks: [2, 1] })])
    const times: Array<[number, number]> = []
    await Effect.runPromise(VirtualClock.provide(Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open(mock.pipeline, stream)
      for (let parts = yield* live.pull; parts !== undefined; parts = yield* live.pull) {
        times.push([yield* Clock.currentTimeMillis, parts.length])
      }
    }))))
    expect(times).toEqual([[1_000, 2], [1_010, 1], [1_020, 1]])
    expect(mock.calls[0]).toMatchObject({ parts: 4, interrupted: false })
    expect(mock.calls[0]?.closed).toBeGreaterThan(0)
  })

  it("sleeps on the test clock", async () => {
    const mock = Mock.make([Mock.text("late", { delay: "1 minute" })])
    const text = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run(mock.pipeline, chat))
      yield* TestClock.adjust("59 seconds")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 second")
      return Result.text((yield* Fiber.join(fiber)).result)
    })).pipe(Effect.provide(TestClock.layer())))
    expect(text).toBe("late")
  })

  it.each<[string, Mock.Reply, Request]>([
    ["never answers", Mock.never(), chat],
    ["waits for its answer", Mock.text("late", { delay: "1 hour" }), chat],
    ["stalls in the middle of a stream", Mock.stall(hello.slice(0, 2)), stream],
    ["stalls where a whole answer was asked for", Mock.stall(hello.slice(0, 2)), chat]
  ])("notes its interruption where it %s", async (_, reply, request) => {
    const mock = Mock.make([reply])
    const fiber = Effect.runFork(Pipeline.run(mock.pipeline, request))
    await Effect.runPromise(Effect.sleep(5))
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(mock.calls[0]?.interrupted).toBe(true)
    if (request === stream) expect(mock.calls[0]?.closed).toBeGreaterThan(0)
  })

  it("notes a reader who leaves", async () => {
    const mock = Mock.make([Mock.parts(hello)])
    const some = await Effect.runPromise(Stream.runCollect(Stream.take(Pipeline.stream(mock.pipeline, stream), 2)))
    expect(some.length).toBe(2)
    expect(mock.calls[0]).toMatchObject({ parts: 2, interrupted: false })
    expect(mock.calls[0]?.closed).toBeGreaterThan(0)
  })
})

describe("the clock of its own", () => {
  it("wakes sleepers in the order of their times", async () => {
    const woken: Array<string> = []
    const nap = (name: string, ms: number) => Effect.andThen(Effect.sleep(ms), Effect.sync(() => woken.push(name)))
    const end = await Effect.runPromise(VirtualClock.provide(Effect.andThen(
      Effect.all([nap("c", 30), nap("a", 10), nap("b", 20), Effect.andThen(nap("d", 5), nap("e", 7))],
        { concurrency: "unbounded" }),
      Clock.currentTimeMillis
    ), 1_000))
    expect(woken).toEqual(["d", "a", "e", "b", "c"])
    expect(end).toBe(1_030)
  })

  it("lets a sleeper be interrupted, and time-outs pass", async () => {
    const end = await Effect.runPromise(VirtualClock.provide(Effect.andThen(
      Effect.timeoutOption(Effect.never, "1 hour"),
      Clock.currentTimeMillis
    )))
    expect(end).toBe(3_600_000)
  })

  it("forgets a sleeper that was interrupted", async () => {
    const end = await Effect.runPromise(VirtualClock.provide(Effect.gen(function*() {
      yield* Effect.timeoutOption(Effect.sleep("1 hour"), "1 second")
      yield* Effect.sleep("2 seconds")
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))
      return yield* Clock.currentTimeMillis
    })))
    expect(end).toBe(3_000)
  })
})

it("ends a stream in one part", () => {
  expect(Part.isTerminal(Mock.finish)).toBe(true)
})
