/**
 * Measures contenders side by side: each in a process of its own, round after round in turn, so that whatever else the
 * machine does meets them all alike.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { Reply } from "./worker.ts"

/** Who is measured. */
export interface Entry {
  /** A file of `contenders/`, without its ending. */
  readonly module: string
  readonly name: string
  /** Handed to the contender when it is made; plain JSON. */
  readonly argument?: unknown
}

/** How it is measured. */
export interface Plan {
  /** How often each contender has its turn, per generation. */
  readonly rounds: number
  /** How often all processes are started anew, because the compiler decides differently each time. Default: 1. */
  readonly generations?: number
  /** About how much processor time a turn takes, in ms. Default: 50. Not used where `count` is given. */
  readonly turn?: number
  /** How often the work is done in a turn. Default: as often as fits. */
  readonly count?: number
  /** How much processor time each contender gets before anything counts, in ms. Default: 500. */
  readonly warmUp?: number
}

/** What each contender took for doing its work once, in µs of processor time, round by round. */
export type Measured<Name extends string> = { readonly [Each in Name]: ReadonlyArray<number> }

/** Measures some contenders side by side. */
export const sideBySide = async <const Name extends string>(
  entries: { readonly [Each in Name]: Entry },
  plan: Plan
): Promise<Measured<Name>> => {
  const names = Object.keys(entries).filter((name): name is Name => Object.hasOwn(entries, name))
  const samples = Object.fromEntries(
    names.map((name): [Name, Array<number>] => [name, []])
  ) as Record<Name, Array<number>>
  for (let generation = 0; generation < (plan.generations ?? 1); generation++) {
    const workers = await startAll(names.map((name) => entries[name]))
    try {
      const counts = await Promise.all(workers.map((worker) => settle(worker, plan)))
      for (let round = 0; round < plan.rounds; round++) {
        // Each round begins with another contender, so that none always follows the same one.
        for (let turn = 0; turn < workers.length; turn++) {
          const who = (turn + round) % workers.length
          const count = counts[who]!
          samples[names[who]!].push(await workers[who]!.work(count) / count)
        }
      }
    } finally {
      for (const worker of workers) worker.stop()
    }
  }
  return samples
}

/** Warms a contender up and answers how often its work fits into a turn. */
const settle = async (worker: Worker, { count, turn = 50, warmUp = 500 }: Plan): Promise<number> => {
  let fits = count ?? 1
  let spent = 0
  while (true) {
    const cpu = await worker.work(fits)
    spent += cpu
    const warm = spent >= warmUp * 1000
    if (count === undefined) {
      if (cpu < turn * 1000 / 2) fits *= 2
      else fits = Math.max(1, Math.round(fits * turn * 1000 / cpu))
    }
    if (warm) return fits
  }
}

// --- one process -----------------------------------------------------------------------------------------------------

/** A contender in its process. */
interface Worker {
  /** Does the work so many times and answers the processor time it took, in µs. */
  readonly work: (count: number) => Promise<number>
  readonly stop: () => void
}

const startAll = async (entries: ReadonlyArray<Entry>): Promise<ReadonlyArray<Worker>> => {
  const begun = await Promise.allSettled(entries.map(start))
  const workers = begun.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : [])
  const failed = begun.find((outcome) => outcome.status === "rejected")
  if (failed === undefined) return workers
  for (const worker of workers) worker.stop()
  throw failed.reason
}

const start = async (entry: Entry): Promise<Worker> => {
  const name = `${entry.module}/${entry.name}`
  const child = fork(
    join(import.meta.dirname, "worker.ts"),
    [entry.module, entry.name, JSON.stringify(entry.argument ?? null)],
    { stdio: ["ignore", "inherit", "inherit", "ipc"] }
  )
  const answer = async (): Promise<number> => {
    const reply = await next<Reply>(child, name)
    if ("failed" in reply) throw new Error(`${name}: ${reply.failed}`)
    return "cpu" in reply ? reply.cpu : 0
  }
  const stop = (): void => {
    child.kill()
  }
  try {
    await answer()
  } catch (thrown) {
    stop()
    throw thrown
  }
  return {
    work: (count) => {
      const heard = answer()
      child.send(count)
      return heard
    },
    stop
  }
}

/** The longest any answer of a child process may take, in ms. */
const patience = 60_000

/** The next message of a child process, or an error where it ends or stays silent for longer than `limit` ms. */
export const next = <A>(child: ChildProcess, name: string, limit = patience): Promise<A> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      child.off("message", message)
      child.off("exit", exit)
    }
    const message = (value: unknown): void => {
      settle()
      resolve(value as A)
    }
    const exit = (code: number | null): void => {
      settle()
      reject(new Error(`the process of ${name} ended with ${code ?? "a signal"}`))
    }
    const timer = setTimeout(() => {
      settle()
      reject(new Error(`the process of ${name} has not answered for ${limit / 1000} s`))
    }, limit)
    child.on("message", message)
    child.on("exit", exit)
  })
