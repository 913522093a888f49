import { Request, Result } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer, Logger, Schedule } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { Queue } from "../../src/index.ts"
import { redis } from "../../src/store/redis.ts"
import { ownRedis } from "../stores/servers.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-queue-redis-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const start = async (port: number): Promise<ChildProcess> => {
  const server = spawn("redis-server", ["--port", String(port), "--dir", folder, "--save", "", "--appendonly", "yes"], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  await new Promise<void>((resolve) => server.stdout.on("data", (said) => String(said).includes("Ready to accept") && resolve()))
  return server
}

const kill = (server: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    server.once("exit", () => resolve())
    server.kill("SIGKILL")
  })

const ask = (text: string) => Request.make({ provider: "mock", messages: text })

it.skipIf(!ownRedis)("refuses in time while its Redis is dead, and loses neither a job nor an answer", async () => {
  const port = await freePort()
  let server = await start(port)
  const mock = Mock.make(() => Mock.text("Hello", { delay: 300 }))
  const program = Effect.gen(function*() {
    yield* Effect.forkChild(Queue.work(mock.pipeline, { concurrency: 1 }))
    yield* Queue.offer(ask("one"), { id: "one" })
    yield* Queue.offer(ask("two"), { id: "two" })
    yield* Effect.sleep(150)
    expect(mock.calls).toHaveLength(1)
    yield* Effect.promise(() => kill(server))
    const before = performance.now()
    expect((yield* Effect.flip(Queue.offer(ask("three")))).reason).toMatchObject({ _tag: "Overloaded", retryAfter: 1_000 })
    expect(performance.now() - before).toBeLessThan(1_500)
    // The provider answers while there is nowhere to write it down.
    yield* Effect.sleep(500)
    server = yield* Effect.promise(() => start(port))
    const [one, two] = yield* Effect.all(["one", "two"].map((id) => Effect.retry(Queue.wait(id), Schedule.spaced(100))), { concurrency: 2 })
    expect([Result.text(one!.result), Result.text(two!.result)]).toEqual(["Hello", "Hello"])
    expect(one!.attempts).toBe(1)
    expect(mock.calls).toHaveLength(2)
  })
  const store = Layer.provide(Queue.redis(), redis({ url: `redis://127.0.0.1:${port}`, commandTimeout: 300 }))
  const quiet = Logger.layer([])
  try {
    await Effect.runPromise(
      Effect.provide(program, Layer.provideMerge(Layer.provide(Queue.layer({ poll: 50, patience: 1_000, lease: 10_000 }), store), quiet)) as Effect.Effect<void>
    )
  } finally {
    await kill(server)
  }
}, 30_000)
