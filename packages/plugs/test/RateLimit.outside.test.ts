import { Mask, Pipeline, Plug, Request } from "@plugline/core"
import type { LlmError } from "@plugline/core"
import { Mock, VirtualClock } from "@plugline/testing"
import { Effect, Layer, Metric } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "vitest"
import * as Identity from "../src/identity.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Paces from "../src/rateLimit/Paces.ts"
import { LimitStore } from "../src/store/LimitStore.ts"
import { failures, StoreError } from "../src/store/patience.ts"
import { redis } from "../src/store/redis.ts"
import { ownRedis } from "./stores/servers.ts"

type Options = NonNullable<Parameters<typeof RateLimit.plug>[0]>

const request = Identity.as(Request.make({ provider: "local", messages: "Hi" }), { user: "ada" })
const hello = Mock.make(() => Mock.text("Hello", { usage: { inputTokens: { total: 3 }, outputTokens: { total: 7 } } })).pipeline
const run = <A, E>(effect: Effect.Effect<A, E, LimitStore>, layer: Layer.Layer<LimitStore, unknown> = RateLimit.memory()): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(Effect.provide(effect, layer)))
const states = (requests: ReadonlyArray<Request>): ReadonlyArray<string> => requests.map(({ state }) => state)

describe("a store", () => {
  const limits: Options["limits"] = [{ per: "user", requestsPerMinute: 1, tokensPerDay: 1_000, concurrency: 1 }]
  const broken = (answer: Effect.Effect<never, StoreError>, calls: Array<string> = []) =>
    Layer.succeed(LimitStore, LimitStore.over({
      poll: 250,
      take: () => Effect.suspend(() => (calls.push("take"), answer)),
      give: (_, changes) => Effect.suspend(() => (calls.push(...changes.map(({ ask }) => `give ${ask.kind}`)), answer))
    }, ""))
  const down = Effect.fail(new StoreError("limit", "down"))

  it.each([["that fails", down], ["that never answers", Effect.never]] as const)("%s lets calls through, or refuses them, as was said", async (_, answer) => {
    const calls: Array<string> = []
    const open = await run(Effect.all([1, 2].map(() => Pipeline.run([RateLimit.plug({ limits }), ...hello], request))), broken(answer, calls))
    expect(states(open)).toEqual(["completed", "completed"])
    expect(Request.get(open[0]!, RateLimit.status)).toEqual({ admitted: true, waited: 0, limits: [] })
    // It may have been asked in vain and yet have taken a slot.
    expect(calls).toEqual(["take", "give slots", "take", "give slots"])
    for (const whenFull of ["refuse", "wait"] as const) {
      const closed = await run(Pipeline.run([RateLimit.plug({ limits, whenDown: "closed", whenFull }), ...hello], request), broken(answer))
      expect(closed.errors[0]?.reason).toMatchObject({ _tag: "Overloaded", retryAfter: 1_000 })
    }
  })

  it("that is slow holds nobody up for longer than its patience, and is counted", async () => {
    const counter = Metric.withAttributes(failures, { store: "limit", way: "open" })
    const [took, counted] = await run(Effect.gen(function*() {
      const before = (yield* Metric.value(counter)).count
      const final = yield* Pipeline.run([RateLimit.plug({ limits, patience: 50 }), ...hello], request)
      const now = yield* Effect.clockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))
      expect(final.state).toBe("completed")
      return [now, Number((yield* Metric.value(counter)).count) - Number(before)]
    }), broken(Effect.never))
    expect([took, counted]).toEqual([100, 2])
  })

  it.skipIf(!ownRedis)("Redis that is killed: calls go on at once, and none hangs", async () => {
    const port = await freePort()
    const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"], { stdio: "ignore" })
    try {
      await listening(port)
      const layer = Layer.provide(RateLimit.redis(), redis({ url: `redis://127.0.0.1:${port}` }))
      const program = Effect.gen(function*() {
        const ask = Pipeline.run([RateLimit.plug({ limits }), ...hello], request)
        const before = yield* Effect.all([ask, ask])
        server.kill("SIGKILL")
        yield* Effect.promise(() => once(server, "exit"))
        const began = performance.now()
        const after = yield* Effect.all([ask, ask, ask])
        return { before: states(before), after: states(after), took: performance.now() - began }
      })
      const { after, before, took } = await Effect.runPromise(Effect.provide(program, layer))
      expect(before).toEqual(["completed", "error"])
      expect(after).toEqual(["completed", "completed", "completed"])
      expect(took).toBeLessThan(3_000)
    } finally {
      server.kill("SIGKILL")
    }
  }, 15_000)

  it("that has no room for another caller refuses it", async () => {
    const limited = [RateLimit.plug({ limits: [{ per: "user", requestsPerMinute: 5 }] }), ...hello]
    const asked = ["ada", "bob", "ada"].map((user) => Pipeline.run(limited, Identity.as(request, { user })))
    const finals = await run(Effect.all(asked), RateLimit.memory({ max: 1 }))
    expect(finals.map(({ errors }) => errors[0]?.reason._tag)).toEqual([undefined, "Overloaded", undefined])
  })
})

describe("adaptive", () => {
  const adaptive: Paces.Adaptive = { floor: 0.1, step: 0.25, every: 1_000, longest: 60_000 }
  const after = (pace: Paces.Pace, at: { began: number; now: number; retryAfter?: number }) =>
    Paces.slower(pace, adaptive, { retryAfter: undefined, ...at })
  const whole = new Paces.Paces().of("new")

  it("halves once for calls that were under way together, and grows back step by step", () => {
    const first = after(whole, { began: 0, now: 100 })
    expect(Paces.share(first, adaptive, 100)).toBe(0.5)
    expect(Paces.share(after(first, { began: 50, now: 150 }), adaptive, 150)).toBe(0.5)
    const second = after(first, { began: 200, now: 300 })
    expect([300, 1_299, 1_300, 2_300, 3_300, 4_300].map((now) => Paces.share(second, adaptive, now))).toEqual([0.25, 0.25, 0.5, 0.75, 1, 1])
    let pace = second
    for (let n = 0; n < 9; n++) pace = after(pace, { began: 300, now: 300 })
    expect(Paces.share(pace, adaptive, 300)).toBe(0.1)
  })

  it("leaves a provider alone as long as it asks for, within bounds", () => {
    const paused = (retryAfter: number) => after(whole, { began: 0, now: 100, retryAfter }).paused
    expect([5_000, 365 * 86_400_000, -5, NaN].map(paused)).toEqual([5_100, 60_100, -Infinity, -Infinity])
    const longer = after(after(whole, { began: 0, now: 100, retryAfter: 9_000 }), { began: 0, now: 200, retryAfter: 1 })
    expect(longer.paused).toBe(9_100)
  })

  it("lowers the limits of the provider that said so, and of no other", async () => {
    const script = Mock.make((_, call) =>
      call === 1 ? Mock.fail({ _tag: "RateLimit", message: "slow down", status: 429, retryAfter: 5_000 }) : "Hello")
    const line = [RateLimit.plug({ limits: [{ per: "provider", requestsPerMinute: 60 }], adaptive: { step: 0.1, every: "1 hour" } }), ...script.pipeline]
    const seen = await run(Effect.gen(function*() {
      const first = yield* Pipeline.run(line, request)
      const paused = yield* Pipeline.run(line, request)
      const other = yield* Pipeline.run(line, Request.withProvider(request, "other"))
      yield* Effect.sleep(5_000)
      return [first, paused, other, yield* Pipeline.run(line, request)]
    }))
    expect(states(seen)).toEqual(["error", "error", "completed", "completed"])
    expect(seen[1]!.errors[0]?.reason).toMatchObject({ _tag: "RateLimit", retryAfter: 5_000, message: expect.stringContaining("pause") })
    expect(seen.slice(2).map((final) => Request.get(final, RateLimit.status)!.limits[0])).toMatchObject([
      { limit: 60, remaining: 59 }, { limit: 30, remaining: 29 }
    ])
  })

  it("halves again for a call that had waited in line and was then told the same", async () => {
    const slow = Mock.make((_, call) =>
      call < 3 ? Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 }, { delay: 1_000 }) : "Hello")
    const limits: Options["limits"] = [{ per: "provider", requestsPerMinute: 60, concurrency: 1 }, { per: "user", requestsPerMinute: 50 }]
    const line = [RateLimit.plug({ limits, whenFull: "wait", adaptive: { every: "1 hour" } }), ...slow.pipeline]
    const last = await run(Effect.andThen(
      Effect.all([Pipeline.run(line, request), Pipeline.run(line, request)], { concurrency: 2 }),
      Pipeline.run(line, request)
    ))
    expect(Request.get(last, RateLimit.status)!.limits.map(({ limit }) => limit)).toEqual([15, 1, 50])
  })

  it("does not take a plug's own refusal for the provider's", async () => {
    const inner = RateLimit.plug({ limits: [{ per: "user", requestsPerMinute: 1 }] })
    const line = [RateLimit.plug({ limits: [{ per: "provider", requestsPerMinute: 60 }], adaptive: true }), inner, ...hello]
    const seen = await run(Effect.all([1, 2, 3].map(() => Pipeline.run(line, request))))
    expect(Request.get(seen[2]!, RateLimit.status)!.limits.map(({ limit, name }) => [name, limit])).toEqual([["provider", 60], ["user", 1]])
  })
})

describe("options", () => {
  const refused = async (options: unknown): Promise<LlmError> =>
    Effect.runPromise(Effect.flip(Effect.provide(Pipeline.compile([RateLimit.plug(options as Options)]), RateLimit.memory()))) as Promise<LlmError>

  it("refuses what does not fit, and says what would", async () => {
    const wrong: ReadonlyArray<readonly [options: object, option: string]> = [
      [{ limits: [] }, "limits"],
      [{ limits: [{ per: "user" }] }, "limits.0"],
      [{ limits: [{ per: "planet", requestsPerMinute: 1 }] }, "limits.0.per"],
      [{ limits: [{ per: "user", requestPerMinute: 1 }] }, "limits.0.requestPerMinute"],
      [{ limits: [{ per: "user", tiers: { free: { requests: 1 } } }] }, "limits.0.tiers.free.requests"],
      [{ limits: [{ per: "user", requestsPerMinute: { rate: 1, brust: 1 } }] }, "limits.0.requestsPerMinute.brust"],
      [{ limits: [{ per: "provider", concurrency: 1 }], adaptive: { flor: 1 } }, "adaptive.flor"],
      ...[0, -1, 1.5, NaN, Infinity, 1e12, "5"].map((n) => [{ limits: [{ per: "user", requestsPerMinute: n }] }, "limits.0.requestsPerMinute"] as const),
      [{ limits: [{ per: "user", concurrency: 1 }, { per: "user", requestsPerDay: 1 }] }, "limits.1.name"],
      [{ limits: [{ per: "user", concurrency: 1 }], timeZone: "Mars/Olympus" }, "timeZone"],
      [{ limits: [{ per: "user", concurrency: 1 }], adaptive: true }, "adaptive"],
      [{ limits: [{ per: "user", concurrency: 1 }], maxWait: "soon" }, "maxWait"],
      [{ limits: [{ per: "user", concurrency: 1 }], whenfull: "wait" }, "whenfull"]
    ]
    for (const [options, option] of wrong) expect((await refused(options)).reason).toMatchObject({ _tag: "Configuration", option })
    expect((await refused(wrong.at(-1)![0])).message).toContain("did you mean \"whenFull\"?")
  })

  it("shows them, and keeps scopes apart", async () => {
    const limits: Options["limits"] = [{ per: "user", requestsPerMinute: 1 }]
    expect(Mask.json(RateLimit.plug({ limits }))).toEqual({ name: "rateLimit", level: 0, options: { limits: [{ per: "user", requestsPerMinute: 1 }] } })
    const asked = ["a", "b", "a"].map((scope) => Pipeline.run([RateLimit.plug({ limits, scope }), ...hello], request))
    expect(states(await run(Effect.all(asked)))).toEqual(["completed", "completed", "error"])
  })
})

describe("headers", () => {
  const headersOf = (limits: RateLimit.Status["limits"], more: Partial<RateLimit.Status> = {}) =>
    RateLimit.headers(Request.assign(request, RateLimit.status, { admitted: true, waited: 0, limits, ...more }))

  it("tell of the limit that is nearest to its end, and of calls and tokens apart", () => {
    expect(headersOf([
      { name: "user", what: "requestsPerMinute", limit: 60, remaining: 30, reset: 30_000 },
      { name: "tenant", what: "requestsPerDay", limit: 1_000, remaining: 10, reset: 3_723_004 },
      { name: "user", what: "tokensPerMinute", limit: 1_000, remaining: 1_000, reset: 0 },
      { name: "user", what: "concurrency", limit: 1, remaining: 0, reset: 0 }
    ])).toEqual({
      "ratelimit-limit": "1000",
      "ratelimit-remaining": "10",
      "ratelimit-reset": "3724",
      "x-ratelimit-limit-requests": "1000",
      "x-ratelimit-remaining-requests": "10",
      "x-ratelimit-reset-requests": "1h2m3.004s",
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "1000",
      "x-ratelimit-reset-tokens": "0ms"
    })
  })

  it("say when to come again, in whole seconds, and nothing where no limit held", () => {
    expect(headersOf([], { retryAfter: 1_001 })).toEqual({ "retry-after": "2" })
    expect(headersOf([], { retryAfter: 1 })).toEqual({ "retry-after": "1" })
    expect(headersOf([])).toEqual({})
    expect(RateLimit.headers(request)).toEqual({})
    expect(headersOf([{ name: "a", what: "tokensPerMinute", limit: 1, remaining: 0, reset: 360_000 }])["x-ratelimit-reset-tokens"]).toBe("6m0s")
  })
})

it("what was answered already is not counted", async () => {
  const limited = RateLimit.plug({ limits: [{ per: "user", requestsPerMinute: 1 }] })
  const behind = [...hello, limited, Plug.identity]
  expect(states(await run(Effect.all([1, 2].map(() => Pipeline.run(behind, request)))))).toEqual(["completed", "completed"])
})

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const listening = async (port: number): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(port, "127.0.0.1")
    const up = await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)]).catch(() => false)
    socket.destroy()
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
