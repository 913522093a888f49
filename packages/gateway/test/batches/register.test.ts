/** What the register promises where two work on the same batch, and a crash comes at a bad moment. */
import { Sqlite } from "@plugline/plugs"
import { Effect, Stream } from "effect"
import { expect, it } from "vitest"
import { make as filesOf } from "../../src/batches/Files.ts"
import { type Batch, make as registerOf } from "../../src/batches/Register.ts"
import { sqlite } from "../../src/batches/Sql.ts"

const batch: Batch = {
  id: "batch_1", owner: "acme", status: "in_progress", created: 1, expires: 9e12,
  facts: {
    endpoint: "/v1/chat/completions", input: "file-1", metadata: null, pass: { kind: "open" },
    files: { output: "file-2", errors: "file-3" }, keep: 1_000, at: {}
  }
}

const on = <A, E>(use: (register: ReturnType<typeof registerOf>, files: ReturnType<typeof filesOf>) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(
    Effect.flatMap(sqlite, (sql) => use(registerOf(sql), filesOf(sql, 1_000))),
    Sqlite.layer()
  ))

const lines = [1, 2, 3].map((line) => ({ line, custom_id: `${line}`, request: "{}" }))

it("keeps the first answer to a line, and none once the batch is called off", () =>
  on((register) => Effect.gen(function*() {
    yield* register.add(batch, 9)
    yield* register.addLines(batch.id, lines)
    yield* register.answer(batch.id, 1, "first", false)
    yield* register.answer(batch.id, 1, "second", true)
    expect((yield* register.line(batch.id, 1))?.response).toBe("first")
    yield* register.move(batch, "cancelling")
    yield* register.answer(batch.id, 2, "late", false)
    expect((yield* register.line(batch.id, 2))?.response).toBeNull()
    expect(yield* register.counts(batch.id)).toEqual({ total: 3, completed: 1, failed: 0 })
  })))

it("moves a batch only from the status that is known", () =>
  on((register) => Effect.gen(function*() {
    yield* register.add(batch, 9)
    expect((yield* register.move(batch, "cancelling"))?.facts.at.cancelling).toBeGreaterThan(0)
    expect(yield* register.move(batch, "finalizing")).toBeUndefined()
    expect((yield* register.find(batch.id))?.status).toBe("cancelling")
  })))

it("lets one claim a batch, and another when nobody speaks of it any more", () =>
  on((register) => Effect.gen(function*() {
    yield* register.add(batch, 9)
    expect(yield* register.claim(1_000, 6_000)).toEqual([batch.id])
    expect(yield* register.claim(5_000, 9_000)).toEqual([])
    expect(yield* register.claim(6_001, 9_000)).toEqual([batch.id])
    yield* register.hold([batch.id], 0)
    expect(yield* register.claim(6_002, 9_000)).toEqual([batch.id])
    yield* register.move(batch, "completed")
    expect(yield* register.claim(99_000, 99_999)).toEqual([])
  })))

it("forgets batches that ended long ago and lines that a crash left behind, and nothing that is open", () =>
  on((register) => Effect.gen(function*() {
    const open = { ...batch, id: "batch_2" }
    for (const each of [batch, open]) {
      yield* register.add(each, 9)
      yield* register.addLines(each.id, lines)
    }
    yield* register.move(batch, "completed")
    yield* register.sweep(0)
    expect([yield* register.line(batch.id, 1), (yield* register.find(batch.id))?.status]).toEqual([undefined, "completed"])
    yield* register.sweep(1_000)
    expect(yield* register.find(batch.id)).toBeUndefined()
    expect((yield* register.line(open.id, 1))?.custom_id).toBe("1")
  })))

it("writes a file of results twice as one file", () =>
  on((_, files) => Effect.gen(function*() {
    const write = files.write("file-9", "acme", { purpose: "batch_output", filename: "x", expires: 9e12 },
      Stream.fromIterable(["one\n", "two\n"].map((text) => Buffer.from(text))))
    expect(yield* write).toBe(8)
    expect(yield* write).toBe(8)
    const pieces = yield* Stream.runCollect(files.read("file-9"))
    expect(Buffer.concat([...pieces]).toString()).toBe("one\ntwo\n")
    expect((yield* files.find("file-9", "acme"))?.bytes).toBe(8)
    expect(yield* files.find("file-9", "evil")).toBeUndefined()
  })))

it("shows nobody a file that has not arrived or is over", () =>
  on((_, files) => Effect.gen(function*() {
    yield* files.begin("file-1", "acme")
    expect(yield* files.append("file-1", "acme", 0, Buffer.alloc(900))).toBe(true)
    expect(yield* files.find("file-1", "acme")).toBeUndefined()
    expect(yield* files.append("file-1", "acme", 1, Buffer.alloc(101))).toBe(false)
    yield* files.finish("file-1", { purpose: "batch", filename: "x", expires: 1_000 })
    expect(yield* files.find("file-1", "acme")).toBeUndefined()
    expect(yield* files.list("acme", { limit: 9, newest: true })).toEqual([])
    yield* files.sweep
    expect(yield* files.append("file-2", "acme", 0, Buffer.alloc(1))).toBe(false)
  })))
