import { Plug, Pipeline, Request } from "@plugline/core"
import type { Part } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Fiber, Layer, Stream } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Budget, Identity } from "../src/index.ts"
import { effect } from "../src/cost/now.ts"
import { makeMemory } from "../src/store/BudgetStore.ts"
import { StoreError } from "../src/store/patience.ts"
import { ask, catalog, play, prices, usage } from "./money.ts"

type Limits = NonNullable<Parameters<typeof Budget.plug>[0]>["limits"]
const daily = (amount: string): Limits => [{ per: "global", amount, every: "day" }]
const line = (limits: Limits, mock = Mock.make(() => Mock.text("Hello", { usage: usage(10, 50) })), more: object = {}) =>
  [Budget.plug({ limits, ...more }), mock.plug]
const store = () => {
  const service = makeMemory()
  return { service, layer: Layer.succeed(Budget.BudgetStore, service) }
}
const parts: ReadonlyArray<Part> = [
  { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hello, " }, { type: "text-delta", id: "0", delta: "world" },
  { type: "text-end", id: "0" }, { type: "finish", reason: "stop", usage: usage(10, 50) }
]
const tagOf = (request: Request) => request.errors.at(-1)?.reason._tag

describe("one call", () => {
  it("holds the worst case, and is charged what it cost, whole and streamed", async () => {
    for (const operation of ["chat", "stream"] as const) {
      const { layer } = store()
      const mock = Mock.make(() => Mock.parts(parts))
      const final = await play(Pipeline.run(line(daily("1"), mock), ask({ operation })), layer)
      const held = Request.get(mock.calls[0]!.request, Budget.state)
      // 13 prompt tokens at most, each at most 0.00000125; 100 tokens of the answer.
      expect(Number(held?.held)).toBeGreaterThan(0.001)
      expect(held?.limits[0]).toMatchObject({ limit: "global-day", whose: "all", spent: "0", held: held!.held })
      expect(Request.get(final, Budget.state)).toMatchObject({ charged: "0.00051", limits: [{ spent: "0.00051", held: "0" }], alerts: [] })
      expect(final.metadata.budget).toMatchObject({ charged: "0.00051" })
    }
  })

  it("is refused with what is spent, held, allowed, and when it starts anew", async () => {
    const { layer, service } = store()
    const limits: Limits = [{ per: "user", amount: "0.0015", every: "day", name: "allowance" }]
    const request = Identity.as(ask(), { tenant: "acme", user: "ada" })
    const run = Pipeline.run(line(limits), request)
    const [first, second] = await play(Effect.all([run, run]), layer, Date.UTC(2026, 7, 1, 22))
    expect(first.state).toBe("completed")
    const { reason } = second.errors[0]!
    expect(reason).toMatchObject({
      _tag: "Quota", code: "budget_exceeded", retryAfter: 2 * 3_600_000,
      raw: { limit: "allowance", whose: "user ada", amount: "0.0015", spent: "0.00051", held: "0", resetsAt: "2026-08-02T00:00:00.000Z" }
    })
    expect(reason.message).toContain("starts anew at 2026-08-02")
    const account = JSON.stringify(["allowance", "user", "acme", "ada", "day", Date.UTC(2026, 7, 1)])
    expect((await Effect.runPromise(effect(service.balances([account], 0))))[0]).toEqual({ spent: 510_000_000n, held: 0n, unknown: 0 })
  })

  it("that fits no empty period is told to be smaller, not to wait", async () => {
    const final = await play(Pipeline.run(line(daily("0.0001")), ask()), store().layer)
    expect(final.errors[0]!.reason).not.toHaveProperty("retryAfter")
    expect(final.errors[0]!.message).toContain("lower maxTokens")
  })

  it("is let through above a soft limit, with a warning in front of the answer", async () => {
    for (const operation of ["chat", "stream"] as const) {
      const { layer } = store()
      const final = await play(Pipeline.run(line([{ per: "global", amount: "0.0001", every: "total", kind: "soft" }],
        Mock.make(() => Mock.parts(parts))), ask({ operation })), layer)
      expect(final.state).toBe("completed")
      expect((final.result as { warnings?: unknown }).warnings).toEqual([
        { type: "other", message: expect.stringContaining("the budget global-total of all is exceeded") }
      ])
    }
  })

  it("holds as many answers of as many tokens as the caller can ask for, by whatever name", () => {
    const most = (options: object) => Budget.worstOf(ask({ options: { model: "round", ...options } }), 0, catalog)
    expect(most({ maxTokens: 100 })).toEqual({ amount: 1_000_000_000n })
    expect(most({})).toEqual({ amount: 10_000_000_000n })
    expect(most({ maxTokens: 100, n: 128 })).toEqual({ amount: 128_000_000_000n })
    expect(most({ maxTokens: 1, providerOptions: { mock: { generationConfig: { maxOutputTokens: 50, candidateCount: 2 } } } }))
      .toEqual({ amount: 1_000_000_000n })
    expect(most({ maxTokens: Number.MAX_SAFE_INTEGER })).toEqual({ amount: 1_000_000_000_000n })
    expect(Budget.worstOf(ask({ options: { model: "round", maxTokens: 1 } }), 1_000, catalog)).toEqual({ amount: 1_260_000_000n })
  })

  it("without a price is refused, or counted as unknown, never as nothing", async () => {
    const refused = await play(Pipeline.run(line(daily("1")), ask({ options: { model: "none" } })), store().layer)
    expect(refused.errors[0]!.reason).toMatchObject({ _tag: "Configuration", option: "unpriced" })
    const bound = await play(Pipeline.run(line(daily("1")), ask({ options: { model: "boundless" } })), store().layer)
    expect(bound.errors[0]!.message).toContain("set maxTokens")
    const { layer } = store()
    const allowed = await play(Pipeline.run(line(daily("1"), undefined, { unpriced: "allow" }), ask({ options: { model: "none" } })), layer)
    expect(Request.get(allowed, Budget.state)).toMatchObject({ unknown: true, limits: [{ unknown: 1 }] })
  })
})

describe("what is charged", () => {
  const charged = async (mock: Mock.Mock, request = ask(), more: object = {}) => {
    const { layer, service } = store()
    const final = await play(Pipeline.run(line(daily("1"), mock, more), request), layer)
    const [balance] = await Effect.runPromise(effect(service.balances([JSON.stringify(["global-day", "global", null, null, "day", 0])], 0)))
    expect(balance!.held).toBe(0n)
    return { final, state: Request.get(final, Budget.state), balance: balance! }
  }

  it("nothing, where the provider refused", async () => {
    const { balance, final } = await charged(Mock.make([Mock.fail({ _tag: "RateLimit", message: "slow", status: 429 })]))
    expect(balance).toEqual({ spent: 0n, held: 0n, unknown: 0 })
    expect(tagOf(final)).toBe("RateLimit")
  })

  it("an estimate of what was sent and had arrived, where a stream broke off", async () => {
    const { balance, state } = await charged(Mock.make([Mock.cut(parts.slice(0, 3))]), ask({ operation: "stream" }))
    expect(state?.unknown).toBe(true)
    expect(balance.unknown).toBe(1)
    // "Hello, world" is 3 or 4 tokens of 0.00001.
    expect(balance.spent).toBeGreaterThan(30_000_000n)
    expect(balance.spent).toBeLessThan(90_000_000n)
  })

  it("all that was held, where that is the policy", async () => {
    const { balance, state } = await charged(Mock.make([Mock.text("Hello")]), ask(), { uncertain: "reservation" })
    expect(state?.charged).toBe(state?.held)
    expect(balance.spent).toBeGreaterThan(1_000_000_000n)
  })

  it("never less than what is known of it", async () => {
    const half = { inputTokens: { total: 1_000, cacheRead: 0, cacheWrite: 0 }, outputTokens: {} }
    const { state } = await charged(Mock.make([Mock.text("Hello", { usage: half })]))
    expect(state).toMatchObject({ charged: "0.001", unknown: true })
  })

  it("what is sent, where the call is interrupted or its reader leaves", async () => {
    const { layer, service } = store()
    const account = JSON.stringify(["global-day", "global", null, null, "day", 0])
    const program = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run(line(daily("1"), Mock.make([Mock.never()])), ask()))
      yield* Effect.sleep(10)
      expect((yield* effect(service.balances([account], 0)))[0]!.held).toBeGreaterThan(0n)
      yield* Fiber.interrupt(fiber)
      const [after] = yield* effect(service.balances([account], 0))
      expect(after).toMatchObject({ held: 0n, unknown: 1 })
      yield* Effect.scoped(Effect.flatMap(
        Pipeline.open(line(daily("1"), Mock.make([Mock.stall(parts.slice(0, 3))])), ask({ operation: "stream" })),
        () => Effect.void
      ))
      const [left] = yield* effect(service.balances([account], 0))
      expect(left).toMatchObject({ held: 0n, unknown: 2 })
      return left!.spent
    })
    expect(await play(program, layer)).toBeGreaterThan(0n)
  })

  it("each attempt on its own, where the plug stands behind a retry", async () => {
    const { layer } = store()
    const twice = Plug.around("twice", (request, next) => Effect.flatMap(next(request), (first) => first.state === "error" ? next(request) : Effect.succeed(first)))
    const mock = Mock.make([Mock.cut(parts.slice(0, 3)), Mock.text("Hello", { usage: usage(10, 50) })])
    const final = await play(Pipeline.run([twice, ...line(daily("1"), mock)], ask()), layer)
    const [limit] = Request.get(final, Budget.state)!.limits
    expect(Number(limit!.spent)).toBeGreaterThan(0.00051)
    expect(limit!.unknown).toBe(1)
  })
})

describe("limits", () => {
  it("tell users of different tenants apart, and hold for those they name", async () => {
    const { layer } = store()
    const limits: Limits = [
      { per: "user", amount: "0.0015", every: "month" },
      { per: "tenant", amount: "0", every: "day", name: "closed", only: { tenant: "blocked" } }
    ]
    const run = (who: Identity.Identity) => Pipeline.run(line(limits), Identity.as(ask(), who))
    const finals = await play(Effect.all([
      run({ tenant: "a", user: "ada" }), run({ tenant: "b", user: "ada" }), run({ tenant: "a", user: "ada" }),
      run({ tenant: "blocked", user: "eve" }), run({}), run({})
    ]), layer)
    expect(finals.map(({ state }) => state)).toEqual(["completed", "completed", "error", "error", "completed", "error"])
    expect(finals[5]!.errors[0]!.message).toContain("requests without a user")
  })

  it("start anew with the day, the week and the month of their time zone", () => {
    const at = (iso: string) => Date.parse(iso)
    expect(Budget.periodOf("day", "Europe/Berlin", at("2026-03-29T12:00:00Z"))).toEqual({
      start: at("2026-03-28T23:00:00Z"), until: at("2026-03-29T22:00:00Z"), resetsAt: "2026-03-29T22:00:00.000Z"
    })
    expect(Budget.periodOf("week", "UTC", at("2026-08-02T23:59:59Z"))).toMatchObject({ start: at("2026-07-27T00:00:00Z"), until: at("2026-08-03T00:00:00Z") })
    expect(Budget.periodOf("month", "+02:00", at("2026-01-31T23:00:00Z"))).toMatchObject({ start: at("2026-01-31T22:00:00Z"), until: at("2026-02-28T22:00:00Z") })
    expect(Budget.periodOf("total", "UTC", 0)).toEqual({})
  })

  it("say what will be spent by the end of the period", () => {
    expect(Budget.forecast(100n, { start: 0, until: 1_000 }, 250)).toBe(400n)
    expect(Budget.forecast(100n, { start: 0, until: 1_000 }, 0)).toBeUndefined()
    expect(Budget.forecast(100n, {}, 5)).toBeUndefined()
  })

  it("that do not fit are refused when the line is compiled", async () => {
    const refusal = async (options: unknown) => {
      const exit = await play(Effect.flip(Pipeline.run([Budget.plug(options as never)], ask())), store().layer)
      return exit.message
    }
    expect(await refusal({ limits: [], spend: 1 })).toContain("spend")
    expect(await refusal({ limits: [] })).toContain("at least one limit")
    expect(await refusal({ limits: [{ per: "global", amount: "1", every: "day", kindd: "soft" }] })).toContain("kindd")
    for (const amount of ["-1", "NaN", "1e309", -1, "", "1e40"]) {
      expect(await refusal({ limits: [{ per: "global", amount, every: "day" }] })).toContain("limits.0.amount")
    }
    expect(await refusal({ limits: [...daily("1"), ...daily("2")] })).toContain("another name")
    expect(await refusal({ limits: daily("1"), timeZone: "Mars/Olympus" })).toContain("timeZone")
    expect(await refusal({ limits: daily("1"), hold: "soon" })).toContain("hold")
    expect(await refusal({ limits: daily("1"), thresholds: [0] })).toContain("thresholds")
  })

  it("raise each alert once, on the stream and on the request", async () => {
    const { layer } = store()
    const program = Effect.gen(function*() {
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(Budget.alerts, 3)))
      yield* Effect.sleep(1)
      const finals = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Pipeline.run(line([{ per: "global", amount: "0.001", every: "week", kind: "soft" }]), ask()))
      const alerts = yield* Fiber.join(heard)
      return { alerts: [...alerts].map(({ threshold }) => threshold), written: finals.map((each) => Request.get(each, Budget.state)!.alerts.map(({ threshold }) => threshold)) }
    })
    expect(await play(program, layer)).toEqual({ alerts: [0.5, 0.8, 1], written: [[0.5], [0.8, 1], [], [], []] })
  })
})

describe("many at once", () => {
  it("a thousand calls at the last cent never overspend", async () => {
    const { layer } = store()
    const mock = Mock.make(() => Mock.text("Hello", { usage: usage(10, 50), delay: 5 }))
    const program = Effect.gen(function*() {
      const finals = yield* Effect.forEach(Array.from({ length: 1_000 }), () => Pipeline.run(line(daily("0.01"), mock), ask()), { concurrency: "unbounded" })
      return { finals, after: yield* Budget.standing({ limits: daily("0.01") }, {}) }
    })
    const { after, finals } = await play(program, layer)
    const answered = finals.filter(({ state }) => state === "completed").length
    expect(answered).toBe(9)
    expect(after[0]).toMatchObject({ spent: "0.00459", held: "0", amount: "0.01" })
    expect(new Set(finals.flatMap(({ errors }) => errors.map(({ reason }) => reason._tag)))).toEqual(new Set(["Quota"]))
  })

  it("however calls come and end, spent and held never pass the limit, and the ledger is what is spent", async () => {
    const act = fc.record({
      at: fc.nat(2_000), takes: fc.nat(2_000), output: fc.nat(100), user: fc.constantFrom("ada", "bob"),
      way: fc.constantFrom("whole" as const, "stream" as const, "fail" as const, "cut" as const, "never" as const), patience: fc.nat(3_000)
    })
    await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 15 }), async (acts) => {
      const { layer, service } = store()
      const limits: Limits = [{ per: "user", amount: "0.003", every: "total" }, { per: "global", amount: "0.005", every: "total" }]
      const accounts = ["ada", "bob"].map((user) => JSON.stringify(["user-total", "user", null, user, "total", null]))
        .concat(JSON.stringify(["global-total", "global", null, null, "total", null]))
      const most = [3_000_000_000n, 3_000_000_000n, 5_000_000_000n]
      const check = Effect.sync(() => {
        const balances = service.balances(accounts, 0) as ReadonlyArray<Budget.Balance>
        for (const [index, { held, spent }] of balances.entries()) expect(spent + held <= most[index]!).toBe(true)
      })
      const program = Effect.forEach(acts, ({ at, output, patience, takes, user, way }) => {
        const reply = way === "never" ? Mock.never()
          : way === "fail" ? Mock.fail({ _tag: "Server", message: "no", status: 500 }, { delay: takes })
          : way === "cut" ? Mock.cut(parts.slice(0, 2), { between: takes })
          : Mock.text("Hello", { usage: usage(3, output), delay: takes })
        const run = Pipeline.run(line(limits, Mock.make([reply])), Identity.as(ask({ operation: way === "whole" ? "chat" : "stream" }), { user }))
        return Effect.sleep(at).pipe(Effect.andThen(check), Effect.andThen(Effect.timeoutOption(run, patience)), Effect.andThen(check))
      }, { concurrency: "unbounded" })
      await play(program, layer)
      const balances = service.balances(accounts, 0) as ReadonlyArray<Budget.Balance>
      for (const [index, { held, spent }] of balances.entries()) {
        expect(held).toBe(0n)
        expect((service.entries(accounts[index]!) as ReadonlyArray<Budget.Entry>).reduce((sum, { amount }) => sum + amount, 0n)).toBe(spent)
      }
      expect(balances[0]!.spent + balances[1]!.spent).toBe(balances[2]!.spent)
    }), { numRuns: 60 })
  })
})

describe("a store that", () => {
  const broken = (reserve: Budget.BudgetStore["Service"]["reserve"], settle: Budget.BudgetStore["Service"]["settle"] = makeMemory().settle) =>
    Layer.succeed(Budget.BudgetStore, { ...makeMemory(), reserve, settle })

  it("fails or never answers closes hard limits and opens soft ones, within a second", async () => {
    for (const reserve of [() => Effect.never, () => Effect.fail(new StoreError("budget", "down")), () => { throw new Error("broken") }]) {
      const closed = await play(Pipeline.run(line(daily("1")), ask()), broken(reserve as never))
      expect(closed.errors[0]!.reason).toMatchObject({ _tag: "Overloaded", code: "budget_unavailable" })
      const open = await play(Pipeline.run(line(daily("1"), undefined, { whenDown: "open" }), ask()), broken(reserve as never))
      expect(open.state).toBe("completed")
      expect(Request.get(open, Budget.state)).not.toHaveProperty("held")
    }
  })

  it("fails after it has held is told to let go, so that no call is paid that was not made", async () => {
    const service = makeMemory()
    const account = JSON.stringify(["global-day", "global", null, null, "day", 0])
    const lost = (...given: Parameters<typeof service.reserve>) => {
      service.reserve(...given)
      return Effect.fail(new StoreError("budget", "the answer was lost"))
    }
    const program = Effect.andThen(Pipeline.run(line(daily("1")), ask()), Effect.sleep(10))
    await play(program, broken(lost, service.settle))
    expect(service.balances([account], 0)).toEqual([{ spent: 0n, held: 0n, unknown: 0 }])
  })

  it("fails at the end loses no paid answer, also when the call is interrupted", async () => {
    for (const settle of [() => Effect.never, () => Effect.fail(new StoreError("budget", "down"))]) {
      const layer = broken(makeMemory().reserve, settle as never)
      const final = await play(Pipeline.run(line(daily("1")), ask()), layer)
      expect(final.state).toBe("completed")
      expect(Request.get(final, Budget.state)?.charged).toBe("0.00051")
      const interrupted = Effect.timeoutOption(Pipeline.run(line(daily("1"), Mock.make([Mock.never()])), ask()), 50)
      expect((await play(interrupted, layer))._tag).toBe("None")
    }
  })
})

it("costs a request few microseconds over a store in memory", async () => {
  const services = Layer.merge(store().layer, prices)
  const mock = Mock.make(() => Mock.text("Hello", { usage: usage(1, 1) }))
  const pipeline = line([{ per: "global", amount: "1000", every: "total" }], mock)
  const finals = await Effect.runPromise(Effect.provide(Effect.forEach(Array.from({ length: 100 }), () => Pipeline.run(pipeline, ask())), services))
  expect(finals.every(({ state }) => state === "completed")).toBe(true)
})

it("in front of what asks several times is refused, unless that is meant", async () => {
  const again = Plug.around("retry", (request, next) => next(request))
  const misplaced = [Budget.plug({ limits: daily("1") }), again]
  expect((await play(Effect.flip(Pipeline.run(misplaced, ask())), store().layer)).message).toContain("must stand behind \"retry\"")
  expect((await play(Pipeline.run([Plug.anywhere(misplaced[0] as Plug<Budget.BudgetStore>), again], ask()), store().layer)).state).toBe("pending")
})
