/**
 * Holds many exchanges open, in a process of its own, and tells how much memory the process takes.
 *
 * `node --expose-gc holder.ts MODULE call|stream JSON`: the module's `hold`, and whom it asks.
 *
 * @module
 */
import type { Upstream } from "./repeat.ts"

/** How a module's exchanges are begun; a stream answers once its first text has come. */
interface Hold {
  readonly call: (upstream: Upstream) => void
  readonly stream: (upstream: Upstream) => Promise<void>
}

/** What the parent asks for: so many more exchanges, or what the process takes now. */
export type Order = { readonly open: number } | { readonly measure: true }

/** What the process takes, in bytes. */
export interface Taken {
  /** Memory of the process. */
  readonly resident: number
  /** Objects, and the buffers they hold. */
  readonly heap: number
}

/** What the parent hears, in answer to each order and once at the beginning. */
export type Reply = { readonly done: true } | { readonly taken: Taken } | { readonly failed: string }

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const open = async (count: number): Promise<Reply> => {
  if (what === "stream") await Promise.all(Array.from({ length: count }, () => hold.stream(upstream)))
  else for (let run = 0; run < count; run++) hold.call(upstream)
  return { done: true }
}

const measure = async (): Promise<Reply> => {
  if (globalThis.gc === undefined) throw new Error("this process must run with --expose-gc")
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc()
    await pause(50)
  }
  const { external, heapUsed, rss } = process.memoryUsage()
  return { taken: { resident: rss, heap: heapUsed + external } }
}

const reply = (message: Reply): void => {
  // A parent that is gone wants no answer; the process ends with `disconnect`.
  process.send?.(message, undefined, undefined, () => {})
}

const [module, what, argument = ""] = process.argv.slice(2)
const upstream: Upstream = JSON.parse(argument)
const { hold }: { hold: Hold } = await import(`./contenders/${module}.ts`)

process.on("disconnect", () => process.exit())
process.on("message", (order: Order) => {
  ("open" in order ? open(order.open) : measure()).then(reply, (thrown: unknown) => reply({ failed: String(thrown) }))
})
reply({ done: true })
