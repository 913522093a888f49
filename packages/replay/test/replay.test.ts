/**
 * A recorded run is run again without its world: same steps, same outcome, nothing asked outside; and what goes another
 * way is shown by its place.
 *
 * @module
 */
import { Key, LlmError, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { Bytes, Part, PlugLike } from "@plugline/core"
import { Mock, Replay } from "@plugline/testing"
import { Clock, Effect, Exit, Random } from "effect"
import { describe, expect, it } from "vitest"

const chat = Request.make({ provider: "mock", messages: "Hi" })
const stream = Request.withOperation(chat, "stream")

/** Records on the real clock, and gives the replay of it with a provider that must not be asked. */
const both = async (pipeline: Pipeline, request: Request, edge: string | ReadonlyArray<string> = "mock",
  again: Pipeline = pipeline) => {
  const recording = await Effect.runPromise(Replay.record(pipeline, request, { edge }))
  const stored = Replay.decode(JSON.parse(JSON.stringify(Replay.encode(recording))))
  const replayed = await Effect.runPromise(Replay.replay(again, stored, { edge }))
  return { recording, stored, replayed, differences: Replay.equal(recording, replayed),
    fromFile: Replay.equal(stored, replayed) }
}

const retry = (attempts: number, wait: number): Plug =>
  Plug.around("retry", (request, next) => {
    const ask = (request: Request, left: number): Effect.Effect<Request> =>
      Effect.flatMap(next(request), (answer) =>
        answer.state === "error" && left > 1
          ? Effect.andThen(Effect.sleep(wait), Effect.suspend(() =>
            ask(answer.errors.slice(request.errors.length).reduce((request, error) =>
              Request.addError(request, error), request), left - 1)))
          : Effect.succeed(answer))
    return ask(request, attempts)
  })

const timed = Plug.around("timed", (request, next) =>
  Effect.gen(function*() {
    const begun = yield* Clock.currentTimeNanos
    const answer = yield* next(request)
    const dice = yield* Random.nextInt
    const toss = yield* Random.next
    return Request.assign(answer, Key.make("timed"), {
      took: String((yield* Clock.currentTimeNanos) - begun),
      at: yield* Clock.currentTimeMillis,
      since: String(yield* Clock.monotonicTimeNanos),
      dice,
      toss
    })
  }))

describe("a replay", () => {
  it("goes the same way with the clock and the random numbers of the record", async () => {
    const mock = Mock.make([Mock.text("Hello", { delay: 3 })])
    const { differences, fromFile, recording, replayed } = await both([timed, mock.plug], chat)
    expect(differences).toEqual([])
    expect(fromFile).toEqual([])
    expect(replayed.outcome!.assigns).toEqual(recording.outcome.assigns)
    expect(recording.world.clock.millis.length).toBeGreaterThan(0)
    expect(recording.world.random.integers.length).toBe(1)
    expect(mock.calls.length).toBe(1)
  })

  it("plays a stream, piece by piece", async () => {
    const mock = Mock.make([Mock.text("Hello, world", { cut: 4, between: 2 })])
    const upper = Plug.mapParts("upper", (part) =>
      part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part)
    const { differences, recording, replayed } = await both([upper, mock.plug], stream)
    expect(differences).toEqual([])
    expect(Result.text(replayed.outcome!.result)).toBe("HELLO, WORLD")
    expect(recording.world.exchanges[0]?.parts?.length).toBe(6)
    expect(replayed.trace.parts.length).toBe(recording.trace.parts.length)
    expect(mock.calls.length).toBe(1)
  })

  it("plays every attempt, and waits for none", async () => {
    const busy = Mock.fail({ _tag: "Overloaded", message: "busy" })
    const mock = Mock.make([busy, Mock.throws(new Error("reset")), busy, Mock.text("at last", { as: "stream" })])
    const line = [retry(4, 100), timed, mock.plug]
    const { differences, recording, replayed } = await both(line, chat)
    expect(differences).toEqual([])
    expect(recording.world.exchanges.map(({ outcome }) =>
      outcome._tag)).toEqual(["Answer", "Failure", "Answer", "Answer"])
    expect(replayed.outcome!.errors.map(({ reason }) => reason._tag)).toEqual(["Overloaded", "Plug", "Overloaded"])
    expect(replayed.trace.steps.filter(({ name }) =>
      name === "timed").map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    expect(Result.text(replayed.outcome!.result)).toBe("at last")
    const begun = performance.now()
    await Effect.runPromise(Replay.replay([retry(4, 100), timed, mock.plug], recording, { edge: "mock" }))
    expect(performance.now() - begun).toBeLessThan(150)
  })

  it("plays failures: refused, thrown, cut off, broken in the middle", async () => {
    const parts = Result.parts(Result.fold([{ type: "text-delta", id: "0", delta: "half" }, Mock.finish])).slice(0, -1)
    const error = LlmError.make({ _tag: "Server", message: "down", status: 503 })
    for (const reply of [Mock.fail(error), Mock.throws("odd"), Mock.cut(parts), Mock.fail(error, { after: parts }),
      Mock.fail(error, { delay: 2 })]) {
      for (const request of [chat, stream]) {
        const { differences, replayed } = await both([Mock.make(() => reply).plug], request)
        expect(differences).toEqual([])
        expect(replayed.outcome!.state).toBe("error")
      }
    }
  })

  it("lets a time-out pass that had passed, over an edge that never answered", async () => {
    const timeout = Plug.around("timeout", (request, next) =>
      Effect.timeoutOrElse(next(request), { duration: 10, orElse: () =>
        Effect.succeed(Request.refuse(request, "too late")) }))
    const { differences, recording, replayed } = await both([timeout, Mock.make(() => Mock.never()).plug], chat)
    expect(recording.world.exchanges[0]?.outcome._tag).toBe("Interrupted")
    expect(differences).toEqual([])
    expect(replayed.outcome!.errors[0]?.message).toContain("too late")
  })

  it("keeps the order in which lanes of a race came in", async () => {
    const lane = (name: string, delay: number) => Mock.make(() => Mock.text(name, { delay }), { name }).plug
    const race = Plug.race("race", { slow: [lane("slow", 40)], fast: [lane("fast", 4)] })
    const { differences, replayed } = await both([race], chat, ["slow", "fast"])
    expect(differences).toEqual([])
    expect(Result.text(replayed.outcome!.result)).toBe("fast")
  })

  it("keeps the order in which things went on behind answers that took their time", async () => {
    const roll = (name: string): Plug =>
      Plug.make(`roll-${name}`, (request) =>
        Effect.map(Random.nextInt, (number) => Request.assign(request, Key.make(name), number)))
    const lane = (name: string, delay: number): Pipeline =>
      [Mock.make(() => Mock.text(name, { delay }), { name }).plug, roll(name)]
    const { differences, recording } = await both(
      [Plug.parallel("both", { slow: lane("slow", 30), fast: lane("fast", 3) })],
      chat,
      ["slow", "fast"]
    )
    expect(recording.world.random.integers[0]).toBe(recording.outcome.assigns.fast)
    expect(differences).toEqual([])
  })

  it("gives a request the answer to an equal one, also where they come in another order", async () => {
    const asks = (...temperatures: ReadonlyArray<number>): Plug =>
      Plug.around("asks", (request, next) =>
        Effect.map(
          Effect.forEach(temperatures, (temperature) => next(Request.mergeOptions(request, { temperature }))),
          (answers) => Request.putMetadata(answers[0]!, "said", answers.map(({ result }) => Result.text(result)))
        ))
    const { plug } = Mock.make(({ options }) => `warm ${options.temperature}`)
    const { recording, replayed } = await both([asks(0, 1), plug], chat, "mock", [asks(1, 0), plug])
    expect(recording.outcome.metadata.said).toEqual(["warm 0", "warm 1"])
    expect(replayed.outcome!.metadata.said).toEqual(["warm 1", "warm 0"])
  })

  it("plays the bytes of a response that was read behind the edge", async () => {
    const bytes: Bytes = (() => {
      const left = ["Hel", "lo", "\u00ff"]
      return {
        pull: Effect.sync(() => {
          const text = left.shift()
          return text === undefined ? undefined : [Uint8Array.from(text, (character) => character.charCodeAt(0))]
        }),
        close: Effect.void
      }
    })()
    const send = Plug.make("send", (request) =>
      Request.putResponse(Request.execute(request), { status: 200, headers: {}, body: bytes }))
    const parse = Plug.make("parse", (request) =>
      Effect.gen(function*() {
        const body = request.response!.body as Bytes
        let text = ""
        for (let some = yield* body.pull; some !== undefined; some = yield* body.pull) {
          for (const chunk of some) text += String.fromCharCode(...chunk)
        }
        return Request.complete(request, Result.fold([{ type: "text-delta", id: "0", delta: text }, Mock.finish]))
      }))
    const { differences, recording, replayed } = await both([send, parse], chat, "send")
    expect(differences).toEqual([])
    expect(Result.text(replayed.outcome!.result)).toBe("Hello\u00ff")
    expect(recording.world.exchanges[0]?.bytes?.map(({ got }) => got)).toEqual([["SGVs"], ["bG8="], ["/w=="], null])
  })

  it("plays a connection that breaks in the middle", async () => {
    let pulls = 0
    const reset = LlmError.make({ _tag: "Network", message: "reset" })
    const pull = Effect.suspend(() =>
      pulls++ === 0 ? Effect.succeed([new Uint8Array([65])]) : Effect.fail(reset))
    const send = Plug.make("send", (request) =>
      Request.putResponse(Request.execute(request), { status: 200, headers: {}, body: { pull, close: Effect.void } }))
    const parse = Plug.make("parse", (request) => {
      const { pull } = request.response!.body as Bytes
      return Effect.andThen(pull, Effect.as(pull, request))
    })
    const { differences, replayed } = await both([send, parse], chat, "send")
    expect(differences).toEqual([])
    expect(replayed.outcome!.errors[0]?.reason).toEqual(reset.reason)
  })

  it("leaves out what the edge itself reads of the clock and of Random", async () => {
    const send = Plug.of({
      name: "send",
      make: Effect.map(Clock.currentTimeMillis, () => new Plug.Linear((request) =>
        Effect.gen(function*() {
          yield* Clock.currentTimeMillis
          yield* Random.next
          const pull = Effect.map(Clock.currentTimeNanos, (): ReadonlyArray<Part> => [Mock.finish])
          return Request.stream(request, { pull, close: Effect.void })
        })))
    })
    const { differences, recording } = await both([send], chat, "send")
    expect(differences).toEqual([])
    expect(recording.world.clock).toEqual({ millis: [], nanos: [], monotonic: [] })
    expect(recording.world.random).toEqual({ integers: [], doubles: [] })
  })

  it("leaves out what the edge reads of a clock that it was given when it was made", async () => {
    const send = Plug.of({
      name: "send",
      make: Effect.map(Clock.Clock, (clock) => new Plug.Linear((request) => {
        clock.currentTimeMillisUnsafe()
        return Request.complete(Request.execute(request), Result.fold([Mock.finish]))
      }))
    })
    const { differences, recording } = await both([send], chat, "send")
    expect(differences).toEqual([])
    expect(recording.world.clock.millis).toEqual([])
  })

  it("finds the edge inside other plugs", async () => {
    const mock = Mock.make(["deep"])
    const line: ReadonlyArray<PlugLike> = [Plug.group("outer", [Plug.branch("inner", () =>
      true, { yes: [[mock.plug]] })])]
    const { differences, replayed } = await both(line, chat)
    expect(differences).toEqual([])
    expect(Result.text(replayed.outcome!.result)).toBe("deep")
    expect(mock.calls.length).toBe(1)
  })
})

describe("differences", () => {
  const warm = (temperature: number) => Plug.make("warm", Request.mergeOptions({ temperature }))

  it("are shown by their place", async () => {
    const { plug } = Mock.make(() => "Hello")
    const { differences } = await both([warm(0), plug], chat, "mock", [warm(1), plug])
    expect(differences).toEqual(expect.arrayContaining([
      { path: "steps[\"0#1\"].out.options.temperature", recorded: 0, replayed: 1 },
      { path: "outcome.options.temperature", recorded: 0, replayed: 1 },
      { path: "world.exchanges[0].request.options.temperature", recorded: 0, replayed: 1 }
    ]))
  })

  it("show a plug more, a question more, and a reading of the clock more", async () => {
    const { plug } = Mock.make(() => Mock.fail({ _tag: "Server", message: "down" }))
    const { differences, replayed } = await both([plug], chat, "mock", [retry(2, 1), timed, plug])
    const paths = differences.map(({ path }) => path)
    expect(paths).toContain("steps[\"2#1\"]")
    expect(paths).toContain("world.exchanges[1]")
    expect(paths).toContain("world.clock.millis[0]")
    expect(replayed.outcome!.errors.at(-1)?.message).toContain("the recording holds no further answer of plug \"mock\"")
  })

  it("show an answer that is not asked for any more", async () => {
    const { plug } = Mock.make(() => "Hello")
    const { differences } = await both([plug], chat, "mock", [Plug.make("refuse", Request.refuse("no")), plug])
    expect(differences.map(({ path }) => path)).toContain("world.exchanges[0]")
  })
})

describe("a record", () => {
  it("refuses an edge that is not there", async () => {
    const exit = await Effect.runPromiseExit(Replay.record([Mock.make([]).plug], chat, { edge: "mok" }))
    expect(Exit.isFailure(exit) && String(exit.cause)).toContain("did you mean \"mock\"?")
  })

  it("refuses an edge that hands on to the rest of the line", async () => {
    const { outcome } = await Effect.runPromise(Replay.record([timed, Mock.make(["Hello"]).plug], chat,
      { edge: "timed" }))
    expect(outcome.errors[0]?.message).toContain("plug \"timed\" cannot be recorded as an edge")
  })

  it("holds no secret", async () => {
    const secret = Request.make({ provider: "mock", messages: "Hi",
      config: { headers: { authorization: "Bearer canary-0123456789" } } })
    const recording = await Effect.runPromise(Replay.record([Mock.make(["Hello"]).plug], secret, { edge: "mock" }))
    expect(JSON.stringify(Replay.encode(recording))).not.toContain("canary")
  })

  it("is refused where it is none", () => {
    for (const json of [null, 7, {}, { version: 1 }, { version: 2 }, [], "x"]) expect(() =>
      Replay.decode(json)).toThrow(LlmError.LlmError)
  })
})
