import { type EmbeddingsResult, LlmError, Message, Pipeline, Plug, Request } from "@plugline/core"
import { Laws, Mock } from "@plugline/testing"
import { Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Batch, Identity, Tokens } from "../src/index.ts"

const ask = (texts: ReadonlyArray<string>, more: Partial<Parameters<typeof Request.make>[0]> = {}) =>
  Request.make({
    operation: "embeddings", provider: "mock", messages: texts.map((text) => ({ role: "user", content: text })), options: { model: "m" }, ...more
  })

/** A vector tells its text. */
const vector = (text: string): ReadonlyArray<number> => [...text].map((letter) => letter.codePointAt(0)!)
const texts = (request: Request) => request.messages.map((message) => Message.text([message]))
const answer = (request: Request): EmbeddingsResult => ({
  type: "embeddings",
  embeddings: texts(request).map(vector),
  usage: { inputTokens: { total: texts(request).join("").length }, outputTokens: {}, raw: { total: 1 } }
})
const provider = () => Mock.make((request) => Mock.result(answer(request), { delay: 100 }))

const run = <A, E>(program: Effect.Effect<A, E, Batch.Collector>) =>
  Effect.runPromise(Effect.provide(program, Layer.merge(Batch.collecting, TestClock.layer())))

/** Asks all at once, and lets time pass. */
const together = (pipeline: Pipeline<Batch.Collector>, requests: ReadonlyArray<Request>) =>
  Effect.gen(function*() {
    const fibers = yield* Effect.forEach(requests, (request) => Effect.forkChild(Pipeline.run(pipeline, request)))
    yield* TestClock.adjust("10 seconds")
    return yield* Effect.forEach(fibers, Fiber.join)
  })

const vectors = (request: Request) => request.result?.type === "embeddings" ? request.result.embeddings : undefined

it("gives each caller its own vectors and its part of the usage, in as few calls as fit", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 2, max: 10 }),
      async (callers, maxItems) => {
        const mock = provider()
        const finals = await run(together([Batch.embeddings({ maxItems }), ...mock.pipeline], callers.map((each) => ask(each))))
        finals.forEach((final, index) => expect(vectors(final)).toEqual(callers[index]!.map(vector)))
        const sizes = mock.calls.map(({ request }) => request.messages.length)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(callers.flat().length)
        expect(sizes.every((size) => size <= maxItems || callers.some((each) => each.length === size))).toBe(true)
        const used = finals.reduce((sum, { result }) => sum + (result?.type === "embeddings" ? result.usage.inputTokens.total! : 0), 0)
        expect(used).toBe(callers.flat().join("").length)
      }
    ),
    { numRuns: 40 }
  ))

it("puts together only what is alike", () =>
  run(Effect.gen(function*() {
    const mock = provider()
    const pipeline = [Batch.embeddings(), ...mock.pipeline]
    const key = (text: string) => ({ apiKey: Redacted.make(text) })
    yield* together(pipeline, [
      ask(["a"]), ask(["b"]),
      ask(["c"], { options: { model: "other" } }), ask(["d"], { options: { model: "m", dimensions: 5 } }),
      ask(["e"], { provider: "elsewhere" }),
      ask(["f"], { config: key("one") }), ask(["g"], { config: key("one") }), ask(["h"], { config: key("two") }),
      ask(["i"], { config: { baseUrl: "https://x.example" } }),
      ask(["j"], { config: { hook: () => 1 } }), ask(["k"], { config: { hook: () => 1 } }),
      Identity.as(ask(["l"]), { tenant: "acme" }), Identity.as(ask(["m"]), { tenant: "acme" }), Identity.as(ask(["n"]), { tenant: "other" })
    ])
    const calls = mock.calls.map(({ request }) => texts(request).join("")).toSorted()
    expect(calls).toEqual(["ab", "c", "d", "e", "fg", "h", "i", "j", "k", "lm", "n"])
  })))

it("waits no longer than its window, and not at all for what is full or too large", () =>
  run(Effect.gen(function*() {
    const mock = provider()
    const pipeline = [Batch.embeddings({ window: "50 millis", maxItems: 3 }), ...mock.pipeline]
    yield* Effect.forkChild(Pipeline.run(pipeline, ask(["a", "b", "c", "d"])))
    yield* TestClock.adjust(0)
    expect(mock.calls).toHaveLength(1)
    yield* Effect.forkChild(Pipeline.run(pipeline, ask(["e"])))
    yield* TestClock.adjust(49)
    expect(mock.calls).toHaveLength(1)
    yield* TestClock.adjust(1)
    expect(mock.calls).toHaveLength(2)
    yield* Effect.forkChild(Pipeline.run(pipeline, ask(["f"])))
    yield* Effect.forkChild(Pipeline.run(pipeline, ask(["g", "h"])))
    yield* TestClock.adjust(0)
    expect(texts(mock.calls[2]!.request)).toEqual(["f", "g", "h"])
  })))

it("keeps to the most tokens", () =>
  run(Effect.gen(function*() {
    const mock = provider()
    const long = "word ".repeat(100)
    yield* together([Batch.embeddings({ maxTokens: Math.round(2.5 * Tokens.estimateText(long, "m").tokens) }), ...mock.pipeline], [ask([long]), ask([long]), ask([long]), ask([long.repeat(9)])])
    expect(mock.calls.map(({ request }) => request.messages.length).toSorted()).toEqual([1, 1, 2])
  })))

it("fails those of a failed call and nobody else", () =>
  run(Effect.gen(function*() {
    const mock = Mock.make((request) => texts(request).includes("bad") ? Mock.fail({ _tag: "Server", message: "oops" }) : answer(request))
    const finals = yield* together([Batch.embeddings({ maxItems: 3 }), ...mock.pipeline], [ask(["a", "bad"]), ask(["b"]), ask(["c"]), ask(["d"])])
    expect(finals.map(({ state }) => state)).toEqual(["error", "error", "completed", "completed"])
    expect(finals[1]!.errors[0]).toMatchObject({ reason: { _tag: "Server" }, plug: "mock" })
  })))

it("lets nobody suffer from another's input, nor from an answer that does not fit", () =>
  run(Effect.gen(function*() {
    const picky = Mock.make((request) => texts(request).includes("bad") ? Mock.fail({ _tag: "InvalidRequest", message: "no" }) : answer(request))
    const finals = yield* together([Batch.embeddings(), ...picky.pipeline], [ask(["a"]), ask(["bad"]), ask(["c"])])
    expect(finals.map(({ state }) => state)).toEqual(["completed", "error", "completed"])
    expect(picky.calls).toHaveLength(4)
    const short = Mock.make((request) => request.messages.length > 1 ? { ...answer(request), embeddings: [[1]] } : answer(request))
    const others = yield* together([Batch.embeddings(), ...short.pipeline], [ask(["a"]), ask(["b"])])
    expect(others.map(vectors)).toEqual([[vector("a")], [vector("b")]])
  })))

it("goes on when the caller that leads goes away, and ends with the last", () =>
  run(Effect.gen(function*() {
    const mock = provider()
    const pipeline = [Batch.embeddings({ window: 10 }), ...mock.pipeline]
    const start = Effect.gen(function*() {
      mock.reset()
      const fibers = yield* Effect.forEach(["a", "b", "c"], (text) => Effect.forkChild(Pipeline.run(pipeline, ask([text]))))
      yield* TestClock.adjust(5)
      return fibers
    })
    // While it waits for others: another leads.
    const one = yield* start
    yield* Fiber.interrupt(one[0]!)
    yield* TestClock.adjust(500)
    expect(vectors(yield* Fiber.join(one[1]!))).toEqual([vector("b")])
    expect(texts(mock.calls[0]!.request)).toEqual(["b", "c"])
    // While it asks: the call comes to its end for the others.
    const two = yield* start
    yield* TestClock.adjust(50)
    const leaving = yield* Effect.forkChild(Fiber.interrupt(two[0]!))
    yield* TestClock.adjust(500)
    yield* Fiber.join(leaving)
    expect(Exit.isFailure(yield* Fiber.await(two[0]!))).toBe(true)
    expect(vectors(yield* Fiber.join(two[2]!))).toEqual([vector("c")])
    expect(mock.calls).toHaveLength(1)
    // All go: so does the call.
    const three = yield* start
    yield* TestClock.adjust(50)
    yield* Effect.forEach([three[1]!, three[2]!, three[0]!], Fiber.interrupt)
    expect(mock.calls[0]!.interrupted).toBe(true)
    // All go before it was made: there is none, and nothing is left open.
    const four = yield* start
    yield* Effect.forEach(four, Fiber.interrupt)
    yield* TestClock.adjust(500)
    expect(mock.calls).toHaveLength(0)
    expect((yield* Batch.Collector).windows.size).toBe(0)
  })))

it("finds another to lead when the one that was told to has just gone", () =>
  run(Effect.gen(function*() {
    const mock = provider()
    const pipeline = [Batch.embeddings({ window: 10 }), ...mock.pipeline]
    const [one, two, three] = yield* Effect.forEach(["a", "b", "c"], (text) => Effect.forkChild(Pipeline.run(pipeline, ask([text]))))
    // At the very time at which the window closes.
    yield* Effect.forkChild(Effect.andThen(Effect.sleep(10), Effect.sync(() => one!.interruptUnsafe())))
    yield* TestClock.adjust(500)
    yield* Effect.all([Fiber.join(two!), Fiber.join(three!)])
    expect(mock.calls.map(({ request }) => texts(request))).toEqual([["b", "c"]])
  })))

it("tells how many shared a call, hands on what was noted on the way, and leaves other operations alone", () =>
  run(Effect.gen(function*() {
    const note = Plug.make("note", (request) => Request.addError(request, LlmError.make({ _tag: "Network", message: "first try" })))
    const mock = provider()
    const finals = yield* together([Batch.embeddings(), note, ...mock.pipeline], [ask(["a"]), ask(["b", "c"])])
    for (const final of finals) {
      expect(Request.get(final, Batch.batched)).toEqual({ callers: 2, inputs: 3 })
      expect(final.metadata.embeddings).toEqual({ callers: 2, inputs: 3 })
      expect(final.errors).toHaveLength(1)
      expect(final.providerRequest).toBeUndefined()
    }
    const chat = Mock.make(["Hello"])
    const final = yield* Pipeline.run([Batch.embeddings(), ...chat.pipeline], Request.make({ provider: "mock", messages: "Hi" }))
    expect(final.state).toBe("completed")
  })))

it("divides whole numbers exactly", () =>
  fc.assert(fc.property(fc.nat(1e9), fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }), (total, weights) => {
    const parts = Batch.share(total, weights)
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total)
    const sum = weights.reduce((sum, weight) => sum + weight, 0)
    if (sum > 0) parts.forEach((part, index) => expect(Math.abs(part - total * weights[index]! / sum)).toBeLessThan(1))
  })))

describe("laws", () => {
  for (const options of [{}, { window: 5, maxItems: 1, acrossTenants: true }]) {
    Laws.plug(Batch.embeddings(options), { services: Batch.collecting, numRuns: 30 })
      .forEach(({ check, name }) => it(`${name} ${JSON.stringify(options)}`, check))
  }
})
