/**
 * Retry: the law of attempts, the distribution of waits, the budget, the deadline, one owner, and what is written.
 *
 * @module
 */
import { LlmError, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { Reason } from "@plugline/core"
import { Hedge, Retry } from "@plugline/plugs"
import { Laws, Mock, VirtualClock } from "@plugline/testing"
import { Effect, Random } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const request = Request.make({ provider: "mock", messages: "Hi", options: { model: "m" } })
const run = <A, E>(program: Effect.Effect<A, E, Retry.AttemptBudget>, seed: string | number = "seed"): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Random.withSeed(Effect.provide(program, Retry.memory()), seed)))
const fail = (reason: Partial<Reason> & { readonly _tag: Reason["_tag"] }) =>
  Mock.fail({ message: "broken", ...reason } as Reason)

const failures = fc.constantFrom(
  fail({ _tag: "Network" }),
  fail({ _tag: "Server", status: 500 }),
  fail({ _tag: "Overloaded", status: 529 }),
  fail({ _tag: "RateLimit", status: 429, retryAfter: 700 }),
  fail({ _tag: "Timeout", phase: "idle" }),
  fail({ _tag: "MalformedResponse" })
)

describe("Retry", () => {
  for (
    const [name, plug] of [
      ["with its defaults", Retry.plug()],
      ["of one attempt", Retry.plug({ attempts: 1 })],
      ["that enforces its deadline", Retry.plug({ deadline: 1_000, enforce: true, budget: false })]
    ] as const
  ) {
    describe(`keeps the laws ${name}`, () => {
      Laws.plug(plug, { services: Retry.memory(), numRuns: 25 }).forEach(({ check, name }) => it(name, check))
    })
  }

  it("makes no more attempts than allowed, whatever goes wrong, and begins none behind the deadline", () =>
    fc.assert(fc.asyncProperty(
      fc.array(failures, { maxLength: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.constantFrom("chat", "stream"),
      async (script, attempts, deadline, operation) => {
        const times: Array<number> = []
        const mock = Mock.make((_, call) => script[call - 1] ?? "fine")
        const watch = Plug.make("watch", (request) =>
          Effect.clockWith((clock) => {
            times.push(clock.currentTimeMillisUnsafe())
            return Effect.succeed(request)
          }))
        const final = await run(Pipeline.run(
          [Retry.plug({ attempts, deadline, budget: false }), watch, ...mock.pipeline],
          Request.withOperation(request, operation)
        ))
        const made = Request.get(final, Retry.attempts)!
        expect(mock.calls.length).toBeLessThanOrEqual(attempts)
        expect(made.length).toBe(mock.calls.length)
        expect(times.at(-1)! - times[0]!).toBeLessThanOrEqual(deadline)
        expect(final.state === "error" ? final.errors.length : made.length - 1).toBe(made.filter(({ error }) => error !== undefined).length)
        if (final.state === "error") expect(final.errors.map(({ attempt }) => attempt)).toEqual(made.map(({ attempt }) => attempt))
        else expect(final.errors).toEqual([])
        for (const [index, { error, wait }] of made.entries()) {
          const before = made[index - 1]?.error?.reason as { readonly retryAfter?: number } | undefined
          expect(wait).toBeGreaterThanOrEqual(before?.retryAfter ?? 0)
          expect(index === 0 ? wait : 0).toBe(0)
          if (index < made.length - 1) expect(error).toBeDefined()
        }
      }
    ), { numRuns: 80 }))

  it("waits any time from 0 to the ceiling, each as likely as any other", async () => {
    const waits: Array<number> = []
    const seen = await run(Effect.gen(function*() {
      for (let call = 0; call < 1_000; call++) {
        const mock = Mock.make([fail({ _tag: "Network" }), fail({ _tag: "Network" }), fail({ _tag: "Network" }), "fine"])
        const final = yield* Pipeline.run([Retry.plug({ attempts: 4, base: 10_000, cap: 25_000, deadline: "1 hour", budget: false }), ...mock.pipeline], request)
        waits.push(...Request.get(final, Retry.attempts)!.map(({ wait }) => wait).slice(1))
      }
      return waits
    }), 7)
    for (const [index, ceiling] of [10_000, 20_000, 25_000].entries()) {
      const sorted = seen.filter((_, at) => at % 3 === index).map((wait) => wait / ceiling).toSorted((a, b) => a - b)
      // Kolmogorov and Smirnov: 1.63 / √n is exceeded by a uniform sample once in a hundred times.
      const distance = Math.max(...sorted.map((value, at) => Math.max((at + 1) / sorted.length - value, value - at / sorted.length)))
      expect(distance).toBeLessThan(1.63 / Math.sqrt(sorted.length))
    }
  })

  it("doubles the ceiling up to the cap", () => {
    expect([1, 2, 3, 4, 8, 5_000].map((attempt) => Retry.ceiling({ base: 500, cap: 30_000 }, attempt)))
      .toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000])
    expect(Retry.delay({ base: 500, cap: 30_000 }, 1, 0.5, 2_000)).toBe(2_250)
    expect(Retry.delay({ base: 500, cap: 30_000 }, 1, 0.5, -5)).toBe(250)
  })

  it("retries at most a fifth of the traffic in an outage", async () => {
    const mock = Mock.make(() => fail({ _tag: "Server", status: 503 }))
    const line = [Retry.plug({ base: 1, attempts: 5 }), ...mock.pipeline]
    await run(Effect.forEach(Array.from({ length: 400 }), () => Pipeline.run(line, request), { concurrency: 20 }))
    expect(mock.calls.length).toBeLessThanOrEqual(480)
    expect(mock.calls.length).toBeGreaterThan(460)
  })

  it("keeps the budgets of providers apart, and gives it back with time", async () => {
    const mock = Mock.make(() => fail({ _tag: "Server", status: 503 }))
    const line = [Retry.plug({ base: 1, attempts: 2, budget: 0, reserve: 3 }), ...mock.pipeline]
    const counts = await run(Effect.gen(function*() {
      const ask = (provider: string, times: number) =>
        Effect.gen(function*() {
          mock.reset()
          for (let call = 0; call < times; call++) yield* Pipeline.run(line, Request.make({ provider, messages: "Hi" }))
          return mock.calls.length - times
        })
      const first = yield* ask("a", 5)
      const other = yield* ask("b", 5)
      const again = yield* ask("a", 5)
      yield* Effect.sleep("30 seconds")
      return [first, other, again, yield* ask("a", 5)]
    }))
    expect(counts).toEqual([3, 3, 0, 3])
  })

  it("says why it gave up", async () => {
    const gaveUp = async (options: Parameters<typeof Retry.plug>[0], script: Mock.Script) => {
      const final = await run(Pipeline.run([Retry.plug(options), ...Mock.make(script).pipeline], request))
      return (final.metadata["retry"] as { readonly gaveUp?: string }).gaveUp
    }
    const broken = () => fail({ _tag: "Network" })
    expect(await gaveUp({}, broken)).toBe("attempts")
    expect(await gaveUp({ deadline: 1, base: 10_000, cap: 10_000 }, broken)).toBe("deadline")
    expect(await gaveUp({ budget: 0, reserve: 0 }, broken)).toBe("budget")
    expect(await gaveUp({}, () => fail({ _tag: "RateLimit", retryAfter: 60_000 }))).toBe("retry-after")
    expect(await gaveUp({}, () => fail({ _tag: "RateLimit", retryAfter: Infinity }))).toBe("retry-after")
    expect(await gaveUp({}, () => fail({ _tag: "RateLimit", retryAfter: NaN }))).toBe("attempts")
    expect(await gaveUp({}, () => fail({ _tag: "InvalidRequest" }))).toBe("final")
    expect(await gaveUp({}, ["fine"])).toBeUndefined()
  })

  it.each([400, 401, 403, 404, 413, 422])("never tries status %i again, whoever asks for it", async (status) => {
    const mock = Mock.make(() => fail({ _tag: "Server", status }))
    const final = await run(Pipeline.run([Retry.plug({ when: () => true }), ...mock.pipeline], request))
    expect(mock.calls.length).toBe(1)
    expect(final.state).toBe("error")
  })

  it("asks its own predicate where there is one", async () => {
    const mock = Mock.make([fail({ _tag: "ContentPolicy" }), "fine"])
    const final = await run(Pipeline.run([Retry.plug({ when: ({ reason }) => reason._tag === "ContentPolicy" }), ...mock.pipeline], request))
    expect(Result.text(final.result)).toBe("fine")
    const other = Mock.make([fail({ _tag: "Network" }), "fine"])
    await run(Pipeline.run([Retry.plug({ when: () => false }), ...other.pipeline], request))
    expect(other.calls.length).toBe(1)
  })

  it("tries an unreadable answer again once", async () => {
    const mock = Mock.make(() => fail({ _tag: "MalformedResponse" }))
    await run(Pipeline.run([Retry.plug({ attempts: 5 }), ...mock.pipeline], request))
    expect(mock.calls.length).toBe(2)
    const mixed = Mock.make([fail({ _tag: "MalformedResponse" }), fail({ _tag: "Network" }), fail({ _tag: "MalformedResponse" }), "fine"])
    await run(Pipeline.run([Retry.plug({ attempts: 5 }), ...mixed.pipeline], request))
    expect(mixed.calls.length).toBe(3)
  })

  it("never repeats a stream whose first part has left", async () => {
    const mock = Mock.make(() =>
      Mock.fail({ _tag: "Overloaded", message: "busy" }, { after: [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }] }))
    const final = await run(Pipeline.run([Retry.plug(), ...mock.pipeline], Request.withOperation(request, "stream")))
    expect(mock.calls.length).toBe(1)
    expect(final.state).toBe("error")
    const whole = Mock.make([Mock.cut([{ type: "text-start", id: "0" }]), "fine"])
    expect((await run(Pipeline.run([Retry.plug(), ...whole.pipeline], request))).state).toBe("completed")
  })

  it("has one owner: a second one is refused, or lets everything pass; attempts never multiply", async () => {
    const mock = Mock.make(() => fail({ _tag: "Network" }))
    const second = [Retry.plug({ attempts: 4 }), ...mock.pipeline]
    for (const line of [second, [Plug.group("inner", second)], [Plug.branch("way", () => true, { yes: second })]]) {
      const error = await run(Effect.flip(Pipeline.run([Retry.plug({ attempts: 3 }), ...line], request)))
      expect(error.reason).toMatchObject({ _tag: "Configuration", option: "retry" })
    }
    const free = Plug.anywhere(Retry.plug({ attempts: 4 }))
    const line = [Retry.plug({ attempts: 3, base: 1 }), Plug.group("inner", [free]), free, ...mock.pipeline]
    const final = await run(Pipeline.run(line, request))
    expect(mock.calls.length).toBe(3)
    expect(final.errors.length).toBe(3)
  })

  it("stands in front of Hedge, which would multiply attempts", async () => {
    const program = Pipeline.run([Hedge.plug({ delay: 5 }), Retry.plug(), ...Mock.make(["x"]).pipeline], request)
    const error = await Effect.runPromise(Effect.flip(Effect.provide(program, Hedge.memory())))
    expect(error.message).toContain("must stand in front of \"hedge\"")
  })

  it("writes every attempt", async () => {
    const mock = Mock.make([fail({ _tag: "Server", status: 500 }), Mock.text("fine", { delay: 30 })])
    const final = await run(Pipeline.run([Retry.plug(), ...mock.pipeline], request))
    const [first, second] = Request.get(final, Retry.attempts)!
    expect(first).toMatchObject({ attempt: 1, provider: "mock", model: "m", wait: 0, duration: 0 })
    expect(first?.error?.reason).toMatchObject({ _tag: "Server", status: 500 })
    expect(second).toMatchObject({ attempt: 2, duration: 30 })
    expect(second?.error).toBeUndefined()
    expect(final.metadata["retry"]).toEqual({ attempts: 2, waited: second?.wait })
  })

  it("keeps errors that were there before", async () => {
    const before = Request.addError(request, LlmError.make({ _tag: "Halted", message: "earlier" }, { plug: "before" }))
    const final = await run(Pipeline.run([Retry.plug({ attempts: 2 }), ...Mock.make(() => fail({ _tag: "Network" })).pipeline], before))
    expect(final.errors.map(({ attempt, reason }) => [reason._tag, attempt])).toEqual([["Halted", undefined], ["Network", 1], ["Network", 2]])
  })

  it("ends an attempt at the deadline where it is told to", async () => {
    const mock = Mock.make([fail({ _tag: "Network" }), Mock.never()])
    const { at, final } = await run(Effect.gen(function*() {
      const final = yield* Pipeline.run([Retry.plug({ deadline: 5_000, enforce: true }), ...mock.pipeline], request)
      return { final, at: yield* Effect.clockWith((clock) => clock.currentTimeMillis) }
    }))
    expect(at).toBe(5_000)
    expect(final.errors.at(-1)?.reason).toMatchObject({ _tag: "Timeout", phase: "total", limit: 5_000 })
    expect(mock.calls[1]?.interrupted).toBe(true)
  })

  it.each([
    [{ attempts: 0 }, "attempts"],
    [{ attempts: 1.5 }, "attempts"],
    [{ base: "soon" }, "base"],
    [{ deadline: 0 }, "deadline"],
    [{ cap: Infinity }, "cap"],
    [{ budget: -1 }, "budget"],
    [{ attempt: 3 }, "attempt"]
  ])("refuses the options %j", async (options, option) => {
    const error = await run(Effect.flip(Pipeline.run([Retry.plug(options as never), ...Mock.make(["x"]).pipeline], request)))
    expect(error.reason).toMatchObject({ _tag: "Configuration", option })
  })
})
