/**
 * What every store of limits must do, whatever it keeps them in.
 *
 * @module
 */
import { Effect, type Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { effect } from "../../src/cost/now.ts"
import { type Ask, type Change, LimitStore, parts, type Taken } from "../../src/store/LimitStore.ts"

/** A limit by the minute. */
export const rate = (key: string, capacity: number, perMinute = capacity, cost = 1): Ask => ({
  key, kind: "rate", capacity, ceiling: capacity, rate: perMinute, cost, resets: 0
})

/** A limit by the day. */
export const day = (key: string, capacity: number, cost = 1, resets = 3_600_000): Ask => ({
  key, kind: "day", capacity, ceiling: capacity, rate: 0, cost, resets
})

/** A limit of calls at a time. */
export const slots = (key: string, capacity: number): Ask => ({ key, kind: "slots", capacity, ceiling: capacity, rate: 0, cost: 1, resets: 0 })

/** The suite. `lease`: how long slots are lent, in ms; `runs`: how often properties are tried. */
export const limitContract = (
  name: string,
  layer: Layer.Layer<LimitStore, unknown>,
  { lease, runs, skip = false }: { readonly lease: number | undefined; readonly runs: number; readonly skip?: boolean }
): void => {
  describe.skipIf(skip)(`limits in ${name}`, () => {
    const runtime = ManagedRuntime.make(layer)
    let store: LimitStore["Service"]
    let count = 0
    const fresh = () => `contract ${name} ${process.pid} ${++count} `
    // Ahead of the time, so that what shared stores throw away by their clock is not what is tested here.
    const start = Date.now() + 3_600_000
    const take = (asks: ReadonlyArray<Ask>, now: number, holder = "h"): Promise<Taken> =>
      Effect.runPromise(effect(store.take(holder, asks, now)))
    const give = (changes: ReadonlyArray<Change>, now: number, holder = "h"): Promise<void> =>
      Effect.runPromise(effect(store.give(holder, changes, now)))
    beforeAll(async () => {
      store = await runtime.runPromise(LimitStore)
    })
    afterAll(() => runtime.dispose())

    it("fills again by and by, never above its capacity", async () => {
      const ask = rate(fresh(), 3, 60)
      for (let n = 0; n < 3; n++) expect((await take([ask], start))._tag).toBe("Admitted")
      expect(await take([ask], start + 999)).toEqual({ _tag: "Refused", levels: [999 * 60] })
      expect((await take([ask], start + 1_000))._tag).toBe("Admitted")
      expect(await take([ask], start + 3_600_000)).toEqual({ _tag: "Admitted", levels: [3 * parts] })
    })

    it("takes from all or from none", async () => {
      const own = fresh()
      const wide = rate(`${own}wide`, 10)
      const narrow = rate(`${own}narrow`, 1)
      const daily = day(`${own}day`, 5)
      const some = slots(`${own}slots`, 4)
      expect((await take([wide, narrow, daily, some], start, "a"))._tag).toBe("Admitted")
      for (const order of [[wide, narrow, daily, some], [some, daily, narrow, wide]]) {
        expect((await take(order, start, "b"))._tag).toBe("Refused")
      }
      expect(await take([wide, daily, some], start, "c")).toEqual({ _tag: "Admitted", levels: [9 * parts, 4 * parts, 3 * parts] })
    })

    it("frees a slot once, whoever gives it back again", async () => {
      const one = slots(fresh(), 2)
      await take([one], start, "a")
      await take([one], start, "b")
      expect((await take([one], start, "c"))._tag).toBe("Refused")
      await give([{ ask: one, units: 1 }], start, "a")
      expect((await take([one], start, "c"))._tag).toBe("Admitted")
      expect((await take([one], start, "d"))._tag).toBe("Refused")
    })

    // Where slots are not lent, they end with the process that held them.
    if (lease !== undefined) it("frees the slots of a process that was killed, when their time has run out", async () => {
      const one = slots(fresh(), 1)
      await take([one], start, "killed")
      expect((await take([one], start + lease - 1, "next"))._tag).toBe("Refused")
      expect((await take([one], start + lease + 1, "next"))._tag).toBe("Admitted")
      await give([{ ask: one, units: 1 }], start + lease + 2, "killed")
      expect((await take([one], start + lease + 3, "third"))._tag).toBe("Refused")
    })

    it("gives back up to the capacity, and takes more than there was", async () => {
      const tokens = rate(fresh(), 100, 60, 80)
      await take([tokens], start)
      await give([{ ask: tokens, units: 30 }], start)
      expect(await take([{ ...tokens, cost: 51 }], start)).toEqual({ _tag: "Refused", levels: [50 * parts] })
      await give([{ ask: tokens, units: 1_000 }], start)
      expect((await take([{ ...tokens, cost: 100 }], start))._tag).toBe("Admitted")
      await give([{ ask: tokens, units: -20 }], start)
      expect(await take([{ ...tokens, cost: 1 }], start)).toEqual({ _tag: "Refused", levels: [-20 * parts] })
      expect((await take([{ ...tokens, cost: 1 }], start + 20_999))._tag).toBe("Refused")
      expect((await take([{ ...tokens, cost: 1 }], start + 21_000))._tag).toBe("Admitted")
    })

    it("gives back no more than who gives may have, also where others may have more", async () => {
      const wide = { ...rate(fresh(), 20), ceiling: 40 }
      const narrow = { ...wide, capacity: 10 }
      await take([{ ...narrow, cost: 5 }], start)
      await give([{ ask: narrow, units: 100 }], start)
      expect(await take([wide], start)).toEqual({ _tag: "Admitted", levels: [10 * parts] })
    })

    it("charges what nobody was seen to take, and gives nothing to what is full", async () => {
      const unknown = rate(fresh(), 10)
      await give([{ ask: unknown, units: 5 }], start)
      expect(await take([{ ...unknown, cost: 11 }], start)).toEqual({ _tag: "Refused", levels: [10 * parts] })
      await give([{ ask: unknown, units: -4 }], start)
      expect(await take([unknown], start)).toEqual({ _tag: "Admitted", levels: [6 * parts] })
    })

    it("counts a day to its end", async () => {
      const daily = day(fresh(), 2, 1, 60_000)
      await take([daily], start)
      await take([{ ...daily, resets: 30_000 }], start + 30_000)
      expect((await take([{ ...daily, resets: 1 }], start + 59_999))._tag).toBe("Refused")
    })

    it("is exact for the largest amounts", async () => {
      const huge = rate(fresh(), 100_000_000_000, 100_000_000_000, 99_999_999_999)
      expect((await take([huge], start))._tag).toBe("Admitted")
      expect(await take([{ ...huge, cost: 2 }], start)).toEqual({ _tag: "Refused", levels: [parts] })
    })

    it("is exact to the last part", async () => {
      const huge = rate(fresh(), 100_000_000_000, 7)
      await take([huge], start)
      const all = { ...huge, cost: 100_000_000_000 }
      expect(await take([all], start + 1)).toEqual({ _tag: "Refused", levels: [100_000_000_000 * parts - parts + 7] })
    })

    it("a clock that trembles gives nothing twice, and one set back does not stop it", async () => {
      const ask = rate(fresh(), 1)
      await take([ask], start)
      expect((await take([ask], start - 30_000))._tag).toBe("Refused")
      expect((await take([ask], start + 59_999))._tag).toBe("Refused")
      expect((await take([ask], start + 60_000))._tag).toBe("Admitted")
      expect((await take([ask], start - 3_600_000))._tag).toBe("Refused")
    })

    it("tells apart whatever text a key is", async () => {
      const own = fresh()
      const keys = ["", " ", "'; DROP TABLE plugline_limits; --", "a:b", "{limits}", "%", "*", "\\", "\"", "é", "🙂", "\n"]
      for (const key of keys) expect((await take([rate(own + key, 1)], start))._tag).toBe("Admitted")
      for (const key of keys) expect((await take([rate(own + key, 1)], start))._tag).toBe("Refused")
    })

    it("admits in every window no more than capacity and time allow, and a refusal takes nothing", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ after: fc.nat(40_000), key: fc.nat(1), cost: fc.integer({ min: 1, max: 4 }) }), { maxLength: 25 }),
          fc.integer({ min: 4, max: 8 }),
          fc.integer({ min: 1, max: 12 }),
          async (calls, capacity, perMinute) => {
            const own = fresh()
            const all = rate(`${own}all`, capacity + 2, perMinute)
            const admitted: Array<{ at: number; key: number; cost: number }> = []
            const levels = [capacity * parts, capacity * parts, (capacity + 2) * parts]
            const full = [...levels]
            let at = start
            for (const { after, cost, key } of calls) {
              at += after
              levels.forEach((level, index) => levels[index] = Math.min(full[index]!, level + after * perMinute))
              const taken = await take([rate(`${own}${key}`, capacity, perMinute, cost), { ...all, cost }], at)
              expect(taken).toEqual({
                _tag: levels[key]! >= cost * parts && levels[2]! >= cost * parts ? "Admitted" : "Refused",
                levels: [levels[key], levels[2]]
              })
              if (taken._tag !== "Admitted") continue
              levels[key]! -= cost * parts
              levels[2]! -= cost * parts
              admitted.push({ at, key, cost })
            }
            for (const [from, { at, key }] of admitted.entries()) {
              let sum = 0
              for (const later of admitted.slice(from)) {
                if (later.key === key) sum += later.cost
                expect(sum * parts).toBeLessThanOrEqual(capacity * parts + (later.at - at) * perMinute)
              }
            }
          }
        ),
        { numRuns: runs }
      ))

    it("admits of many at once exactly the limit", async () => {
      const own = fresh()
      const asks = [rate(`${own}rate`, 50, 1), slots(`${own}slots`, 60)]
      const taken = await Promise.all(Array.from({ length: 200 }, (_, n) => take(asks, start, `h${n}`)))
      expect(taken.filter(({ _tag }) => _tag === "Admitted").length).toBe(50)
    })
  })
}
