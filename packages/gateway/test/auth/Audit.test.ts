import { Sqlite } from "@plugline/plugs"
import { Clock, Effect, Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { type Act, Audit, memory } from "../../src/audit/Audit.ts"
import { sqlite } from "../../src/audit/Audit.sqlite.ts"
import type { Principal } from "../../src/auth/Auth.ts"
import * as Secret from "../../src/auth/secret.ts"
import { handClock, start } from "./support.ts"

const who = (id: string, tenant?: string) =>
  ({ id, name: `${id}'s name`, kind: "key", identity: tenant === undefined ? {} : { tenant }, role: { name: "admin", permissions: [] }, permissions: [] }) as Principal
const act = (more: Partial<Act> = {}): Act => ({ who: who("root"), action: "keys.create", target: "k1", outcome: "allowed", ...more })

const contract = (name: string, layer: () => Layer.Layer<Audit, unknown>): void => {
  describe(`an audit log in ${name}`, () => {
    const ends: Array<() => Promise<void>> = []
    const fresh = async () => {
      const clock = handClock()
      const runtime = ManagedRuntime.make(Layer.merge(layer(), Layer.succeed(Clock.Clock, clock)))
      ends.push(() => runtime.dispose())
      return { audit: await runtime.runPromise(Audit), run: runtime.runPromise, clock }
    }
    afterEach(async () => {
      for (const end of ends.splice(0)) await end()
    })

    it("gives back what was written, the latest first", async () => {
      const { audit, clock, run } = await fresh()
      const first = await run(audit.record(act({ before: { a: 1 }, after: { a: [null, "x"] }, requestId: "r" })))
      expect(first).toEqual({
        seq: 1, at: start, who: { id: "root", name: "root's name", kind: "key", role: "admin" }, action: "keys.create", target: "k1", outcome: "allowed",
        before: { a: 1 }, after: { a: [null, "x"] }, requestId: "r"
      })
      clock.now += 7
      const second = await run(audit.record(act({ who: who("ada", "acme"), outcome: "refused" })))
      expect(second).toMatchObject({ seq: 2, at: start + 7, who: { tenant: "acme" }, outcome: "refused" })
      expect(await run(audit.read())).toEqual({ entries: [second, first] })
    })

    it("reads page by page what is asked for, each entry once, while others are written", async () => {
      const { audit, run } = await fresh()
      const all: Array<Act> = []
      for (let index = 0; index < 30; index++) {
        const each = act({
          who: who(index % 2 === 0 ? "ada" : "bob", index % 3 === 0 ? "acme" : undefined), action: index % 5 === 0 ? "a" : "b", target: `t${index % 4}`
        })
        all.push(each)
        await run(audit.record(each))
      }
      const fits = (query: { who?: string; tenant?: string; action?: string; target?: string }) => all.flatMap((each, index) =>
        (query.who === undefined || each.who.id === query.who) && (query.tenant === undefined || each.who.identity.tenant === query.tenant)
          && (query.action === undefined || each.action === query.action) && (query.target === undefined || each.target === query.target) ? [index + 1] : []).reverse()
      for (const query of [{}, { who: "ada" }, { tenant: "acme" }, { action: "a" }, { target: "t1" }, { who: "bob", tenant: "acme", action: "b" }, { who: "' OR 1 --" }]) {
        const seen: Array<number> = []
        let before: number | undefined
        do {
          const page: Awaited<ReturnType<typeof read>> = await read(before)
          seen.push(...page.entries.map(({ seq }) => seq))
          before = page.next
          await run(audit.record(act({ who: who("late"), action: "late", target: "late" })))
        } while (before !== undefined)
        function read(before: number | undefined) {
          return run(audit.read({ ...query, before, limit: 4 }))
        }
        expect(seen.filter((seq) => seq <= 30)).toEqual(fits(query))
      }
      for (const limit of [0, -1, Number.NaN]) expect((await run(audit.read({ limit }))).entries.length).toBeGreaterThan(0)
    })

    it("holds no secret, no second line, and nothing too long", async () => {
      const { audit, run } = await fresh()
      const key = Secret.make()
      const entry = await run(audit.record(act({
        target: `${key}\r\nforged`, requestId: `r\u2028${key}`, before: { apiKey: "canary", note: `Bearer ${key}`, deep: [{ password: "canary" }] }, after: "x".repeat(10_000)
      })))
      for (const text of [JSON.stringify(entry), JSON.stringify(await run(audit.read()))]) {
        expect(text).not.toContain(key)
        expect(text).not.toContain("canary")
        expect(text.length).toBeLessThan(2_000)
      }
      expect(entry.target).not.toMatch(/[\r\n]/)
    })

    it("is only ever added to", async () => {
      const { audit, run } = await fresh()
      const entry = await run(audit.record(act({ after: { a: 1 } })))
      const [read] = (await run(audit.read())).entries
      try {
        ;(read as { action: string }).action = "forged"
        ;(read!.after as { a: number }).a = 2
      } catch {
        // A frozen entry says no by itself.
      }
      expect((await run(audit.read())).entries).toEqual([{ ...entry, action: "keys.create", after: { a: 1 } }])
    })

    it("keeps any text", () =>
      fc.assert(fc.asyncProperty(fc.string({ maxLength: 40 }), fc.jsonValue({ maxDepth: 3 }), async (text, json) => {
        const { audit, run } = await fresh()
        const entry = await run(audit.record(act({ target: text, action: text, after: json as never })))
        expect((await run(audit.read())).entries).toEqual([JSON.parse(JSON.stringify(entry))])
        expect((await run(audit.read({ target: entry.target, action: entry.action }))).entries.length).toBe(1)
        for (const end of ends.splice(0)) await end()
      }), { numRuns: 30 }))
  })
}

contract("memory", () => memory())
contract("SQLite", () => Layer.provide(sqlite, Sqlite.layer()))

it("SQLite: the database refuses to change or delete an entry", () =>
  Effect.runPromise(Effect.provide(
    Effect.gen(function*() {
      const audit = yield* Audit
      const { database } = yield* Sqlite
      yield* audit.record(act())
      expect(() => database.exec("UPDATE plugline_audit SET who = 'x'")).toThrow("only ever added to")
      expect(() => database.exec("DELETE FROM plugline_audit")).toThrow("only ever added to")
      expect((yield* audit.read()).entries.length).toBe(1)
    }),
    Layer.provideMerge(sqlite, Sqlite.layer())
  )))

it("memory: the oldest make room", () =>
  Effect.runPromise(Effect.provide(
    Effect.gen(function*() {
      const audit = yield* Audit
      for (let index = 0; index < 10; index++) yield* audit.record(act())
      expect((yield* audit.read()).entries.map(({ seq }) => seq)).toEqual([10, 9, 8])
    }),
    memory({ entries: 3 })
  )))
