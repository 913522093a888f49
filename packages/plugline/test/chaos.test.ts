/** The whole resilient line over a service that fails in every way: each call ends, nothing leaks, the money adds up. */
import { Amount, Budget, Cache, CircuitBreaker, Fallback, Identity, memory, RateLimit, Receipt, Retry, Timeout, TrackCost } from "@plugline/plugs"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { Credentials, LlmError, make, Part, Pipeline, plugline, Request, Result, Transport } from "plugline"
import { expect, it } from "vitest"
import { faulty, type Way, wayOf } from "./faulty.ts"

const calls = 10_000
const deadline = 3_000

const limits = { limits: [{ per: "global" as const, amount: "1000", every: "total" as const }] }

const line = [
  Identity.plug({ tenant: "acme", user: "ada" }),
  Receipt.plug(),
  TrackCost.plug(),
  Cache.plug({ ttl: "1 hour" }),
  RateLimit.plug({ limits: [{ per: "global", concurrency: 200, requestsPerMinute: 10_000_000 }] }),
  Fallback.plug({ steps: [{ answer: "Nobody can answer now." }], deadline }),
  Retry.plug({ attempts: 3, base: 1, cap: 8, deadline: 2_000, budget: 1, reserve: 100_000, enforce: true }),
  Budget.plug(limits),
  CircuitBreaker.plug({ failureRate: 0.98, minimumCalls: 1_000, window: "5 seconds", openFor: 20 }),
  Timeout.plug({ firstToken: 400, idle: 200, total: 1_500 })
]

it(`${calls} calls through every plug end in an answer, a degraded answer or a typed error`, { timeout: 180_000 }, async () => {
  let seed = 7
  // A sequence of its own, so that every run meets the same faults in the same shares.
  const next = (): Way => wayOf((seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 12)
  const before = timers()
  const service = await faulty(next)
  const transport = Layer.mergeAll(Transport.layer, Credentials.none)
  const { openai } = Object.fromEntries(plugline.providers.map((provider) => [provider.name, provider]))
  const face = make({ providers: [openai!], layer: transport, stores: memory })
  const ended = { answered: 0, degraded: 0, failed: 0, cached: 0, charged: 0n }
  const errors = new Map<string, number>()
  let slowest = 0

  const one = (index: number) =>
    Effect.gen(function*() {
      const began = performance.now()
      const streamed = index % 2 === 0
      const builder = face.build("openai", `How are you? ${index % 50 === 49 ? "again" : index}`)
        .withOptions({ model: "gpt-4o-mini", maxTokens: 50 })
        .withApiKey(Redacted.make("sk-canary-0123456789"))
        .withConfig({ baseUrl: service.url })
      const pipeline = [...line, ...(streamed ? builder.withOperation("stream") : builder).pipeline()]
      const request = yield* (streamed ? builder.withOperation("stream") : builder).request(`r${index}`)
      const final = yield* Pipeline.run(pipeline as Pipeline, request)
      slowest = Math.max(slowest, performance.now() - began)
      expect(["completed", "error"]).toContain(final.state)
      expect(JSON.stringify(final)).not.toContain("sk-canary")
      const told = Request.get(final, Fallback.report)
      if (final.state === "completed") {
        const text = Result.text(final.result)
        if (told?.degraded === true) {
          ended.degraded++
          const why = `before a rule: ${told.steps[0]?.error?.reason._tag}`
          errors.set(why, (errors.get(why) ?? 0) + 1)
          expect(text).toBe("Nobody can answer now.")
        } else {
          ended.answered++
          expect(text).toBe("Fine, thanks.")
          if (Cache.of(final)?.status === "hit") ended.cached++
        }
      } else {
        ended.failed++
        const error = Request.failure(final)
        expect(error).toBeInstanceOf(LlmError.LlmError)
        const name = `${streamed ? "stream" : "whole"} ${error!.reason._tag}`
        errors.set(name, (errors.get(name) ?? 0) + 1)
      }
      const spent = Request.get(final, Budget.state)
      if (spent !== undefined) expect(Amount.parse(spent.charged ?? "0")).toBeDefined()
    })

  const program = Effect.gen(function*() {
    yield* Effect.forEach(Array.from({ length: calls }, (_, index) => index), one, { concurrency: 48, discard: true })
    const [standing] = yield* Budget.standing(limits, { tenant: "acme", user: "ada" })
    const [total] = yield* TrackCost.totals()
    return { standing: standing!, total: total! }
  })
  const { standing, total } = await face.run(program as Effect.Effect<never, never, never> as typeof program)

  console.log(JSON.stringify({ ...ended, charged: undefined, errors: Object.fromEntries(errors), slowest: Math.round(slowest), asked: Object.fromEntries(service.asked) }))
  expect(ended.answered + ended.degraded + ended.failed).toBe(calls)
  // On a busy machine good answers miss the time limits too: then fewer are answered and more degraded.
  expect(ended.answered).toBeGreaterThan(calls / 5)
  expect(ended.cached).toBeGreaterThan(100)
  expect(ended.degraded).toBeGreaterThan(0)
  expect(slowest).toBeLessThan(deadline + 2_000)
  expect(service.asked.size).toBeGreaterThan(15)
  // Nothing is held any more, and every answer that went out is paid: 10 and 5 tokens of gpt-4o-mini, 0.0000045 USD each.
  expect(standing.held).toBe("0")
  const paid = Amount.parse("0.0000045")! * BigInt(service.paid())
  expect(Amount.parse(standing.spent)! >= paid).toBe(true)
  expect(Amount.parse(total.cost)! >= 0n).toBe(true)
  await face.close()
  await expect.poll(() => service.open(), { timeout: 5_000 }).toBe(0)
  await service.close()
  // A fiber that still waits has a timer or a socket; none of either is left.
  await expect.poll(timers, { timeout: 5_000 }).toBeLessThanOrEqual(before)
})

/** Timers and sockets that keep this process from ending. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "TCPSocketWrap").length
