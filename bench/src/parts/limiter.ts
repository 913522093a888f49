/**
 * Whether a limiter in memory stays within its bound however many users come, and what its limits take.
 *
 * @module
 */
import { fork } from "node:child_process"
import { join } from "node:path"
import type { Held, Reply } from "../limiter.ts"
import { next } from "../measure.ts"
import { difference, ratio, type Row } from "../table.ts"

/** How many limits a limiter in memory keeps, where nothing else is said. */
const bound = 100_000

const stops: ReadonlyArray<number> = [100_000, 1_000_000]

/** The longest a process may take for all of them, in ms: to refuse so many takes its time. */
const patience = 300_000

/** The rows about the limiter. */
export const rows = async (): Promise<ReadonlyArray<Row>> => {
  // Once: the same users in the same order leave the same behind.
  const runs = [await once()]
  return stops.flatMap((users, index) => {
    const of = (read: (held: Held) => number): ReadonlyArray<number> => runs.map((run) => read(run[index]!))
    const title = `A limiter that ${users.toLocaleString("en")} users have asked`
    return [
      ratio(`${title}: limits kept`, {
        ours: of(({ kept }) => kept), theirs: runs.map(() => bound), name: "its bound", unit: "limits", limit: 1
      }),
      difference(`${title}: heap`, {
        ours: of(mebibytes), theirs: index === 0 ? runs.map(() => 0) : runs.map((run) => mebibytes(run[0]!)),
        name: index === 0 ? "before the first" : `after ${stops[0]!.toLocaleString("en")}`, unit: "MiB",
        ...(index > 0 && { limit: 1 })
      })
    ]
  })
}

const mebibytes = ({ heap }: Held): number => heap / 1024 ** 2

const once = async (): Promise<ReadonlyArray<Held>> => {
  const child = fork(join(import.meta.dirname, "..", "limiter.ts"), [JSON.stringify(stops)], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  try {
    const reply = await next<Reply>(child, "the limiter", patience)
    if ("failed" in reply) throw new Error(`the limiter: ${reply.failed}`)
    return reply.held
  } finally {
    child.kill()
  }
}
