import { Pipeline, Plug, Request } from "@plugline/core"
import type { Next, Part } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Fiber, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { mark } from "../src/cache/status.ts"
import { Amount, Identity, TrackCost } from "../src/index.ts"
import { ask, play, usage } from "./money.ts"

const one = { usage: usage(10, 50) }
const hello: ReadonlyArray<Part> = [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hello" }]
const retry = Plug.around("again", (request, next) => {
  const attempt = (left: number): Effect.Effect<Request> =>
    Effect.flatMap(next(request), (answer) => answer.state === "error" && left > 0 ? attempt(left - 1) : Effect.succeed(answer))
  return attempt(2)
})
const run = (line: Pipeline<TrackCost.TotalsStore>, request = ask()) =>
  Effect.map(Pipeline.run(line, request), (final) => TrackCost.of(final))
const all = TrackCost.totals()

describe("one request", () => {
  it("says what it cost in parts, whole and streamed", async () => {
    for (const operation of ["chat", "stream"] as const) {
      const tracked = await play(run([TrackCost.plug(), Mock.make([Mock.text("Hi", one)]).plug], ask({ operation })), TrackCost.memory())
      expect(tracked).toEqual({
        currency: "USD", total: "0.00051", known: "0.00051", source: "computed", attempts: 1,
        parts: { input: "0.00001", cacheRead: "0", cacheWrite: "0", output: "0.0005", reasoning: "0", other: "0" }
      })
    }
  })

  it("takes what the provider says it charged", async () => {
    const said = { ...usage(10, 50), raw: { cost: 0.0042 } }
    const tracked = await play(run([TrackCost.plug(), Mock.make([Mock.text("Hi", { usage: said })]).plug], ask({ provider: "openrouter" })), TrackCost.memory())
    expect(tracked).toEqual({ currency: "USD", total: "0.0042", known: "0.0042", source: "reported", attempts: 1 })
  })

  it("is unknown, never zero, without a price, usage or model", async () => {
    for (const [request, answer] of [
      [ask({ options: { model: "none" } }), Mock.text("Hi", one)],
      [ask({ options: {} }), Mock.text("Hi", one)],
      [ask(), Mock.text("Hi")]
    ] as const) {
      const program = Effect.all([run([TrackCost.plug(), Mock.make([answer]).plug], request), all])
      const [tracked, [total]] = await play(program, TrackCost.memory())
      expect(tracked).not.toHaveProperty("total")
      expect(tracked).toMatchObject({ source: "unknown", known: "0" })
      expect(tracked!.reasons).toHaveLength(1)
      expect(total).toMatchObject({ cost: "0", calls: 1, unknown: 1 })
    }
  })

  it("counts what is known of a cost that is not wholly known", async () => {
    const half = { inputTokens: { total: 10, cacheRead: 0, cacheWrite: 0 }, outputTokens: {} }
    const tracked = await play(run([TrackCost.plug(), Mock.make([Mock.text("Hi", { usage: half })]).plug]), TrackCost.memory())
    expect(tracked).not.toHaveProperty("total")
    expect(tracked?.known).toBe("0.00001")
  })

  it("costs nothing from a cache, and says what that saved", async () => {
    const cache = Plug.around("cache", (request) =>
      mark(Request.halt(request, { type: "chat", content: [], finishReason: "stop", usage: usage(10, 50) }), { status: "hit" }))
    const [tracked, [total]] = await play(Effect.all([run([TrackCost.plug(), cache]), all]), TrackCost.memory())
    expect(tracked).toMatchObject({ total: "0", source: "cached", saved: "0.00051", attempts: 1 })
    expect(total).toMatchObject({ cost: "0", calls: 1, cached: 1 })
  })

  it("cannot be made free by what a caller writes into it", async () => {
    const request = ask({ metadata: { cache: { status: "hit" }, cost: { total: "0" } } })
    const tracked = await play(run([TrackCost.plug(), Mock.make([Mock.text("Hi", one)]).plug], request), TrackCost.memory())
    expect(tracked?.total).toBe("0.00051")
  })

  it("costs nothing where the provider refused, and is unknown where the answer broke off or was left", async () => {
    const refused = Mock.fail({ _tag: "RateLimit", message: "slow", status: 429 })
    expect(await play(run([TrackCost.plug(), Mock.make([refused]).plug]), TrackCost.memory())).toMatchObject({ total: "0", source: "refused" })
    const unknown = [
      Mock.cut(hello), Mock.fail({ _tag: "CutStream", message: "broke" }), Mock.fail({ _tag: "Server", message: "no" }, { after: hello }),
      Mock.fail({ _tag: "Timeout", message: "late", phase: "first-token" }), Mock.fail({ _tag: "MalformedResponse", message: "?" })
    ]
    for (const reply of unknown) {
      const tracked = await play(run([TrackCost.plug(), Mock.make([reply]).plug], ask({ operation: "stream" })), TrackCost.memory())
      expect(tracked).toMatchObject({ source: "unknown" })
    }
    const left = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(run([TrackCost.plug(), Mock.make([Mock.never()]).plug]))
      yield* Effect.sleep(5)
      yield* Fiber.interrupt(fiber)
      yield* Effect.scoped(Pipeline.open([TrackCost.plug(), Mock.make([Mock.stall(hello)]).plug], ask({ operation: "stream" })))
      return yield* all
    })
    expect(await play(left, TrackCost.memory())).toMatchObject([{ calls: 2, unknown: 2 }])
  })
})

describe("several attempts", () => {
  const mock = () => Mock.make([
    Mock.fail({ _tag: "RateLimit", message: "slow", status: 429 }),
    Mock.parts([...hello, { type: "finish", reason: "stop", usage: usage(10, 50) }]), Mock.text("Hi", one)
  ])
  const objects = (request: Request, next: Next) => Effect.map(next(request), (answer) =>
    answer.state === "completed" && Request.get(answer, TrackCost.cost)?.attempts === 2 ? Request.refuse(answer, "not that") : answer)

  it("are counted each once, and the plug in front says the sum", async () => {
    const line = [TrackCost.plug(), retry, Plug.around("objects", objects), TrackCost.plug(), mock().plug]
    const [tracked, totals] = await play(Effect.all([run(line), all]), TrackCost.memory())
    expect(tracked).toMatchObject({ total: "0.00051", attempts: 2, source: "computed" })
    expect(totals).toEqual([{ group: {}, cost: "0.00051", calls: 2, unknown: 0, cached: 0 }])
  })

  it("a failed one with usage counts, one without makes the sum unknown", async () => {
    const fails = Plug.around("refuses", (request, next) => Effect.map(next(request), (answer) => Request.refuse(answer, "no")))
    const known = Mock.make(() => Mock.text("Hi", one))
    const sum = await play(run([TrackCost.plug(), retry, fails, TrackCost.plug(), known.plug]), TrackCost.memory())
    expect(sum).toMatchObject({ total: "0.00153", attempts: 3 })
    const mixed = Mock.make([Mock.cut(hello), Mock.text("Hi", one)])
    const unknown = await play(run([TrackCost.plug(), retry, TrackCost.plug(), mixed.plug]), TrackCost.memory())
    expect(unknown).not.toHaveProperty("total")
    expect(unknown).toMatchObject({ known: "0.00051", attempts: 2, source: "mixed" })
  })

  it("of lines at once are counted each once", async () => {
    const way = () => [TrackCost.plug(), Mock.make([Mock.text("Hi", one)]).plug]
    const line = [TrackCost.plug(), Plug.parallel("both", { a: way(), b: way() })]
    const [tracked, totals] = await play(Effect.all([run(line), all]), TrackCost.memory())
    expect(tracked).toMatchObject({ total: "0.00102", attempts: 2 })
    expect(totals).toMatchObject([{ cost: "0.00102", calls: 2 }])
  })
})

describe("totals", () => {
  it("go by pipeline, provider, model, and whom the call was for", async () => {
    const who = { tenant: "acme", team: "red", user: "ada", key: "k1" }
    const program = Effect.andThen(
      run([TrackCost.plug({ pipeline: "main" }), Mock.make([Mock.text("Hi", one)]).plug], Identity.as(ask(), who)),
      TrackCost.totals({ by: ["pipeline", "provider", "model", "key", "user", "tenant", "team"] })
    )
    expect(await play(program, TrackCost.memory())).toEqual([
      { group: { pipeline: "main", provider: "mock", model: "round", ...who }, cost: "0.00051", calls: 1, unknown: 0, cached: 0 }
    ])
  })

  it("keep no names of models that nobody knows and that never answered", async () => {
    const refused = Mock.fail({ _tag: "NotFound", message: "no such model", status: 404 })
    const program = Effect.all([
      run([TrackCost.plug(), Mock.make([refused]).plug], ask({ options: { model: "made-up" } })),
      run([TrackCost.plug(), Mock.make([Mock.text("Hi", one)]).plug], ask({ options: { model: "own" } })),
      TrackCost.totals({ by: ["model"] })
    ])
    const [, , totals] = await play(program, TrackCost.memory())
    expect(totals.map(({ group }) => group)).toEqual([{}, { model: "own" }])
  })

  it("are the exact sum of what the requests say", async () => {
    const counts = fc.array(fc.record({ input: fc.nat(1_000_000), output: fc.nat(100_000) }), { maxLength: 30 })
    await fc.assert(fc.asyncProperty(counts, async (counts) => {
      const program = Effect.all([
        Effect.forEach(counts, ({ input, output }) =>
          run([TrackCost.plug(), Mock.make([Mock.text("Hi", { usage: usage(input, output), delay: input % 7 })]).plug]), { concurrency: "unbounded" }),
        all
      ])
      const [each, totals] = await play(program, TrackCost.memory())
      const sum = each.reduce((sum, tracked) => sum + Amount.parse(tracked!.total!)!, 0n)
      expect(totals[0]?.cost ?? "0").toBe(Amount.text(sum))
      expect(sum).toBe(counts.reduce((sum, { input, output }) => sum + BigInt(input) * 1_000_000n + BigInt(output) * 10_000_000n, 0n))
    }), { numRuns: 40 })
  })

  it("that cannot be kept lose no answer and hold nothing up", async () => {
    for (const add of [() => Effect.never, () => Effect.fail(new Error("down")), () => { throw new Error("broken") }]) {
      const broken = Layer.succeed(TrackCost.TotalsStore, { add: add as never, buckets: () => [] })
      const final = await play(Pipeline.run([TrackCost.plug(), Mock.make([Mock.text("Hi", one)]).plug], ask()), broken)
      expect(final.state).toBe("completed")
      expect(TrackCost.of(final)?.total).toBe("0.00051")
    }
  })
})

describe("an amount", () => {
  it("survives text and back, and keeps its order", () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 24n), (amount) => Amount.parse(Amount.text(amount)) === amount))
  })
  it("is refused where it is none", () => {
    for (const odd of [NaN, Infinity, -1, "1e309", "", " 1", "1e999", "0x10", "1,5", "-0.1", "1".repeat(16)]) expect(Amount.parse(odd)).toBeUndefined()
    expect(Amount.parse(".5")).toBe(500_000_000_000n)
    expect(Amount.parse(1e-7)).toBe(100_000n)
    expect(Amount.parse("0.0000000000001")).toBe(1n)
  })
})
