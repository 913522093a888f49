/**
 * Circuits while Redis goes away and comes back: calls pass, nothing waits for long, and what was known is used again.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import { Pipeline, Request } from "@plugline/core"
import { CircuitBreaker } from "@plugline/plugs"
import { redis } from "@plugline/plugs/redis"
import { Mock } from "@plugline/testing"
import { Layer, ManagedRuntime } from "effect"
import { describe, expect, it } from "vitest"
import { ownRedis } from "./servers.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const start = async (port: number): Promise<ChildProcess> => {
  const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"], { stdio: ["ignore", "pipe", "ignore"] })
  await new Promise<void>((resolve) => server.stdout.on("data", (said) => String(said).includes("Ready to accept") && resolve()))
  return server
}

const signal = (server: ChildProcess, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> =>
  new Promise((resolve) => {
    if (name === "SIGKILL") server.once("exit", () => resolve())
    else setTimeout(resolve, 50)
    server.kill(name)
  })

describe.skipIf(!ownRedis)("circuits in a Redis that is stopped and killed", () => {
  it("let calls pass within their patience, and count again when it is back", async () => {
    const port = await freePort()
    let server = await start(port)
    const runtime = ManagedRuntime.make(Layer.provide(CircuitBreaker.redis(), redis({ url: `redis://127.0.0.1:${port}` })))
    const mock = Mock.make(() => Mock.fail({ _tag: "Server", message: "broken", status: 500 }))
    const line = [CircuitBreaker.plug({ consecutive: 1, openFor: "1 hour", storeTimeout: 200 }), ...mock.pipeline]
    const call = async () => {
      const before = performance.now()
      const final = await runtime.runPromise(Pipeline.run(line, Request.make({ provider: "mock", messages: "Hi" })))
      // Both questions to the store may take their whole time, on a machine that is busy besides.
      expect(performance.now() - before).toBeLessThan(1_500)
      return Request.get(final, CircuitBreaker.status)!.state
    }
    try {
      expect([await call(), await call()]).toEqual(["closed", "open"])
      await signal(server, "SIGSTOP")
      expect(await call()).toBe("unknown")
      await signal(server, "SIGCONT")
      expect(await call()).toBe("open")
      await signal(server, "SIGKILL")
      expect([await call(), await call()]).toEqual(["unknown", "unknown"])
      server = await start(port)
      let state = await call()
      for (let tries = 0; tries < 50 && state === "unknown"; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        state = await call()
      }
      expect(state).toBe("closed")
      expect(await call()).toBe("open")
    } finally {
      await runtime.dispose()
      await signal(server, "SIGKILL")
    }
  }, 30_000)
})
