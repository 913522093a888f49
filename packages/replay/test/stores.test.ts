/**
 * A recorded run goes the same way again whatever the stores hold by then, and leaves the stores in use alone.
 *
 * @module
 */
import { type Pipeline, Plug, Request, Result } from "@plugline/core"
import {
  Budget, Cache, CacheStore, CircuitBreaker, Hedge, Idempotency, Metrics, Presets, Providers, RateLimit, Receipt, Retry,
  StoreError, Taped, TrackCost
} from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { again, live, type Needs, record, tape } from "./live.ts"

const chat = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-5-mini" } })
const stream = Request.withOperation(chat, "stream")
const asked = (text: string) => Request.make({ provider: "openai", messages: text, options: { model: "gpt-5-mini" } })

const over = (script: Mock.Script, other: Mock.Script = () => "other") => {
  const mock = Mock.make(script)
  return { mock, providers: Providers.of({ openai: mock.pipeline, other: Mock.make(other, { name: "other" }).pipeline }) }
}

const storesOf = (recording: Replay.Recording) => recording.world.stores?.map(({ method, store }) => `${store}.${method}`) ?? []

describe("a replay", () => {
  it("is answered from the cache where the recording was, and is not where it was not", async () => {
    const { mock, providers } = over(() => Mock.text("Hello", { delay: 2 }))
    const services = await live(providers)
    const line: Pipeline<Needs> = [Metrics.plug(), Cache.plug(), Retry.plug(), Providers.ask]
    for (const request of [chat, stream]) {
      const fresh = asked(`${request.operation} me`)
      const question = Request.withOperation(fresh, request.operation)
      const miss = await record(services, line, question)
      const hit = await record(services, line, question)
      expect([miss, hit].map(({ outcome }) => Request.get(outcome, Cache.status)?.status)).toEqual(["miss", "hit"])
      const calls = mock.calls.length
      for (const recording of [miss, hit]) expect((await again(services, line, recording)).outcome?.state).toBe("completed")
      expect(mock.calls.length).toBe(calls)
    }
  })

  it("is refused by the limit, the budget and the circuit that refused it", async () => {
    const { providers } = over(() => Mock.text("Hello"))
    const services = await live(providers)
    const limited: Pipeline<Needs> = [RateLimit.plug({ limits: [{ per: "provider", requestsPerMinute: 1 }] }), Providers.ask]
    const rates = [await record(services, limited, chat), await record(services, limited, chat)]
    expect(rates.map(({ outcome }) => outcome.errors[0]?.reason._tag)).toEqual([undefined, "RateLimit"])
    for (const recording of rates) await again(services, limited, recording)

    const daily = (amount: string) => Budget.plug({ limits: [{ per: "global", amount, every: "day" }] })
    const budgeted: Pipeline<Needs> = [daily("0.03"), TrackCost.plug(), Providers.ask]
    const costs = []
    const long = Request.mergeOptions(chat, { maxTokens: 6_000 })
    for (let call = 0; call < 4; call++) costs.push(await record(services, budgeted, long))
    expect(costs.map(({ outcome }) => outcome.state)).toContain("completed")
    for (const recording of costs) await again(services, budgeted, recording)
    expect(storesOf(costs[0]!)).toContain("BudgetStore.reserve")
    expect(costs[0]!.world.stores?.some(({ outcome }) => JSON.stringify(outcome).includes("bigint"))).toBe(true)
    const small: Pipeline<Needs> = [daily("0.000001"), Providers.ask]
    const refused = await record(services, small, long)
    expect(refused.outcome.state).toBe("error")
    expect((await again(services, small, refused)).outcome?.errors[0]?.message).toBe(refused.outcome.errors[0]?.message)
  })

  it("meets an open circuit, and one that lets a probe through", async () => {
    const { providers } = over((_, call) => call <= 3 ? Mock.fail({ _tag: "Server", message: "down", status: 500 }) : "up again")
    const services = await live(providers)
    const line: Pipeline<Needs> = [CircuitBreaker.plug({ consecutive: 3, openFor: 30 }), Providers.ask]
    const runs = []
    for (let call = 0; call < 5; call++) runs.push(await record(services, line, chat))
    await new Promise((resolve) => setTimeout(resolve, 40))
    runs.push(await record(services, line, chat))
    expect(runs.map(({ outcome }) => outcome.state)).toEqual(["error", "error", "error", "error", "error", "completed"])
    for (const recording of runs) await again(services, line, recording)
  })

  it("goes through the whole resilient preset: retry, fallback, a stream", async () => {
    const failing = Mock.fail({ _tag: "Server", message: "down", status: 503 })
    const parts = Result.parts(Result.fold([{ type: "text-delta", id: "0", delta: "half" }, Mock.finish]))
    const half = Mock.fail({ _tag: "Server", message: "broken", status: 500 }, { after: parts.slice(0, -1) })
    const fallback = [{ provider: "other", model: "gpt-5-nano" }, { answer: "sorry" }]
    const line: Pipeline<Needs> = [...Presets.resilient({ attempts: 2, deadline: "2 seconds", fallback }), Providers.ask]
    const lots: ReadonlyArray<readonly [Mock.Script, Mock.Script]> = [
      [() => Mock.text("Hello", { cut: 2, between: 1 }), () => "no"],
      [[failing, Mock.text("second", { cut: 3 })], () => "no"],
      [() => failing, () => Mock.text("other one", { cut: 3, between: 1 })],
      [() => failing, () => failing],
      [() => half, () => "no"],
      [() => Mock.throws(new Error("reset")), () => Mock.never()]
    ]
    for (const [first, second] of lots) {
      for (const request of [chat, stream]) {
        const { providers } = over(first, second)
        const services = await live(providers)
        const recording = await record(services, line, request)
        const replayed = await again(services, line, recording)
        expect(replayed.trace.steps.length).toBe(recording.trace.steps.length)
        expect(storesOf(recording)).toContain("BreakerStore.admit")
      }
    }
  }, 60_000)

  it("writes no receipt a second time", async () => {
    const { providers } = over(() => "Hello")
    const services = await live(providers)
    const line: Pipeline<Needs> = [Receipt.plug(), TrackCost.plug(), Providers.ask]
    const recording = await record(services, line, chat)
    expect(storesOf(recording)).toEqual(expect.arrayContaining(["ReceiptSink.write", "TotalsStore.add"]))
    await again(services, line, recording)
    expect((await services.run(Receipt.recent)).length).toBe(1)
  })

  it("gives back the answer of an idempotency key, and of a call that was under way", async () => {
    const { mock, providers } = over(() => Mock.text("once", { delay: 20 }))
    const services = await live(providers)
    const line: Pipeline<Needs> = [Idempotency.plug(), Providers.ask]
    const request = Idempotency.withKey(chat, "order-7")
    const [first, waiting] = await Promise.all([record(services, line, request), record(services, line, request)])
    const later = await record(services, line, request)
    const conflict = await record(services, line, Idempotency.withKey(asked("Bye"), "order-7"))
    expect(mock.calls.length).toBe(1)
    for (const recording of [first!, waiting!, later, conflict]) await again(services, line, recording)
    expect(waiting!.world.exchanges).toEqual([])
  })

  it("gives back the answer of an equal question that was under way", async () => {
    const { mock, providers } = over(() => Mock.text("once", { delay: 20 }))
    const services = await live(providers)
    const line: Pipeline<Needs> = [Cache.plug(), Providers.ask]
    const runs = await Promise.all([1, 2, 3].map(() => record(services, line, chat)))
    expect(mock.calls.length).toBe(1)
    for (const recording of runs) await again(services, line, recording)
  })

  it("hedges, routes and waits in line as it did", async () => {
    const { providers } = over((_, call) => Mock.text(`answer ${call}`, { delay: call % 2 === 1 ? 60 : 5 }))
    const services = await live(providers)
    const hedged: Pipeline<Needs> = [Hedge.plug({ delay: 15 }), Providers.ask]
    const one = await record(services, hedged, chat)
    expect(one.world.exchanges.length).toBe(2)
    await again(services, hedged, one)
    const limits = [{ per: "provider", concurrency: 1 }] as const
    const queued: Pipeline<Needs> = [RateLimit.plug({ limits, whenFull: "wait" }), Providers.ask]
    const runs = await Promise.all([1, 2, 3].map((each) => record(services, queued, asked(`${each}`))))
    for (const recording of runs) await again(services, queued, recording)
  })

  it("takes and gives back the lock of a store that others share, which the store of the replay does not have", async () => {
    const { mock, providers } = over(() => Mock.text("Hello", { delay: 2 }))
    const shared = Layer.effect(CacheStore.CacheStore, Effect.map(CacheStore.CacheStore, (store): CacheStore.CacheStoreShape => {
      const holders = new Map<string, string>()
      return {
        ...store,
        get: (key, now) => Effect.andThen(Effect.sleep(1), Effect.sync(() => store.get(key, now) as never)),
        lock: {
          take: (key, owner) => Effect.sync(() => holders.get(key) === undefined && holders.set(key, owner) !== undefined),
          release: (key) => Effect.sync(() => void holders.delete(key))
        }
      }
    }))
    const services = await live(providers, Layer.provide(shared, CacheStore.memory()))
    const line: Pipeline<Needs> = [Cache.plug({ ttl: "1 hour" }), Retry.plug({ attempts: 2, base: 1 }), Providers.ask]
    const miss = await record(services, line, chat)
    const recordings = [miss, await record(services, line, chat), await record(services, line, asked("other"))]
    expect(storesOf(miss)).toEqual(expect.arrayContaining(["CacheStore.get", "CacheStore.lock.take", "CacheStore.lock.release"]))
    for (const recording of recordings) await again(services, line, recording)
    expect(mock.calls.length).toBe(2)
  })

  it("comes to an end where the run would not", async () => {
    const { providers } = over(() => Mock.fail({ _tag: "Overloaded", message: "busy" }))
    const services = await live(providers)
    const patient: Plug = Plug.around("patient", (request, next) => {
      const ask: Effect.Effect<Request> = Effect.flatMap(next(request), (answer) =>
        answer.state === "completed" ? Effect.succeed(answer) : Effect.andThen(Effect.sleep(5), ask))
      return ask
    })
    const recording = await record(services, [Providers.ask], chat)
    const failed = await services.run(Effect.flip(Taped.apart(Replay.replay([patient, Providers.ask], recording, tape))))
    expect(failed.message).toContain("does not come to an end")
  })

  it("meets the failures of stores: down, slow, thrown", async () => {
    const down = new StoreError("cache", "down")
    const { providers } = over(() => "Hello")
    const ways: ReadonlyArray<CacheStore.CacheStoreShape["get"]> = [
      () => Effect.fail(down),
      () => Effect.andThen(Effect.sleep(20), Effect.fail(down)),
      () => Effect.never,
      () => {
        throw down
      }
    ]
    for (const get of ways) {
      const store = Layer.succeed(CacheStore.CacheStore, {
        get,
        set: () => Effect.fail(down),
        remove: () => undefined,
        clear: () => undefined,
        size: () => []
      })
      const services = await live(providers, store)
      const line: Pipeline<Needs> = [Cache.plug(), Providers.ask]
      const recording = await record(services, line, chat)
      expect(storesOf(recording)).toContain("CacheStore.get")
      await again(services, line, recording)
    }
  })

  it("gives back what was recorded for other limits of the same kind, where the calls are not the same", async () => {
    const { providers } = over(() => "Hello")
    const services = await live(providers)
    const limited = (tokens: number): Pipeline<Needs> => [
      RateLimit.plug({ limits: [{ per: "provider", tokensPerMinute: 1_000 }], tokens: () => tokens }),
      Providers.ask
    ]
    await record(services, limited(900), chat)
    const refused = await record(services, limited(500), chat)
    expect(refused.outcome.state).toBe("error")
    const other = await services.run(Taped.apart(Replay.replay(limited(400), refused, tape)))
    expect(other.outcome?.errors[0]?.reason._tag).toBe("RateLimit")
  })

  it("asks the store of the replay where the recording holds nothing, and shows it", async () => {
    const { providers } = over(() => "Hello")
    const services = await live(providers)
    const line: Pipeline<Needs> = [Cache.plug(), Providers.ask]
    const recording = await record(services, line, chat)
    const without = { ...recording, world: { ...recording.world, stores: [] } }
    const replayed = await services.run(Taped.apart(Replay.replay(line, without, tape)))
    expect(replayed.outcome?.state).toBe("completed")
    expect(Replay.equal(without, replayed).map(({ path }) => path)).toContain("world.stores[0]")
  })
})
