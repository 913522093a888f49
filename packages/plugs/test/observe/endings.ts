/**
 * Every way in which a request can end, to watch observers by.
 */
import { LlmError, Pipeline, type PlugLike, Plug, Request } from "@plugline/core"
import type { Part } from "@plugline/core"
import { Arbitrary, Mock, VirtualClock } from "@plugline/testing"
import { Effect, Fiber, Metric } from "effect"
import fc from "fast-check"

export interface Ending {
  readonly name: string
  readonly line: () => { readonly plugs: ReadonlyArray<PlugLike>; readonly waits?: () => boolean }
  /** How it is run. `leave`: after how many pulls the reader goes. */
  readonly run: { readonly _tag: "End" } | { readonly _tag: "Leave"; readonly pulls: number } | { readonly _tag: "Interrupt" }
  /** What an observer in front is told. */
  readonly state: ReadonlyArray<string>
}

const mock = (reply: Mock.Answer) => () => ({ plugs: [Mock.make(() => reply).plug] })
const waiting = (reply: Mock.Answer) => () => {
  const provider = Mock.make(() => reply)
  return { plugs: [provider.plug], waits: () => provider.calls.some((call) => call.parts > 0 || reply === Mock.never() || (reply as Mock.Reply)._tag === "Never") }
}

/** All endings, with random answers. */
export const endings = (): fc.Arbitrary<Ending> =>
  fc.oneof(
    Arbitrary.chatResult().map((result): Ending => ({
      name: "a whole answer", line: mock(Mock.result(result, { as: "whole" })), run: { _tag: "End" }, state: ["completed"]
    })),
    fc.tuple(Arbitrary.parts({ end: "finish" }), Arbitrary.cuts()).map(([parts, cut]): Ending => ({
      name: "a stream", line: mock(Mock.parts(parts, { as: "stream", cut })), run: { _tag: "End" }, state: ["completed"]
    })),
    Arbitrary.parts({ end: "error" }).map((parts): Ending => ({
      name: "a stream that fails", line: mock(Mock.parts(parts, { as: "stream" })), run: { _tag: "End" }, state: ["failed"]
    })),
    Arbitrary.parts({ end: "finish" }).map((parts): Ending => ({
      name: "a stream that is cut", line: mock(Mock.cut(parts.slice(0, -1), { as: "stream" })), run: { _tag: "End" }, state: ["failed"]
    })),
    Arbitrary.llmError().map((error): Ending => ({
      name: "an error", line: mock(Mock.fail(error)), run: { _tag: "End" }, state: ["failed"]
    })),
    Arbitrary.text().map((text): Ending => ({
      name: "a throw", line: mock(Mock.throws(new Error(text))), run: { _tag: "End" }, state: ["failed"]
    })),
    fc.constant<Ending>({
      name: "a refusal", line: () => ({ plugs: [Plug.make("no", Request.refuse("not today"))] }), run: { _tag: "End" }, state: ["failed"]
    }),
    Arbitrary.chatResult().map((result): Ending => ({
      name: "an answer from a cache", line: () => ({ plugs: [Plug.make("cache", Request.halt(result))] }), run: { _tag: "End" }, state: ["completed"]
    })),
    fc.constant<Ending>({ name: "nobody who answers", line: () => ({ plugs: [] }), run: { _tag: "End" }, state: ["unanswered"] }),
    fc.tuple(Arbitrary.parts(), fc.nat(4)).map(([parts, pulls]): Ending => ({
      name: "a reader who leaves", line: mock(Mock.stall(parts.slice(0, -1), { as: "stream" })), run: { _tag: "Leave", pulls: Math.min(pulls, parts.length - 1) }, state: ["left"]
    })),
    fc.constant<Ending>({ name: "an interruption before the answer", line: waiting(Mock.never()), run: { _tag: "Interrupt" }, state: ["interrupted"] }),
    Arbitrary.parts({ end: "finish" }).filter((parts) => parts.length > 1).map((parts): Ending => ({
      name: "an interruption within a stream", line: waiting(Mock.stall(parts.slice(0, -1), { as: "stream" })), run: { _tag: "Interrupt" }, state: ["left"]
    }))
  )

/** Runs a request to its ending, plugs in front of what makes the ending. */
export const run = <R>(front: ReadonlyArray<PlugLike<R>>, { line, run }: Ending, request: Request): Effect.Effect<void, unknown, R> =>
  Effect.gen(function*() {
    const { plugs, waits } = line()
    const pipeline = [...front, ...plugs]
    if (run._tag === "End") yield* Pipeline.run(pipeline, request)
    else if (run._tag === "Leave") {
      yield* Effect.scoped(Effect.gen(function*() {
        const live = yield* Pipeline.open(pipeline, request)
        for (let pulls = 0; pulls < run.pulls; pulls++) yield* live.pull
      }))
    } else {
      const fiber = yield* Effect.forkChild(Pipeline.run(pipeline, request))
      while (!waits!()) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    }
  })

/** A world of its own: time that passes by itself, metrics that nobody else writes. */
export const alone = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.provideService(VirtualClock.provide(effect), Metric.MetricRegistry, new Map()))

export const chat = (init: Partial<Parameters<typeof Request.make>[0]> = {}): Request =>
  Request.make({ id: "call-1", provider: "mock", operation: "stream", messages: "Hi", ...init })

/** Text in a few parts. */
export const hello: ReadonlyArray<Part> = [
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: "Hel" },
  { type: "text-delta", id: "0", delta: "lo" },
  { type: "text-end", id: "0" },
  { type: "finish", reason: "stop", usage: { inputTokens: { total: 10, cacheRead: 4 }, outputTokens: { total: 2 } } }
]

export const broken = LlmError.make({ _tag: "Server", message: "it broke", status: 500, code: "internal_error" })
