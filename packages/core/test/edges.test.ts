import { LlmError, type Part, Pipeline, type PlugLike, Plug, Request, Result, Trace } from "@plugline/core"
import { it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { describe, expect } from "vitest"
import { answerer, parts, request, source, streamer, usage } from "./actors.ts"

const mark = (name: string) => Plug.make(name, Request.putMetadata(name, true))
const upper = Plug.mapParts("upper", (part) => part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part)

describe("a run", () => {
  it.effect("also closes what a request opened that a plug made from nothing", () => {
    const watched = source([parts("one")])
    const forget = Plug.make("forget", () => request("another"))
    const waits = Plug.around("waits", (r, next) => Effect.andThen(next(r), Effect.never))
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([waits, forget, streamer(watched)], request()))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(watched.closes).toBeGreaterThan(0)
    })
  })

  it.effect("of a list that was changed is a run of the list as it is now", () => {
    const pipeline: Array<PlugLike> = [mark("a"), answerer()]
    return Effect.gen(function*() {
      yield* Pipeline.run(pipeline, request())
      pipeline[0] = mark("b")
      expect((yield* Pipeline.run(pipeline, request())).metadata).toEqual({ b: true })
    })
  })
})

describe("plugs behind a provider", () => {
  const broken: ReadonlyArray<Part> = [...parts("one").slice(0, 3), { type: "error", error: LlmError.make({ _tag: "Server", message: "x" }).toJSON() }]

  it.effect("do not run when the reply failed, or its reader left", () =>
    Effect.gen(function*() {
      const failed = yield* Pipeline.run([streamer(source([broken])), mark("late")], request())
      expect([failed.state, failed.metadata]).toEqual(["error", {}])
      const ran: Array<string> = []
      const notes = Plug.make("notes", (r) => (ran.push("late"), r))
      yield* Effect.scoped(Effect.flatMap(Pipeline.open([streamer(source(parts("one").map((part) => [part]))), notes], request()), ({ pull }) => pull))
      expect(ran).toEqual([])
    }))

  it.effect("that stand side by side are refused where they change parts, in a race too", () =>
    Effect.gen(function*() {
      const out = yield* Pipeline.run([streamer(source([parts("one")])), Plug.race("late", { a: [upper] })], request())
      expect(out.errors[0]?.message).toMatch(/must come before the provider/)
    }))
})

it.effect("pipelines side by side between a provider that streams and a plug that changes parts are refused, not lost", () =>
  Effect.gen(function*() {
    const side = Plug.parallel("side", { a: [mark("a")] })
    const out = yield* Pipeline.run([streamer(source([parts("one")])), side, upper], request())
    expect(out.errors[0]?.message).toMatch(/plug "side": stands behind the provider and before a plug that changes the parts/)
    expect((yield* Pipeline.run([streamer(source([parts("one")])), upper, side], request())).metadata).toEqual({ a: true })
  }))

it.effect("a whole answer that is refused still says what it cost", () =>
  Effect.map(Pipeline.run([Plug.monitor("no", { every: 3 }, () => "no"), answerer("one two")], request()), (out) => {
    expect(Result.text(out.result)).toBe("one")
    expect(out.result).toMatchObject({ usage })
  }))

it.effect("a monitor never sees half a character", () => {
  const seen: Array<string> = []
  const look = Plug.monitor("look", { every: 1, window: 10 }, ({ text }) => void seen.push(text))
  return Effect.map(Pipeline.run([look, answerer("a😀b")], request()), () => expect(seen).toEqual(["a", "a😀", "a😀b"]))
})

it.effect("a printed trace masks a secret by the name of its field", () =>
  Effect.map(Trace.run([Plug.make("p", Request.putMetadata("password", "hunter2"))], request()), (trace) => {
    expect(Trace.render(trace)).toContain('metadata.password: <redacted>')
    expect(Trace.render(trace)).not.toContain("hunter2")
  }))

it("what a provider says beside deltas is joined: lists appended, objects merged, of the rest the last word", () => {
  const said = (tokens: ReadonlyArray<string>, model: string) => ({ metadata: { p: { logprobs: { tokens }, model } } })
  const folded = Result.fold([
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "a", ...said(["a"], "x") },
    { type: "text-delta", id: "0", delta: "b", ...said(["b"], "y") },
    { type: "text-end", id: "0", metadata: { p: { end: true } } },
    { type: "finish", reason: "stop", usage }
  ])
  expect(folded.content).toEqual([{ type: "text", text: "ab", metadata: { p: { logprobs: { tokens: ["a", "b"] }, model: "y", end: true } } }])
  expect(Result.fold(Result.parts(folded))).toEqual(folded)
})

it("an error knows whether repeating may help, and how long to wait", () => {
  expect(LlmError.make({ _tag: "Authentication", message: "no" }).retryable).toBe(false)
  expect(LlmError.make({ _tag: "Overloaded", message: "later", retryAfter: 5 })).toMatchObject({ retryable: true, retryAfter: 5 })
  expect(LlmError.fromJson(JSON.parse(JSON.stringify(LlmError.make({ _tag: "Server", message: "x", status: 500 }, { provider: "p", plug: "q", attempt: 2 }))))).toMatchObject({
    provider: "p", plug: "q", attempt: 2, status: 500, reason: { _tag: "Server" }
  })
  expect(LlmError.fromJson({ _tag: "LlmError", reason: { _tag: "Nonsense" } }).reason._tag).toBe("MalformedResponse")
})

it.effect("a monitor that looks often gets through a long text", () => {
  let looks = 0
  const text = "abcdefghij".repeat(20_000)
  const often = Plug.monitor("often", { every: 1, window: 5 }, () => void looks++)
  const later = Plug.monitor("later", { every: 1_000 }, () => Effect.as(Effect.yieldNow, undefined))
  return Effect.map(Pipeline.run([often, later, answerer(text)], request()), (out) => {
    expect([out.state, out.errors.map(({ message }) => message), looks]).toEqual(["completed", [], text.length])
  })
})

it("a monitor's options are checked when its pipeline is compiled", () => {
  const error = (options: Parameters<typeof Plug.monitor>[1]) =>
    Effect.runSync(Effect.flip(Pipeline.compile([Plug.monitor("m", options, () => undefined)]))).message
  expect(error({ every: 0 })).toMatch(/plug "m": option every must be a whole number of characters, at least 1, not 0/)
  expect(error({ of: ["txt" as never] })).toMatch(/plug "m": option of must be a list out of "text", "reasoning", "tool-params", not \["txt"\]/)
})

it("what a provider says of another choice stays with that choice", () => {
  const finish: Part = {
    type: "finish",
    reason: "stop",
    usage,
    choices: [{ index: 1, reason: "length", rawReason: "max", metadata: { mock: { seen: true } } }]
  }
  const stream: ReadonlyArray<Part> = [
    { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "a" }, { type: "text-end", id: "0" },
    { type: "text-start", id: "1", choice: 1 }, { type: "text-delta", id: "1", delta: "b", choice: 1 }, { type: "text-end", id: "1", choice: 1 },
    finish
  ]
  const result = Result.fold(stream)
  expect(result.choices).toEqual([
    { index: 1, content: [{ type: "text", text: "b" }], finishReason: "length", rawFinishReason: "max", metadata: { mock: { seen: true } } }
  ])
  expect(Result.fold(Result.parts(result))).toEqual(result)
})
