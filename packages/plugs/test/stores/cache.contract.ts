/**
 * What every store of cached answers keeps to.
 *
 * @module
 */
import { Effect, type Layer } from "effect"
import { expect, it } from "vitest"
import type { Entry } from "../../src/cache/Entry.ts"
import { CacheStore } from "../../src/cache/Store.ts"
import { effect } from "../../src/cost/now.ts"

export const entry = (text: string, at = 1_000_000, until?: number): Entry => ({
  at,
  ...(until !== undefined && { until }),
  result: {
    type: "chat",
    id: "r1",
    content: [
      { type: "reasoning", text: "hm", metadata: { anthropic: { signature: "s" } } },
      { type: "text", text },
      { type: "tool-call", id: "c1", name: "f", params: { __proto__x: 1, deep: [null, { a: "\ud800" }] } }
    ],
    finishReason: "tool-calls",
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 4 }, raw: { odd: 1e21 } }
  },
  saves: { inputTokens: 3, cost: "12" },
  timeline: [[0, [{ type: "text-start", id: "0" }]], [12, [{ type: "text-delta", id: "0", delta: text }]]]
})

/** `key`: makes keys that no other test uses. */
export const contract = (name: string, layer: Layer.Layer<CacheStore, unknown>, key: (name: string) => string = (name) => name): void => {
  const run = <A>(program: (store: CacheStore["Service"]) => Effect.Effect<A, unknown>) =>
    Effect.runPromise(Effect.provide(Effect.flatMap(CacheStore, program), layer, { local: true }))

  it(`${name}: gives back what it was given, and nothing else`, () =>
    run((store) =>
      Effect.gen(function*() {
        expect(yield* effect(store.get(key("a"), 1_000_000))).toBeUndefined()
        expect(yield* effect(store.set(key("a"), entry("A"), 1_000_000))).toBe(true)
        expect(yield* effect(store.set(key("b"), entry("B"), 1_000_000))).toBe(true)
        expect(yield* effect(store.get(key("a"), 1_000_000))).toEqual(entry("A"))
        expect(yield* effect(store.set(key("a"), entry("A2"), 1_000_000))).toBe(true)
        expect(yield* effect(store.get(key("a"), 9e15))).toEqual(entry("A2"))
        yield* effect(store.remove(key("a")))
        yield* effect(store.remove(key("never there")))
        expect(yield* effect(store.get(key("a"), 1_000_000))).toBeUndefined()
        expect(yield* effect(store.get(key("b"), 1_000_000))).toEqual(entry("B"))
      })))

  it(`${name}: an entry is over exactly at its time`, () =>
    run((store) =>
      Effect.gen(function*() {
        yield* effect(store.set(key("t"), entry("A", 1_000_000, 1_060_000), 1_000_000))
        expect(yield* effect(store.get(key("t"), 1_059_999))).toEqual(entry("A", 1_000_000, 1_060_000))
        expect(yield* effect(store.get(key("t"), 1_060_000))).toBeUndefined()
      })))

  it(`${name}: forgets everything`, () =>
    run((store) =>
      Effect.gen(function*() {
        yield* effect(store.set(key("x"), entry("A"), 1_000_000))
        yield* effect(store.set(key("y"), entry("A"), 1_000_000))
        yield* effect(store.clear())
        expect(yield* effect(store.get(key("x"), 1_000_000))).toBeUndefined()
        expect(yield* effect(store.get(key("y"), 1_000_000))).toBeUndefined()
        for (const size of yield* effect(store.size())) {
          if (size.entries !== undefined) expect(size).toMatchObject({ entries: 0, bytes: 0 })
        }
      })))

  it(`${name}: a lock is for one, until it is given back or over`, () =>
    run((store) =>
      Effect.gen(function*() {
        const { lock } = store
        if (lock === undefined) return
        const now = 1_000_000
        expect(yield* lock.take(key("l"), "one", now + 60_000, now)).toBe(true)
        expect(yield* lock.take(key("l"), "two", now + 60_000, now)).toBe(false)
        expect(yield* lock.take(key("m"), "two", now + 60_000, now)).toBe(true)
        yield* lock.release(key("l"), "two")
        expect(yield* lock.take(key("l"), "two", now + 60_000, now)).toBe(false)
        yield* lock.release(key("l"), "one")
        expect(yield* lock.take(key("l"), "two", now + 60_000, now)).toBe(true)
        yield* lock.release(key("l"), "two")
        yield* lock.release(key("m"), "two")
      })))
}
