/**
 * What every source of keys must do, wherever it has them from.
 *
 * @module
 */
import { LlmError, type Reason } from "@plugline/core"
import { Credentials, type KeyOwner } from "@plugline/providers"
import { it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, type Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { describe, expect } from "vitest"

/** The provider whose keys are asked for. */
export const acme: KeyOwner = { name: "acme", keys: ["ACME_KEY", "ACME_TOKEN"] }
const other: KeyOwner = { name: "other", keys: ["OTHER_KEY"] }

const [a, b, c] = ["canary-a-0123456789", "canary-b-0123456789", "canary-c-0123456789"] as const

/** Checks a source of keys. `of`: the source that has these keys of the provider {@link acme}, in this order. */
export const contract = (name: string, of: (...keys: ReadonlyArray<string>) => Layer.Layer<Credentials>): void => {
  const next = Effect.flatMap(Credentials, ({ get }) => Effect.map(get(acme), (key) => key && Redacted.value(key)))
  const times = (count: number) => Effect.all(Array.from({ length: count }, () => next))
  const report = (key: string, reason: Partial<Reason>) =>
    Effect.flatMap(Credentials, ({ report }) =>
      report(acme, Redacted.make(key), LlmError.make({ _tag: "RateLimit", message: "no", ...reason } as Reason)))
  const test = (title: string, keys: ReadonlyArray<string>, effect: Effect.Effect<void, LlmError, Credentials>) =>
    it.effect(title, () => Effect.provide(effect, of(...keys)))

  describe(name, () => {
    test("has no key where there is none, and an empty one is none", [" "], Effect.gen(function*() {
      expect(yield* next).toBe(undefined)
      expect(yield* Effect.provide(next, of())).toBe(undefined)
    }))

    test("has a provider's own keys alone", [a], Effect.gen(function*() {
      expect(yield* (yield* Credentials).get(other)).toBe(undefined)
    }))

    test("gives one key every time, also after it was refused", [a], Effect.gen(function*() {
      expect(yield* times(3)).toEqual([a, a, a])
      yield* report(a, { _tag: "Authentication" })
      expect(yield* times(2)).toEqual([a, a])
    }))

    test("takes several in turn", [a, b, c], Effect.gen(function*() {
      expect(yield* times(7)).toEqual([a, b, c, a, b, c, a])
    }))

    test("shares them out evenly among many fibers", [a, b, c], Effect.gen(function*() {
      const taken = yield* Effect.all(Array.from({ length: 900 }, () => Effect.andThen(Effect.yieldNow, next)), { concurrency: "unbounded" })
      expect([a, b, c].map((key) => taken.filter((one) => one === key).length)).toEqual([300, 300, 300])
    }))

    const rests: ReadonlyArray<[string, Partial<Reason>, number]> = [
      ["a key that is not accepted rests for 10 minutes", { _tag: "Authentication" }, 600_000],
      ["a key that may not do this rests for a minute", { _tag: "Permission" }, 60_000],
      ["a key at its limit rests as long as the service says", { _tag: "RateLimit", retryAfter: 5_000 }, 5_000],
      ["a key at its limit rests for 30 seconds where the service does not say", { _tag: "RateLimit" }, 30_000],
      ["a key whose quota is used up rests for 10 minutes", { _tag: "Quota" }, 600_000],
      ["no rest is longer than a day", { _tag: "Quota", retryAfter: 1e12 }, 86_400_000],
      ["a negative rest is none that was said", { _tag: "RateLimit", retryAfter: -1 }, 30_000]
    ]
    for (const [title, reason, rest] of rests) {
      test(title, [a, b], Effect.gen(function*() {
        yield* report(a, reason)
        expect(yield* times(3)).toEqual([b, b, b])
        yield* TestClock.adjust(rest - 1)
        expect(yield* times(2)).toEqual([b, b])
        yield* TestClock.adjust(1)
        expect(new Set(yield* times(2))).toEqual(new Set([a, b]))
      }))
    }

    test("a shorter rest does not end a longer one", [a, b], Effect.gen(function*() {
      yield* report(a, { _tag: "Authentication" })
      yield* report(a, { retryAfter: 1 })
      yield* TestClock.adjust(1_000)
      expect(yield* times(2)).toEqual([b, b])
    }))

    test("where all rest the one whose rest ends first is used", [a, b, c], Effect.gen(function*() {
      yield* report(a, { retryAfter: 9_000 })
      yield* report(b, { retryAfter: 3_000 })
      yield* report(c, { retryAfter: 6_000 })
      expect(yield* times(3)).toEqual([b, b, b])
      yield* TestClock.adjust(6_000)
      expect(new Set(yield* times(4))).toEqual(new Set([b, c]))
    }))

    test("what is not the key's fault changes nothing", [a, b], Effect.gen(function*() {
      for (const _tag of ["Server", "Overloaded", "Network", "InvalidRequest", "Timeout", "ContentPolicy"]) {
        yield* report(a, { _tag, retryAfter: 60_000 } as Partial<Reason>)
      }
      expect(yield* times(2)).toEqual([a, b])
    }))

    test("buys a token once, and another after it was refused", [a], Effect.gen(function*() {
      const { forget, token } = yield* Credentials
      const gate = yield* Deferred.make<void>()
      let bought = 0
      const buy = Effect.andThen(Deferred.await(gate), Effect.sync(() => ({ token: Redacted.make(`token ${++bought}`), lifetime: 3_600_000 })))
      const wanted = token({ purpose: "p", key: Redacted.make(a), buy })
      const fibers = yield* Effect.forkChild(Effect.all(Array.from({ length: 100 }, () => wanted), { concurrency: "unbounded" }))
      yield* TestClock.adjust(1)
      yield* Deferred.succeed(gate, undefined)
      const all = yield* Fiber.join(fibers)
      expect([bought, new Set(all).size]).toEqual([1, 1])
      expect([yield* forget(all[0]!), Redacted.value(yield* wanted)]).toEqual([false, "token 1"])
      yield* TestClock.adjust(10_000)
      expect([yield* forget(all[0]!), Redacted.value(yield* wanted)]).toEqual([true, "token 2"])
    }))

    test("shows no key", [a, b], Effect.gen(function*() {
      const service = yield* Credentials
      yield* report(a, {})
      const key = yield* service.get(acme)
      const exit = yield* Effect.exit(service.token({ purpose: "p", key: key!, buy: Effect.fail(LlmError.make({ _tag: "Server", message: "down" })) }))
      expect(Exit.isFailure(exit)).toBe(true)
      for (const value of [service, key, exit]) {
        expect(`${JSON.stringify(value)}${inspect(value, { depth: 20, showHidden: true })}${String(value)}`).not.toContain("canary")
      }
    }))
  })
}
