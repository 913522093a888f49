import { Receipt } from "@plugline/plugs"
import { Context, Effect, Exit, Layer, Logger, Metric, Scope } from "effect"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plugline-receipts-"))
  path = join(folder, "deep", "receipts.jsonl")
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const receipt = (id: string, more: object = {}): Receipt.Receipt =>
  ({ id, time: "1970-01-01T00:00:00.000Z", operation: "chat", provider: "mock", state: "completed", latency: 1, ...more })

const ids = (count: number, from = 0): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => `r${from + index}`)
const linesOf = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(file, "utf8")
  expect(text === "" || text.endsWith("\n")).toBe(true)
  return text.split("\n").slice(0, -1)
}
const idsOf = (file: string): ReadonlyArray<string> => linesOf(file).map((line) => JSON.parse(line).id)

/** Opens a sink, writes, closes it; answers what was lost, by why. */
const write = (options: Partial<Receipt.FileOptions>, receipts: ReadonlyArray<Receipt.Receipt>) =>
  Effect.runPromise(Effect.provideService(
    Effect.gen(function*() {
      yield* Effect.provide(Effect.gen(function*() {
        const sink = yield* Receipt.ReceiptSink
        for (const given of receipts) {
          const written = sink.write(given)
          if (Effect.isEffect(written)) yield* written
        }
      }), Receipt.file({ path, ...options }), { local: true })
      return Object.fromEntries((yield* Metric.snapshot).filter(({ id }) => id === "plugline.receipt.lost").map(({ attributes, state }) =>
        [attributes!.why, (state as { count: number }).count]))
    }).pipe(Effect.provide(Logger.layer([]))),
    Metric.MetricRegistry,
    new Map()
  ))

describe("a file of receipts", () => {
  it("holds every line, in order, once the layer has closed; for its owner alone", async () => {
    expect(await write({}, ids(2_500).map((id) => receipt(id)))).toEqual({})
    expect(idsOf(path)).toEqual(ids(2_500))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await write({}, ids(3, 2_500).map((id) => receipt(id)))
    expect(idsOf(path)).toEqual(ids(2_503))
  })

  it("is rotated by size, the chain going on from file to file and over a restart", async () => {
    const options = { chain: true, maxBytes: 1_000, keep: 20 }
    for (let from = 0; from < 60; from += 20) await write(options, ids(20, from).map((id) => receipt(id)))
    const files = readdirSync(join(folder, "deep")).sort((a, b) => Number(b.split(".")[2] ?? 0) - Number(a.split(".")[2] ?? 0))
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) expect(statSync(join(folder, "deep", file)).size).toBeLessThanOrEqual(1_000)
    const lines = files.flatMap((file) => linesOf(join(folder, "deep", file)))
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(ids(60))
    expect(Receipt.verify(lines, { after: "" })).toMatchObject({ intact: true, lines: 60 })
    expect(Receipt.verify(lines.toSpliced(30, 1), { after: "" })).toMatchObject({ intact: false, line: 31 })
  })

  it("keeps so many older files and no more", async () => {
    await write({ maxBytes: 200, keep: 2 }, ids(20).map((id) => receipt(id)))
    expect(readdirSync(join(folder, "deep")).sort()).toEqual(["receipts.jsonl", "receipts.jsonl.1", "receipts.jsonl.2"])
    expect(idsOf(path).at(-1)).toBe("r19")
    expect(idsOf(`${path}.1`).at(-1)).not.toBe("r19")
    rmSync(join(folder, "deep"), { recursive: true })
    await write({ maxBytes: 200, keep: 0 }, ids(20).map((id) => receipt(id)))
    expect(readdirSync(join(folder, "deep"))).toEqual(["receipts.jsonl"])
  })

  it("writes a line that is larger than a file may be", async () => {
    await write({ maxBytes: 100 }, [receipt("a", { model: "x".repeat(500) }), receipt("b")])
    expect(idsOf(path)).toEqual(["b"])
    expect(idsOf(`${path}.1`)).toEqual(["a"])
  })

  it("ends what a crash left of a line, and says so when verified", async () => {
    await write({ chain: true }, [receipt("a"), receipt("b")])
    appendFileSync(path, "{\"id\":\"to")
    await write({ chain: true }, [receipt("c")])
    const lines = linesOf(path)
    expect(lines).toHaveLength(4)
    expect(lines[2]).toBe("{\"id\":\"to")
    expect(JSON.parse(lines[3]!).id).toBe("c")
    expect(Receipt.verify(lines, { after: "" })).toMatchObject({ intact: false, line: 3 })
  })

  it("finds the last line of a large file", async () => {
    await write({ chain: true }, [receipt("a", { model: "x".repeat(300_000) })])
    await write({ chain: true }, [receipt("b"), receipt("c", { model: "é".repeat(100_000) })])
    await write({ chain: true }, [receipt("d")])
    expect(Receipt.verify(linesOf(path), { after: "" })).toMatchObject({ intact: true, lines: 4 })
  })

  it("drops what finds no room, counts it, and says how many in the next line", async () => {
    // Nothing is written before the first of these waits: the writer has not begun yet.
    expect(await write({ capacity: 4 }, ids(10).map((id) => receipt(id)))).toEqual({ full: 6 })
    expect(idsOf(path)).toEqual(ids(4))
    expect(JSON.parse(linesOf(path)[0]!).lost).toBe(6)
  })

  it("says once how many were lost", async () => {
    await Effect.runPromise(Effect.provide(Effect.gen(function*() {
      const sink = yield* Receipt.ReceiptSink
      for (const id of ids(3)) {
        const written = sink.write(receipt(id))
        if (Effect.isEffect(written)) yield* written
      }
      for (let tries = 0; sink.recent().length < 1 && tries < 200; tries++) yield* Effect.sleep(5)
      sink.write(receipt("later"))
    }), Receipt.file({ path, capacity: 1 }), { local: true }))
    expect(linesOf(path).map((line) => [JSON.parse(line).id, JSON.parse(line).lost])).toEqual([["r0", 2], ["later", undefined]])
  })

  it("or lets it wait", async () => {
    expect(await write({ capacity: 4, whenFull: "wait" }, ids(500).map((id) => receipt(id)))).toEqual({})
    expect(idsOf(path)).toEqual(ids(500))
    expect(readFileSync(path, "utf8")).not.toContain("lost")
  })

  it("counts what cannot be written, and goes on once it can be again", async () => {
    const lost = await Effect.runPromise(Effect.provideService(
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const services = yield* Layer.buildWithScope(Receipt.file({ path, maxBytes: 150, keep: 1, chain: true }), scope)
        const sink = Context.get(services, Receipt.ReceiptSink)
        const until = (done: () => boolean) => Effect.gen(function*() {
          for (let tries = 0; !done() && tries < 200; tries++) yield* Effect.sleep(5)
        })
        sink.write(receipt("a"))
        yield* until(() => sink.recent().length === 1)
        // Where the next file should be, there is a folder that is not empty: it cannot be rotated.
        mkdirSync(join(`${path}.1`, "in the way"), { recursive: true })
        for (const id of ["b", "c"]) sink.write(receipt(id))
        yield* Effect.sleep(60)
        rmSync(`${path}.1`, { recursive: true })
        sink.write(receipt("d"))
        yield* until(() => sink.recent().length === 2)
        yield* Scope.close(scope, Exit.void)
        const late = sink.write(receipt("late"))
        if (Effect.isEffect(late)) yield* Effect.orDie(late as Effect.Effect<void>)
        return (yield* Metric.snapshot).filter(({ id }) => id === "plugline.receipt.lost").map(({ attributes, state }) =>
          [attributes!.why, (state as { count: number }).count])
      }).pipe(Effect.provide(Logger.layer([]))),
      Metric.MetricRegistry,
      new Map()
    ))
    expect(lost).toEqual([["failed", 2], ["closed", 1]])
    const lines = [...linesOf(`${path}.1`), ...linesOf(path)]
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ id: "a" }, { id: "d", lost: 2 }])
    expect(Receipt.verify(lines, { after: "" })).toMatchObject({ intact: true })
  })

  it("cannot be where no file can be", async () => {
    writeFileSync(join(folder, "file"), "")
    for (const options of [{ path: join(folder, "file", "below") }, { path: folder }, { path: "a\0b" }, { path: "" }, { maxBytes: 0 }, { keep: -1 }, { capacity: 0.5 }]) {
      await expect(write(options as Partial<Receipt.FileOptions>, []), JSON.stringify(options)).rejects.toThrow(/receipts|path|must be|EISDIR|ENOTDIR/)
    }
    expect(existsSync(path)).toBe(false)
  })
})
