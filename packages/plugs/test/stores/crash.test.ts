/**
 * A process that is killed in the middle of its calls: what it had settled is charged as it was, what it held becomes a charge.
 *
 * @module
 */
import { Effect, Layer, ManagedRuntime } from "effect"
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"
import { effect } from "../../src/cost/now.ts"
import { BudgetStore } from "../../src/store/BudgetStore.ts"
import { storeFor } from "./crash.ts"
import { postgresUrl, redisUrl } from "./servers.ts"
import { budgetTables, sweep, sweepRows } from "./sweep.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-crash-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const child = (kind: string, place: string, account: string, log: string, extra: ReadonlyArray<string> = []) =>
  spawn(process.execPath, [fileURLToPath(new URL("./crash.ts", import.meta.url)), kind, place, account, log, ...extra], { stdio: ["ignore", "ignore", "inherit"] })

const crash = (kind: "sqlite" | "redis" | "postgres", place: string) =>
  it(`what was spent equals the ledger after kill -9, with the book in ${kind}`, async () => {
    const account = `["crash ${process.pid}","${randomUUID()}"]`
    const log = join(folder, `${kind}.log`)
    // Twice, so that one begins on what the other left.
    for (let round = 0; round < 2; round++) {
      const calls = existsSync(log) ? readFileSync(log, "utf8").split("\n").length : 0
      const program = child(kind, place, account, log)
      const ended = new Promise((resolve) => program.once("exit", resolve))
      const until = Date.now() + 15_000
      while (Date.now() < until && (!existsSync(log) || readFileSync(log, "utf8").split("\n").length < calls + 60)) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      program.kill("SIGKILL")
      await ended
    }
    const lines = readFileSync(log, "utf8").trimEnd().split("\n").map((line) => line.split(" "))
    const reserved = new Set(lines.filter(([what]) => what === "reserved").map(([, id]) => id!))
    const used = new Map(lines.filter(([what]) => what === "used").map(([, id, amount]) => [id!, BigInt(amount!)]))
    const settled = new Set(lines.filter(([what]) => what === "settled").map(([, id]) => id!))
    expect(settled.size).toBeGreaterThan(20)

    const runtime = ManagedRuntime.make(storeFor(kind, place))
    const read = <A>(f: (store: BudgetStore["Service"]) => A | Effect.Effect<A, unknown>): Promise<A> =>
      runtime.runPromise(Effect.flatMap(BudgetStore, (store) => effect(f(store)))) as Promise<A>
    const [before] = await read((store) => store.balances([account], 0))
    const [after] = await read((store) => store.balances([account], Number.MAX_SAFE_INTEGER))
    const entries = await read((store) => store.entries(account))
    await runtime.dispose()

    expect(after!.held).toBe(0n)
    expect(after!.spent).toBe(before!.spent + before!.held)
    expect(entries.reduce((sum, { amount }) => sum + amount, 0n)).toBe(after!.spent)
    // Each call once: as it was used where it was settled, all that was held (100) where the crash came before.
    const booked = new Map(entries.map((entry) => [entry.hold, entry]))
    expect(booked.size).toBe(entries.length)
    for (const id of settled) expect(booked.get(id)).toMatchObject({ kind: "charge", amount: used.get(id) })
    for (const id of reserved) {
      const entry = booked.get(id)
      expect(entry?.kind === "charge" ? entry.amount === used.get(id) : entry?.kind === "expired" && entry.amount === 100n).toBe(true)
    }
    const usage = [...used.values()].reduce((sum, amount) => sum + amount, 0n)
    expect(after!.spent).toBeGreaterThanOrEqual(usage)
  }, 40_000)

const many = (kind: "sqlite" | "redis" | "postgres", place: string) =>
  it(`two processes at once never pass a limit, with the book in ${kind}`, async () => {
    const account = `["many ${process.pid}","${randomUUID()}"]`
    const log = join(folder, `${kind}-many.log`)
    appendFileSync(log, "")
    const children = Array.from({ length: 2 }, () => child(kind, place, account, log, ["1000", "30"]))
    await Promise.all(children.map((program) => new Promise((resolve) => program.once("exit", resolve))))
    const runtime = ManagedRuntime.make(storeFor(kind, place))
    const [balance] = await runtime.runPromise(Effect.flatMap(BudgetStore, (store) => effect(store.balances([account], 0))))
    await runtime.dispose()
    expect(balance!.held).toBe(0n)
    expect(balance!.spent).toBeLessThanOrEqual(1_000n)
    expect(balance!.spent).toBeGreaterThan(500n)
  }, 40_000)

describe("processes that share a budget", () => {
  const file = join(folder, "budget.db")
  crash("sqlite", file)
  many("sqlite", file)
  describe.skipIf(redisUrl === undefined)("", () => {
    crash("redis", redisUrl!)
    many("redis", redisUrl!)
    afterAll(() => sweep(redisUrl!, "plugline-crash"))
  })
  describe.skipIf(postgresUrl === undefined)("", () => {
    crash("postgres", postgresUrl!)
    many("postgres", postgresUrl!)
    afterAll(async () => {
      for (const name of ["crash", "many"]) {
        await sweepRows(postgresUrl!, budgetTables, "account", `["${name} ${process.pid}"`)
      }
    })
  })
})
