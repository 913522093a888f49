import { LlmError } from "@plugline/core"
import { Credentials } from "@plugline/providers"
import type { Bought } from "../../src/Credentials.ts"
import { it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { describe, expect } from "vitest"

const key = Redacted.make("client-secret-0123")
const hour = 3_600_000
const down = LlmError.make({ _tag: "Server", message: "down" })

/** A shop that counts what it sold. `token(…)` asks it for one, `buy` says how a purchase goes. */
const shop = Effect.gen(function*() {
  const { forget, token } = yield* Credentials
  let sold = 0
  const sell = (lifetime?: number) =>
    Effect.sync(() => ({ token: Redacted.make(`token ${++sold}`), ...(lifetime !== undefined && { lifetime }) }))
  return {
    sold: () => sold,
    sell,
    forget,
    token: (buy: Effect.Effect<Bought, LlmError> = sell(hour), purpose = "p", paid = key) => Effect.map(token({ purpose, key: paid, buy }), Redacted.value)
  }
})
const test = (title: string, effect: Effect.Effect<void, unknown, Credentials>) =>
  it.effect(title, () => Effect.provide(effect, Credentials.none))

const many = <A, E>(count: number, effect: Effect.Effect<A, E>) =>
  Effect.all(Array.from({ length: count }, () => Effect.exit(effect)), { concurrency: "unbounded" })

describe("a token", () => {
  test("is bought once for a thousand callers", Effect.gen(function*() {
    const { sell, sold, token } = yield* shop
    const all = yield* Effect.forkChild(many(1_000, token(Effect.andThen(Effect.sleep(200), sell(hour)))))
    yield* TestClock.adjust(200)
    expect(new Set((yield* Fiber.join(all)).map((exit) => Exit.isSuccess(exit) && exit.value))).toEqual(new Set(["token 1"]))
    expect([yield* token(), sold()]).toEqual(["token 1", 1])
  }))

  test("is another for another key or purpose, however the two are cut", Effect.gen(function*() {
    const { sold, token } = yield* shop
    for (const [purpose, secret] of [["p", "abc"], ["p", "abd"], ["pa", "bc"], ["", "pabc"], ["1:", "abc"]] as const) {
      yield* token(undefined, purpose, Redacted.make(secret))
      yield* token(undefined, purpose, Redacted.make(secret))
    }
    expect(sold()).toBe(5)
  }))

  const lifetimes: ReadonlyArray<[string, number | undefined, number]> = [
    ["until a minute before it expires", hour, hour - 60_000],
    ["a short one until half its time is over", 20_000, 10_000],
    ["4 minutes where nobody says how long it is good", undefined, 240_000]
  ]
  for (const [title, lifetime, until] of lifetimes) {
    test(`is kept ${title}`, Effect.gen(function*() {
      const { sell, token } = yield* shop
      expect(yield* token(sell(lifetime))).toBe("token 1")
      yield* TestClock.adjust(until - 1)
      expect(yield* token(sell(lifetime))).toBe("token 1")
      yield* TestClock.adjust(1)
      expect(yield* token(sell(lifetime))).toBe("token 2")
    }))
  }

  test("that is good for no time is used and not kept", Effect.gen(function*() {
    const { sell, token } = yield* shop
    for (const lifetime of [0, -5, NaN]) yield* token(sell(lifetime))
    expect(yield* token()).toBe("token 4")
  }))

  test("counts its time from when it was asked for", Effect.gen(function*() {
    const { sell, token } = yield* shop
    const fiber = yield* Effect.forkChild(token(Effect.andThen(Effect.sleep(30_000), sell(100_000))))
    yield* TestClock.adjust(30_000)
    yield* Fiber.join(fiber)
    yield* TestClock.adjust(20_000)
    expect(yield* token()).toBe("token 2")
  }))
})

describe("a purchase that fails", () => {
  test("fails for everyone who waited, and is not kept", Effect.gen(function*() {
    const { sold, token } = yield* shop
    let tried = 0
    const failing = Effect.andThen(Effect.sleep(10), Effect.suspend(() => (tried++, Effect.fail(down))))
    const all = yield* Effect.forkChild(many(50, token(failing)))
    yield* TestClock.adjust(10)
    for (const exit of yield* Fiber.join(all)) expect(exit).toEqual(Exit.fail(down))
    expect([tried, yield* token(), sold()]).toEqual([1, "token 1", 1])
  }))

  test("leaves a token that is still good in use, until it expires", Effect.gen(function*() {
    const { sell, token } = yield* shop
    yield* token(sell(hour))
    yield* TestClock.adjust(hour - 30_000)
    expect(yield* token(Effect.fail(down))).toBe("token 1")
    yield* TestClock.adjust(30_000)
    expect(yield* Effect.flip(token(Effect.fail(down)))).toBe(down)
    expect(yield* token()).toBe("token 2")
  }))

  test("leaves no token in use that the service has refused", Effect.gen(function*() {
    const { forget, sell } = yield* shop
    const { token } = yield* Credentials
    const bought = yield* token({ purpose: "q", key, buy: sell(hour) })
    yield* TestClock.adjust(hour - 30_000)
    expect(yield* forget(bought)).toBe(true)
    expect(yield* Effect.flip(token({ purpose: "q", key, buy: Effect.fail(down) }))).toBe(down)
  }))

  test("refused for one purpose leaves the others in use", Effect.gen(function*() {
    const { sell, sold, token } = yield* shop
    const credentials = yield* Credentials
    const one = yield* credentials.token({ purpose: "one", key, buy: sell(hour) })
    yield* token(sell(hour), "other")
    yield* TestClock.adjust(20_000)
    yield* credentials.forget(one)
    expect([yield* token(undefined, "other"), sold()]).toEqual(["token 2", 2])
  }))

  test("by dying or by being broken off is a failure too, and the next one begins anew", Effect.gen(function*() {
    const { token } = yield* shop
    expect(Exit.isFailure(yield* Effect.exit(token(Effect.die(new Error("defect")))))).toBe(true)
    expect((yield* Effect.flip(token(Effect.interrupt))).reason).toMatchObject({ _tag: "Network" })
    expect(yield* token()).toBe("token 1")
  }))
})

describe("one who waits and goes", () => {
  test("takes the purchase from nobody else, also where it was the first", Effect.gen(function*() {
    const { sell, sold, token } = yield* shop
    const slow = token(Effect.andThen(Effect.sleep(1_000), sell(hour)))
    const fibers: Array<Fiber.Fiber<string, LlmError>> = []
    for (let count = 0; count < 4; count++) fibers.push(yield* Effect.forkChild(slow))
    yield* TestClock.adjust(500)
    yield* Fiber.interrupt(fibers[0]!)
    yield* Fiber.interrupt(fibers[2]!)
    yield* TestClock.adjust(500)
    expect([yield* Fiber.join(fibers[1]!), yield* Fiber.join(fibers[3]!), sold()]).toEqual(["token 1", "token 1", 1])
  }))

  test("as the last ends the purchase, and who comes then begins another", Effect.gen(function*() {
    const { sold, token } = yield* shop
    let ended = 0
    const endless = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended++))
    const fibers = [yield* Effect.forkChild(token(endless)), yield* Effect.forkChild(token(endless))]
    yield* TestClock.adjust(1)
    yield* Fiber.interrupt(fibers[0]!)
    expect(ended).toBe(0)
    yield* Fiber.interrupt(fibers[1]!)
    expect(ended).toBe(1)
    expect([yield* token(), sold()]).toEqual(["token 1", 1])
  }))
})

describe("a purchase that is being given up", () => {
  test("is joined by nobody", Effect.gen(function*() {
    const { token } = yield* shop
    const tidying = Effect.onInterrupt(Effect.never, () => Effect.sleep(1_000))
    const first = yield* Effect.forkChild(token(tidying))
    yield* TestClock.adjust(1)
    const leaving = yield* Effect.forkChild(Fiber.interrupt(first))
    yield* TestClock.adjust(500)
    expect(yield* token()).toBe("token 1")
    yield* TestClock.adjust(500)
    yield* Fiber.join(leaving)
    expect(yield* token()).toBe("token 1")
  }))
})

describe("the store", () => {
  test("is bounded: the oldest gives way, the newest stay", Effect.gen(function*() {
    const { sold, token } = yield* shop
    for (let index = 0; index < 1_200; index++) yield* token(undefined, `purpose ${index}`)
    expect(sold()).toBe(1_200)
    yield* token(undefined, "purpose 1199")
    yield* token(undefined, "purpose 200")
    expect(sold()).toBe(1_200)
    yield* token(undefined, "purpose 0")
    expect(sold()).toBe(1_201)
  }))

  test("lets go of what has expired first", Effect.gen(function*() {
    const { sell, sold, token } = yield* shop
    yield* token(sell(2 * hour), "long")
    for (let index = 0; index < 999; index++) yield* token(sell(hour), `purpose ${index}`)
    yield* TestClock.adjust(hour)
    yield* token(undefined, "one more")
    yield* token(undefined, "long")
    expect(sold()).toBe(1_001)
  }))
})
