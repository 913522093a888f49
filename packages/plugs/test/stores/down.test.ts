/**
 * Money while Redis goes away and comes back: bounded waits, the behaviour that is documented, and no paid answer lost.
 *
 * @module
 */
import { Pipeline, Request } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer, ManagedRuntime } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import { describe, expect, it } from "vitest"
import { Budget, TrackCost } from "../../src/index.ts"
import { redis as budgets } from "../../src/store/BudgetStore.redis.ts"
import { redis } from "../../src/store/redis.ts"
import { redis as totals } from "../../src/store/TotalsStore.redis.ts"
import { ask, prices, usage } from "../money.ts"
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

const kill = (server: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    server.once("exit", () => resolve())
    server.kill("SIGKILL")
  })

describe.skipIf(!ownRedis)("a Redis that is killed", () => {
  it("closes hard budgets, opens soft ones, holds nothing up, and is used again when it is back", async () => {
    const port = await freePort()
    let server = await start(port)
    const connection = redis({ url: `redis://127.0.0.1:${port}`, commandTimeout: 300 })
    const runtime = ManagedRuntime.make(Layer.mergeAll(Layer.provide(Layer.merge(budgets(), totals()), connection), prices))
    const mock = Mock.make(() => Mock.text("Hello", { usage: usage(10, 50) }))
    const call = async (kind: "hard" | "soft") => {
      const before = performance.now()
      const line: Pipeline<TrackCost.TotalsStore | Budget.BudgetStore> = [TrackCost.plug(), Budget.plug({ limits: [{ per: "global", amount: "1", every: "total", kind }] }), mock.plug]
      const final = await runtime.runPromise(Pipeline.run(line, ask()))
      expect(performance.now() - before).toBeLessThan(4_000)
      return final
    }
    try {
      expect(Request.get(await call("hard"), Budget.state)?.charged).toBe("0.00051")
      await kill(server)
      const closed = await call("hard")
      expect(closed.errors[0]?.reason).toMatchObject({ _tag: "Overloaded", code: "budget_unavailable" })
      const open = await call("soft")
      expect(open.state).toBe("completed")
      expect(TrackCost.of(open)?.total).toBe("0.00051")
      server = await start(port)
      let back = await call("hard")
      for (let tries = 0; tries < 20 && back.state === "error"; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        back = await call("hard")
      }
      expect(back.state).toBe("completed")
    } finally {
      await runtime.dispose()
      await kill(server)
    }
  }, 40_000)
})
