import { LlmError, Pipeline, Request } from "@plugline/core"
import { Credentials, type MemoryAnswer, type Outgoing, Provider, Transport } from "@plugline/providers"
import { it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { describe, expect } from "vitest"
import { clientCredentials } from "../../src/oauth/clientCredentials.ts"
import { ask, signing, wire } from "./support.ts"

const key = Redacted.make(JSON.stringify({ clientId: "c", clientSecret: "canary-secret" }))
const refusal: MemoryAnswer = { status: 401, body: "expired" }
const provider = signing(clientCredentials({ tokenUrl: "https://login.test/token" }))

/** A token service that sells `token-1`, `token-2`, …, beside a service that answers `answer`. */
const world = (answer: (token: string, count: number) => MemoryAnswer) => {
  let sold = 0
  const used: Array<string> = []
  const transport = Transport.memory((outgoing: Outgoing) =>
    Effect.sync(() => {
      if (outgoing.url.startsWith("https://login.test/")) return { body: JSON.stringify({ access_token: `canary-token-${++sold}`, expires_in: 3600 }) }
      const token = Transport.headersOf(outgoing).authorization!.slice("Bearer canary-".length)
      used.push(token)
      return answer(token, used.length)
    }))
  return { used, sold: () => sold, layer: Layer.merge(transport, Credentials.memory({ acme: key })) }
}
const call = (operation: "chat" | "stream" = "chat") => Pipeline.run(provider.pipelines[operation], ask({ operation }))

describe("a token that the service does not accept any more", () => {
  it.effect("is bought again once, and that can be seen", () =>
    Effect.gen(function*() {
      const { layer, sold, used } = world((token) => token === "token-1" && used.length > 1 ? refusal : { body: "Hi" })
      yield* Effect.gen(function*() {
        expect((yield* call()).metadata).toEqual({})
        yield* TestClock.adjust(10_000)
        const second = yield* call()
        expect([second.state, second.metadata]).toEqual(["completed", { tokenRenewed: true }])
        expect((yield* call()).metadata).toEqual({})
      }).pipe(Effect.provide(layer))
      expect([used, sold()]).toEqual([["token-1", "token-1", "token-2", "token-2"], 2])
    }))

  it.effect("is bought again before a stream begins", () =>
    Effect.gen(function*() {
      const { layer, used } = world((token) => token === "token-1" ? refusal : { body: ["x"] })
      yield* Effect.gen(function*() {
        yield* call()
        yield* TestClock.adjust(10_000)
        expect(Request.failure(yield* call("stream"))?.reason).toMatchObject({ message: "stream: x" })
      }).pipe(Effect.provide(layer))
      expect(used).toEqual(["token-1", "token-1", "token-2"])
    }))

  it.effect("is bought again by one of many calls, each of which tries once more", () =>
    Effect.gen(function*() {
      const { layer, sold, used } = world((token) => token === "token-1" && used.length > 1 ? refusal : { body: "Hi" })
      yield* Effect.gen(function*() {
        yield* call()
        yield* TestClock.adjust(10_000)
        const all = yield* Effect.all(Array.from({ length: 100 }, () => call()), { concurrency: "unbounded" })
        expect(all.every(({ state }) => state === "completed")).toBe(true)
      }).pipe(Effect.provide(layer))
      expect([sold(), used.filter((token) => token === "token-2").length]).toEqual([2, 100])
    }))

  it.effect("fails the call where the next one is refused too", () =>
    Effect.gen(function*() {
      const { layer, sold, used } = world((_, count) => count > 1 ? refusal : { body: "Hi" })
      yield* Effect.gen(function*() {
        yield* call()
        yield* TestClock.adjust(10_000)
        const final = yield* call()
        expect(Request.failure(final)?.reason).toMatchObject({ _tag: "Authentication", status: 401 })
        expect([final.response?.body, final.errors.length]).toEqual(["expired", 1])
      }).pipe(Effect.provide(layer))
      expect([used, sold()]).toEqual([["token-1", "token-1", "token-2"], 2])
    }))

  it.effect("fails the call at once where it is new, and so does the next call, without another purchase", () =>
    Effect.gen(function*() {
      const { layer, sold, used } = world(() => refusal)
      yield* Effect.gen(function*() {
        for (let count = 0; count < 3; count++) expect((yield* call()).state).toBe("error")
      }).pipe(Effect.provide(layer))
      expect([used, sold()]).toEqual([["token-1", "token-1", "token-1"], 1])
    }))

  it.effect("is bought again once only, however long the service takes to refuse", () =>
    Effect.gen(function*() {
      const slowly = { status: 401, body: [Effect.as(Effect.sleep(20_000), "expired")] }
      const { layer, sold, used } = world(() => slowly)
      const fiber = yield* Effect.forkChild(Effect.provide(call(), layer))
      yield* TestClock.adjust(200_000)
      expect([(yield* Fiber.join(fiber)).state, used, sold()]).toEqual(["error", ["token-1", "token-2"], 2])
    }))

  it.effect("is not bought again for another error, nor a signature made again", () =>
    Effect.gen(function*() {
      for (const status of [400, 403, 404, 429, 500]) {
        const { layer, used } = world((_, count) => count > 1 ? { status, body: "no" } : { body: "Hi" })
        yield* Effect.gen(function*() {
          yield* call()
          yield* TestClock.adjust(10_000)
          expect((yield* call()).state).toBe("error")
        }).pipe(Effect.provide(layer))
        expect(used).toEqual(["token-1", "token-1"])
      }
      let signed = 0
      const signature = signing(() => Effect.sync(() => ({ authorization: `Signature canary-${++signed}` })))
      const { layer } = world(() => refusal)
      yield* Effect.provide(Pipeline.run(signature.pipelines.chat, ask()), layer)
      expect(signed).toBe(1)
    }))
})

describe("keys in turn", () => {
  const two = Provider.make({ name: "acme", baseUrl: "https://api.acme.test", wires: { chat: wire, validate: { ...wire, parse: () => ({ type: "validate", usable: true }) } } })
  const keys = Credentials.memory({ acme: [Redacted.make("canary-key-a"), Redacted.make("canary-key-b")] })
  /** Which keys were used by so many calls, where the service answers so. */
  const used = (answer: (key: string) => MemoryAnswer, calls: Effect.Effect<unknown, LlmError, Transport | Credentials>) =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => {
        const key = Transport.headersOf(outgoing).authorization!.slice(-1)
        seen.push(key)
        return answer(key)
      }))
      yield* Effect.provide(calls, Layer.merge(transport, keys))
      return seen.join("")
    })
  const run = (operation: "chat" | "validate" = "chat", config = {}) => Pipeline.run(two.pipelines[operation], ask({ operation, config }))
  const times = (count: number) => Effect.all(Array.from({ length: count }, () => run()))

  it.effect("each carries its share, and one that is refused is passed over until its time is over", () =>
    Effect.gen(function*() {
      expect(yield* used(() => ({ body: "Hi" }), times(4))).toBe("abab")
      const refused = (key: string): MemoryAnswer => key === "a" ? refusal : { body: "Hi" }
      expect(yield* used(refused, times(4))).toBe("abbb")
      expect(yield* used(refused, Effect.andThen(times(3), Effect.andThen(TestClock.adjust(600_000), times(3))))).toBe("abbabb")
    }))

  it.effect("a check of the provider counts too, an error of the service or the network does not", () =>
    Effect.gen(function*() {
      const refused = (key: string): MemoryAnswer => key === "a" ? refusal : { body: "Hi" }
      expect(yield* used(refused, Effect.andThen(run("validate"), times(3)))).toBe("abbb")
      expect(yield* used(() => ({ status: 500, body: "no" }), times(4))).toBe("abab")
    }))

  it.effect("a key of the call is its own affair", () =>
    Effect.gen(function*() {
      const own = run("chat", { apiKey: Redacted.make("canary-key-a") })
      expect(yield* used((key) => key === "a" ? refusal : { body: "Hi" }, Effect.andThen(own, times(2)))).toBe("aab")
    }))
})
