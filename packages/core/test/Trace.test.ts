import { Diff, LlmError, Pipeline, Plug, Request, Trace } from "@plugline/core"
import { it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { describe, expect } from "vitest"
import { answerer, parts, request, source, streamer } from "./actors.ts"

const mark = (name: string) => Plug.make(name, Request.putMetadata(name, true))
let tries = 0
const line = () => {
  tries = 0
  return [
    Plug.around("retry", (r, next) => Effect.flatMap(next(r), (out) => out.state === "error" ? next(r) : Effect.succeed(out))),
    Plug.branch("way", () => true, { yes: [mark("a")] }),
    Plug.make("wait", (r) => Effect.as(Effect.sleep(5), r)),
    Plug.make("flaky", (r) => ++tries === 1 ? Request.fail(r, LlmError.make({ _tag: "Server", message: "down" })) : r),
    answerer()
  ]
}
const traced = Effect.gen(function*() {
  const fiber = yield* Effect.forkChild(Trace.run(line(), request()))
  yield* TestClock.adjust(20)
  return yield* Fiber.join(fiber)
})

describe("a trace", () => {
  it.effect("holds what each plug was handed and handed on, with places, attempts and times", () =>
    Effect.gen(function*() {
      const trace = yield* traced
      expect(trace.steps.map(({ attempt, name, path }) => `${path} ${name} ${attempt}`)).toEqual([
        "0 retry 1", "1 way 1", "1.yes.0 a 1", "2 wait 1", "3 flaky 1", "1 way 2", "1.yes.0 a 2", "2 wait 2", "3 flaky 2", "4 answerer 1"
      ])
      const [retry, , a, wait] = trace.steps
      expect(retry!.calls).toHaveLength(2)
      expect(a!.out).toBe(wait!.in)
      expect([wait!.startedAt, wait!.endedAt, retry!.endedAt]).toEqual([0, 5, 10])
      expect([Trace.ownTime(retry!), Trace.ownTime(wait!)]).toEqual([0, 5])
      expect(Trace.changes(a!).added).toEqual([{ path: "metadata.a", value: true }])
      expect(trace.final?.state).toBe("completed")
    }))

  it.effect("of a stream holds its parts with their times, and what each plug did at its end", () =>
    Effect.gen(function*() {
      const trace = yield* Trace.run([
        Plug.mapParts("upper", (part) => part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part),
        Plug.after("cost", Request.putMetadata("cost", 1)),
        streamer(source([parts("one two")]))
      ], request())
      expect(trace.parts.filter(({ plug }) => plug === undefined)).toHaveLength(parts("one two").length)
      expect(trace.ends.map(({ after, before, plug }) => [plug, Trace.diff(before, after).added])).toEqual([["cost", [{ path: "metadata.cost", value: 1 }]]])
    }))

  it.effect("survives JSON, sharing what its requests share", () =>
    Effect.gen(function*() {
      const trace = yield* traced
      const json = JSON.parse(JSON.stringify(trace))
      expect(json.values.filter((value: unknown) => Array.isArray(value) && JSON.stringify(value).includes("hello") && JSON.stringify(value).includes("role"))).toHaveLength(1)
      expect(JSON.parse(JSON.stringify(Trace.decode(json)))).toEqual(json)
      expect(Trace.render(Trace.decode(json))).toBe(Trace.render(trace))
      expect(() => Trace.decode({ ...json, steps: 5 })).toThrow(/steps does not fit/)
      expect(() => Trace.decode({})).toThrow(/no trace/)
    }))

  it.effect("shows no secret", () =>
    Effect.gen(function*() {
      const canary = "sk-canary0123456789abcdef"
      const secret = Request.mergeConfig(request(), { apiKey: Redacted.make(canary), headers: { "x-api-key": canary } })
      const trace = yield* Trace.run([
        Plug.make("leak", (r) => r.pipe(Request.putMetadata("token", canary), Request.mergeConfig({ clientSecret: canary }))),
        Plug.make("fails", () => { throw new Error(`bad key ${canary}`) })
      ], secret)
      for (const shown of [inspect(trace), JSON.stringify(trace), Trace.render(trace)]) expect(shown).not.toContain("canary")
    }))

  it.effect("is text a person can read", () =>
    Effect.gen(function*() {
      expect(Trace.render(yield* traced, { width: 90 }).split("\n").slice(0, 4)).toMatchInlineSnapshot(`
        [
          "retry      0.00 ms  → called the rest of the line 2 times",
          "way        0.00 ms  → + metadata.a: true",
          "  a        0.00 ms  → + metadata.a: true",
          "wait       5.00 ms  ·",
        ]
      `)
    }))
})

it.effect("each plug gets a span where spans are asked for, and none otherwise", () => {
  const spans: Array<string> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(options.name)
      return span
    }
  })
  return Effect.gen(function*() {
    yield* Pipeline.run([mark("a"), answerer()], request())
    expect(spans).toEqual([])
    yield* Pipeline.run([mark("a"), Plug.after("b", (r) => r), answerer()], request(), { spans: true })
    expect(spans).toEqual(["plug a", "plug answerer", "plug b"])
  }).pipe(Effect.withTracer(tracer))
})

it("a difference reads like code", () => {
  expect(Diff.between({ a: { "x y": 1 }, l: [1] }, { a: { "x y": 2 }, l: [1, { b: 3 }] })).toEqual({
    added: [{ path: "l[1]", value: { b: 3 } }],
    removed: [],
    changed: [{ path: 'a["x y"]', before: 1, after: 2 }]
  })
})
