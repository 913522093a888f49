import { type ChatResult, type FinishReason, Part, Pipeline, Request, Result, type Usage } from "@plugline/core"
import { Arbitrary, Mock } from "@plugline/testing"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Cache } from "../../src/index.ts"

const request = (operation: "chat" | "stream" | "completion" | "embeddings" = "chat") =>
  Request.make({ provider: "openai", operation, messages: "Hi", options: { model: "gpt-4o-mini" } })

const usage: Usage = { inputTokens: { total: 1_000 }, outputTokens: { total: 100 } }

const rich: ChatResult = {
  type: "chat",
  id: "r1",
  model: "gpt-4o-mini",
  timestamp: "2026-01-01T00:00:00Z",
  content: [
    { type: "reasoning", text: "hm", metadata: { anthropic: { signature: "s" } } },
    { type: "text", text: "See" },
    { type: "source", id: "1", title: "T", sourceType: "url", url: "https://a.b" },
    { type: "tool-call", id: "c", name: "f", params: { a: [1, null] } },
    { type: "file", mediaType: "image/png", data: "AAAA" },
    { type: "raw", provider: "openai", value: { odd: true } }
  ],
  finishReason: "tool-calls",
  rawFinishReason: "tool_calls",
  usage: { ...usage, raw: { prompt_tokens: 1000 } },
  warnings: [{ type: "other", message: "w" }],
  choices: [{ index: 1, content: [{ type: "text", text: "other" }], finishReason: "stop" }],
  metadata: { openai: { fingerprint: "x" } }
}

/** Asks twice and gives both ends. */
const twice = (answer: Mock.Answer, ways: readonly [Request, Request], options: Parameters<typeof Cache.plug>[0] = {}) => {
  const mock = Mock.make(() => answer)
  const line = [Cache.plug(options), ...mock.pipeline]
  return Effect.runPromise(Effect.provide(
    Effect.gen(function*() {
      const first = yield* Pipeline.run(line, ways[0])
      const second = yield* Pipeline.run(line, ways[1])
      const parts: Array<Part> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const live = yield* Pipeline.open(line, Request.withOperation(ways[1], "stream"))
        for (let some = yield* live.pull; some !== undefined; some = yield* live.pull) parts.push(...some)
      }))
      return { first, second, parts, calls: mock.calls.length, info: yield* Cache.info }
    }),
    Cache.memory(),
    { local: true }
  ))
}

describe("a hit equals the miss it came from", () => {
  for (const from of ["chat", "stream"] as const) {
    for (const to of ["chat", "stream"] as const) {
      it(`asked as ${from}, given as ${to}`, async () => {
        const { calls, first, parts, second } = await twice(Mock.result(rich), [request(from), request(to)])
        expect(calls).toBe(1)
        expect(Cache.of(first)).toMatchObject({ status: "miss", stored: true })
        expect(Cache.of(second)).toMatchObject({ status: "hit" })
        expect(second.metadata.cache).toMatchObject({ status: "hit", age: expect.any(Number) })
        expect(second.result).toEqual(first.result)
        expect(Result.fold(parts)).toEqual(first.result)
        expect(second.state).toBe("completed")
        expect(second.halted).toBe(true)
      })
    }
  }

  it("whatever the answer, if it is kept at all", () =>
    fc.assert(fc.asyncProperty(Arbitrary.chatResult(), fc.constantFrom("chat", "stream", "completion"), async (result, operation) => {
      const { first, second, calls } = await twice(Mock.result(result), [request(operation), request(operation)])
      if (Cache.of(second)?.status === "hit") {
        expect(second.result).toEqual(JSON.parse(JSON.stringify(first.result)))
        expect(calls).toBe(operation === "completion" ? 2 : 1)
      } else expect(Cache.of(first)).toMatchObject({ stored: false, why: expect.any(String) })
    }), { numRuns: 50 }))

  it("embeddings too", async () => {
    const vectors = Mock.result({ type: "embeddings", embeddings: [[0.5, 1]], usage })
    const mock = Mock.make([vectors])
    const line = [Cache.plug({ onlyDeterministic: true }), ...mock.pipeline]
    const run = Pipeline.run(line, request("embeddings"))
    const { result } = await Effect.runPromise(Effect.provide(Effect.andThen(run, run), Cache.memory()))
    expect(result).toEqual({ type: "embeddings", embeddings: [[0.5, 1]], usage })
  })
})

describe("never kept", () => {
  const text: Part = { type: "text-delta", id: "0", delta: "half" }
  const error = { _tag: "Server", message: "down" } as const
  const ended = (finishReason: FinishReason): Mock.Answer => Mock.result({ ...rich, finishReason })
  const cases: { readonly [what: string]: readonly [Mock.Answer, string] } = {
    "an error": [Mock.fail(error), "error"],
    "a plug that throws": [Mock.throws(new Error("x")), "error"],
    "a stream that is cut": [Mock.cut([text]), "error"],
    "an error in the middle": [Mock.fail(error, { after: [text] }), "error"],
    "length": [ended("length"), "it ended with length"],
    "content-filter": [ended("content-filter"), "it ended with content-filter"],
    "the reason error": [ended("error"), "it ended with error"],
    "pause": [ended("pause"), "it ended with pause"],
    "unknown": [ended("unknown"), "it ended with unknown"],
    "other": [ended("other"), "it ended with other"],
    "a broken choice": [Mock.result({ ...rich, choices: [{ ...rich.choices![0]!, finishReason: "length" }] }), "it ended with length"],
    "broken tool arguments": [
      Mock.result({ ...rich, content: [{ type: "tool-call", id: "c", name: "f", params: "{\"a\":", invalid: true }] }),
      "it calls a tool with broken arguments"
    ],
    "a refusal in words": [Mock.result({ ...rich, content: [{ type: "text", text: "No", metadata: { openai: { refusal: true } } }] }), "it is a refusal"],
    "nothing": [Mock.result({ ...rich, content: [] }), "it is empty"]
  }
  for (const [what, [answer, why]] of Object.entries(cases)) {
    for (const operation of ["chat", "stream"] as const) {
      it(`${what}, ${operation}`, async () => {
        const { calls, first, info } = await twice(answer, [request(operation), request(operation)])
        expect(calls).toBe(3)
        expect(info.stores[0]).toMatchObject({ entries: 0, bytes: 0 })
        if (why === "error") expect(first.state).toBe("error")
        else expect(Cache.of(first)).toMatchObject({ status: "miss", stored: false, why })
      })
    }
  }

  it("but length where one says so", async () => {
    const { calls } = await twice(ended("length"), [request(), request()], { finish: ["length", "stop"] })
    expect(calls).toBe(1)
  })

  it("and what is asked with a temperature, where one says so", async () => {
    const warm = Request.mergeOptions(request(), { temperature: 1 })
    const { calls, second } = await twice("Hello", [warm, warm], { onlyDeterministic: true })
    expect(calls).toBe(3)
    expect(Cache.of(second)).toEqual({ status: "bypass", why: "the temperature is not 0" })
    const cold = Request.mergeOptions(request(), { temperature: 0 })
    expect((await twice("Hello", [cold, cold], { onlyDeterministic: true })).calls).toBe(1)
  })
})

it("counts what it did and what it saved", async () => {
  const { info } = await twice(Mock.text("Hello", { usage }), [request(), request()])
  expect(info).toEqual({
    hits: 2, misses: 1, stale: 0, refreshed: 0, bypassed: 0, shared: 0,
    savedInputTokens: 2_000, savedOutputTokens: 200, savedCost: "0.00042", savedUnknown: 0,
    stores: [{ store: "memory", entries: 1, bytes: expect.any(Number) }]
  })
  const unknown = (await twice("Hello", [request(), request()])).info
  expect(unknown).toMatchObject({ hits: 2, savedCost: "0", savedUnknown: 2 })
})
