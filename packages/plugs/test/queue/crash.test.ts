import { Request, Result } from "@plugline/core"
import { Effect, Layer } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { Queue } from "../../src/index.ts"
import { postgresUrl, redisUrl } from "../stores/servers.ts"
import { queueTables, sweep, sweepRows } from "../stores/sweep.ts"
import { prefix, storeOf } from "./stores.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-queue-"))
const nameOf = (kind: string) => `crash-${process.pid}-${kind}`
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (redisUrl !== undefined) await sweep(redisUrl, `${prefix}:{queue:${nameOf("redis")}}`)
  if (postgresUrl !== undefined) await sweepRows(postgresUrl, queueTables, "queue", nameOf("postgres"))
})

const places: ReadonlyArray<readonly [kind: string, place: string | undefined]> = [
  ["sqlite", join(folder, "queue.db")],
  ["redis", redisUrl],
  ["postgres", postgresUrl]
]

const jobs = 60

for (const [kind, place] of places) {
  it.skipIf(place === undefined)(`every accepted job outlives six kills of its worker, on ${kind}`, async () => {
    const name = nameOf(kind)
    const calls = join(folder, `${kind}.txt`)
    const start = async (): Promise<ChildProcess> => {
      const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts"), kind, place!, name, calls], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      await new Promise((resolve, reject) => {
        child.stdout!.once("data", resolve)
        child.once("exit", reject)
      })
      return child
    }
    const asked = () => existsSync(calls) ? readFileSync(calls, "utf8").split("\n").slice(0, -1) : []
    const gone = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve))
    const program = Effect.gen(function*() {
      const ids = yield* Effect.forEach(
        Array.from({ length: jobs }, (_, index) => index),
        (index) =>
          Queue.offer(Request.make({ provider: "mock", messages: `question ${index}` }), {
            id: `j${index}`, tenant: `t${index % 3}`, class: Queue.classes[index % 3]!
          })
      )
      for (let kill = 0; kill < 6; kill++) {
        yield* Effect.promise(async () => {
          const before = asked().length
          const child = await start()
          // In the midst of its work: some answers have come, others are on their way.
          for (let tries = 0; tries < 2_000 && asked().length < before + 3 + kill % 3; tries++) {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
          const ended = gone(child)
          child.kill("SIGKILL")
          await ended
        })
      }
      const last = yield* Effect.promise(start)
      const ended = yield* Effect.forEach(ids, Queue.wait, { concurrency: "unbounded" })
      yield* Effect.promise(async () => {
        const done = gone(last)
        last.kill("SIGKILL")
        await done
      })
      ended.forEach((ticket, index) => {
        expect(ticket.state).toBe("done")
        expect(Result.text(ticket.result)).toContain(`question ${index}"`)
      })
      // The kills did hit something.
      expect(ended.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(2)
      const stats = yield* Queue.stats
      expect(stats).toMatchObject({ done: jobs, dead: 0, cancelled: 0 })
      expect(Object.values(stats.classes).every(({ running, waiting }) => running + waiting === 0)).toBe(true)
    })
    await Effect.runPromise(Effect.provide(program, Layer.provide(Queue.layer({ name, poll: 50 }), storeOf(kind, place!))) as Effect.Effect<void>)
    expect(new Set(asked()).size).toBe(jobs)
    // Only calls that were under way when a worker was killed are made twice: at most four each time.
    expect(asked().length).toBeLessThanOrEqual(jobs + 6 * 4)
  }, 120_000)
}
