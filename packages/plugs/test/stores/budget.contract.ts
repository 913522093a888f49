/**
 * What every store of budgets must do, whatever it keeps them in.
 *
 * @module
 */
import { Effect, type Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { randomUUID } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { effect } from "../../src/cost/now.ts"
import { BudgetStore, type Claim, type Hold } from "../../src/store/BudgetStore.ts"
import type { StoreError } from "../../src/store/patience.ts"

type Store = BudgetStore["Service"]

/** Runs the contract against a store. `runs`: how many random histories. */
export const contract = (name: string, layer: Layer.Layer<BudgetStore, unknown>, { runs = 30 } = {}): void => {
  describe(`budgets in ${name}`, () => {
    const runtime = ManagedRuntime.make(layer)
    let store: Store
    beforeAll(async () => {
      store = await runtime.runPromise(BudgetStore)
    })
    afterAll(() => runtime.dispose())
    const now = <A>(value: A | Effect.Effect<A, StoreError>): Promise<A> => Effect.runPromise(effect(value))
    const fresh = (): string => `["test ${process.pid}","${randomUUID()}"]`
    const hold = (claims: ReadonlyArray<Claim>, amount: bigint, expires = 1_000): Hold => ({ id: randomUUID(), amount, expires, claims })

    it("holds, and settles with what was charged", async () => {
      const account = fresh()
      const held = hold([{ account, limit: 100n }], 60n)
      expect(await now(store.reserve(held, 0))).toEqual({ balances: [{ spent: 0n, held: 60n, unknown: 0 }], before: [0n] })
      const settled = await now(store.settle({ id: held.id, accounts: [account], amount: 25n, unknown: false }, 5))
      expect(settled).toEqual([{ account, outcome: "settled", before: 0n, balance: { spent: 25n, held: 0n, unknown: 0 } }])
      expect(await now(store.entries(account))).toEqual([{ account, hold: held.id, at: 5, kind: "charge", amount: 25n }])
    })

    it("takes exactly up to the limit, and nothing beyond it", async () => {
      const account = fresh()
      expect((await now(store.reserve(hold([{ account, limit: 100n }], 100n), 0))).refused).toBeUndefined()
      expect((await now(store.reserve(hold([{ account, limit: 100n }], 0n), 0))).refused).toBeUndefined()
      const refused = await now(store.reserve(hold([{ account, limit: 100n }], 1n), 0))
      expect(refused).toEqual({ refused: 0, balances: [{ spent: 0n, held: 100n, unknown: 0 }], before: [0n] })
    })

    it("takes from all accounts or from none, and says which refused", async () => {
      const [wide, narrow, free] = [fresh(), fresh(), fresh()]
      const claims = [{ account: wide, limit: 1_000n }, { account: narrow, limit: 10n }, { account: free }]
      expect((await now(store.reserve(hold(claims, 11n), 0))).refused).toBe(1)
      expect(await now(store.balances([wide, narrow, free], 0))).toEqual(Array.from({ length: 3 }, () => ({ spent: 0n, held: 0n, unknown: 0 })))
      expect((await now(store.reserve(hold(claims, 10n), 0))).refused).toBeUndefined()
      expect((await now(store.balances([free], 0)))[0]!.held).toBe(10n)
    })

    it("charges a hold whose time has run out, and corrects it when it is settled after all", async () => {
      const account = fresh()
      const lost = hold([{ account, limit: 100n }], 40n, 1_000)
      await now(store.reserve(lost, 0))
      expect((await now(store.balances([account], 999)))[0]).toEqual({ spent: 0n, held: 40n, unknown: 0 })
      expect((await now(store.balances([account], 1_000)))[0]).toEqual({ spent: 40n, held: 0n, unknown: 0 })
      const late = await now(store.settle({ id: lost.id, accounts: [account], amount: 15n, unknown: false }, 2_000))
      expect(late[0]).toEqual({ account, outcome: "late", before: 40n, balance: { spent: 15n, held: 0n, unknown: 0 } })
      expect((await now(store.entries(account))).map(({ amount, at, kind }) => [kind, at, amount]))
        .toEqual([["expired", 1_000, 40n], ["correction", 2_000, -25n]])
    })

    it("charges what has run out before it takes a new hold, and tells what was spent before", async () => {
      const account = fresh()
      await now(store.reserve(hold([{ account, limit: 100n }], 40n, 1_000), 0))
      const second = await now(store.reserve(hold([{ account, limit: 100n }], 70n, 3_000), 1_500))
      expect(second).toEqual({ refused: 0, balances: [{ spent: 40n, held: 0n, unknown: 0 }], before: [0n] })
    })

    it("does nothing twice", async () => {
      const account = fresh()
      const held = hold([{ account, limit: 1_000n }], 60n)
      await now(store.reserve(held, 0))
      expect((await now(store.reserve(held, 0))).balances[0]!.held).toBe(60n)
      const settlement = { id: held.id, accounts: [account], amount: 10n, unknown: true }
      await now(store.settle(settlement, 1))
      const again = await now(store.settle(settlement, 2))
      expect(again).toEqual([{ account, outcome: "absent", before: 10n, balance: { spent: 10n, held: 0n, unknown: 1 } }])
      expect((await now(store.balances([account], 1e12)))[0]).toEqual({ spent: 10n, held: 0n, unknown: 1 })
      expect(await now(store.entries(account))).toHaveLength(1)
    })

    it("knows nothing of accounts and holds it never saw", async () => {
      const account = fresh()
      expect(await now(store.balances([account], 0))).toEqual([{ spent: 0n, held: 0n, unknown: 0 }])
      expect((await now(store.settle({ id: "none", accounts: [account], amount: 5n, unknown: false }, 0)))[0]!.outcome).toBe("absent")
      expect(await now(store.entries(account))).toEqual([])
    })

    it("counts beyond what floats hold", async () => {
      const account = fresh()
      const large = 9_007_199_254_740_993_000_000_001n
      const held = hold([{ account, limit: large }], large)
      expect((await now(store.reserve(held, 0))).refused).toBeUndefined()
      expect((await now(store.reserve(hold([{ account, limit: large }], 1n), 0))).refused).toBe(0)
      await now(store.settle({ id: held.id, accounts: [account], amount: large - 1_000_000_001n, unknown: false }, 0))
      expect((await now(store.balances([account], 0)))[0]!.spent).toBe(large - 1_000_000_001n)
    })

    it("keeps hostile names apart", async () => {
      const tag = `["test ${process.pid}","${randomUUID()}"]`
      const names = [`${tag}'; DROP TABLE x; --`, `${tag}:{budget}:a`, `${tag}|charge|1`, `${tag}\n%s`, `${tag}é\u{1f600}`]
      for (const [index, account] of names.entries()) await now(store.reserve(hold([{ account }], BigInt(index + 1)), 0))
      expect((await now(store.balances(names, 0))).map(({ held }) => held)).toEqual([1n, 2n, 3n, 4n, 5n])
    })

    it("never overspends under a thousand calls at once", async () => {
      const [one, all] = [fresh(), fresh()]
      const claims = [{ account: one, limit: 70n }, { account: all, limit: 100n, until: 1e15 }]
      const outcomes = await Effect.runPromise(Effect.forEach(Array.from({ length: 1_000 }, (_, index) => index), (index) => {
        const held = hold(index % 2 === 0 ? claims : claims.slice(1), 10n)
        return Effect.flatMap(effect(store.reserve(held, 0)), ({ refused }) =>
          refused === undefined
            ? Effect.as(effect(store.settle({ id: held.id, accounts: held.claims.map(({ account }) => account), amount: 9n, unknown: false }, 1)), 1)
            : Effect.succeed(0))
      }, { concurrency: 50 }))
      const [first, second] = await now(store.balances([one, all], 1))
      const admitted = outcomes.reduce<number>((sum, each) => sum + each, 0)
      expect(second!.spent).toBe(BigInt(admitted) * 9n)
      expect(second!.spent).toBeLessThanOrEqual(100n)
      expect(second!.spent).toBeGreaterThan(90n)
      expect(first!.spent).toBeLessThanOrEqual(70n)
      expect(first!.held).toBe(0n)
    })

    it("spent and held never pass the limit, and the ledger is what is spent", async () => {
      const step = fc.oneof(
        fc.record({ _tag: fc.constant("reserve" as const), amount: fc.bigInt(0n, 50n), life: fc.integer({ min: 1, max: 30 }), both: fc.boolean() }),
        fc.record({ _tag: fc.constant("settle" as const), which: fc.nat(20), share: fc.nat(100) }),
        fc.record({ _tag: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 20 }) })
      )
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const [a, b] = [fresh(), fresh()]
        // Not a round number, so that sums carry from one half of a large number to the other.
        const unit = 123_456_789n
        const limits = [100n * unit, 60n * unit]
        const holds: Array<Hold> = []
        let at = 0
        for (const step of steps) {
          if (step._tag === "wait") at += step.ms
          else if (step._tag === "reserve") {
            const claims = [{ account: a, limit: limits[0]! }, ...(step.both ? [{ account: b, limit: limits[1]! }] : [])]
            const held = hold(claims, step.amount * unit, at + step.life)
            if ((await now(store.reserve(held, at))).refused === undefined) holds.push(held)
          } else if (holds.length > 0) {
            const [held] = holds.splice(step.which % holds.length, 1)
            const amount = held!.amount * BigInt(step.share) / 100n
            await now(store.settle({ id: held!.id, accounts: held!.claims.map(({ account }) => account), amount, unknown: false }, at))
          }
          const balances = await now(store.balances([a, b], at))
          for (const [index, { held, spent }] of balances.entries()) {
            expect(spent + held <= limits[index]!).toBe(true)
            expect(spent >= 0n && held >= 0n).toBe(true)
            const entries = await now(store.entries([a, b][index]!))
            expect(entries.reduce((sum, { amount }) => sum + amount, 0n)).toBe(spent)
          }
        }
      }), { numRuns: runs })
    })
  })
}
