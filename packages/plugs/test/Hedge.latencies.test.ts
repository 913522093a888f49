/** What `Hedge` remembers of providers, and what counts while it knows too little. */
import { Pipeline, Request } from "@plugline/core"
import { Hedge } from "@plugline/plugs"
import { Mock, VirtualClock } from "@plugline/testing"
import { Effect } from "effect"
import { expect, it } from "vitest"

const request = Request.make({ provider: "mock", messages: "Hi", options: { model: "m" } })
const key = JSON.stringify(["mock", "m", "chat"])

const run = <A, E>(
  program: Effect.Effect<A, E, Hedge.AttemptBudget | Hedge.Latencies>,
  options?: Hedge.LatenciesOptions
): Promise<A> => Effect.runPromise(VirtualClock.provide(Effect.provide(program, Hedge.memory(options))))

const memory = (options?: Hedge.LatenciesOptions) => run(Effect.map(Hedge.Latencies, (known) => known), options)

it("sorts again only after a twentieth of what is known has changed, counted from the last time", async () => {
  const { add, percentile } = await memory({ samples: 100 })
  for (let value = 1; value <= 100; value++) add("a", value)
  expect(percentile("a", 100, 1)).toBe(100)
  for (let value = 0; value < 5; value++) add("a", 1_000)
  expect(percentile("a", 100, 1)).toBe(1_000)
  for (let value = 0; value < 4; value++) add("a", 2_000)
  expect(percentile("a", 100, 1)).toBe(1_000)
  add("a", 2_000)
  expect(percentile("a", 100, 1)).toBe(2_000)
})

it("forgets the key that came first, and no other", async () => {
  const { add, percentile } = await memory({ maxKeys: 2 })
  for (const name of ["a", "b", "c"]) add(name, 1)
  expect(["a", "b", "c"].map((name) => percentile(name, 50, 1))).toEqual([undefined, 1, 1])
})

it("learns nothing from a call that failed while no delay was known", async () => {
  const mock = Mock.make([Mock.fail({ _tag: "Server", message: "no" }, { delay: 5 }), Mock.text("x", { delay: 7 })])
  const line = [Hedge.plug({ percentile: 90 }), ...mock.pipeline]
  const known = await run(Effect.gen(function*() {
    const { percentile } = yield* Hedge.Latencies
    yield* Pipeline.run(line, request)
    const before = percentile(key, 1, 1)
    yield* Pipeline.run(line, request)
    return [before, percentile(key, 1, 1)]
  }))
  expect(known).toEqual([undefined, 7])
})

it("goes by the delay until twenty latencies are known, then by the percentile", async () => {
  const mock = Mock.make(() => Mock.text("x", { delay: 10 }))
  const line = [Hedge.plug({ percentile: 90, delay: 500 }), ...mock.pipeline]
  const finals = await run(Effect.forEach(Array.from({ length: 22 }), () => Pipeline.run(line, request)))
  const delays = finals.map((final) => Request.get(final, Hedge.outcome)?.delay)
  expect(delays).toEqual([...Array.from({ length: 20 }, () => 500), 10, 10])
})
