import { LlmError, type Part, Pipeline, Plug, type PlugLike, Reply, Request, Result, type Source } from "@plugline/core"
import { it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as fc from "fast-check"
import { describe, expect } from "vitest"
import { answerer, parts, request, source, streamer, usage } from "./actors.ts"

const upper = Plug.mapParts("upper", (part) => part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part)
const batches = (text: string) => parts(text).map((part) => [part])
const note = (log: Array<string>, name: string) =>
  Plug.after(name, (r) => (log.push(`${name}: ${r.state} ${JSON.stringify(Result.text(r.result))}`), r))
const broken = LlmError.make({ _tag: "Server", message: "broke" })
const brokenParts: ReadonlyArray<Part> = [...parts("one two").slice(0, 4), { type: "error", error: broken.toJSON() }]

describe("a streamed reply", () => {
  it.effect("means the same to every plug as a whole one, each where it stands", () => {
    const line = (log: Array<string>, provider: Plug) => [note(log, "outer"), upper, note(log, "inner"), provider, note(log, "behind")]
    return Effect.gen(function*() {
      const [whole, streamed]: [Array<string>, Array<string>] = [[], []]
      const a = yield* Pipeline.run(line(whole, answerer("one two")), request())
      const b = yield* Pipeline.run(line(streamed, streamer(source(batches("one two")))), request())
      expect(streamed).toEqual(whole)
      expect(whole).toEqual(['behind: completed "one two"', 'inner: completed "one two"', 'outer: completed "ONE TWO"'])
      expect(JSON.stringify(a)).toBe(JSON.stringify(b))
    })
  })

  it.effect("is the same reply however it is cut into batches", () =>
    Effect.promise(() => fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }), async (sizes) => {
      const all = [...parts("one two three four")]
      const cut: Array<ReadonlyArray<Part>> = []
      for (let index = 0; all.length > 0; index++) cut.push(all.splice(0, sizes[index % sizes.length]))
      const out = await Effect.runPromise(Pipeline.run([upper, streamer(source(cut))], request()))
      expect(out.result).toEqual(Result.fold(parts("ONE TWO THREE FOUR")))
    }))))

  it.effect("ends in an error, with what had arrived, when it breaks", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([note(log, "outer"), upper, streamer(source([brokenParts]))], request())
      expect([out.state, Result.text(out.result), out.errors.map(({ plug, reason }) => [plug, reason._tag])]).toEqual(["error", "ONE TWO", [["provider", "Server"]]])
      expect(log).toEqual(['outer: error "ONE TWO"'])
    })
  })

  it.effect("that stops without an end is cut, never finished", () =>
    Effect.map(Pipeline.run([streamer(source([parts("one two").slice(0, 3)]))], request()), (out) => {
      expect(out.state).toBe("error")
      expect(out.errors[0]?.reason._tag).toBe("CutStream")
    }))

  it.effect("has nothing behind its end, and its end cannot be swallowed", () => {
    const late: Part = { type: "text-delta", id: "9", delta: "late" }
    const swallows = Plug.mapParts("swallows", (part) => part.type === "finish" ? [] : part)
    return Effect.gen(function*() {
      const out = yield* Stream.runCollect(Pipeline.stream([swallows, streamer(source([[...parts("one"), late], [late]]))], request()))
      expect(out.map(({ type }) => type)).toEqual(["response-metadata", "text-start", "text-delta", "text-end", "finish"])
    })
  })

  it.effect("is closed at the provider when it has been read, has broken, was halted, or its reader has left", () => {
    const halts = Plug.monitor("halts", { every: 3 }, () => "enough")
    return Effect.gen(function*() {
      for (const [plugs, read] of [
        [[], Stream.runDrain], [[halts], Stream.runDrain], [[], (s: Stream.Stream<Part, LlmError>) => Stream.runDrain(Stream.take(s, 2))]
      ] as const) {
        const watched = source(batches("one two three"))
        yield* Effect.exit(read(Pipeline.stream([...plugs, streamer(watched)], request())))
        expect(watched.closes).toBeGreaterThan(0)
      }
    })
  })

  it.effect("pulls no more than its reader asks for", () => {
    const watched = source(batches("one two three four five"))
    return Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open([upper, streamer(watched)], request())
      expect(watched.pulls).toBe(0)
      yield* live.pull
      yield* live.pull
      expect(watched.pulls).toBe(2)
    }))
  })

  it.effect("tells every plug that its reader has left, once, with the state still streaming", () => {
    const log: Array<string> = []
    const watched = source(batches("one two three"))
    return Effect.gen(function*() {
      yield* Stream.runDrain(Stream.take(Pipeline.stream([note(log, "outer"), Plug.stream("life", () => ({ error: (r, why) => (log.push(`left ${why}`), r) })), streamer(watched)], request()), 3))
      expect(log).toEqual(["left undefined", 'outer: streaming ""'])
    })
  })

  it.effect("is left when its run is interrupted", () => {
    const log: Array<string> = []
    const watched = source(batches("one two"), Effect.never)
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([note(log, "outer"), streamer(watched)], request()))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(log).toEqual(['outer: streaming ""'])
      expect(watched.closes).toBeGreaterThan(0)
    })
  })

  it.effect("whose end a plug objects to ends in that error, not cleanly", () =>
    Effect.gen(function*() {
      const objects = Plug.after("objects", Request.refuse("too short"))
      const seen: Array<Part> = []
      const error = yield* Effect.flip(Stream.runForEach(Pipeline.stream([objects, streamer(source(batches("one")))], request()), (part) => Effect.sync(() => void seen.push(part))))
      expect(error.message).toBe('mock, plug "objects": too short (Halted)')
      expect(seen.at(-1)).toMatchObject({ type: "error", error: { plug: "objects" } })
      expect(seen.filter(({ type }) => type === "finish")).toEqual([])
    }))

  it.effect("keeps no content that nobody reads", () =>
    Effect.scoped(Effect.gen(function*() {
      const counts = Plug.after("counts", (r) => Request.putMetadata(r, "tokens", Result.isChat(r.result) ? r.result.usage.outputTokens.total ?? null : null), { content: false })
      const live = yield* Pipeline.open([counts, streamer(source(batches("one two")))], request())
      while ((yield* live.pull) !== undefined) { /* read on */ }
      expect(live.final()?.metadata).toEqual({ tokens: 2 })
      expect(live.final()?.result).toMatchObject({ content: [], usage })
    })))

  it.effect("goes through plugs that take their time, part by part and in order", () => {
    const slow = Plug.mapParts("slow", (part) => part.type === "text-delta" ? Effect.as(Effect.yieldNow, [part, part]) : part)
    return Effect.gen(function*() {
      for (const provider of [answerer("one two"), streamer(source([parts("one two")])), streamer(source(batches("one two")))]) {
        const out = yield* Pipeline.run([upper, slow, provider], request())
        expect(Result.text(out.result)).toBe(provider.name === "answerer" ? "ONE TWOONE TWO" : "ONEONE TWO TWO")
      }
    })
  })

  it.effect("fails where a plug throws in the middle of it", () => {
    const throws = Plug.mapParts("throws", (part) => { if (part.type === "text-delta") throw new Error("boom"); return part })
    return Effect.map(Pipeline.run([throws, streamer(source(batches("one")))], request()), (out) => {
      expect(out.errors.map(({ message }) => message)).toEqual(['mock, plug "throws": Error: boom (Plug)'])
    })
  })
})

describe("a whole answer", () => {
  it.effect("streams as the parts it is made of", () =>
    Effect.map(Stream.runCollect(Pipeline.stream([upper, answerer("one two")], request())), (out) =>
      expect(Result.fold(out)).toEqual(Result.fold(parts("ONE TWO")))))

  it.effect("fails as a stream when the request was refused", () =>
    Effect.map(Effect.flip(Stream.runDrain(Pipeline.stream([Plug.make("no", Request.refuse("no"))], request()))), (error) => expect(error.reason._tag).toBe("Halted")))
})

describe("a monitor", () => {
  const text = "abcdefghij 😀😀😀 the forbidden word and more"
  const guard = Plug.monitor("guard", { every: 5, window: 30 }, ({ text }) => text.includes("forbidden") ? "forbidden" : undefined)

  it.effect("halts at the same place however the text is cut, and never inside a character", () =>
    Effect.promise(() => fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (sizes) => {
      let at = 0
      const cut = Array.from({ length: text.length }, (_, index) => {
        const from = at
        at += sizes[index % sizes.length]!
        return text.slice(from, at)
      }).filter((delta) => delta !== "").map((delta): Part => ({ type: "text-delta", id: "0", delta }))
      const out = await Effect.runPromise(Pipeline.run([guard, streamer(source([[{ type: "text-start", id: "0" }, ...cut, { type: "text-end", id: "0" }, { type: "finish", reason: "stop", usage }]]))], request()))
      expect(out.errors[0]?.plug).toBe("guard")
      expect(Result.text(out.result)).toBe("abcdefghij 😀😀😀 the forbidden wor")
    }))))

  it.effect("looks at what is left when the reply ends, and can take its time", () => {
    const slow = Plug.monitor("slow", { every: 1000 }, ({ length }) => Effect.as(Effect.yieldNow, length > 3 ? LlmError.make({ _tag: "ContentPolicy", message: "long" }) : undefined))
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([slow, streamer(source(batches("four")))], request())
      expect(out.errors[0]?.reason._tag).toBe("ContentPolicy")
      expect((yield* Pipeline.run([slow, answerer("ok")], request())).state).toBe("completed")
    })
  })
})

describe("behind a provider that streams", () => {
  const left = (name: string) => Plug.make(name, (r) => Request.putMetadata(r, name, Result.text(r.result)))
  const lines: Record<string, () => PlugLike> = {
    branch: () => Plug.branch("b", (r) => Result.text(r.result).length > 3, { yes: [left("long")], no: [left("short")] }),
    parallel: () => Plug.parallel("p", { a: [left("one")], b: [left("two")] }),
    race: () => Plug.race("r", { a: [Plug.make("slow", (r) => Effect.as(Effect.sleep(1), r)), left("slow")], b: [left("fast")] }),
    around: () => Plug.around("a", (r, next) => Effect.map(next(Request.putMetadata(r, "seen", Result.text(r.result))), (r) => Request.putMetadata(r, "back", true))),
    group: () => Plug.group("g", [left("inside")])
  }
  for (const [kind, plug] of Object.entries(lines)) {
    it.live(`${kind} means what it means behind one that answers whole`, () =>
      Effect.gen(function*() {
        const whole = yield* Pipeline.run([answerer("one two"), plug(), left("last")], request())
        const streamed = yield* Pipeline.run([streamer(source(batches("one two"))), plug(), left("last")], request())
        expect(streamed.metadata).toEqual(whole.metadata)
        expect(Object.keys(whole.metadata).length).toBeGreaterThan(1)
      }))
  }
})

it.effect("the outcome does not depend on how many parts come at a time", () =>
  Effect.gen(function*() {
    const halts = Plug.monitor("halts", { every: 3 }, ({ length }) => length > 12 ? "too long" : undefined)
    const all = [...parts("a text of more than twelve").slice(0, -2), Object.freeze<Part>({ type: "error", error: broken.toJSON() })]
    const one = yield* Pipeline.run([halts, streamer(source(all.map((part) => [part])))], request())
    const batch = yield* Pipeline.run([halts, streamer(source([all]))], request())
    expect(one.errors.map(({ plug }) => plug)).toEqual(["halts"])
    expect(JSON.stringify(batch)).toBe(JSON.stringify(one))
  }))

describe("the rest of the line", () => {
  it.effect("runs when it is evaluated, and each time", () => {
    let asked = 0
    const counts = Plug.make("counts", (r) => (asked++, Request.refuse(r, String(asked))))
    const later = Plug.around("later", (r, next) => {
      const rest = next(r)
      expect(asked).toBe(0)
      return Effect.andThen(rest, Effect.andThen(rest, rest))
    })
    return Effect.map(Pipeline.run([later, counts], request()), (out) => expect([asked, out.errors[0]?.reason.message]).toEqual([3, "3"]))
  })

  it.effect("answered with a stream that is not handed on: the plugs inside hear that it was left, at once, and it is closed", () => {
    const log: Array<string> = []
    const [first, second] = [source(batches("one")), source(batches("two"))]
    const sources = [first, second]
    const twice = Plug.around("twice", (r, next) =>
      Effect.gen(function*() {
        yield* next(r)
        const again = yield* next(r)
        log.push("handed on")
        return again
      }))
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([twice, note(log, "inner"), Plug.make("streamer", (r) => Request.stream(r, sources.shift()!))], request())
      expect(Result.text(out.result)).toBe("two")
      expect(log).toEqual(["handed on", 'inner: streaming ""', 'inner: completed "two"'])
      expect([first.pulls, first.closes]).toEqual([0, 1])
    })
  })

  it.effect("is left also when the plug answers by itself, loses a race, or is interrupted", () => {
    return Effect.gen(function*() {
      const log: Array<string> = []
      const cached = Plug.around("cached", (r, next) => Effect.as(next(r), Request.complete(r, Result.fold(parts("cached")))))
      yield* Pipeline.run([cached, note(log, "a"), streamer(source(batches("one")))], request())
      yield* Pipeline.run([Plug.race("r", { one: [note(log, "b"), streamer(source(batches("1")))], two: [note(log, "c"), streamer(source(batches("2")))] })], request())
      const waits = Plug.around("waits", (r, next) => Effect.andThen(next(r), Effect.never))
      const fiber = yield* Effect.forkChild(Pipeline.run([waits, note(log, "d"), streamer(source(batches("one")))], request()))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(log.toSorted()).toEqual(['a: streaming ""', 'b: completed "1"', 'd: streaming ""'])
    })
  })

  it.effect("of pipelines side by side cannot change parts behind the provider, and says so", () =>
    Effect.gen(function*() {
      const late = Plug.parallel("late", { a: [upper] })
      for (const provider of [answerer(), streamer(source(batches("one")))]) {
        const out = yield* Pipeline.run([provider, late], request())
        expect(out.errors[0]?.message).toMatch(/plug "upper" changes the parts of a reply.*must come before the provider/)
      }
    }))
})

describe("what a plug puts around the waiting for parts", () => {
  const pulling = (wrap: (pull: Source["pull"]) => Source["pull"]) =>
    Plug.around("pulling", (r, next) => Effect.map(next(r), (answer) => Reply.pulling(answer, { _tag: "Pull", plug: "pulling", wrap })))

  it.effect("is around every wait, the outermost plug's outside, and the source stays the one that is closed", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const noted = (name: string) => pulling((pull) => Effect.tap(pull, () => Effect.sync(() => log.push(name))))
      const watched = source(batches("one two"))
      const final = yield* Pipeline.run([noted("outer"), upper, noted("inner"), streamer(watched)], request())
      expect(Result.text(final.result)).toBe("ONE TWO")
      expect(log.slice(0, 4)).toEqual(["inner", "outer", "inner", "outer"])
      expect(log.length).toBe(watched.pulls * 2)
      expect(watched.closes).toBe(1)
    }))

  it.effect("may end the reply with an error, and cannot throw out of it", () =>
    Effect.gen(function*() {
      const error: Part = { type: "error", error: LlmError.make({ _tag: "Timeout", phase: "idle", message: "too slow" }).toJSON() }
      for (const wrap of [
        () => Effect.succeed([error]),
        () => Effect.die(new Error("boom")),
        () => {
          throw new Error("boom")
        }
      ]) {
        const watched = source(batches("one two"))
        const final = yield* Pipeline.run([pulling(wrap), streamer(watched)], request())
        expect(final.state).toBe("error")
        expect(final.errors.length).toBe(1)
        expect(watched.closes).toBe(1)
      }
    }))

  it.effect("leaves a whole reply alone", () =>
    Effect.gen(function*() {
      const final = yield* Pipeline.run([pulling(() => Effect.die("not called")), answerer("one two")], request())
      expect(Result.text(final.result)).toBe("one two")
    }))
})
