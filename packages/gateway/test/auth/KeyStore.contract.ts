/**
 * What every store of keys must do, whatever it keeps them in.
 *
 * @module
 */
import { type Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { changed, isLive, type KeyRecord, KeyStore, replaced } from "../../src/auth/KeyStore.ts"

const record = (id: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  id, name: `name of ${id}`, prefix: "pk-plugline-abc", account: id, grant: {}, created: 1_000, by: "admin", ...more
})

export const contract = (name: string, layer: () => Layer.Layer<KeyStore, unknown>): void => {
  describe(`keys in ${name}`, () => {
    const ends: Array<() => Promise<void>> = []
    const fresh = async () => {
      const runtime = ManagedRuntime.make(layer())
      ends.push(() => runtime.dispose())
      const store = await runtime.runPromise(KeyStore)
      return { store, run: runtime.runPromise }
    }
    afterEach(async () => {
      for (const end of ends.splice(0)) await end()
    })

    it("finds a key by its digest at once, and gives back what it was given", async () => {
      const { run, store } = await fresh()
      const full = record("a", {
        grant: {
          role: "viewer", tenant: "acme", scopes: ["models"], models: ["gpt-*"], limits: { requestsPerMinute: { rate: 1, burst: 2 } },
          budgets: [{ amount: "1.5", every: "day", kind: "soft" }]
        },
        expires: 5_000
      })
      expect(store.find("d1", 0)).toBeUndefined()
      expect(await run(store.add(full, "d1"))).toBe(true)
      expect(store.find("d1", 0)).toEqual({ digest: "d1", record: full })
      expect(store.find("d", 0)).toBeUndefined()
      expect(await run(store.get("a"))).toEqual(full)
      expect(await run(store.get("b"))).toBeUndefined()
    })

    it("adds no id and no digest twice", async () => {
      const { run, store } = await fresh()
      expect(await run(store.add(record("a"), "d1"))).toBe(true)
      expect(await run(store.add(record("a", { name: "other" }), "d2"))).toBe(false)
      expect(await run(store.add(record("b"), "d1"))).toBe(false)
      expect(store.find("d1", 0)?.record).toEqual(record("a"))
      expect(store.find("d2", 0)).toBeUndefined()
      expect((await run(store.list())).keys).toEqual([record("a")])
    })

    it("changes what is there, at once, and never takes a revocation back", async () => {
      const { run, store } = await fresh()
      await run(store.add(record("a"), "d1"))
      expect(await run(store.change("a", { expires: 9_000 }))).toEqual(record("a", { expires: 9_000 }))
      expect(store.find("d1", 0)?.record.expires).toBe(9_000)
      expect(await run(store.change("a", { revoked: 2_000 }))).toMatchObject({ revoked: 2_000, expires: 9_000 })
      expect(await run(store.change("a", { revoked: 3_000, expires: 99_000 }))).toMatchObject({ revoked: 2_000 })
      expect(isLive(store.find("d1", 0)!.record, 1_500)).toBe(false)
      expect(await run(store.change("b", { revoked: 1 }))).toBeUndefined()
    })

    it("rotates as a whole or not at all", async () => {
      const { run, store } = await fresh()
      await run(store.add(record("a", { expires: 50_000 }), "d1"))
      const next = (id: string, created = 2_000) => record(id, { account: "a", replaces: "a", created })
      expect(await run(store.rotate(next("b"), "d1", 3_000))).toBe(false)
      expect(await run(store.get("a"))).toEqual(record("a", { expires: 50_000 }))
      expect(await run(store.rotate(next("b"), "d2", 3_000))).toBe(true)
      expect(store.find("d1", 0)?.record).toMatchObject({ expires: 3_000, replacedBy: "b" })
      expect(store.find("d2", 0)?.record).toEqual(next("b"))
      expect(await run(store.rotate(next("c"), "d3", 90_000))).toBe(false)
      expect(await run(store.rotate(record("c", { replaces: "none" }), "d3", 90_000))).toBe(false)
      await run(store.change("b", { revoked: 2_500 }))
      expect(await run(store.rotate(record("c", { replaces: "b", created: 2_600 }), "d3", 90_000))).toBe(false)
      expect(store.find("d3", 0)).toBeUndefined()
      expect((await run(store.list())).keys.map(({ id }) => id)).toEqual(["a", "b"])
    })

    it("never lets a rotation lengthen the old key's life", async () => {
      const { run, store } = await fresh()
      await run(store.add(record("a", { expires: 2_500 }), "d1"))
      expect(await run(store.rotate(record("b", { replaces: "a", created: 2_000 }), "d2", 99_000))).toBe(true)
      expect(store.find("d1", 0)?.record.expires).toBe(2_500)
    })

    it("lists page by page, each key once, tenants apart", async () => {
      const { run, store } = await fresh()
      for (let index = 0; index < 25; index++) {
        await run(store.add(record(`k${index}`, { grant: { tenant: index % 3 === 0 ? "' OR 1=1 --" : "b" } }), `d${index}`))
      }
      for (const [tenant, size] of [[undefined, 25], ["' OR 1=1 --", 9], ["b", 16], ["c", 0]] as const) {
        const seen: Array<string> = []
        let after: string | undefined
        do {
          const page: Awaited<ReturnType<typeof list>> = await list(after)
          expect(page.keys.length).toBeLessThanOrEqual(4)
          seen.push(...page.keys.map(({ id }) => id))
          after = page.next
        } while (after !== undefined)
        expect(new Set(seen).size).toBe(size)
        expect(seen.length).toBe(size)
        expect(seen).toEqual(seen.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))))
        function list(after: string | undefined) {
          return run(store.list({ tenant, limit: 4, after }))
        }
      }
      expect(await run(store.list({ after: "no such key" }))).toEqual({ keys: [] })
      for (const limit of [0, -1, Number.NaN, 0.5]) expect((await run(store.list({ limit }))).keys.length).toBeGreaterThan(0)
      expect((await run(store.list({ limit: 1e9 }))).keys.length).toBe(25)
    })

    it("keeps odd names as they are", () =>
      fc.assert(fc.asyncProperty(fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 1, maxLength: 5 }), async (names) => {
        const { run, store } = await fresh()
        for (const name of names) {
          expect(await run(store.add(record(name, { name, grant: { tenant: name, user: "'; DROP TABLE plugline_keys; --" } }), `d-${name}`))).toBe(true)
        }
        for (const name of names) {
          expect(store.find(`d-${name}`, 0)?.record.name).toBe(name)
          expect((await run(store.list({ tenant: name }))).keys.map(({ id }) => id)).toEqual([name])
        }
      }), { numRuns: 20 }))

    it("does in any order of acts what a plain map does", () => {
      const id = fc.constantFrom("a", "b", "c", "d")
      const act = fc.oneof(
        fc.record({ type: fc.constant("add" as const), id, digest: id }),
        fc.record({ type: fc.constant("rotate" as const), id, digest: id, old: id, ends: fc.nat(20), created: fc.nat(20) }),
        fc.record({ type: fc.constant("expire" as const), id, at: fc.nat(20) }),
        fc.record({ type: fc.constant("revoke" as const), id, at: fc.nat(20) })
      )
      return fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        const { run, store } = await fresh()
        const model = new Map<string, { digest: string; record: KeyRecord }>()
        const taken = (id: string, digest: string) => model.has(id) || [...model.values()].some((each) => each.digest === digest)
        for (const each of acts) {
          if (each.type === "add") {
            const done = !taken(each.id, each.digest)
            if (done) model.set(each.id, { digest: each.digest, record: record(each.id) })
            expect(await run(store.add(record(each.id), each.digest))).toBe(done)
          } else if (each.type === "rotate") {
            const next = record(each.id, { replaces: each.old, created: each.created })
            const old = replaced(model.get(each.old)?.record, next, each.ends)
            const done = old !== undefined && !taken(each.id, each.digest)
            if (done) {
              model.set(each.old, { ...model.get(each.old)!, record: old })
              model.set(each.id, { digest: each.digest, record: next })
            }
            expect(await run(store.rotate(next, each.digest, each.ends))).toBe(done)
          } else {
            const change = each.type === "expire" ? { expires: each.at } : { revoked: each.at }
            const before = model.get(each.id)
            if (before !== undefined) model.set(each.id, { ...before, record: changed(before.record, change) })
            expect(await run(store.change(each.id, change))).toEqual(model.get(each.id)?.record)
          }
          for (const { digest, record } of model.values()) expect(store.find(digest, 0)).toEqual({ digest, record })
        }
        expect((await run(store.list())).keys).toEqual([...model.values()].map(({ record }) => record))
        for (const end of ends.splice(0)) await end()
      }), { numRuns: 60 })
    })
  })
}
