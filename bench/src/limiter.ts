/**
 * Asks a limiter in memory for more and more different users, none of whose limits is full again before the end, in a
 * process of its own; and tells how many it keeps and how much memory the process takes.
 *
 * `node --expose-gc limiter.ts JSON`: after how many users it tells.
 *
 * @module
 */
import { Pipeline, Plug, Request } from "@plugline/core"
import { Identity, RateLimit } from "@plugline/plugs"
import { Effect, ManagedRuntime } from "effect"
import { setTimeout as pause } from "node:timers/promises"
import { answer } from "./cases.ts"

/** What the limiter keeps once so many users have asked. */
export interface Held {
  readonly users: number
  /** Users who were let through, each with a limit that is kept. */
  readonly kept: number
  /** What the process uses, in bytes, beyond what it used before the first user. */
  readonly heap: number
}

/** What the parent hears. */
export type Reply = { readonly held: ReadonlyArray<Held> } | { readonly failed: string }

const used = async (): Promise<number> => {
  if (globalThis.gc === undefined) throw new Error("this process must run with --expose-gc")
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc()
    await pause(50)
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const measure = async (stops: ReadonlyArray<number>): Promise<ReadonlyArray<Held>> => {
  const runtime = ManagedRuntime.make(RateLimit.memory())
  const line = [
    RateLimit.plug({ limits: [{ per: "user", requestsPerDay: 1 }] }),
    Plug.make("respond", (request) => request.state === "pending" ? Request.complete(request, answer) : request)
  ]
  const compiled = await runtime.runPromise(Pipeline.compile(line))
  const request = Request.make({ id: "req_bench", provider: "openai", messages: "Hi" })
  const ask = (user: string) => Pipeline.runCompiled(compiled, Identity.as(request, { user }))
  await runtime.runPromise(Effect.repeat(ask("the first"), { times: 2_000 }))
  const before = await used()
  let asked = 0
  let kept = 1
  const held: Array<Held> = []
  for (const users of stops) {
    await runtime.runPromise(Effect.whileLoop({
      while: () => asked < users,
      body: () => ask(`user-${asked}`),
      step: ({ state }) => {
        asked++
        if (state === "completed") kept++
      }
    }))
    held.push({ users, kept, heap: await used() - before })
  }
  // It is in use until here, so that its memory is not collected before it is measured.
  await runtime.dispose()
  return held
}

const reply = (message: Reply): void => {
  process.send?.(message, undefined, undefined, () => {})
}

process.on("disconnect", () => process.exit())
measure(JSON.parse(process.argv[2] ?? "[]")).then(
  (held) => reply({ held }),
  (thrown: unknown) => reply({ failed: String(thrown) })
)
