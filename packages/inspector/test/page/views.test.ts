import { describe, expect, it } from "vitest"
import type { Health, HealthGroup, PlugNode } from "../../src/api.ts"
import { steps } from "../../src/model/steps.ts"
import { walk } from "../../src/model/walk.ts"
import { lanes, ticks } from "../../src/page/ui/scale.ts"
import { news } from "../../src/page/views/compare/news.ts"
import { fewest, plotsOf, rowsOf, stacked, totals } from "../../src/page/views/health/series.ts"
import { differing, pair } from "../../src/page/views/pipelines/align.ts"
import { advanced } from "../../src/page/views/trace/advance.ts"
import { moved, pointsOf, stepOf } from "../../src/page/views/trace/walk/path.ts"
import { forked, runs } from "../fixture/runs.ts"

const recorded = await runs()

describe("the walk", () => {
  const tree = walk(recorded[0]!)
  const all = steps(tree)

  it("arrows lead through every step, down and back, and stop at both ends", () => {
    const visited = [0]
    while (moved("ArrowDown", visited.at(-1)!, all.length) !== visited.at(-1))
      visited.push(moved("ArrowDown", visited.at(-1)!, all.length)!)
    expect(visited).toEqual(all.map(({ index }) => index))
    expect(new Set(all.map(({ direction }) => direction))).toEqual(new Set(["down", "back"]))
    expect([moved("ArrowUp", 0, 5), moved("ArrowLeft", 3, 5), moved("Home", 3, 5), moved("End", 0, 5), moved("a", 3, 5)]).toEqual(
      [0, 2, 0, 4, undefined]
    )
  })

  it("draws a way that goes down to the provider and back to the top", () => {
    const points = pointsOf(tree, all)
    expect(points.map(({ x }) => x)).toEqual(points.map(({ x }) => x).sort((a, b) => a - b))
    expect(Math.min(...points.map(({ y }) => y))).toBe(0)
    expect(Math.max(...points.map(({ y }) => y))).toBe(1)
    expect(points.at(-1)?.y).toBe(0)
  })

  it("finds a step by its number, or by a visit", () => {
    expect(stepOf("step=3", all)).toBe(2)
    expect([stepOf("", all), stepOf("step=0", all), stepOf("step=9999", all), stepOf("step=x", all)]).toEqual([
      0,
      0,
      all.length - 1,
      0
    ])
    const last = all.findIndex(({ visit }) => visit.name === "respond" && visit.attempt === 2)
    expect(stepOf(`visit=${encodeURIComponent(all[last]!.visit.id)}`, all)).toBe(last)
  })
})

describe("what is new in a fork", () => {
  it("says each difference once, where it first appears", async () => {
    const [before, after] = await forked()
    const fresh = [...news(before, after)].flatMap(([visit, list]) =>
      list.flatMap(({ diff, direction }) =>
        [...diff.changed, ...diff.added, ...diff.removed].map(({ path }) => `${visit} ${direction} ${path}`)
      )
    )
    expect(fresh).toEqual(["0#1 down options.temperature", "2#1 down result.content[0].text"])
  })

  it("says nothing of a run beside itself", () => {
    expect(
      [...news(recorded[0]!, recorded[0]!).values()]
        .flat()
        .every(({ carried, diff }) => carried === 0 && diff.changed.length === 0)
    ).toBe(true)
  })
})

describe("time played back", () => {
  it("goes at any speed and stops at the end", () => {
    expect(advanced(100, 16, 1, 1000)).toEqual({ at: 116, playing: true })
    expect(advanced(100, 16, 4, 1000)).toEqual({ at: 164, playing: true })
    expect(advanced(990, 16, 1, 1000)).toEqual({ at: 1000, playing: false })
  })
})

describe("scales", () => {
  it("are round, and few enough to be read", () => {
    expect(ticks(1110, 6)).toEqual([0, 200, 400, 600, 800, 1000])
    expect(ticks(0.004, 4)).toHaveLength(5)
    expect(ticks(0, 5)).toEqual([0])
  })

  it("keep labels apart", () => {
    expect(
      lanes(
        [
          { from: 0, to: 50 },
          { from: 20, to: 70 },
          { from: 60, to: 90 },
          { from: 61, to: 99 }
        ],
        2
      )
    ).toEqual([0, 1, 0, undefined])
  })
})

describe("pipelines side by side", () => {
  const plug = (name: string, options: PlugNode["options"] = null, children: PlugNode["children"] = {}): PlugNode => ({
    name,
    level: 0,
    options,
    children
  })

  it("tells plugs that came, went, and are made otherwise, also inside others", () => {
    const a = [plug("metrics"), plug("cache"), plug("retry", { attempts: 3 }), plug("branch", null, { yes: [plug("x")] })]
    const b = [plug("metrics"), plug("retry", { attempts: 5 }), plug("branch", null, { yes: [plug("x"), plug("y")] })]
    const line = pair(a, b)
    expect(line.map(({ kind }) => kind)).toEqual(["same", "removed", "options", "same"])
    expect(differing(line)).toBe(3)
    expect(differing(pair(a, a))).toBe(0)
  })
})

describe("health", () => {
  const group = (name: string, calls: number, more: Partial<HealthGroup> = {}): HealthGroup => ({
    name,
    calls: [calls, 0],
    errors: [1, 0],
    inputTokens: [10, 0],
    outputTokens: [5, 0],
    cost: [0.5, 0],
    saved: [0, 0],
    unpriced: [2, 0],
    p50: [100, null],
    p95: [200, null],
    p99: [300, null],
    firstToken50: [null, null],
    firstToken95: [null, null],
    ...more
  })
  const health = (groups: ReadonlyArray<HealthGroup>): Health => ({
    since: 0,
    slot: 1000,
    times: [0, 1000],
    groups,
    circuits: [],
    limits: [],
    cache: {}
  })

  it("adds up what can be added, and says of how many calls the cost is unknown", () => {
    expect(totals(health([group("a", 4), group("b", 6)]))).toEqual({
      calls: 10,
      errors: 2,
      tokens: 30,
      cost: 1,
      saved: 0,
      unpriced: 4
    })
    const plots = plotsOf(health([group("a", 4)]), "p95")
    expect(plots.find(({ key }) => key === "cost")?.sum).toBe("$0.50, and 2 calls of unknown cost")
    expect(plots.find(({ key }) => key === "latency")?.series.map(({ name }) => name)).toEqual(["p50", "p95", "p99"])
  })

  it("gathers the least busy groups, and makes no percentile of several", () => {
    const few = fewest(
      Array.from({ length: 12 }, (_, index) => group(`g${index}`, index)),
      4
    )
    expect(few.map(({ name }) => name)).toEqual(["g11", "g10", "g9", "9 others"])
    expect(few.at(-1)?.calls[0]).toBe(36)
    expect(few.at(-1)?.p95).toEqual([null, null])
  })

  it("stacks bars, and leaves empty times out of the table", () => {
    expect(
      stacked([
        { name: "a", values: [1, null] },
        { name: "b", values: [2, 3] }
      ])
    ).toEqual([
      [1, 0],
      [3, 3]
    ])
    const [calls] = plotsOf(health([group("a", 4), group("b", 6)]), "p95")
    expect(rowsOf(calls!, [0, 1000])).toEqual([{ at: 0, cells: ["6", "4"] }])
  })
})
