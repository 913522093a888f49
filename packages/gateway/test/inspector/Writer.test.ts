/** What waits to be written: bounded, gathered, off the path, and written when everything ends. */
import { StoreError } from "@plugline/plugs"
import { Effect, Exit, Logger, Scope } from "effect"
import { afterEach, expect, it } from "vitest"
import { unpack } from "../../src/inspector/store/packing.ts"
import type { Entry, TraceStore } from "../../src/inspector/store/TraceStore.ts"
import { make, type Writer, type WriterOptions } from "../../src/inspector/store/Writer.ts"
import { entry } from "./TraceStore.contract.ts"
import { after } from "../server/harness.ts"
import { until } from "./support.ts"

const scopes: Array<Scope.Closeable> = []
afterEach(async () => {
  for (const scope of scopes.splice(0)) await Effect.runPromise(Scope.close(scope, Exit.void))
})

const writer = async (add: TraceStore["Service"]["add"], more: Partial<WriterOptions> = {}, said: Array<string> = []) => {
  const scope = Scope.makeUnsafe()
  scopes.push(scope)
  const log = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
  const store = { add } as TraceStore["Service"]
  const made = await Effect.runPromise(Effect.provide(Scope.provide(make({ store, maxRecord: 1_000, written: () => {}, every: 5, ...more }), scope), log))
  return { writer: made, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
const keeping = () => {
  const kept: Array<Entry> = []
  return { kept, add: (entries: ReadonlyArray<Entry>) => Effect.sync(() => void kept.push(...entries)) }
}
const waiting = (id: string, record?: () => object | "size" | "fault"): Parameters<Writer["offer"]>[0] => ({
  summary: () => ({ ...entry(id).summary, recorded: record !== undefined }), ...(record !== undefined && { record })
})

it("writes in the order in which it was handed over, together, and nothing at once", async () => {
  const { add, kept } = keeping()
  let writes = 0
  const { writer: to } = await writer((entries) => (writes++, add(entries)))
  for (let count = 0; count < 100; count++) to.offer(waiting(`r${count}`, count % 3 === 0 ? () => ({ count }) : undefined))
  expect(kept).toEqual([])
  await until(() => kept.length === 100)
  expect(kept.map(({ summary }) => summary.id)).toEqual(Array.from({ length: 100 }, (_, index) => `r${index}`))
  expect(writes).toBe(1)
  expect(await Effect.runPromise(unpack(kept[3]!.record!))).toEqual({ count: 3 })
  expect(to.told()).toEqual({ lost: 0, unrecorded: 0 })
})

it("loses of many one alone that the store does not take", async () => {
  const { add, kept } = keeping()
  const { writer: to } = await writer((entries) =>
    entries.some(({ summary: { id } }) => id === "r3")
      ? Effect.fail(new StoreError("sqlite", "UNIQUE constraint failed: plugline_traces.id"))
      : add(entries))
  for (let count = 0; count < 6; count++) to.offer(waiting(`r${count}`))
  await until(() => kept.length === 5 && to.told().lost === 1)
  expect(kept.map(({ summary }) => summary.id)).toEqual(["r0", "r1", "r2", "r4", "r5"])
})

it("keeps no steps that are too large, cannot be written down, or are too many at once, and says which", async () => {
  const { add, kept } = keeping()
  const { writer: to } = await writer(add, { most: { entries: 6, records: 4 } })
  to.offer(waiting("large", () => ({ text: "x".repeat(2_000) })))
  to.offer(waiting("broken", () => {
    throw new Error("no")
  }))
  to.offer(waiting("given up", () => "size"))
  to.offer(waiting("good", () => ({})))
  to.offer(waiting("fifth", () => ({})))
  to.offer(waiting("line"))
  to.offer(waiting("seventh"))
  await until(() => kept.length === 6)
  expect(kept.map(({ record, summary: { id, recorded, unrecorded } }) => [id, recorded, unrecorded, record !== undefined])).toEqual([
    ["large", false, "size", false],
    ["broken", false, "fault", false],
    ["given up", false, "size", false],
    ["good", true, undefined, true],
    ["fifth", false, "load", false],
    ["line", false, undefined, false]
  ])
  expect(to.told()).toEqual({ lost: 1, unrecorded: 1 })
  to.offer(waiting("room again", () => ({})))
  await until(() => kept.length === 7)
  expect(kept[6]!.record).toBeDefined()
})

it("lets others go first between large ones", async () => {
  const { add, kept } = keeping()
  const { writer: to } = await writer(add, { maxRecord: 100_000_000 })
  const big = { list: Array.from({ length: 40_000 }, (_, index) => ({ index, text: `text ${index}` })) }
  for (let count = 0; count < 20; count++) to.offer(waiting(`r${count}`, () => JSON.parse(JSON.stringify(big)) as object))
  let ticks = 0
  const ticking = setInterval(() => ticks++, 1)
  await until(() => kept.length === 20)
  clearInterval(ticking)
  expect(ticks).toBeGreaterThanOrEqual(15)
})

it("writes what waits when everything ends", async () => {
  const { add, kept } = keeping()
  const { close, writer: to } = await writer(add, { every: 60_000 })
  for (let count = 0; count < 500; count++) to.offer(waiting(`r${count}`, () => ({ count })))
  await close()
  expect(kept).toHaveLength(500)
})

it("waits for another process that writes, and goes on without a store that fails, saying so once", async () => {
  const { add, kept } = keeping()
  let busy = 2
  const said: Array<string> = []
  let broken = false
  const { writer: to } = await writer((entries) => Effect.suspend(() => {
    if (broken) return Effect.fail(new StoreError("sqlite", "database or disk is full"))
    return busy-- > 0 ? Effect.fail(new StoreError("sqlite", "database is locked")) : add(entries)
  }), {}, said)
  to.offer(waiting("late"))
  await until(() => kept.length === 1)
  expect(said).toEqual([])
  broken = true
  for (let count = 0; count < 3; count++) {
    to.offer(waiting(`lost ${count}`))
    await after(30)
  }
  expect(to.told()).toEqual({ lost: 3, unrecorded: 0, trouble: "database or disk is full" })
  expect(said).toHaveLength(1)
  expect(said[0]).toContain("calls go on without")
  broken = false
  to.offer(waiting("again"))
  await until(() => kept.length === 2)
  expect(to.told()).toEqual({ lost: 3, unrecorded: 0 })
})
