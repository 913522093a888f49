/**
 * Whatever the line, the answers and the stores: a run that was recorded and comes back from a file replays equal, and a
 * fork shows what was changed and what follows, in no step before.
 *
 * @module
 */
import { type Pipeline, type Plug, Request } from "@plugline/core"
import type { Operation } from "@plugline/core"
import {
  Budget, Cache, CircuitBreaker, Hedge, Idempotency, Metrics, Presets, Providers, RateLimit, Receipt, Retry, Taped, Timeout,
  TrackCost
} from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Arbitrary, Mock } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { again, live, type Needs, record, stored, tape } from "./live.ts"

const manner = fc.record({ cut: fc.nat(6).map((n) => n + 1), delay: fc.nat(3), between: fc.nat(1) })
const answer: fc.Arbitrary<Mock.Answer> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(Arbitrary.text(), manner).map(([text, manner]) => Mock.text(text, manner)) },
  { weight: 2, arbitrary: Arbitrary.llmError().map((error) => Mock.fail(error)) },
  Arbitrary.parts().map((parts) => Mock.cut(parts.slice(0, -1))),
  fc.constant(Mock.throws(new Error("odd"))),
  Arbitrary.chatResult().map((result) => Mock.result(result))
)
const operation = fc.constantFrom<Operation>("chat", "stream")

/** Some of the shipped plugs, in an order in which they may stand. */
const shipped: fc.Arbitrary<Pipeline<Needs>> = fc.subarray<Plug<Needs>>([
  Metrics.plug(),
  Receipt.plug(),
  TrackCost.plug(),
  Idempotency.plug({ key: (request) => request.id === "" ? undefined : request.id }),
  Cache.plug({ wait: 50 }),
  RateLimit.plug({ limits: [{ per: "provider", requestsPerMinute: 3 }, { per: "global", concurrency: 2 }] }),
  Retry.plug({ attempts: 3, deadline: 200 }),
  Hedge.plug({ delay: 4 }),
  Budget.plug({ limits: [{ per: "global", amount: "0.05", every: "day" }], unpriced: "allow" }),
  CircuitBreaker.plug({ consecutive: 2, openFor: 1_000 }),
  Timeout.plug({ firstToken: 100, idle: 100 })
]).map((plugs) => [...plugs, Providers.ask])

const steps = [{ provider: "mistral", model: "mistral-small-latest" }, { answer: "sorry" }]

const resilient: fc.Arbitrary<Pipeline<Needs>> = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([attempts, falls]) =>
  [...Presets.resilient({ attempts, deadline: 300, ...(falls && { fallback: steps }) }), Providers.ask])

const asked = fc.tuple(Arbitrary.messages(), operation, fc.constantFrom("", "k1", "k2")).map(([messages, operation, id]) =>
  Request.make({ id, provider: "openai", operation, messages, options: { model: "gpt-5-mini", maxTokens: 4_000 } }))

const some = <A>(of: fc.Arbitrary<A>) => fc.array(of, { minLength: 1, maxLength: 3 })

const services = (answers: ReadonlyArray<Mock.Answer>, others: ReadonlyArray<Mock.Answer>) => {
  const turn = (list: ReadonlyArray<Mock.Answer>): Mock.Script => (_, call) => list[call % list.length]!
  return live(Providers.of({
    openai: Mock.make(turn(answers)).pipeline,
    mistral: Mock.make(turn(others), { name: "other" }).pipeline
  }))
}

describe("a run that comes back from a file replays equal", () => {
  const holds = (line: fc.Arbitrary<Pipeline<Needs>>, numRuns: number) =>
    fc.assert(
      fc.asyncProperty(line, some(answer), some(answer), some(asked), fc.boolean(),
        async (line, answers, others, requests, together) => {
          const used = await services(answers, others)
          const recordings: Array<Replay.Recording> = []
          // Asked a second time each, so that caches, keys, limits and circuits have something to say.
          const all = [...requests, ...requests]
          if (together) recordings.push(...await Promise.all(all.map((request) => record(used, line, request))))
          else for (const request of all) recordings.push(await record(used, line, request))
          for (const recording of recordings) await again(used, line, recording)
        }),
      { numRuns }
    )

  it("through the resilient preset, whatever is answered", () => holds(resilient, 25), 120_000)

  it("through any line of shipped plugs", () => holds(shipped, 40), 120_000)

  it("through any line at all", () =>
    fc.assert(
      fc.asyncProperty(Arbitrary.pipeline(), answer, Arbitrary.pending(), async (line, answer, request) => {
        const whole = [...line, Mock.make(() => answer).plug]
        const used = await services([answer], [answer])
        await again(used, whole, await record(used, whole, request))
      }),
      { numRuns: 60 }
    ), 120_000)
})

describe("a fork with one value changed", () => {
  it("differs from that step on, and shows the value there", () =>
    fc.assert(
      fc.asyncProperty(shipped, some(answer), asked, fc.nat(), async (line, answers, request, place) => {
        const used = await services(answers, answers)
        const recording = stored(await record(used, line, request))
        const steps = recording.trace.steps
        const at = steps[place % steps.length]!
        const set = [{ path: "metadata.forked", value: true }]
        const forked = await used.run(Taped.apart(Replay.fork(line, recording, { ...tape, at, set })))
        const step = forked.trace.steps.find(({ attempt, path }) => path === at.path && attempt === at.attempt)!
        expect(step.in.metadata.forked).toBe(true)
        const inputs = Replay.equal(recording, forked).flatMap(({ path }) => /^steps\["([^"]+)"\]\.in/.exec(path)?.[1] ?? [])
        const before = new Set(steps.slice(0, steps.indexOf(at)).map(({ attempt, path }) => `${path}#${attempt}`))
        expect(inputs.filter((name) => before.has(name))).toEqual([])
        for (const { path } of Replay.equal(recording, forked)) expect(path).toContain("forked")
      }),
      { numRuns: 30 }
    ), 120_000)
})
