import { Pipeline, Plug, Request, Result } from "@plugline/core"
import type { Part, Usage } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Effect, Fiber, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Status from "../src/cache/status.ts"
import * as Identity from "../src/identity.ts"
import * as RateLimit from "../src/RateLimit.ts"
import { LimitStore } from "../src/store/LimitStore.ts"

type Options = NonNullable<Parameters<typeof RateLimit.plug>[0]>

const usage = (input: number, output: number): Usage => ({ inputTokens: { total: input }, outputTokens: { total: output } })
const hello = Mock.make(() => Mock.text("Hello", { usage: usage(3, 7) }))
const request = Request.make({ provider: "local", messages: "Hi", options: { model: "small" } })
const ada = Identity.as(request, { user: "ada", tenant: "acme" })
const bob = Identity.as(request, { user: "bob", tenant: "acme" })

/** A line with limits in front of a provider. */
const line = (options: Options, provider: Pipeline<never> = hello.pipeline) => [RateLimit.plug(options), ...provider]

/** Runs on a clock of its own, with limits in memory. */
const run = <A, E>(effect: Effect.Effect<A, E, LimitStore>, start = 0): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(effect, RateLimit.memory()), start))

const states = (requests: ReadonlyArray<Request>): ReadonlyArray<string> => requests.map(({ state }) => state)
const reason = (final: Request) => final.errors[0]?.reason

describe("limits", () => {
  it("refuses with the time to come again, and lets through when it has come", async () => {
    const limited = line({ limits: [{ per: "user", requestsPerMinute: { rate: 60, burst: 2 } }] })
    const seen = await run(Effect.gen(function*() {
      const first = yield* Effect.all([1, 2, 3].map(() => Pipeline.run(limited, ada)))
      const other = yield* Pipeline.run(limited, bob)
      yield* Effect.sleep(first[2]!.errors[0]!.retryAfter! - 1)
      const early = yield* Pipeline.run(limited, ada)
      yield* Effect.sleep(early.errors[0]!.retryAfter!)
      return [...first, other, early, yield* Pipeline.run(limited, ada)]
    }))
    expect(states(seen)).toEqual(["completed", "completed", "error", "completed", "error", "completed"])
    expect(reason(seen[2]!)).toEqual({
      _tag: "RateLimit", message: "the limit of 60 calls a minute per user is reached; try again in 1 s", retryAfter: 1_000
    })
    expect(seen[4]!.errors[0]!.retryAfter).toBe(1)
    expect(seen[2]!.metadata).toEqual({ rateLimit: { admitted: false, waited: 0 } })
  })

  it("a refusal takes nothing from any limit", async () => {
    const limits: Options["limits"] = [{ per: "tenant", requestsPerDay: 3 }, { per: "user", concurrency: 9, requestsPerMinute: 1 }]
    for (const order of [limits, limits.toReversed()]) {
      const limited = line({ limits: order })
      const seen = await run(Effect.all([ada, ada, ada, bob, bob].map((each) => Pipeline.run(limited, each))))
      expect(states(seen)).toEqual(["completed", "error", "error", "completed", "error"])
      const standings = Request.get(seen[4]!, RateLimit.status)!.limits
      expect(standings.find(({ name }) => name === "tenant")).toMatchObject({ limit: 3, remaining: 1 })
      expect(standings.find(({ what }) => what === "concurrency")).toMatchObject({ limit: 9, remaining: 9 })
    }
  })

  it("counts days by the calendar of a time zone, long and short days included", async () => {
    const daily = (timeZone?: string) => line({ limits: [{ per: "global", requestsPerDay: 1 }], ...(timeZone !== undefined && { timeZone }) })
    const wait = async (time: string, zone?: string) => {
      const seen = await run(Effect.all([1, 2].map(() => Pipeline.run(daily(zone), request))), Date.parse(time))
      return seen[1]!.errors[0]!.retryAfter! / 3_600_000
    }
    expect(await wait("2026-11-21T22:00:00Z")).toBe(2)
    expect(await wait("2026-11-21T22:00:00Z", "Europe/Berlin")).toBe(1)
    expect(await wait("2026-10-24T22:00:00Z", "Europe/Berlin")).toBe(25)
    expect(await wait("2026-03-28T23:00:00Z", "Europe/Berlin")).toBe(23)
    expect(await wait("2026-11-21T22:00:00Z", "+05:30")).toBe(20.5)
    const over = await run(Effect.gen(function*() {
      const first = yield* Pipeline.run(daily(), request)
      yield* Effect.sleep(2 * 3_600_000)
      return [first, yield* Pipeline.run(daily(), request)]
    }), Date.parse("2026-11-21T22:00:00Z"))
    expect(states(over)).toEqual(["completed", "completed"])
  })

  it("differs by tier, and one tier may be unlimited", async () => {
    const limited = line({
      limits: [{ per: "user", requestsPerMinute: 1, tiers: { premium: { requestsPerMinute: 2 }, staff: { requestsPerMinute: "unlimited" } } }]
    })
    const tally = async (tier?: string) => {
      const who = tier === undefined ? ada : Identity.as(ada, { tier })
      const seen = await run(Effect.all([1, 2, 3].map(() => Pipeline.run(limited, who))))
      return seen.filter(({ state }) => state === "completed").length
    }
    expect([await tally(), await tally("unheard of"), await tally("premium"), await tally("staff")]).toEqual([1, 1, 2, 3])
  })

  it("counts by each thing, by several, and by a function; who is not known shares one limit", async () => {
    const alike = async (per: Options["limits"][number]["per"], a: Request, b: Request) =>
      (await run(Effect.all([a, b].map((each) => Pipeline.run(line({ limits: [{ per, requestsPerMinute: 1 }] }), each)))))[1]!.state === "error"
    expect(await alike("global", ada, Request.withProvider(bob, "other"))).toBe(true)
    expect(await alike("provider", ada, Request.withProvider(ada, "other"))).toBe(false)
    expect(await alike("model", ada, Request.mergeOptions(ada, { model: "large" }))).toBe(false)
    for (const name of ["user", "key", "team", "tenant"] as const) {
      expect(await alike(name, Identity.as(request, { [name]: "a" }), Identity.as(request, { [name]: "b" }))).toBe(false)
      expect(await alike(name, request, request)).toBe(true)
    }
    expect(await alike(["user", "model"], ada, Request.mergeOptions(ada, { model: "large" }))).toBe(false)
    expect(await alike(["user", "team"], Identity.as(request, { user: "a", team: "b" }), Identity.as(request, { user: "a\",\"b" }))).toBe(false)
    expect(await alike(({ options }) => options.model, ada, bob)).toBe(true)
    expect(await alike(() => undefined, ada, ada)).toBe(false)
    const long = "x".repeat(100)
    expect(await alike("user", Identity.as(request, { user: `${long}a` }), Identity.as(request, { user: `${long}b` }))).toBe(false)
    expect(await alike("user", Identity.as(request, { user: "\ud800" }), Identity.as(request, { user: "\ud801" }))).toBe(false)
  })

  it("admits in every window no more than the limit and time allow", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ after: fc.nat(20_000), who: fc.constantFrom(ada, bob, request) }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (calls, burst, wait) => {
          const times: Array<number> = []
          const limited = line({ limits: [{ per: "global", requestsPerMinute: { rate: 6, burst } }], whenFull: wait ? "wait" : "refuse" }, [
            Plug.make("time", (request) =>
              Effect.clockWith((clock) => Effect.sync(() => (times.push(clock.currentTimeMillisUnsafe()), request)))),
            ...hello.pipeline
          ])
          await run(Effect.gen(function*() {
            const fibers: Array<Fiber.Fiber<Request, unknown>> = []
            for (const { after, who } of calls) {
              yield* Effect.sleep(after)
              fibers.push(yield* Effect.forkChild(Pipeline.run(limited, who)))
            }
            for (const fiber of fibers) yield* Fiber.join(fiber)
          }))
          times.forEach((from, at) =>
            times.slice(at).forEach((to, more) => expect((more + 1) * 10_000).toBeLessThanOrEqual(burst * 10_000 + (to - from))))
        }
      ),
      { numRuns: 40 }
    ))
})

describe("tokens", () => {
  const left = (final: Request, what = "tokensPerMinute") =>
    Request.get(final, RateLimit.status)!.limits.find((each) => each.what === what)!.remaining
  /** How many tokens are left when the answer has ended: what the next request finds. */
  const after = async (provider: Pipeline<never>, first: Request = ada) =>
    left((await run(Effect.gen(function*() {
      const limited = line({ limits: [{ per: "user", tokensPerMinute: 1_000, tokensPerDay: 1_000, concurrency: 1 }] }, provider)
      yield* Pipeline.run(limited, first)
      return yield* Pipeline.run(limited, Request.mergeOptions(ada, { maxTokens: 99 }))
    }))), "tokensPerDay")

  it("takes a guess, and puts it right by the usage of the answer", async () => {
    expect(await after(hello.pipeline)).toBe(1_000 - 10 - 100)
    expect(await after(hello.pipeline, Request.mergeOptions(ada, { maxTokens: 500 }))).toBe(1_000 - 10 - 100)
    expect(await after(hello.pipeline, Request.withOperation(ada, "stream"))).toBe(1_000 - 10 - 100)
    expect(await after([Mock.make([Mock.text("long", { usage: usage(3, 400) }), "x"]).plug])).toBe(1_000 - 403 - 100)
  })

  it("keeps the guess where nobody knows, and gives all back where nothing was used", async () => {
    const asked = Request.mergeOptions(ada, { maxTokens: 199 })
    for (const odd of [{}, { total: NaN }, { total: -5 }, { total: Infinity }, { total: 1e300 }]) {
      const said = Mock.make(() => Mock.text("x", { usage: { inputTokens: { total: 1 }, outputTokens: odd } }))
      expect(await after(said.pipeline, asked)).toBe(1_000 - 200 - 100)
    }
    expect(await after(Mock.make([Mock.fail({ _tag: "InvalidRequest", message: "no" }), "x"]).pipeline, asked)).toBe(1_000 - 100)
    expect(await after(Mock.make([Mock.fail({ _tag: "MalformedResponse", message: "?" }), "x"]).pipeline, asked)).toBe(1_000 - 200 - 100)
    const cut = Mock.cut([{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }])
    expect(await after(Mock.make([cut, "x"]).pipeline, Request.withOperation(asked, "stream"))).toBe(1_000 - 200 - 100)
    const vectors = Mock.result({ type: "embeddings", embeddings: [[1]], usage: { inputTokens: { total: 5 }, outputTokens: {} } })
    expect(await after(Mock.make([vectors, "x"]).pipeline, Request.withOperation(ada, "embeddings"))).toBe(1_000 - 5 - 100)
  })

  it("keeps the guess where an answer had begun before the provider failed", async () => {
    const begun: ReadonlyArray<Part> = [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }]
    const failing = Mock.make([Mock.fail({ _tag: "Server", message: "broken" }, { after: begun }), "x"])
    expect(await after(failing.pipeline, Request.withOperation(Request.mergeOptions(ada, { maxTokens: 199 }), "stream"))).toBe(1_000 - 200 - 100)
  })

  it("gives all back where a cache answered", async () => {
    const stored = Result.fold([{ type: "finish", reason: "stop", usage: usage(3, 400) }])
    const cache = Plug.make("cache", (request) => Request.halt(Request.assign(request, Status.status, { status: "hit" }), stored))
    expect(await after([cache])).toBe(1_000 - 100)
  })

  it("an answer that may be longer than the whole limit takes all of it; a question that is longer is refused for good", async () => {
    const limited = line({ limits: [{ per: "user", tokensPerMinute: 100 }] })
    const [whole, huge] = await run(Effect.all([
      Pipeline.run(limited, Request.mergeOptions(ada, { maxTokens: 1_000_000 })),
      Pipeline.run(limited, Request.make({ provider: "local", messages: "x".repeat(404) }))
    ]))
    expect([whole!.state, left(whole!)]).toEqual(["completed", 0])
    expect(reason(huge!)).toMatchObject({ _tag: "Quota", message: expect.stringContaining("101 tokens") })
    expect(huge!.errors[0]!.retryable).toBe(false)
  })

  it("refuses a guess that is no whole number from 1 up", async () => {
    for (const odd of [NaN, -1, 0, 1.5, Infinity, 1e12, "3" as unknown as number]) {
      const final = await run(Pipeline.run(line({ limits: [{ per: "user", tokensPerMinute: 100 }], tokens: () => odd }), ada))
      expect(reason(final)).toMatchObject({ _tag: "Configuration", option: "tokens" })
    }
  })

  it("guesses from everything that is sent", () => {
    const of = (init: Partial<Parameters<typeof Request.make>[0]>) => RateLimit.estimate(Request.make({ provider: "local", messages: "", ...init }))
    expect(of({})).toBe(1)
    expect(of({ messages: "12345" })).toBe(2)
    expect(of({ messages: [{ role: "system", content: "1234" }, { role: "user", content: "1234" }] })).toBe(2)
    const file = { type: "file", mediaType: "image/png", data: "A".repeat(1_000_000) } as const
    expect(of({ messages: [{ role: "user", content: [{ type: "text", text: "1234" }, file] }] })).toBe(1_001)
    const call = { type: "tool-call", id: "1", name: "find", params: { text: "x".repeat(400) } } as const
    const result = { type: "tool-result", id: "1", name: "find", isFailure: false, result: ["x".repeat(400), null, 5] } as const
    expect(of({ messages: [{ role: "assistant", content: [call] }] })).toBeGreaterThan(100)
    expect(of({ messages: [{ role: "tool", content: [result] }] })).toBeGreaterThan(100)
    const tool = { name: "find", description: "x".repeat(400), parameters: { type: "object" } } as const
    expect(of({ options: { tools: [{ type: "function", ...tool }] } as never })).toBeGreaterThan(100)
  })

  it("counts a stream that its reader leaves, and frees its slot", async () => {
    const parts: ReadonlyArray<Part> = [...Result.parts(Result.fold([
      { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hello" }, { type: "text-end", id: "0" },
      { type: "finish", reason: "stop", usage: usage(3, 7) }
    ]))]
    const streaming = Mock.make(() => Mock.parts(parts, { between: 1_000 }))
    const limited = line({ limits: [{ per: "user", concurrency: 1, tokensPerDay: 1_000 }] }, streaming.pipeline)
    const asked = Request.withOperation(Request.mergeOptions(ada, { maxTokens: 49 }), "stream")
    const [held, freed] = await run(Effect.gen(function*() {
      const held = yield* Effect.scoped(Effect.gen(function*() {
        const live = yield* Pipeline.open(limited, asked)
        yield* live.pull
        return yield* Pipeline.run(limited, asked)
      }))
      return [held, yield* Pipeline.run(limited, asked)]
    }))
    expect([held!.state, freed!.state]).toEqual(["error", "completed"])
    expect(left(freed!, "tokensPerDay")).toBe(1_000 - 50 - 50)
  })
})
