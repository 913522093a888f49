import { type JsonObject, type Operation, type Options, type Part, Pipeline, Request, Result } from "@plugline/core"
import { embed, local, respond, tokens } from "@plugline/providers/local"
import { it as effectIt } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parts } from "../../src/local/stream.ts"

const make = (messages: string, options: Options = {}, operation: Operation = "chat", config: JsonObject = {}) =>
  Request.make({ provider: "local", messages, options, operation, config })
const run = (request: Request) => Effect.runSync(Pipeline.run(local.pipelines[request.operation as "chat"], request))

const tools = [{ name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } }]

const options: fc.Arbitrary<Options> = fc.record({
  maxTokens: fc.integer({ min: 1, max: 60 }),
  stop: fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 })),
  n: fc.integer({ min: 1, max: 4 }),
  reasoning: fc.constantFrom({}, { effort: "none" }, { effort: "high" }),
  temperature: fc.double({ min: 0, max: 2, noNaN: true }),
  tools: fc.constant(tools),
  toolChoice: fc.constantFrom<NonNullable<Options["toolChoice"]>>("auto", "none"),
  responseFormat: fc.constantFrom<NonNullable<Options["responseFormat"]>>({ type: "text" }, { type: "json" }, { type: "json", schema: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } })
}, { requiredKeys: [] })

const message = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constantFrom("Hello", "What's the weather in Paris?", "1 + 1", "Summarise: A b. C d. E f.", "\ud800", "Who are you?", "👩‍👩‍👧 é ñ")
)

describe("laws", () => {
  it("a stream folded is the whole answer", () => {
    fc.assert(fc.property(message, options, (text, options) => {
      const whole = respond(make(text, options))
      expect(Result.fold(parts(whole))).toEqual(whole)
      const streamed = run(make(text, options, "stream"))
      const { id: _, ...rest } = whole
      expect(streamed.result).toMatchObject(rest)
      expect(run(make(text, options)).result).toEqual(whole)
    }), { numRuns: 300 })
  })

  it("it answers anything, usage adds up, and limits are kept", () => {
    fc.assert(fc.property(message, options, (text, options) => {
      const { usage } = respond(make(text, options))
      const { reasoning, text: visible, total } = usage.outputTokens
      expect(total).toBe(visible! + reasoning!)
      expect(total).toBeLessThanOrEqual((options.maxTokens ?? Infinity) * (options.n ?? 1))
    }), { numRuns: 300 })
  })

  it("tokens joined are the text", () => {
    fc.assert(fc.property(message, (text) => {
      expect(tokens(text).join("")).toBe(text)
      expect(tokens(text).every((token) => token !== "")).toBe(true)
    }))
  })

  it("vectors have length one and as many axes as were asked for, and spelling that is near is near", () => {
    fc.assert(fc.property(message, fc.integer({ min: 1, max: 400 }), (text, dimensions) => {
      const vector = embed(text, dimensions)
      expect(vector).toHaveLength(dimensions)
      expect(Math.hypot(...vector)).toBeCloseTo(1, 9)
    }))
    const near = (a: string, b: string) => embed(a).reduce((sum, value, axis) => sum + value * embed(b)[axis]!, 0)
    expect(near("colour of the house", "colours of houses")).toBeGreaterThan(0.6)
    expect(near("colour of the house", "quantum physics")).toBeLessThan(0.2)
  })
})

describe("the provider", () => {
  effectIt.effect("streams one delta per token", () =>
    Effect.gen(function*() {
      const seen: Array<Part> = [...yield* Stream.runCollect(Pipeline.stream(local.pipelines.stream, make("What is 6 * 7?", {}, "stream")))]
      expect(seen.flatMap((part) => part.type === "text-delta" ? part.delta : [])).toEqual(["6", " ", "*", " ", "7", " ", "=", " ", "42"])
      expect(seen.at(-1)?.type).toBe("finish")
    }))

  effectIt.effect("tokenDelay is waited before each token", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run(local.pipelines.stream, make("What is 6 * 7?", {}, "stream", { tokenDelay: 100 })))
      yield* TestClock.adjust(899)
      expect(fiber.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust(1)
      const final = yield* Fiber.join(fiber)
      expect(Result.text(final.result)).toBe("6 * 7 = 42")
    }))

  it("a tokenDelay that is none is refused", () => {
    for (const tokenDelay of [-1, "5", 1e9]) {
      expect(run(make("Hi", {}, "stream", { tokenDelay })).errors[0]?.reason).toMatchObject({ _tag: "Configuration", option: "tokenDelay" })
    }
  })

  it("has every operation, and the same answer as a continuation", () => {
    expect(run(make("1+1", {}, "completion")).result).toMatchObject({ type: "completion", content: [{ type: "text", text: "1 + 1 = 2" }] })
    expect(run(make("x", { dimensions: 8 }, "embeddings")).result).toMatchObject({ type: "embeddings", model: "ngrams-1", embeddings: [expect.arrayContaining([])] })
    expect(run(Request.make({ provider: "local", operation: "embeddings", messages: [{ role: "user", content: "a" }, { role: "user", content: "b" }] })).result).toMatchObject({ embeddings: [embed("a"), embed("b")] })
    expect(run(Request.make({ provider: "local", operation: "list_models" })).result).toMatchObject({ models: [{ id: "rules-1" }, { id: "ngrams-1" }] })
    expect(run(Request.make({ provider: "local", operation: "validate" })).result).toEqual({ type: "validate", usable: true })
  })

  it("refuses what is not for it", () => {
    expect(run(Request.make({ provider: "local" })).errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
    const other = Request.make({ provider: "openai", messages: "Hi" })
    expect(Effect.runSync(Pipeline.run(local.pipelines.chat, other)).errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", parameter: "provider" })
    expect(run(make("Hi", { toolChoice: "required" })).errors[0]).toMatchObject({ plug: "respond", provider: "local" })
  })

  it("leaves a request alone that has its answer", () => {
    const done = Request.complete(make("Hi"), respond(make("1+1")))
    expect([run(done).state, run(done).result]).toEqual(["completed", done.result])
  })

  it("shows what it is", () => {
    expect(Pipeline.render(local.pipelines.chat)).toBe("validate {\"provider\":\"local\",\"operation\":\"chat\"}\nrespond {\"provider\":\"local\",\"operation\":\"chat\"}")
    expect(local.title).toBe("rule-based responder (no language model)")
  })
})
