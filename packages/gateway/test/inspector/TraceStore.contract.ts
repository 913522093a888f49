/**
 * What every store of requests must do, as a suite.
 *
 * @module
 */
import type { Summary } from "@plugline/inspector"
import type { StoreError } from "@plugline/plugs"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { type Bounds, type Entry, TraceStore } from "../../src/inspector/store/TraceStore.ts"

/** A request that is over. */
export const entry = (id: string, more: Partial<Summary> = {}, record?: Uint8Array): Entry => ({
  summary: {
    id, at: Date.now(), took: 12, route: "/v1/chat/completions", dialect: "openai", operation: "chat", streamed: false, status: 200,
    provider: "openai", asked: "small", model: "gpt-5-mini", pipeline: "default", hash: "h", recorded: record !== undefined, ...more
  },
  ...(record !== undefined && { record })
})

const wide: Bounds = { maxAge: 60_000, maxEntries: 1_000, maxBytes: 100_000_000 }
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)
const ids = (list: ReadonlyArray<Summary>): ReadonlyArray<string> => list.map(({ id }) => id)

/** The suite for a layer. */
export const contract = (name: string, layer: (bounds: Bounds) => Layer.Layer<TraceStore, StoreError>): void => {
  describe(`requests in ${name}`, () => {
    const scopes: Array<Scope.Closeable> = []
    afterEach(async () => {
      for (const scope of scopes.splice(0)) await Effect.runPromise(Scope.close(scope, Exit.void))
    })
    const open = async (bounds: Partial<Bounds> = {}): Promise<TraceStore["Service"]> => {
      const scope = Scope.makeUnsafe()
      scopes.push(scope)
      return Context.get(await Effect.runPromise(Scope.provide(Layer.build(layer({ ...wide, ...bounds })), scope)), TraceStore)
    }
    const run = Effect.runPromise

    it("are numbered in the order in which they came, and listed newest first", async () => {
      const store = await open()
      expect(await run(store.list({}))).toEqual({ traces: [], more: false, total: 0 })
      expect(await run(store.info())).toEqual({ entries: 0, bytes: 0 })
      expect(await run(store.last)).toBe(0)
      await run(store.add([entry("a"), entry("b", { cost: "0.25" }), entry("c")]))
      await run(store.add([entry("d")]))
      const { more, total, traces } = await run(store.list({}))
      expect(ids(traces)).toEqual(["d", "c", "b", "a"])
      expect(traces.map(({ seq }) => seq)).toEqual([4, 3, 2, 1])
      expect({ more, total }).toEqual({ more: false, total: 4 })
      const { seq, ...rest } = traces[2]!
      expect(rest).toEqual(entry("b", { cost: "0.25", at: rest.at }).summary)
      expect(await run(store.last)).toBe(4)
      expect(seq).toBe(2)
    })

    it("come page by page, backwards and forwards", async () => {
      const store = await open()
      await run(store.add(Array.from({ length: 25 }, (_, index) => entry(`r${index + 1}`))))
      const first = await run(store.list({ limit: 10 }))
      expect(first).toMatchObject({ more: true, total: 25 })
      expect(first.traces.at(-1)!.seq).toBe(16)
      const second = await run(store.list({ limit: 10, before: 16 }))
      const third = await run(store.list({ limit: 10, before: second.traces.at(-1)!.seq }))
      expect(third.more).toBe(false)
      expect(ids([...first.traces, ...second.traces, ...third.traces])).toEqual(Array.from({ length: 25 }, (_, index) => `r${25 - index}`))
      expect(ids(await run(store.after(22, 2)))).toEqual(["r23", "r24"])
      expect(await run(store.after(25, 2))).toEqual([])
    })

    it("are found by id, with their steps where these are kept", async () => {
      const store = await open()
      await run(store.add([entry("a", {}, bytes(100)), entry("b")]))
      const a = await run(store.find("a"))
      expect(a!.summary).toMatchObject({ id: "a", seq: 1, recorded: true, bytes: 100 })
      expect([...a!.record!]).toEqual([...bytes(100)])
      const b = await run(store.find("b"))
      expect(b!.summary).toMatchObject({ id: "b", recorded: false })
      expect(b).not.toHaveProperty("record")
      expect(b!.summary).not.toHaveProperty("bytes")
      expect(await run(store.find("c"))).toBeUndefined()
    })

    const all: ReadonlyArray<Entry> = [
      entry("req_1", { at: 1_000, model: "gpt-5-mini", asked: "small" }),
      entry("req_2", { at: 2_000, provider: "anthropic", model: "Claude", pipeline: "strict", tenant: "acme", user: "Ada" }),
      entry("req_3", { at: 3_000, status: 429, error: { reason: "RateLimit", message: "slow 100% down_", plug: "rateLimit" } }),
      entry("req_4", { at: 4_000, error: { reason: "CutStream", message: "cut" }, cache: "hit" }),
      entry("req_5", { at: 5_000, status: 404, tenant: "' OR 1=1 --", model: "x'; DROP TABLE plugline_traces; --" })
    ]
    const queries: ReadonlyArray<readonly [string, Parameters<TraceStore["Service"]["list"]>[0], ReadonlyArray<number>]> = [
      ["the provider", { provider: "anthropic" }, [2]],
      ["the model", { model: "Claude" }, [2]],
      ["the pipeline", { pipeline: "strict" }, [2]],
      ["the tenant", { tenant: "acme" }, [2]],
      ["the cache", { cache: "hit" }, [4]],
      ["what went well", { status: "ok" }, [2, 1]],
      ["what failed, streams that were cut included", { status: "error" }, [5, 4, 3]],
      ["a status", { status: "429" }, [3]],
      ["a time", { since: 2_000, until: 4_000 }, [3, 2]],
      ["a word of the id", { q: "q_4" }, [4]],
      ["a word in another case", { q: "CLAUDE" }, [2]],
      ["a user", { q: "ada" }, [2]],
      ["words of an error, with marks", { q: "100% down_" }, [3]],
      ["a mark alone", { q: "%" }, [3]],
      ["the plug that failed", { q: "ratelimit" }, [3]],
      ["several words, each somewhere", { q: "openai 429 slow" }, [3]],
      ["words that are not all there", { q: "openai 429 fast" }, []],
      ["SQL in a tenant", { tenant: "' OR 1=1 --" }, [5]],
      ["SQL in a model", { model: "x'; DROP TABLE plugline_traces; --" }, [5]],
      ["SQL in words", { q: "' or 1=1" }, [5]],
      ["SQL that fits nothing", { provider: "' OR '1'='1" }, []],
      ["several things at once", { provider: "openai", status: "error", since: 3_500 }, [5, 4]]
    ]
    it.each(queries)("are found by %s", async (_what, query, found) => {
      const store = await open({ maxAge: Number.MAX_SAFE_INTEGER })
      await run(store.add(all))
      const { traces } = await run(store.list(query))
      expect(traces.map(({ seq }) => seq)).toEqual(found)
    })

    it("of one tenant are all that is known within it", async () => {
      const store = await open({ maxAge: Number.MAX_SAFE_INTEGER })
      await run(store.add(all.map(({ summary }) => ({ summary, record: bytes(10) }))))
      expect(await run(store.list({}, "acme"))).toMatchObject({ traces: [{ id: "req_2" }], total: 1 })
      expect((await run(store.list({ tenant: "' OR 1=1 --" }, "acme"))).traces).toEqual([])
      expect(ids(await run(store.after(0, 10, "acme")))).toEqual(["req_2"])
      expect(await run(store.find("req_1", "acme"))).toBeUndefined()
      expect((await run(store.find("req_2", "acme")))!.record).toBeDefined()
      expect((await run(store.measures({ since: 0, until: 1e15, after: 0, limit: 10 }, "acme"))).map(({ seq }) => seq)).toEqual([2])
      expect((await run(store.info("acme"))).entries).toBe(1)
      expect((await run(store.list({}, "nobody"))).total).toBe(0)
    })

    it("are measured", async () => {
      const store = await open()
      const at = Date.now()
      await run(store.add([
        entry("a", { at, took: 5, cost: "0.5", saved: "0.25", inputTokens: 3, outputTokens: 4, firstToken: 2, cache: "hit" }),
        entry("b", { at, status: 500, tenant: "acme" })
      ]))
      const measures = await run(store.measures({ since: at, until: at + 1, after: 0, limit: 10 }))
      expect(measures).toEqual([
        {
          seq: 1, at, took: 5, failed: false, provider: "openai", model: "gpt-5-mini", tenant: undefined, pipeline: "default",
          inputTokens: 3, outputTokens: 4, cost: 0.5, saved: 0.25, firstToken: 2
        },
        {
          seq: 2, at, took: 12, failed: true, provider: "openai", model: "gpt-5-mini", tenant: "acme", pipeline: "default",
          inputTokens: 0, outputTokens: 0, cost: undefined, saved: 0, firstToken: undefined
        }
      ])
      expect(await run(store.measures({ since: at, until: at + 1, after: 1, limit: 10 }))).toHaveLength(1)
      expect(await run(store.measures({ since: at, until: at + 1, after: 0, limit: 1 }))).toHaveLength(1)
      expect(await run(store.measures({ since: at + 1, until: at + 2, after: 0, limit: 10 }))).toEqual([])
    })

    it("never exceed the bounds, and the oldest go first", async () => {
      await fc.assert(fc.asyncProperty(
        fc.record({ maxEntries: fc.integer({ min: 1, max: 20 }), maxBytes: fc.integer({ min: 3_000, max: 20_000 }) }),
        fc.array(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 8 }), { maxLength: 12 }),
        async (bounds, batches) => {
          const store = await open(bounds)
          let count = 0
          for (const batch of batches) {
            await run(store.add(batch.map((size) => entry(`r${++count}`, {}, size === 0 ? undefined : bytes(size)))))
            const { bytes: held, entries } = await run(store.info())
            expect(entries).toBeLessThanOrEqual(bounds.maxEntries)
            expect(held).toBeLessThanOrEqual(bounds.maxBytes)
            const { traces } = await run(store.list({}))
            expect(ids(traces)).toEqual(Array.from({ length: entries }, (_, index) => `r${count - index}`))
          }
        }
      ), { numRuns: 40 })
    })

    it("that are too old go, steps and all", async () => {
      const store = await open()
      await run(store.add([entry("old", { at: Date.now() - 61_000 }, bytes(10)), entry("young", {}, bytes(10))]))
      expect(ids((await run(store.list({}))).traces)).toEqual(["young"])
      expect(await run(store.find("old"))).toBeUndefined()
    })

    it("that ran for long, or began while the clock was wrong, take no younger ones with them", async () => {
      const store = await open()
      await run(store.add([entry("young", {}, bytes(10)), entry("long", { at: Date.now() - 61_000 }, bytes(10)), entry("1970", { at: 5 })]))
      await run(store.add([entry("ahead", { at: Date.now() + 1e10 }), entry("next")]))
      expect(ids((await run(store.list({}))).traces)).toEqual(["next", "ahead", "young"])
      expect((await run(store.find("young")))!.record).toBeDefined()
    })

    it("are kept whatever numbers a service says", async () => {
      const store = await open()
      const counts = [10.5, 1e30, -4, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 2]
      await run(store.add(counts.map((inputTokens, index) => entry(`r${index}`, { inputTokens, outputTokens: -inputTokens, cost: "no number" }))))
      const measures = await run(store.measures({ since: 0, until: 1e15, after: 0, limit: 10 }))
      expect(measures.map(({ inputTokens }) => inputTokens)).toEqual([11, Number.MAX_SAFE_INTEGER, -4, 0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])
      expect((await run(store.list({}))).total).toBe(counts.length)
    })

    it("that asked nobody are not measured", async () => {
      const store = await open()
      await run(store.add([
        entry("fork", { route: "fork", parent: "a", upstream: "recorded", cost: "9" }),
        entry("live", { route: "fork", parent: "a", model: ",\"upstream\":\"recorded\"" })
      ]))
      expect((await run(store.measures({ since: 0, until: 1e15, after: 0, limit: 10 }))).map(({ seq }) => seq)).toEqual([2])
      expect((await run(store.list({}))).total).toBe(2)
    })

    it("10,000 of them answer within a few ms", async () => {
      const store = await open({ maxEntries: 20_000 })
      for (let from = 0; from < 10_000; from += 500) {
        await run(store.add(Array.from({ length: 500 }, (_, index) =>
          entry(`req_${from + index}`, { provider: `p${index % 7}`, model: `m${index % 31}`, tenant: `t${index % 97}`, status: index % 50 === 0 ? 500 : 200 }))))
      }
      const fastest = async (ask: () => Effect.Effect<unknown, StoreError>): Promise<number> => {
        let best = Number.POSITIVE_INFINITY
        for (let time = 0; time < 5; time++) {
          const begun = performance.now()
          await run(ask())
          best = Math.min(best, performance.now() - begun)
        }
        return best
      }
      for (const query of [{}, { q: "nowhere" }, { provider: "p3", status: "error" }, { model: "m5" }, { before: 5_000, limit: 100 }, { status: "error" }]) {
        expect(await fastest(() => store.list(query)), JSON.stringify(query)).toBeLessThan(25)
      }
      expect(await fastest(() => store.list({ q: "req_99" }, "t5"))).toBeLessThan(25)
      expect(await fastest(() => store.find("req_77"))).toBeLessThan(5)
      expect(await fastest(() => store.after(9_990, 10))).toBeLessThan(5)
    }, 60_000)
  })
}
