/**
 * CircuitBreaker: what counts as a failure, when it opens, what its callers are told, what is done by hand, and what happens when its
 * store is down.
 *
 * @module
 */
import { LlmError, Pipeline, Plug, Request } from "@plugline/core"
import type { Reason } from "@plugline/core"
import { CircuitBreaker, StoreError, storeFailures } from "@plugline/plugs"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Clock, Effect, Fiber, Layer, Metric, PubSub, Stream } from "effect"
import { describe, expect, it } from "vitest"

const whole = Request.make({ provider: "mock", messages: "Hi", options: { model: "m" } })
const streamed = Request.withOperation(whole, "stream")
const run = <A, E>(program: Effect.Effect<A, E, CircuitBreaker.BreakerStore>): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(program, CircuitBreaker.memory())))
const fail = (reason: Partial<Reason> & { readonly _tag: Reason["_tag"] }) => Mock.fail({ message: "broken", ...reason } as Reason)
const broken = () => fail({ _tag: "Server", status: 500 })
const begun = [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }] as const

/** Calls one after the other; how the circuit stands then. */
const after = (options: Parameters<typeof CircuitBreaker.plug>[0], script: Mock.Script, requests: ReadonlyArray<Request>) =>
  run(Effect.gen(function*() {
    const mock = Mock.make(script)
    const finals: Array<Request> = []
    for (const request of requests) finals.push(yield* Pipeline.run([CircuitBreaker.plug(options), ...mock.pipeline], request))
    return { finals, asked: mock.calls.length, snapshot: (yield* CircuitBreaker.state("mock/m"))! }
  }))

describe("CircuitBreaker", () => {
  for (
    const [name, plug] of [
      ["with its defaults", CircuitBreaker.plug()],
      ["that opens at once", CircuitBreaker.plug({ consecutive: 1, openFor: 1 })],
      ["with rates", CircuitBreaker.plug({ failureRate: 0.5, slowCall: 10, minimumCalls: 1, probes: 2 })]
    ] as const
  ) {
    describe(`keeps the laws ${name}`, () => {
      Laws.plug(plug, { services: CircuitBreaker.memory(), numRuns: 20 }).forEach(({ check, name }) => it(name, check))
    })
  }

  it.each<[Partial<Reason> & { readonly _tag: Reason["_tag"] }, "failure" | "healthy" | "ignored"]>([
    [{ _tag: "Network" }, "failure"],
    [{ _tag: "Timeout", phase: "connect" }, "failure"],
    [{ _tag: "Timeout", phase: "upstream", status: 408 }, "failure"],
    [{ _tag: "Server", status: 500 }, "failure"],
    [{ _tag: "Server", status: 520 }, "failure"],
    [{ _tag: "Server", status: 524 }, "failure"],
    [{ _tag: "Overloaded", status: 529 }, "failure"],
    [{ _tag: "Overloaded" }, "failure"],
    [{ _tag: "CutStream" }, "failure"],
    [{ _tag: "MalformedResponse" }, "failure"],
    [{ _tag: "NotAnLlm" }, "failure"],
    [{ _tag: "InvalidRequest", status: 400 }, "healthy"],
    [{ _tag: "Authentication", status: 401 }, "healthy"],
    [{ _tag: "Permission", status: 403 }, "healthy"],
    [{ _tag: "NotFound", status: 404 }, "healthy"],
    [{ _tag: "InvalidRequest", status: 413 }, "healthy"],
    [{ _tag: "InvalidRequest", status: 422 }, "healthy"],
    [{ _tag: "RateLimit", status: 429 }, "ignored"],
    [{ _tag: "Overloaded", status: 429 }, "ignored"],
    [{ _tag: "RateLimit" }, "ignored"],
    [{ _tag: "Quota", status: 402 }, "ignored"],
    [{ _tag: "Halted" }, "ignored"],
    [{ _tag: "Plug" }, "ignored"],
    [{ _tag: "Configuration" }, "ignored"],
    // Without a status and an answer it never reached the service.
    [{ _tag: "Authentication" }, "ignored"],
    [{ _tag: "InvalidRequest" }, "ignored"]
  ])("takes %j for %s", async (reason, expected) => {
    const failed = Request.fail(whole, LlmError.make({ message: "no", ...reason } as Reason))
    expect(CircuitBreaker.classify(failed)).toBe(expected)
    const { snapshot } = await after({}, [fail(reason)], [whole])
    expect([snapshot.calls, snapshot.failures]).toEqual([expected === "ignored" ? 0 : 1, expected === "failure" ? 1 : 0])
  })

  it("takes what a service refused in its answer for healthy, and calls that were given up for nothing", () => {
    const answered = Request.putResponse(Request.execute(whole), { status: 200, headers: {}, body: "" })
    expect(CircuitBreaker.classify(Request.fail(answered, LlmError.make({ _tag: "ContentPolicy", message: "no" })))).toBe("healthy")
    expect(CircuitBreaker.classify(answered)).toBe("ignored")
    expect(CircuitBreaker.classify(whole)).toBe("ignored")
    for (const plug of ["budget", "circuitBreaker", "queue", "rateLimit"]) {
      const inner = LlmError.make({ _tag: "Overloaded", message: "full" }, { plug })
      expect(CircuitBreaker.classify(Request.fail(whole, inner))).toBe("ignored")
    }
  })

  it("opens at its edge and refuses at once, with a word about what to do", async () => {
    const { asked, finals, snapshot } = await after({ consecutive: 3, openFor: "20 seconds" }, broken, Array.from({ length: 5 }, () => whole))
    expect([asked, snapshot.state]).toEqual([3, "open"])
    const error = Request.failure(finals[3]!)!
    expect(error).toMatchObject({ plug: "circuitBreaker", provider: "mock", retryable: true, retryAfter: 20_000 })
    expect(error.reason._tag).toBe("Overloaded")
    expect(error.message).toContain("circuit \"mock/m\" is open for 20 s more")
    expect(Request.get(finals[3]!, CircuitBreaker.status)).toEqual({ circuit: "mock/m", state: "open", probe: false })
    expect(finals[3]!.metadata["circuitBreaker"]).toEqual({ circuit: "mock/m", state: "open", probe: false })
    expect(finals[0]!.metadata["circuitBreaker"]).toBeUndefined()
  })

  it("opens after five failures in a row where nothing is said, and otherwise only for what is said", async () => {
    const many = Array.from({ length: 9 }, () => whole)
    expect((await after({}, broken, many)).asked).toBe(5)
    expect((await after({ failureRate: 1, minimumCalls: 8 }, broken, many)).asked).toBe(8)
    expect((await after({ slowCall: "1 hour" }, broken, many)).asked).toBe(9)
  })

  it("counts a stream when it has ended, by how it ended", async () => {
    const cut = Mock.cut(begun)
    const late = Mock.fail({ _tag: "Overloaded", message: "busy" }, { after: begun })
    expect((await after({ consecutive: 2 }, [cut, late], [streamed, streamed])).snapshot.state).toBe("open")
    const { snapshot } = await after({ consecutive: 2 }, [cut, "fine", cut], [streamed, streamed, streamed])
    expect([snapshot.state, snapshot.calls, snapshot.failures]).toEqual(["closed", 3, 2])
  })

  it("counts by first tokens what is slow", async () => {
    const slow = Mock.text("late", { delay: 1_001 })
    const long = Mock.text("long", { delay: 1_000, between: 5_000 })
    const slowly = await after({ slowCall: 1_000, slowRate: 0.5, minimumCalls: 4 }, [long, slow, long, slow, "no"], Array.from({ length: 5 }, () => streamed))
    expect([slowly.asked, slowly.snapshot.state]).toEqual([4, "open"])
    const half = await after({ slowCall: 1_000, minimumCalls: 4 }, [long, slow, long, slow, "no"], Array.from({ length: 5 }, () => streamed))
    expect([half.asked, half.snapshot.state]).toEqual([4, "open"])
    const within = await after({ slowCall: 1_000, slowRate: 0.75, minimumCalls: 4 }, [long, slow, long, slow], Array.from({ length: 4 }, () => streamed))
    expect(within.snapshot).toMatchObject({ state: "closed", calls: 4, slow: 2 })
  })

  it("says nothing of a reader that leaves or a run that is interrupted, and gives a probe back", async () => {
    await run(Effect.gen(function*() {
      const mock = Mock.make([broken(), Mock.stall(begun), Mock.never(), "fine"])
      const line = [CircuitBreaker.plug({ consecutive: 1, openFor: 1_000 }), ...mock.pipeline]
      yield* Pipeline.run(line, whole)
      yield* Effect.sleep(1_000)
      yield* Effect.scoped(Effect.flatMap(Pipeline.open(line, streamed), ({ pull }) => pull))
      expect(yield* CircuitBreaker.state("mock/m")).toMatchObject({ state: "half-open", probing: 0 })
      const fiber = yield* Effect.forkChild(Pipeline.run(line, whole))
      yield* Effect.sleep(10)
      expect(yield* CircuitBreaker.state("mock/m")).toMatchObject({ state: "half-open", probing: 1 })
      yield* Fiber.interrupt(fiber)
      const final = yield* Pipeline.run(line, whole)
      expect(final.metadata["circuitBreaker"]).toEqual({ circuit: "mock/m", state: "half-open", probe: true })
      expect(yield* CircuitBreaker.state("mock/m")).toMatchObject({ state: "closed" })
    }))
  })

  it("tells every transition", async () => {
    const seen = await run(Effect.gen(function*() {
      const reading = yield* Effect.forkChild(Stream.runCollect(Stream.take(CircuitBreaker.transitions, 6)), { startImmediately: true })
      yield* Effect.yieldNow
      const mock = Mock.make([broken(), broken(), "fine"])
      const line = [CircuitBreaker.plug({ consecutive: 1, openFor: 1_000 }), ...mock.pipeline]
      for (let call = 0; call < 3; call++) {
        yield* Pipeline.run(line, whole)
        yield* Effect.sleep(1_000)
      }
      yield* CircuitBreaker.open("mock/m")
      return [...(yield* Fiber.join(reading))].map(({ at, from, to, why }) => `${at} ${from} ${to} ${why}`)
    }))
    expect(seen).toEqual([
      "0 closed open consecutive", "1000 open half-open time", "1000 half-open open probe", "2000 open half-open time", "2000 half-open closed probes",
      "3000 closed open manual"
    ])
  })

  it("keeps providers and models apart, or what it is told to", async () => {
    const other = Request.mergeOptions(whole, { model: "other" })
    const asked = async (options: Parameters<typeof CircuitBreaker.plug>[0]) => (await after(options, broken, [whole, other, Request.withProvider(whole, "else")])).asked
    expect(await asked({ consecutive: 1 })).toBe(3)
    expect(await asked({ consecutive: 1, key: () => "mock/m" })).toBe(1)
    expect(await asked({ consecutive: 1, key: ({ options }) => `mock/${options.model}` })).toBe(2)
    expect([CircuitBreaker.key("a"), CircuitBreaker.key("a", "b")]).toEqual(["a", "a/b"])
  })

  it("is opened, closed and looked at by hand", async () => {
    await run(Effect.gen(function*() {
      const line = [CircuitBreaker.plug(), ...Mock.make(() => "fine").pipeline]
      yield* CircuitBreaker.open("mock/m")
      yield* CircuitBreaker.open("a", "5 seconds")
      const refused = yield* Pipeline.run(line, whole)
      expect(Request.failure(refused)?.message).toContain("until somebody closes it")
      expect(Request.failure(refused)?.retryAfter).toBeUndefined()
      expect((yield* CircuitBreaker.states).map(({ circuit, forced, retryAfter, state }) => [circuit, state, forced, retryAfter]))
        .toEqual([["a", "open", false, 5_000], ["mock/m", "open", true, undefined]])
      yield* CircuitBreaker.close("mock/m")
      expect((yield* Pipeline.run(line, whole)).state).toBe("completed")
      yield* CircuitBreaker.reset("a")
      expect((yield* CircuitBreaker.state("a"))?.state).toBe("closed")
      expect(yield* CircuitBreaker.state("never")).toBeUndefined()
    }))
  })

  const storeOf = (ask: Effect.Effect<never, StoreError>) =>
    Layer.effect(CircuitBreaker.BreakerStore, Effect.map(PubSub.sliding<CircuitBreaker.Transition>(1), (transitions) => ({
      admit: () => ask, report: () => ask, order: () => ask, read: () => ask, circuits: () => ask, transitions
    })))
  const never = Effect.never
  const gone = Effect.fail(new StoreError("breaker", "gone"))

  it.each([["does not answer", never, 100], ["fails", gone, 0]] as const)("lets calls pass when its store %s, within its patience", async (_, ask, limit) => {
    const program = Effect.gen(function*() {
      const final = yield* Pipeline.run([CircuitBreaker.plug({ storeTimeout: 100 }), ...Mock.make(["fine"]).pipeline], streamed)
      const failures = yield* Metric.value(Metric.withAttributes(storeFailures, { store: "breaker", way: "open" }))
      return { final, failures: failures.count, at: yield* Clock.currentTimeMillis }
    })
    const { at, failures, final } = await Effect.runPromise(VirtualClock.provide(
      Effect.provideService(Effect.provide(program, storeOf(ask)), Metric.MetricRegistry, new Map())
    ))
    expect([final.state, at, failures]).toEqual(["completed", limit, 1])
    expect(Request.get(final, CircuitBreaker.status)).toEqual({ circuit: "mock/m", state: "unknown", probe: false })
  })

  it("hangs nobody when its store stops to answer in the middle of a call", async () => {
    const admitting = Layer.effect(CircuitBreaker.BreakerStore, Effect.map(CircuitBreaker.BreakerStore, (store) => ({ ...store, report: () => never })))
      .pipe(Layer.provide(CircuitBreaker.memory()))
    const mock = Mock.make([Mock.stall(begun), Mock.never(), "fine"])
    const line = [CircuitBreaker.plug({ storeTimeout: 100 }), ...mock.pipeline]
    const at = await Effect.runPromise(VirtualClock.provide(Effect.provide(Effect.gen(function*() {
      yield* Effect.scoped(Effect.flatMap(Pipeline.open(line, streamed), ({ pull }) => pull))
      const left = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(Pipeline.run(line, whole))
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(fiber)
      const interrupted = yield* Clock.currentTimeMillis
      const final = yield* Pipeline.run(line, whole)
      return [left, interrupted, final.state, yield* Clock.currentTimeMillis]
    }), admitting)))
    expect(at).toEqual([100, 210, "completed", 310])
  })

  it.each([
    [{ consecutive: 0 }, "consecutive"],
    [{ failureRate: 0 }, "failureRate"],
    [{ failureRate: 1.1 }, "failureRate"],
    [{ growth: 0.5 }, "growth"],
    [{ probes: 0 }, "probes"],
    [{ key: "name" }, "key"],
    [{ threshold: 5 }, "threshold"]
  ])("refuses the options %j", async (options, option) => {
    const error = await run(Effect.flip(Pipeline.run([CircuitBreaker.plug(options as never), ...Mock.make(["x"]).pipeline], whole)))
    expect(error.reason).toMatchObject({ _tag: "Configuration", option })
  })

  it("stands between retry and provider in one line", async () => {
    const line = [Plug.group("guarded", [CircuitBreaker.plug({ consecutive: 1 })]), ...Mock.make(broken).pipeline]
    expect(Pipeline.names(line)).toContain("guarded")
    for (const law of Laws.pipeline(line, { services: CircuitBreaker.memory(), numRuns: 10 })) await law.check()
  })
})
