import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { LlmError, Pipeline, Plug, Request, Result, type Reason } from "@plugline/core"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Fallback, Providers } from "../src/index.ts"

const fail = (tag: Reason["_tag"], more: object = {}) => Mock.fail({ _tag: tag, message: "no", ...more } as Reason)
const request = (init: object = {}) => Request.make({ provider: "a", messages: "Hi", options: { model: "one" }, ...init })

const run = (line: Pipeline<Providers.Providers>, given: Request, providers: { readonly [name: string]: Pipeline } = {}) =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(Pipeline.run(line, given), Providers.of(providers))))

describe("Fallback", () => {
  it("leaves an answer of the first alone, and reports it", async () => {
    const first = Mock.make(["yes"])
    const other = Mock.make(["other"])
    const final = await run([Fallback.plug({ steps: [{ provider: "b" }] }), ...first.pipeline], request(), { b: other.pipeline })
    expect(Result.text(final.result)).toBe("yes")
    expect(Request.get(final, Fallback.report)).toMatchObject({ answeredBy: "a/one", degraded: false, steps: [{ name: "a/one" }] })
    expect(other.calls).toHaveLength(0)
    expect(final.metadata.fallback).toEqual({ answeredBy: "a/one", degraded: false, failed: [] })
  })

  it("asks in order, each with its own model, and keeps the errors of those that failed in the report", async () => {
    const b = Mock.make([fail("Quota")])
    const c = Mock.make(["from c"])
    const line = [Fallback.plug({ steps: [{ provider: "b", model: "two" }, { provider: "c" }] }), ...Mock.make([fail("Server", { status: 500 })]).pipeline]
    const final = await run(line, request(), { b: b.pipeline, c: c.pipeline })
    expect(final.state).toBe("completed")
    expect(final.provider).toBe("c")
    expect(b.calls[0]!.request.options.model).toBe("two")
    expect(c.calls[0]!.request.options.model).toBeUndefined()
    expect(Request.get(final, Fallback.report)!.steps.map(({ error, name }) => [name, error?.reason._tag])).toEqual([
      ["a/one", "Server"], ["b/two", "Quota"], ["c", undefined]
    ])
    expect(final.errors).toEqual([])
  })

  it("fails with every error, stamped with its attempt, where nobody answers", async () => {
    const line = [Fallback.plug({ steps: [{ provider: "b" }] }), ...Mock.make([fail("Overloaded")]).pipeline]
    const final = await run(line, request(), { b: Mock.make([fail("Network")]).pipeline })
    expect(final.state).toBe("error")
    expect(final.errors.map(({ attempt, provider, reason }) => [attempt, provider, reason._tag])).toEqual([[1, "a", "Overloaded"], [2, "b", "Network"]])
    expect(Request.get(final, Fallback.report)).toMatchObject({ degraded: false, steps: [{}, {}] })
    expect(Request.get(final, Fallback.report)).not.toHaveProperty("answeredBy")
  })

  it.each(["InvalidRequest", "ContextLength", "ContentPolicy", "Halted", "Plug"] as const)(
    "stops at %s, also before a rule that answers everything", async (tag) => {
      const other = Mock.make(["other"])
      const line = [Fallback.plug({ steps: [{ provider: "b" }, { answer: "sorry" }] }), ...Mock.make([fail(tag)]).pipeline]
      const final = await run(line, request(), { b: other.pipeline })
      expect(Request.failure(final)?.reason._tag).toBe(tag)
      expect(other.calls).toHaveLength(0)
    })

  it("decides by reason and status", () => {
    const moves = (tag: Reason["_tag"], status?: number) =>
      Fallback.movesOn(LlmError.make({ _tag: tag, message: "", ...(status !== undefined && { status }) } as Reason))
    for (const status of [400, 413, 422]) {
      expect(moves("InvalidRequest", status)).toBe(false)
      expect(moves("MalformedResponse", status)).toBe(false)
      expect(moves("Authentication", status)).toBe(true)
    }
    for (const tag of ["RateLimit", "Timeout", "Network", "CutStream", "Authentication", "Quota", "NotFound", "Unsupported"] as const) {
      expect(moves(tag)).toBe(true)
    }
    expect(moves("Server", 500)).toBe(true)
  })

  it("a step's own predicate holds for that step alone", async () => {
    const b = Mock.make(["b"])
    const line = (when: Fallback.When) => [Fallback.plug({ steps: [{ provider: "b", when }, { answer: "rule" }] }), ...Mock.make([fail("InvalidRequest")]).pipeline]
    expect(Result.text((await run(line(() => true), request(), { b: b.pipeline })).result)).toBe("b")
    expect((await run(line(() => false), request(), { b: b.pipeline })).state).toBe("error")
  })

  it("gives a prompt that is too long to a larger window alone, and only where told", async () => {
    const asked: Array<string> = []
    const spy = (name: string) => Mock.make(() => (asked.push(name), "ok")).pipeline
    const steps = [{ provider: "openai", model: "gpt-4" }, { provider: "openai", model: "gpt-4o" }]
    const tooLong = Mock.make(() => fail("ContextLength", { status: 400 })).pipeline
    const given = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-4-32k" } })
    const line = (onContextLength: boolean) => [
      Fallback.plug({ onContextLength, steps: steps.map((step) => ({ ...step, pipeline: spy(step.model) })) }), ...tooLong
    ]
    expect((await run(line(false), given)).state).toBe("error")
    expect(asked).toEqual([])
    const gpt4o = Request.mergeOptions(given, { model: "gpt-4" })
    expect((await run(line(true), gpt4o)).state).toBe("completed")
    expect(asked).toEqual(["gpt-4o"])
  })

  it("answers by a rule, marked as degraded, with no tokens", async () => {
    for (const answer of ["Try later.", () => "Try later.", () => Effect.succeed("Try later.")]) {
      const final = await run([Fallback.plug({ steps: [{ answer }] }), ...Mock.make([fail("Server")]).pipeline], request())
      expect(Result.text(final.result)).toBe("Try later.")
      expect(Request.get(final, Fallback.report)).toMatchObject({ answeredBy: "rule", degraded: true })
      expect(final.result).toMatchObject({ usage: { inputTokens: { total: 0 } }, warnings: [{ type: "other" }] })
    }
  })

  it("a rule that breaks, or does not fit the operation, fails with the report", async () => {
    const broken = [() => { throw new Error("x") }, () => Effect.fail("x"), () => Effect.die("x"), () => ({ type: "embeddings" }) as never]
    for (const answer of broken) {
      const final = await run([Fallback.plug({ steps: [{ answer }] }), ...Mock.make([fail("Server")]).pipeline], request())
      expect(final.errors.map(({ reason }) => reason._tag)[0]).toBe("Server")
      expect(final.errors).toHaveLength(2)
      expect(Request.get(final, Fallback.report)!.steps).toHaveLength(2)
    }
    const vectors = await run([Fallback.plug({ steps: [{ answer: "text" }] }), ...Mock.make([fail("Server")]).pipeline], request({ operation: "embeddings" }))
    expect(Request.failure(vectors)?.reason._tag).toBe("Configuration")
  })

  it("drops tools, schema and reasoning only where told, and says so", async () => {
    const given = Request.make({
      provider: "a",
      messages: [
        { role: "user", content: "weather?" },
        { role: "assistant", content: [{ type: "reasoning", text: "hm" }, { type: "tool-call", id: "1", name: "w", params: { at: "x" } }] },
        { role: "tool", content: [{ type: "tool-result", id: "1", name: "w", result: "sun" }] }
      ] as never,
      options: { model: "m", tools: [{ name: "w" }], toolChoice: "auto", reasoning: { effort: "high" }, responseFormat: { type: "json", schema: { type: "object" } }, temperature: 1 }
    })
    const plain = Mock.make(["x"])
    const full = Mock.make(["x"])
    const line = (simplify?: (request: Request) => Request) => [
      Fallback.plug({ steps: [{ provider: "b", ...(simplify !== undefined && { simplify }) }] }), ...Mock.make([fail("Server")]).pipeline
    ]
    const simple = await run(line(Fallback.simplified), given, { b: plain.pipeline })
    await run(line(), given, { b: full.pipeline })
    expect(full.calls[0]!.request.options).toHaveProperty("tools")
    expect(full.calls[0]!.request.messages).toEqual(given.messages)
    const asked = plain.calls[0]!.request
    expect(asked.options).toEqual({ responseFormat: { type: "json" }, temperature: 1 })
    expect(asked.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
    expect(JSON.stringify(asked.messages)).toContain("[w answered sun]")
    expect(JSON.stringify(asked.messages)).not.toContain("hm")
    expect(Request.get(simple, Fallback.report)!.steps[1]!.dropped).toEqual(["tools", "toolChoice", "reasoning"])
    expect((await run(line(() => { throw new Error("x") }), given, { b: plain.pipeline })).errors).toHaveLength(2)
  })

  it("holds one deadline over all steps, and a limit of its own over each", async () => {
    const slow = Mock.make(() => Mock.text("late", { delay: 700 }))
    const line = [Fallback.plug({ deadline: 1_000, steps: [{ provider: "b", timeout: 200 }, { provider: "b" }, { provider: "b" }] }), ...Mock.make([Mock.fail({ _tag: "Server", message: "" }, { delay: 500 })]).pipeline]
    const timed = Effect.gen(function*() {
      const final = yield* Pipeline.run(line, request())
      return { final, at: yield* Clock.currentTimeMillis }
    })
    const { at, final } = await Effect.runPromise(VirtualClock.provide(Effect.provide(timed, Providers.of({ b: slow.pipeline }))))
    expect(at).toBe(1_000)
    expect(Request.get(final, Fallback.report)!.steps.map(({ ms }) => ms)).toEqual([500, 200, 300])
    expect(Request.failure(final)?.reason).toMatchObject({ _tag: "Timeout", limit: 1_000 })
    expect(slow.calls.map(({ interrupted }) => interrupted)).toEqual([true, true])
  })

  it("takes a stream once its first part is there, and never tries again after", async () => {
    const other = Mock.make(["other"])
    const cut = Mock.make([Mock.fail({ _tag: "Network", message: "gone" }, { after: [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "half" }] })])
    const final = await run([Fallback.plug({ steps: [{ provider: "b" }] }), ...cut.pipeline], request({ operation: "stream" }), { b: other.pipeline })
    expect(final.state).toBe("error")
    expect(Result.text(final.result)).toBe("half")
    expect(other.calls).toHaveLength(0)
    const early = await run([Fallback.plug({ steps: [{ provider: "b" }] }), ...Mock.make([fail("Network")]).pipeline], request({ operation: "stream" }), { b: other.pipeline })
    expect(Result.text(early.result)).toBe("other")
  })

  it("asks the steps where the rest of the line is empty, and leaves what is answered already", async () => {
    const final = await run([Fallback.plug({ steps: [{ provider: "b" }] })], request(), { b: Mock.make(["b"]).pipeline })
    expect(Request.get(final, Fallback.report)!.steps.map(({ name }) => name)).toEqual(["b"])
    const other = Mock.make(["other"])
    const behind = await run([...Mock.make(["first"]).pipeline, Fallback.plug({ steps: [{ provider: "b" }] })], request(), { b: other.pipeline })
    expect(Result.text(behind.result)).toBe("first")
    expect(other.calls).toHaveLength(0)
  })

  it("goes down the rest of the line, or through plugs of the step, where told", async () => {
    const mocks = Mock.make([fail("Server"), "second"])
    const rest = await run([Fallback.plug({ steps: [{ provider: "b", model: "m" }], through: "rest" }), ...mocks.pipeline], request())
    expect(mocks.calls.map(({ request }) => `${request.provider}/${request.options.model}`)).toEqual(["a/one", "b/m"])
    expect(Result.text(rest.result)).toBe("second")
    const seen: Array<string> = []
    const spy = Plug.make("spy", (request) => (seen.push(request.provider), request))
    const b = Mock.make(["b"])
    const line = [Fallback.plug({ steps: [{ provider: "b", plugs: [spy] }] }), ...Mock.make([fail("Server")]).pipeline]
    await run(line, request(), { b: b.pipeline })
    expect(seen).toEqual(["b"])
    expect(Pipeline.inspect(line)[0]!.children).toMatchObject({ step1: [{ name: "spy" }] })
  })

  it("refuses wrong options with what would fit", async () => {
    const wrong = async (options: object) => {
      const exit = await Effect.runPromise(Effect.result(Effect.provide(Pipeline.run([Fallback.plug(options as never)], request()), Providers.of({ openai: [] }))))
      return exit._tag === "Failure" ? exit.failure.message : "accepted"
    }
    expect(await wrong({ steps: [{ provider: "opnai" }] })).toContain("did you mean \"openai\"")
    expect(await wrong({ steps: [{ provider: "openai", modle: "x" }] })).toContain("did you mean \"model\"")
    expect(await wrong({ step: [] })).toContain("did you mean \"steps\"")
    expect(await wrong({ steps: [{ provider: "openai", model: "a\nb" }] })).toContain("without control characters")
    expect(await wrong({ steps: [{ answer: 3 }] })).toContain("a text or a function")
    expect(await wrong({ steps: [{ model: "x" }] })).toContain("the name of a provider")
    expect(await wrong({ steps: [{ provider: "openai", timeout: -1 }] })).toContain("length of time")
    expect(await wrong({ steps: [null] })).toContain("steps.0 must be")
    expect(await wrong({ steps: [{ provider: "openai", simplify: 1 }] })).toContain("a function")
  })
})

describe("what never travels to another provider", () => {
  it("key, headers, base URL, settings, prepared request", async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }),
      fc.dictionary(fc.constantFrom("region", "api", "x-own"), fc.constant("CANARY"), { maxKeys: 3 }),
      async (names, extra) => {
        const seen: Array<Request> = []
        const spy = Mock.make((request) => (seen.push(request), fail("Server")))
        const given = Request.make({
          provider: "a",
          messages: "Hi",
          options: { model: "m", providerOptions: { a: { own: true } } },
          config: { ...extra, apiKey: Redacted.make("CANARY"), baseUrl: "https://canary.example", headers: { "x-canary": "CANARY" }, timeouts: { total: 5 } }
        })
        const prepared = Request.putProviderRequest({ method: "POST", url: "https://canary.example", headers: { "x-api": "CANARY" } })
        const steps = names.map((provider) => ({ provider, config: { headers: { own: provider } } }))
        const plain = names.map((provider) => ({ provider }))
        const line = [prepared, Fallback.plug({ steps: [...steps, ...plain] }), ...spy.pipeline]
        await run(line, given, { a: spy.pipeline, b: spy.pipeline, c: spy.pipeline })
        expect(seen).toHaveLength(1 + 2 * names.length)
        for (const [index, { config, provider, providerRequest }] of seen.slice(1).entries()) {
          const own = index < names.length
          if (provider === "a" && !own) expect(config).toBe(seen[0]!.config)
          else {
            expect(config).toEqual({ timeouts: { total: 5 }, ...(own && { headers: { own: provider } }) })
            expect(providerRequest).toBeUndefined()
          }
          expect(seen[1 + index]!.options.providerOptions).toEqual({ a: { own: true } })
        }
      }
    ), { numRuns: 25 })
  })
})

describe("the laws", () => {
  const services = Providers.of({ b: Mock.make(() => "b").pipeline })
  const plugs = {
    "with a provider": () => Fallback.plug({ steps: [{ provider: "b" }] }),
    "with a rule and a deadline": () => Fallback.plug({ deadline: "1 minute", steps: [{ answer: "rule" }] })
  }
  for (const [name, plug] of Object.entries(plugs)) {
    describe(name, () => {
      for (const law of Laws.plug(plug, { numRuns: 10, services })) it(law.name, law.check)
    })
  }
})

it("finds providers of a registry, with the services they need from where the layer is built", async () => {
  class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
  const greet = Plug.of({
    name: "greet",
    make: Effect.map(Greeting, (text) => (request: Request) => Request.complete(request, Result.fold([
      { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: text }, { type: "text-end", id: "0" }, Mock.finish
    ])))
  })
  const registry = { names: ["m"], has: (name: string) => name === "m", pipeline: () => [(request: Request) => request, [greet]] as Pipeline<Greeting> }
  const services = Layer.provide(Providers.layer(registry), Layer.succeed(Greeting, "hello"))
  const ask = (provider: string, layer: Layer.Layer<Providers.Providers>) =>
    Effect.runPromise(Effect.provide(Pipeline.run([Providers.ask], Request.make({ provider, messages: "Hi" })), layer))
  expect(Result.text((await ask("m", services)).result)).toBe("hello")
  expect(Request.failure(await ask("n", services))?.message).toContain("did you mean \"m\"")
  expect(Request.failure(await ask("m", Providers.none))?.message).toContain("no providers are known here")
})
