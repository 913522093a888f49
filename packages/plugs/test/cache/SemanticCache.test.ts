import { type MessagesInput, type Options, Pipeline, Request, Result } from "@plugline/core"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cosine, fixed, lexical, lexicalThreshold, unit } from "../../src/cache/likeness.ts"
import { Cache, type CacheStore, Identity, SemanticCache, Sqlite, StoreError, VectorStore } from "../../src/index.ts"

const request = (messages: MessagesInput, options: Options = { model: "m" }) => Request.make({ provider: "openai", messages, options })

const run = <A, E>(program: Effect.Effect<A, E, VectorStore.VectorStore>, layer: Layer.Layer<VectorStore.VectorStore, unknown> = SemanticCache.memory()) =>
  Effect.runPromise(Effect.provide(program, Layer.merge(layer, TestClock.layer()), { local: true }) as Effect.Effect<A>)

const counting = () => Mock.make((_, call) => `answer ${call}`)

/** Asks one after the other; says of each after the first whether it was given the first answer. */
const alike = (requests: ReadonlyArray<Request>, options: Parameters<typeof SemanticCache.plug>[0] = {}) => {
  const line = [SemanticCache.plug(options), ...counting().pipeline]
  return run(Effect.map(
    Effect.forEach(requests, (request) => Pipeline.run(line, request)),
    (finals) => finals.slice(1).map((final) => Result.text(final.result) === "answer 1")
  ))
}

/** Vectors by the number of letters of each kind: what is alike is in a test's hands. */
const vectors: SemanticCache.Embed = (texts) => Effect.succeed(texts.map((text) => ["a", "b", "c"].map((letter) => text.split(letter).length - 1)))

describe("by letters", () => {
  it("the same question typed another way is the same", async () => {
    const asked = ["What is the capital of France?", "what is  the capital of france", "WHAT IS THE CAPITAL OF FRANCE?!", "Ｗhat is the capital of France ?"]
    expect(await alike(asked.map((text) => request(text)))).toEqual([true, true, true])
  })

  it.each([
    ["What is 2+2?", "What is 2+3?"],
    ["What is 2+2?", "What is 2-2?"],
    ["Is this mushroom safe to eat if it is cooked for a long time in salted water", "Is this mushroom not safe to eat if it is cooked for a long time in salted water"],
    ["Is Paris a bigger city than London by population", "Is London a bigger city than Paris by population"],
    [`${"please be so kind as to tell me in some detail ".repeat(8)} how to enable the feature`, `${"please be so kind as to tell me in some detail ".repeat(8)} how to disable the feature`],
    [`${"please be so kind as to tell me in some detail ".repeat(8)} about a cat`, `${"please be so kind as to tell me in some detail ".repeat(8)} about a car`],
    ["Is it legal to sell this in Germany", "Is it illegal to sell this in Germany"],
    ["Can I do it", "Can't I do it"],
    ["???", "!!!"]
  ])("%s ≠ %s", async (a, b) => {
    expect(await alike([request(a), request(b)], { threshold: 0.8 })).toEqual([false])
  })

  it("is the same however often it is computed, and a text is like itself", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      const vector = lexical(text)
      if (vector === undefined) return
      expect(cosine(vector, lexical(text)!)).toBeCloseTo(1, 5)
      expect(fixed(text)).toEqual(fixed(text))
      expect(lexicalThreshold(text, 0.9)).toBeLessThanOrEqual(1)
    }))
    for (const odd of [[], [0, 0], [NaN], [Infinity, 1], [1e200, 1e200]]) expect(unit(odd)).toBeUndefined()
  })
})

describe("by meaning", () => {
  const options = { embed: vectors, space: "letters" }

  it("goes by the vectors and the threshold, and says how alike", async () => {
    expect(await alike([request("aab"), request("aabb"), request("ccc"), request("x aab y")], options)).toEqual([false, false, true])
    expect(await alike([request("aab"), request("aabb")], { ...options, threshold: 0.94 })).toEqual([true])
    await run(Effect.gen(function*() {
      const line = [SemanticCache.plug({ ...options, threshold: 0.9 }), ...counting().pipeline]
      yield* Pipeline.run(line, request("aab"))
      yield* TestClock.adjust(500)
      const final = yield* Pipeline.run(line, request("aabb"))
      expect(Cache.of(final)).toEqual({ status: "hit", age: 500, measure: "letters", similarity: 0.9487 })
      expect(final.metadata.semanticCache).toEqual(Cache.of(final))
      expect(Cache.isServed(final)).toBe(true)
      yield* TestClock.adjust(3_600_000 - 501)
      expect(Result.text((yield* Pipeline.run(line, request("aabb"))).result)).toBe("answer 1")
      yield* TestClock.adjust(1)
      expect(Result.text((yield* Pipeline.run(line, request("aabb"))).result)).toBe("answer 2")
    }))
  })

  it("a plug with less time gives no answer that another keeps for longer", () =>
    run(Effect.gen(function*() {
      const mock = counting()
      const ask = (ttl: number) =>
        Effect.map(Pipeline.run([SemanticCache.plug({ ...options, ttl }), ...mock.pipeline], request("aab")), ({ result }) => Result.text(result))
      yield* ask(1_000)
      yield* TestClock.adjust(9)
      expect(yield* ask(10)).toBe("answer 1")
      yield* TestClock.adjust(1)
      expect(yield* ask(10)).toBe("answer 2")
    })))

  it("numbers and negations must be the same whatever the vectors say", async () => {
    expect(await alike([request("a 1"), request("a 2"), request("a not 1"), request("a 1!")], options)).toEqual([false, false, true])
  })

  it("everything but the last text must be the same", async () => {
    const image = { type: "file", mediaType: "image/png", data: "AAAA" } as const
    const asked = [
      request("aab"),
      request("aab", { model: "other" }),
      request("aab", { model: "m", temperature: 1 }),
      request("aab", { model: "m", tools: [{ name: "f" }] }),
      request([{ role: "system", content: "s" }, { role: "user", content: "aab" }]),
      request([{ role: "user", content: "aab" }, { role: "assistant", content: "x" }, { role: "user", content: "aab" }]),
      request([{ role: "user", content: [{ type: "text", text: "aab" }, image] }]),
      request([{ role: "user", content: "aab", options: { anthropic: { cacheControl: 1 } } }]),
      request([{ role: "assistant", content: "aab" }]),
      Identity.as(request("aab"), { tenant: "a" }),
      Request.mergeConfig(request("aab"), { baseUrl: "https://other" })
    ]
    expect(await alike(asked, options)).toEqual(asked.slice(1).map(() => false))
    expect(await alike([request("aab"), Identity.as(request("aab"), { user: "ada" })], options)).toEqual([true])
    const turns = (last: string) => request([{ role: "system", content: "s" }, { role: "user", content: "q" }, { role: "assistant", content: "x" }, { role: "user", content: last }])
    expect(await alike([turns("aab"), turns("b a a")], options)).toEqual([true])
  })

  it("a crafted tenant stays apart", () =>
    fc.assert(fc.asyncProperty(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), async (a, b) => {
      const [hit] = await alike([Identity.as(request("aab"), { tenant: a }), Identity.as(request("aab"), { tenant: b })], options)
      expect(hit).toBe(a === b)
    }), { numRuns: 50 }))

  it("an embedding that fails, hangs or gives nonsense only costs the cache", async () => {
    const odd: ReadonlyArray<SemanticCache.Embed> = [
      () => Effect.fail("down"), () => Effect.never, () => Effect.die("x"), () => Effect.succeed([]), () => Effect.succeed([[NaN]]),
      () => { throw new Error("no") }
    ]
    for (const embed of odd) {
      const mock = counting()
      const line = [SemanticCache.plug({ embed }), ...mock.pipeline]
      const finals = Effect.all([Pipeline.run(line, request("a")), Pipeline.run(line, request("a"))])
      const [, final] = await Effect.runPromise(VirtualClock.provide(Effect.provide(finals, SemanticCache.memory())))
      expect(Result.text(final.result)).toBe("answer 2")
      expect(final.metadata.semanticCache).toEqual({ status: "bypass" })
    }
  })
})

it("keeps what a cache keeps, whole and streamed, over memory and SQLite", async () => {
  for (const layer of [SemanticCache.memory(), Layer.provide(SemanticCache.sqlite(), Sqlite.layer())]) {
    await run(Effect.gen(function*() {
      const mock = Mock.make([Mock.fail({ _tag: "Server", message: "down" }), Mock.cut([]), Mock.text("Hello", { cut: 1 })])
      const line = [SemanticCache.plug(), ...mock.pipeline]
      for (const state of ["error", "error", "completed", "completed"]) {
        const final = yield* Pipeline.run(line, Request.withOperation(request("Hi there"), "stream"))
        expect(final.state).toBe(state)
      }
      expect(Result.text((yield* Pipeline.run(line, request("hi there!"))).result)).toBe("Hello")
    }), layer)
  }
})

it("does what a caller asks of caches, and an exact cache in front keeps nothing of it", async () => {
  const mock = counting()
  const line: Pipeline<CacheStore.CacheStore | Cache.Flights | VectorStore.VectorStore> = [Cache.plug(), SemanticCache.plug(), ...mock.pipeline]
  const ask = (text: string, what?: Cache.Order) => {
    const asked = request(text)
    return Effect.map(
      Pipeline.run(line, what === undefined ? asked : Cache.control(asked, what)),
      (final) => [Result.text(final.result), Cache.of(final)?.status, Cache.of(final)?.measure]
    )
  }
  const program = Effect.gen(function*() {
    expect(yield* ask("Hi there")).toEqual(["answer 1", "miss", undefined])
    expect(yield* ask("hi there")).toEqual(["answer 1", "hit", "lexical"])
    expect(yield* ask("hi there")).toEqual(["answer 1", "hit", "lexical"])
    expect(yield* ask("hi there", "skip")).toEqual(["answer 2", "bypass", undefined])
    expect(yield* ask("hi there", "refresh")).toEqual(["answer 3", "refreshed", undefined])
    const alone = yield* Pipeline.run([SemanticCache.plug()], Cache.control(request("something else"), "only-if-cached"))
    expect(alone.errors.at(-1)?.reason._tag).toBe("Halted")
  })
  await Effect.runPromise(Effect.provide(program, Layer.merge(Cache.memory(), SemanticCache.memory())))
})

it("a store that is down loses no answer", async () => {
  const down = () => Effect.fail(new StoreError("vectors", "down"))
  for (const answer of [down, () => Effect.never]) {
    const layer = Layer.succeed(VectorStore.VectorStore, { nearest: answer, add: answer, clear: answer, size: answer })
    const ask = Pipeline.run([SemanticCache.plug(), ...counting().pipeline], request("Hi"))
    const final = await Effect.runPromise(VirtualClock.provide(Effect.provide(ask, layer)))
    expect(Result.text(final.result)).toBe("answer 1")
  }
})

it("refuses a threshold at which other questions are alike", async () => {
  for (const threshold of [0.79, 1.01, NaN]) {
    const error = await run(Effect.flip(Pipeline.run([SemanticCache.plug({ threshold })], request("Hi"))))
    expect(error.message).toContain("option threshold must be a number from 0.8 to 1")
  }
  expect(await alike([request("x".repeat(20)), request("x".repeat(20))], { maxLength: 10 })).toEqual([false])
})

describe("the laws hold for a semantic cache", () => {
  for (const [name, options] of [["lexical", {}], ["by meaning", { embed: vectors }]] as const) {
    const laws = Laws.plug(SemanticCache.plug(options), { services: SemanticCache.memory(), numRuns: 20 })
    for (const law of laws) it(`${name}: ${law.name}`, law.check)
  }
})
