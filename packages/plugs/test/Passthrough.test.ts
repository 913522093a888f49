import { LlmError, Pipeline, Plug, Request } from "@plugline/core"
import { Passthrough } from "@plugline/plugs"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Effect, Fiber, Logger, Metric } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { alone, chat, endings, hello, run } from "./observe/endings.ts"

const hooks = (log: Array<string>) =>
  Passthrough.plug("watch", {
    onRequest: () => {
      log.push("request")
      return log.length
    },
    onPart: (part) => log.push(part.type),
    onEnd: (_request, begun, ending) => log.push(`${ending} ${begun}`)
  })

const quiet = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => Effect.provide(effect, Logger.layer([]))

describe("laws", () => {
  const observers = {
    "of everything": hooks([]),
    "of nothing": Passthrough.plug("watch", {}),
    "that throws": Passthrough.plug("watch", {
      onRequest: () => {
        throw new Error("request")
      },
      onPart: () => {
        throw new Error("part")
      },
      onEnd: () => {
        throw new Error("end")
      }
    }),
    "that fails later": Passthrough.plug("watch", {
      onRequest: () => Effect.fail("request"),
      onPart: () => Effect.die("part"),
      onEnd: () => Effect.andThen(Effect.sleep(5), Effect.fail("end"))
    })
  }
  for (const [name, observer] of Object.entries(observers)) {
    for (const law of Laws.plug(observer, { numRuns: 20, services: Logger.layer([]) })) {
      it(`an observer ${name} keeps the law of ${law.law}`, law.check)
    }
    it(`an observer ${name} changes nothing`, () =>
      fc.assert(fc.asyncProperty(endings().filter((ending) => ending.run._tag === "End"), Arbitrary.request({ states: ["pending"], operations: ["chat", "stream"] }), async (ending, request) => {
        const final = (front: ReadonlyArray<Plug>) => alone(quiet(Pipeline.run([...front, ...ending.line().plugs], request)))
        expect((await final([observer])).toJSON()).toEqual((await final([])).toJSON())
      }), { numRuns: 40 }))
  }
})

describe("sees", () => {
  it("each request once at its beginning and once at its end, whatever that is", () =>
    fc.assert(fc.asyncProperty(endings(), async (ending) => {
      const log: Array<string> = []
      await alone(quiet(run([hooks(log)], ending, chat())))
      expect(log.filter((entry) => entry === "request"), ending.name).toHaveLength(1)
      const ends = log.filter((entry) => /^(completed|failed|left|interrupted|unanswered) /.test(entry))
      expect(ends, ending.name).toHaveLength(1)
      expect(ending.state, ending.name).toContain(ends[0]!.split(" ")[0])
      expect(log.indexOf("request")).toBe(0)
      expect(log.at(-1)).toBe(ends[0])
    }), { numRuns: 200 }))

  it("the parts of a stream, and of a whole answer those it is made of", async () => {
    const streamed: Array<string> = []
    await alone(Pipeline.run([hooks(streamed), Mock.make([Mock.parts(hello, { as: "stream" })]).plug], chat()))
    expect(streamed).toEqual(["request", "text-start", "text-delta", "text-delta", "text-end", "finish", "completed 1"])
    const whole: Array<string> = []
    await alone(Pipeline.run([hooks(whole), Mock.make([Mock.parts(hello, { as: "whole" })]).plug], chat()))
    expect(whole).toEqual(["request", "text-start", "text-delta", "text-end", "finish", "completed 1"])
    const none: Array<string> = []
    const plug = Passthrough.plug("watch", { whole: false, onPart: (part) => none.push(part.type) })
    await alone(Pipeline.run([plug, Mock.make([Mock.parts(hello, { as: "whole" })]).plug], chat()))
    expect(none).toEqual([])
  })

  it("each attempt of a retry in front of it", async () => {
    const log: Array<string> = []
    const again = Plug.around("again", (request, next) =>
      Effect.flatMap(next(request), (first) => first.state === "error" ? next(request) : Effect.succeed(first)))
    const mock = Mock.make([Mock.fail({ _tag: "Server", message: "no" }), "yes"])
    await alone(Pipeline.run([again, hooks(log), mock.plug], chat({ operation: "chat" })))
    expect(log.filter((entry) => !entry.includes("-") && entry !== "finish")).toEqual(["request", "failed 1", "request", expect.stringMatching(/^completed/)])
  })

  it("a reply that another plug dropped", async () => {
    const log: Array<string> = []
    const drop = Plug.around("drop", (request, next) => Effect.map(next(request), () => Request.refuse(request, "dropped")))
    await alone(Pipeline.run([drop, hooks(log), Mock.make([Mock.parts(hello, { as: "stream" })]).plug], chat()))
    expect(log).toEqual(["request", "left 1"])
  })

  it("a request standing behind the provider, while the reply streams", async () => {
    const log: Array<string> = []
    await alone(Pipeline.run([Mock.make([Mock.parts(hello, { as: "stream" })]).plug, hooks(log)], chat()))
    expect(log.at(-1)).toBe("completed 1")
    expect(log).toContain("text-delta")
  })

  it("an end that holds the content, or with content: false none", async () => {
    for (const content of [true, false]) {
      let seen: Request | undefined
      const plug = Passthrough.plug("watch", { content, onEnd: (request) => void (seen = request) })
      await alone(Effect.scoped(Effect.gen(function*() {
        const live = yield* Pipeline.open([plug, Mock.make([Mock.parts(hello, { as: "stream" })]).plug], chat())
        while ((yield* live.pull) !== undefined) { /* to the end */ }
      })))
      expect(seen?.result).toMatchObject({ content: content ? [{ type: "text", text: "Hello" }] : [], finishReason: "stop" })
    }
  })
})

describe("stays harmless", () => {
  const counted = Effect.map(Metric.snapshot, (all) =>
    all.filter(({ id }) => id === "plugline.passthrough.failures").map(({ attributes, state }) => [attributes?.hook, (state as { count: number }).count]))

  it("counts each failure and logs one line per request, with no secret in it", async () => {
    const lines: Array<string> = []
    const keep = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    const plug = Passthrough.plug("watch", {
      onPart: () => {
        throw new Error("bad key sk-abcdef1234567890")
      },
      onEnd: async () => {
        throw new Error("late")
      }
    })
    const [final, failures] = await alone(Effect.provide(Effect.all([Pipeline.run([plug, Mock.make([Mock.parts(hello, { as: "stream" })]).plug], chat()), counted]), keep))
    expect(final.state).toBe("completed")
    expect(final.errors).toEqual([])
    expect(failures).toEqual([["onPart", 5], ["onEnd", 1]])
    expect(lines).toEqual(["watch: onPart failed: Error: bad key <redacted>"])
  })

  it("goes on without an observer that never answers, also when the run is interrupted", async () => {
    const plug = Passthrough.plug("watch", { patience: 50, onRequest: () => Effect.never, onPart: () => new Promise(() => {}), onEnd: () => Effect.never })
    const final = await alone(quiet(Pipeline.run([plug, Mock.make([Mock.parts(hello, { as: "stream" })]).plug], chat())))
    expect(final.state).toBe("completed")
    const mock = Mock.make([Mock.never()])
    await alone(quiet(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([plug, mock.plug], chat()))
      while (mock.calls.length === 0) yield* Effect.sleep(10)
      yield* Fiber.interrupt(fiber)
    })))
    expect(mock.calls[0]!.interrupted).toBe(true)
  })

  it("sees the end of a request that is interrupted while it comes", async () => {
    const ends: Array<string> = []
    const waiting: Array<true> = []
    const plug = Passthrough.plug("watch", {
      onRequest: () => Effect.andThen(Effect.sync(() => void waiting.push(true)), Effect.never),
      onEnd: (_request, _begun, ending) => void ends.push(ending)
    })
    await alone(quiet(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([plug], chat()))
      while (waiting.length === 0) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    })))
    expect(ends).toEqual(["interrupted"])
  })

  it("hands what onRequest answered, be it later, to the others; undefined where it failed", async () => {
    const seen: Array<unknown> = []
    for (const onRequest of [() => Effect.andThen(Effect.sleep(10), Effect.succeed(7)), async () => 8, () => Effect.fail("no")]) {
      const plug = Passthrough.plug<number>("watch", { onRequest, onEnd: (_request, begun) => void seen.push(begun) })
      await alone(quiet(Pipeline.run([plug, Mock.make(["Hello"]).plug], chat())))
    }
    expect(seen).toEqual([7, 8, undefined])
  })

  it("is not seen by a request that comes halted", async () => {
    const log: Array<string> = []
    const halted = Request.refuse(chat(), "no")
    await alone(Pipeline.run([Plug.make("no", () => halted), hooks(log)], chat()))
    expect(log).toEqual([])
    expect(LlmError.isLlmError(halted.errors[0])).toBe(true)
  })
})
