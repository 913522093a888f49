import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Route } from "../src/index.ts"

const contender = (name: string, more: Partial<Route.Contender> = {}): Route.Contender => ({ name, weight: 1, healthy: true, inFlight: 0, ...more })

/** A seeded source of chance (mulberry32). */
const chances = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const moment = (more: Partial<Route.Moment> = {}): Route.Moment => ({ chance: chances(1), turn: () => 0, ...more })

/** How often each comes first. */
const shares = (runs: number, first: (run: number) => string) => {
  const counts = new Map<string, number>()
  for (let run = 0; run < runs; run++) {
    const name = first(run)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Whether a count lies within five standard deviations of what its share expects. */
const within = (count: number, runs: number, share: number) => Math.abs(count - runs * share) <= 5 * Math.sqrt(runs * share * (1 - share)) + 1e-9

describe("orders", () => {
  it("are permutations, the healthy first, whatever the strategy", () => {
    const any = fc.uniqueArray(fc.record({
      name: fc.string(), weight: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })), healthy: fc.boolean(), inFlight: fc.nat(9)
    }), { selector: ({ name }) => name, maxLength: 8 })
    const strategy = fc.constantFrom("first", "weighted", "roundRobin", "leastBusy", "latency", "cost", "sticky", "experiment") as fc.Arbitrary<Route.Strategy>
    fc.assert(fc.property(any, strategy, fc.option(fc.string(), { nil: undefined }), fc.nat(), (contenders, strategy, key, turn) => {
      const ordered = Route.order(strategy, contenders, moment({ turn: () => turn, ...(key !== undefined && { key }) }))
      expect(new Set(ordered)).toEqual(new Set(contenders))
      expect(ordered).toHaveLength(contenders.length)
      const sick = ordered.findIndex(({ healthy }) => !healthy)
      if (sick >= 0) expect(ordered.slice(sick).every(({ healthy }) => !healthy)).toBe(true)
    }), { numRuns: 200 })
  })

  it.each([[[1, 1, 2]], [[5, 0, 95]], [[1, 2, 3]]])("weighted, experiment and sticky give shares of %j", (weights) => {
    const contenders = weights.map((weight, index) => contender(`t${index}`, { weight }))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const chance = chances(42)
    const runs = 8_000
    const drawn = Array.from({ length: runs }, () => Route.order("weighted", contenders, moment({ chance }))[0]!.name)
    const counted = [
      shares(runs, (run) => drawn[run]!),
      shares(runs, (run) => Route.order("experiment", contenders, moment({ key: `user ${run}`, experiment: "e" }))[0]!.name),
      shares(runs, (run) => Route.order("sticky", contenders, moment({ key: `user ${run}` }))[0]!.name)
    ]
    for (const counts of counted) {
      for (const [index, weight] of weights.entries()) expect(within(counts.get(`t${index}`) ?? 0, runs, weight / total)).toBe(true)
    }
  })

  it("rendezvous moves only the keys of a target that leaves, each to its next", () => {
    const all = ["a", "b", "c", "d", "e"].map((name) => contender(name))
    let moved = 0
    for (let index = 0; index < 2_000; index++) {
      const key = `session ${index}`
      const before = Route.order("sticky", all, moment({ key }))
      const after = Route.order("sticky", all.filter(({ name }) => name !== "c"), moment({ key }))
      expect(after.map(({ name }) => name)).toEqual(before.filter(({ name }) => name !== "c").map(({ name }) => name))
      if (before[0]!.name !== after[0]!.name) moved++
      const sick = Route.order("sticky", all.map((each) => ({ ...each, healthy: each.name !== "c" })), moment({ key }))
      expect(sick[0]!.name).toBe(after[0]!.name)
    }
    expect(within(moved, 2_000, 1 / 5)).toBe(true)
  })

  it("an experiment is stable, and another divides its users anew", () => {
    const both = [contender("a"), contender("b")]
    const variant = (key: string, experiment: string, seed = 1) => Route.order("experiment", both, moment({ key, experiment, chance: chances(seed) }))[0]!.name
    let same = 0
    for (let index = 0; index < 2_000; index++) {
      const key = `u${index}`
      expect(variant(key, "x", 1)).toBe(variant(key, "x", 2))
      if (variant(key, "x") === variant(key, "y")) same++
    }
    expect(within(same, 2_000, 0.5)).toBe(true)
  })

  it("a key is no seam: texts that join alike differ", () => {
    expect(Route.fraction(["ab", "c"])).not.toBe(Route.fraction(["a", "bc"]))
    expect(Route.fraction(["\ud800"])).toBeLessThan(1)
  })

  it("measures the unmeasured first, and explores", () => {
    const some = [contender("a", { latency: 5 }), contender("b"), contender("c", { latency: 1 })]
    expect(Route.order("latency", some, moment()).map(({ name }) => name)).toEqual(["b", "c", "a"])
    const chance = chances(7)
    let slow = 0
    for (let run = 0; run < 3_000; run++) {
      if (Route.order("latency", [some[0]!, some[2]!], moment({ chance, explore: 0.2 }))[0]!.name === "a") slow++
    }
    expect(within(slow, 3_000, 0.1)).toBe(true)
  })

  it("least busy counts by weight, ties by chance", () => {
    const two = [contender("a", { inFlight: 5, weight: 10 }), contender("b", { inFlight: 1, weight: 1 })]
    expect(Route.order("leastBusy", two, moment())[0]!.name).toBe("a")
    const chance = chances(3)
    let first = 0
    for (let run = 0; run < 2_000; run++) if (Route.order("leastBusy", [contender("a"), contender("b")], moment({ chance }))[0]!.name === "a") first++
    expect(within(first, 2_000, 0.5)).toBe(true)
  })
})
