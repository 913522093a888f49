import { Effect, Layer, Random, Redacted } from "effect"
import { Pipeline, Request, Result, type Reason } from "@plugline/core"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Identity, Providers, Route } from "../src/index.ts"
import * as State from "../src/route/RouteState.ts"

const fail = (tag: Reason["_tag"], more: object = {}) => Mock.fail({ _tag: tag, message: "no", ...more } as Reason)

/** Providers that answer with their own name. */
const echo = Providers.of(Object.fromEntries(["a", "b", "c", "openai", "groq"].map((name) => [name, Mock.make(() => name).pipeline])))

const run = <E>(effect: Effect.Effect<Request, E, Providers.Providers | Route.RouteState>, providers = echo, state = Route.memory()) =>
  Effect.runPromise(VirtualClock.provide(Random.withSeed(Effect.provide(effect, Layer.merge(providers, state)), "seed")))

const ask = (options: Route.RouteOptions, init: object = {}) =>
  run(Pipeline.run([Route.plug(options)], Request.make({ provider: "any", messages: "Hi", options: { model: "auto" }, ...init })))

const decisionOf = (request: Request) => Request.get(request, Route.decision)!
const abc = [{ provider: "a" }, { provider: "b" }, { provider: "c" }]

describe("Route", () => {
  it("rewrites provider, model and pipeline, and says what was chosen and why", async () => {
    const final = await ask({ targets: [{ provider: "b", model: "m" }, { provider: "a" }] })
    expect(Result.text(final.result)).toBe("b")
    expect(final.options.model).toBe("m")
    expect(decisionOf(final)).toMatchObject({ strategy: "first", chosen: "b/m", order: ["b/m", "a"], excluded: {}, asked: "auto", steps: [{ name: "b/m" }] })
    expect(final.metadata.route).toMatchObject({ chosen: "b/m" })
  })

  it("understands auto, aliases, names and models, and refuses what it does not know", async () => {
    const options = { targets: [{ provider: "a", model: "x" }, { provider: "b", model: "y" }, { provider: "c", model: "y" }], aliases: { fast: "b/y", slow: ["c/y", "a/x", "c/y"] } }
    const order = async (model: string | undefined) => decisionOf(await ask(options, { options: model === undefined ? {} : { model } }))?.order
    expect(await order(undefined)).toEqual(["a/x", "b/y", "c/y"])
    expect(await order("fast")).toEqual(["b/y"])
    expect(await order("slow")).toEqual(["c/y", "a/x"])
    expect(await order("y")).toEqual(["b/y", "c/y"])
    expect(await order("c/y")).toEqual(["c/y"])
    const refused = await ask(options, { options: { model: "fasst" } })
    expect(Request.failure(refused)?.reason).toMatchObject({ _tag: "NotFound", status: 404 })
    expect(Request.failure(refused)?.message).toContain("did you mean \"fast\"")
    const passed = await run(Pipeline.run([Route.plug({ ...options, otherModels: "pass" }), ...Mock.make(["rest"]).pipeline], Request.make({ provider: "any", messages: "Hi", options: { model: "z" } })))
    expect(Result.text(passed.result)).toBe("rest")
  })

  it("leaves out what cannot take the request", async () => {
    const targets = [
      { provider: "a", model: "no-tools", capabilities: { tools: false } },
      { provider: "b", model: "small", context: 20 },
      { provider: "openai", model: "gpt-4o" }
    ]
    const final = await ask({ targets }, { messages: "word ".repeat(100), options: { tools: [{ name: "t" }] } })
    expect(decisionOf(final)).toMatchObject({ chosen: "openai/gpt-4o", excluded: { "a/no-tools": "cannot do tools", "b/small": expect.stringContaining("takes 20 tokens") } })
    const none = await ask({ targets: targets.slice(0, 2) }, { messages: "word ".repeat(100), options: { tools: [{ name: "t" }] } })
    expect(Request.failure(none)?.reason._tag).toBe("Unsupported")
    expect(Request.failure(none)?.message).toContain("a/no-tools cannot do tools; b/small takes 20 tokens")
    const strict = await ask({ targets: [{ provider: "a", model: "unknown" }, ...targets.slice(2)], strict: true }, { options: { tools: [{ name: "t" }] } })
    expect(decisionOf(strict).order).toEqual(["openai/gpt-4o"])
  })

  it("reads what a request needs", () => {
    const request = Request.make({
      provider: "a",
      messages: [{ role: "user", content: [
        { type: "file", mediaType: "image/png", data: "" }, { type: "file", mediaType: "application/pdf", data: "" }, { type: "file", mediaType: "audio/wav", data: "" }
      ] }],
      options: { responseFormat: { type: "json", schema: {} }, reasoning: {}, maxTokens: 7 }
    })
    expect(Route.needs(request, 5)).toEqual({ capabilities: ["jsonSchema", "reasoning", "vision", "pdf", "audioInput"], prompt: 5, answer: 7, operation: "chat" })
    const exact = { capabilities: [], prompt: 5, answer: 7, operation: "chat" } as const
    expect(Route.lacks(exact, undefined, { context: 12 })).toBeUndefined()
    expect(Route.lacks(exact, undefined, { context: 11 })).toBe("takes 11 tokens, the request needs about 12")
  })

  it("goes to the next best on failure, not on the caller's fault, and no further than told", async () => {
    const providers = (tag: Reason["_tag"]) => Providers.of({ a: Mock.make(() => fail(tag)).pipeline, b: Mock.make(() => fail(tag)).pipeline, c: Mock.make(() => "c").pipeline })
    const line = (options: object = {}) => Pipeline.run([Route.plug({ targets: abc, ...options })], Request.make({ provider: "any", messages: "Hi" }))
    expect(Result.text((await run(line(), providers("Server"))).result)).toBe("c")
    const two = await run(line({ attempts: 2 }), providers("Server"))
    expect(two.errors.map(({ attempt, provider }) => [attempt, provider])).toEqual([[1, "a"], [2, "b"]])
    expect((await run(line(), providers("InvalidRequest"))).errors).toHaveLength(1)
  })

  it("carries no credential to a target", async () => {
    const seen: Array<Request> = []
    const spy = Mock.make((request) => (seen.push(request), fail("Server"))).pipeline
    await run(Pipeline.run([Route.plug({ targets: abc })], Request.make({
      provider: "any", messages: "Hi", config: { apiKey: Redacted.make("CANARY"), headers: { "x-c": "CANARY" }, baseUrl: "https://canary.example" }
    })), Providers.of({ a: spy, b: spy, c: spy }))
    expect(seen.map(({ config }) => config)).toEqual([{}, {}, {}])
  })

  it("takes the cheapest by the catalog; what has no known price comes last", async () => {
    const targets = [{ provider: "a", model: "unknown" }, { provider: "openai", model: "gpt-4o" }, { provider: "openai", model: "gpt-4o-mini" }]
    expect(decisionOf(await ask({ targets, strategy: "cost" })).order).toEqual(["openai/gpt-4o-mini", "openai/gpt-4o", "a/unknown"])
  })

  it("keeps vectors of one model together", async () => {
    const vectors = { type: "embeddings", embeddings: [[1]], usage: { inputTokens: {}, outputTokens: {} } } as const
    const all = Providers.of(Object.fromEntries(["a", "b", "c"].map((name) => [name, Mock.make(() => Mock.result(vectors)).pipeline])))
    const targets = [{ provider: "a", model: "x" }, { provider: "b", model: "y" }, { provider: "c", model: "x" }]
    const final = await run(Pipeline.run([Route.plug({ targets })], Request.make({ operation: "embeddings", provider: "any", messages: "Hi" })), all)
    expect(decisionOf(final).order).toEqual(["a/x", "c/x"])
  })

  it("gives everyone a turn", async () => {
    const state = Route.memory()
    const route = [Route.plug({ targets: abc, strategy: "roundRobin" })]
    const all = Effect.forEach([1, 2, 3, 4, 5, 6], () => Pipeline.run(route, Request.make({ provider: "any", messages: "Hi" })))
    const finals = await Effect.runPromise(Effect.provide(all, Layer.merge(echo, state)))
    expect(finals.map(({ provider }) => provider)).toEqual(["a", "b", "c", "a", "b", "c"])
  })

  it("refuses wrong options", async () => {
    const wrong = async (options: object) => {
      const exit = await Effect.runPromise(Effect.result(Effect.provide(Pipeline.run([Route.plug(options as never)], Request.make({ provider: "a", messages: "Hi" })), Layer.merge(echo, Route.memory()))))
      return exit._tag === "Failure" ? exit.failure.message : "accepted"
    }
    expect(await wrong({ targets: [] })).toContain("at least one target")
    expect(await wrong({ targets: abc, stratgy: "cost" })).toContain("did you mean \"strategy\"")
    expect(await wrong({ targets: [{ provider: "a", wieght: 1 }] })).toContain("did you mean \"weight\"")
    expect(await wrong({ targets: [{ provider: "a", weight: -1 }] })).toContain("weight")
    expect(await wrong({ targets: [{ provider: "a" }, { provider: "a" }] })).toContain("is taken")
    expect(await wrong({ targets: abc, aliases: { fast: "z" } })).toContain("aliases.fast")
    expect(await wrong({ targets: abc, strategy: "luck" })).toContain("strategy")
  })
})

describe("health", () => {
  const line = [Route.plug({ targets: abc, attempts: 1 })]
  const once = (operation: "chat" | "stream" = "chat") => Pipeline.run(line, Request.make({ provider: "any", messages: "Hi", operation }))

  it("puts a failing target last, and tries it again once its failures have faded", async () => {
    const providers = Providers.of({ a: Mock.make((_, call) => call <= 3 ? fail("Server") : "a").pipeline, b: Mock.make(() => "b").pipeline, c: [] })
    const all = Effect.gen(function*() {
      const seen: Array<string> = []
      for (const wait of [0, 0, 0, 0, 0, 120_000]) {
        yield* Effect.sleep(wait)
        const final = yield* once()
        seen.push(final.state === "error" ? "failed" : final.provider)
      }
      return seen
    })
    expect(await Effect.runPromise(VirtualClock.provide(Effect.provide(all, Layer.merge(providers, Route.memory()))))).toEqual(["failed", "failed", "failed", "b", "b", "a"])
  })

  it("leaves a target alone as long as it asked for", async () => {
    const providers = Providers.of({ a: Mock.make((_, call) => call === 1 ? fail("RateLimit", { retryAfter: 5_000 }) : "a").pipeline, b: Mock.make(() => "b").pipeline, c: [] })
    const all = Effect.gen(function*() {
      const seen: Array<string> = []
      for (const wait of [0, 0, 4_999, 1]) {
        yield* Effect.sleep(wait)
        seen.push((yield* once()).provider)
      }
      return seen
    })
    expect(await Effect.runPromise(VirtualClock.provide(Effect.provide(all, Layer.merge(providers, Route.memory()))))).toEqual(["a", "b", "b", "a"])
  })

  it("counts requests in flight until their end: answered, failed, streamed, interrupted, left", async () => {
    const state = State.make()
    const services = (answer: Mock.Script) => Layer.merge(Providers.of({ a: Mock.make(answer).pipeline, b: [], c: [] }), Layer.succeed(Route.RouteState, state))
    const inFlight = () => state.look("a", 0).inFlight
    await Effect.runPromise(Effect.provide(once(), services(["x"])))
    await Effect.runPromise(Effect.provide(once(), services([fail("Server")])))
    await Effect.runPromise(Effect.provide(once("stream"), services(["x"])))
    expect(inFlight()).toBe(0)
    await Effect.runPromise(Effect.provide(Effect.timeoutOption(once(), 5), services([Mock.never()])))
    expect(inFlight()).toBe(0)
    const left = Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open(line, Request.make({ provider: "any", messages: "Hi", operation: "stream" }))
      yield* live.pull
      expect(inFlight()).toBe(1)
    }))
    await Effect.runPromise(Effect.provide(left, services([Mock.text("a long text", { cut: 1 })])))
    expect(inFlight()).toBe(0)
  })

  it("counts a cut stream as a failure, and the caller's fault as none", async () => {
    const of = async (answer: Mock.Answer, operation: "chat" | "stream") => {
      const state = State.make({ minimum: 1 })
      await Effect.runPromise(Effect.provide(once(operation), Layer.merge(Providers.of({ a: Mock.make([answer]).pipeline, b: [], c: [] }), Layer.succeed(Route.RouteState, state))))
      return state.look("a", Date.now()).failures
    }
    expect(await of(Mock.cut([{ type: "text-start", id: "0" }]), "stream")).toBe(1)
    expect(await of(fail("InvalidRequest"), "chat")).toBe(0)
    expect(await of(fail("RateLimit"), "chat")).toBe(0)
    expect(await of(fail("Authentication"), "chat")).toBe(1)
  })

  it("goes to the fastest and the least busy", async () => {
    const state = State.make()
    for (const [name, ms] of [["a", 300], ["b", 100], ["c", 200]] as const) {
      state.begin(name, 0)
      state.answered(name, ms)
      state.end(name, "good", 0)
    }
    state.begin("a", 0)
    const of = (strategy: Route.Strategy) => Effect.runPromise(Effect.provide(
      Pipeline.run([Route.plug({ targets: abc, strategy, explore: 0 })], Request.make({ provider: "any", messages: "Hi" })), Layer.merge(echo, Layer.succeed(Route.RouteState, state))))
    expect(decisionOf(await of("latency")).order).toEqual(["b", "c", "a"])
    expect(decisionOf(await of("leastBusy")).order.at(-1)).toBe("a")
  })

  it("measures how long an answer takes to begin", async () => {
    const state = State.make()
    const slow = Providers.of({ a: Mock.make([Mock.text("abc", { delay: 40, between: 1_000, cut: 1 })]).pipeline, b: [], c: [] })
    await Effect.runPromise(VirtualClock.provide(Effect.provide(once("stream"), Layer.merge(slow, Layer.succeed(Route.RouteState, state)))))
    expect(state.look("a", 0).latency).toBe(40)
  })

  it("a target over its limit fails and counts as failing", async () => {
    const state = State.make({ minimum: 1 })
    const providers = Providers.of({ a: Mock.make(() => Mock.never()).pipeline, b: Mock.make(() => "b").pipeline, c: [] })
    const line = Pipeline.run([Route.plug({ targets: abc, timeout: 50 })], Request.make({ provider: "any", messages: "Hi" }))
    const final = await Effect.runPromise(VirtualClock.provide(Effect.provide(line, Layer.merge(providers, Layer.succeed(Route.RouteState, state)))))
    expect(decisionOf(final).steps.map(({ error, ms, name }) => [name, ms, error?.reason._tag])).toEqual([["a", 50, "Timeout"], ["b", 0, undefined]])
    expect(state.look("a", 0)).toMatchObject({ failures: 1, inFlight: 0, healthy: false })
  })

  it("lets old requests fade, failures and all", () => {
    const state = State.make({ halfLife: 1_000 })
    for (const [outcome, now] of [["bad", 0], ["good", 2_000]] as const) {
      state.begin("a", now)
      state.end("a", outcome, now)
    }
    expect(state.look("a", 2_000).failures).toBeCloseTo(0.25 / 1.25)
  })

  it("keeps no more targets than told, and none in use is forgotten", () => {
    const state = State.make({ most: 3 })
    state.begin("busy", 0)
    for (let index = 0; index < 100; index++) {
      state.begin(`t${index}`, 0)
      state.end(`t${index}`, "bad", 0)
    }
    expect(state.look("busy", 0).inFlight).toBe(1)
    expect(state.look("t0", 0).failures).toBe(0)
    expect(state.look("t99", 0).failures).toBe(1)
  })
})

describe("the laws", () => {
  const services = Layer.merge(Providers.of({ b: Mock.make(() => "b").pipeline }), Route.memory())
  const route = () => Route.plug({ targets: [{ provider: "b" }], otherModels: "pass", deadline: 60_000 })
  for (const law of Laws.plug(route, { numRuns: 10, services })) it(law.name, law.check)
})

it("an experiment knows people by who they are, not by what they ask", async () => {
  const line = (user: string, text: string) => run(Pipeline.run([Identity.plug({ tenant: "t", user }), Route.plug({ targets: abc, strategy: "experiment" })], Request.make({ provider: "any", messages: text })))
  await fc.assert(fc.asyncProperty(fc.string(), async (user) => {
    const [one, two] = [decisionOf(await line(user, "one")), decisionOf(await line(user, "two"))]
    expect(one.assigned).toBe(two.assigned)
    expect(one.chosen).toBe(one.assigned)
  }), { numRuns: 15 })
})

it("an experiment divides all, also where a variant cannot take the request: then its people go to another, and stay its own", async () => {
  const targets = [{ provider: "a", capabilities: { tools: false } }, { provider: "b" }, { provider: "c" }]
  for (let user = 0; user < 25; user++) {
    const key = () => String(user)
    const plain = decisionOf(await ask({ targets, strategy: "experiment", key }))
    const tools = decisionOf(await ask({ targets, strategy: "experiment", key }, { options: { tools: [{ name: "t" }] } }))
    expect(tools.assigned).toBe(plain.assigned)
    expect(tools.chosen).toBe(plain.assigned === "a" ? "b" : plain.assigned)
    expect(tools.order).not.toContain("a")
  }
})
