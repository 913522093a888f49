/**
 * What a request takes in memory while it waits, and a stream while it is open: a thousand at a time, in a fresh
 * process for each contender and each repetition.
 *
 * @module
 */
import { fork } from "node:child_process"
import { join } from "node:path"
import type { Order, Reply, Taken } from "../holder.ts"
import { next } from "../measure.ts"
import type { Upstream } from "../repeat.ts"
import { type Service, withUpstream } from "../service.ts"
import { ratio, type Row } from "../table.ts"

const open = 1_000

/** Exchanges that are held before anything counts, so that code and pools stand already. */
const first = 50

const repetitions = 3

const modules = ["floor", "plugline", "openai-sdk"] as const

type Module = typeof modules[number]

type Held = { readonly [Each in Module]: ReadonlyArray<Taken> }

/** The rows about memory. */
export const rows = (): Promise<ReadonlyArray<Row>> =>
  withUpstream(async (service) => [
    ...beside(`${open} requests in flight, each`, await repeat(service, "call", "hold")),
    ...beside(`${open} open streams, each`, await repeat(service, "stream", "hold-stream"))
  ])

const repeat = async (service: Service, what: "call" | "stream", how: string): Promise<Held> => {
  const held: { readonly [Each in Module]: Array<Taken> } = { floor: [], plugline: [], "openai-sdk": [] }
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const module of modules) held[module].push(await once(service, module, what, { origin: service.origin, how }))
  }
  return held
}

/** What one exchange takes, in bytes. */
const once = async (service: Service, module: Module, what: string, upstream: Upstream): Promise<Taken> => {
  const child = fork(join(import.meta.dirname, "..", "holder.ts"), [module, what, JSON.stringify(upstream)], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  const heard = async (): Promise<Taken | undefined> => {
    const reply = await next<Reply>(child, module)
    if ("failed" in reply) throw new Error(`${module}: ${reply.failed}`)
    return "taken" in reply ? reply.taken : undefined
  }
  const ask = (order: Order): Promise<Taken | undefined> => {
    const answer = heard()
    child.send(order)
    return answer
  }
  const taken = async (): Promise<Taken> => {
    const now = await ask({ measure: true })
    if (now === undefined) throw new Error(`${module} told no memory`)
    return now
  }
  try {
    await heard()
    await ask({ open: first })
    await service.holds(first)
    const before = await taken()
    await ask({ open })
    await service.holds(first + open)
    const after = await taken()
    return { resident: (after.resident - before.resident) / open, heap: (after.heap - before.heap) / open }
  } finally {
    child.kill()
    await service.holds(0)
  }
}

const beside = (what: string, held: Held): ReadonlyArray<Row> => {
  const of = (module: Module, kind: keyof Taken) => held[module].map((each) => each[kind] / 1024)
  const row = (what: string, module: Module, name: string, kind: keyof Taken): Row =>
    ratio(what, { ours: of("plugline", kind), theirs: of(module, kind), name, unit: "KiB" })
  return [
    row(`${what}: memory of the process`, "floor", "undici `dispatch`", "resident"),
    row("", "openai-sdk", "`openai` SDK", "resident"),
    row(`${what}: heap and buffers`, "floor", "undici `dispatch`", "heap"),
    row("", "openai-sdk", "`openai` SDK", "heap")
  ]
}
