/**
 * Starts the upstream in a process of its own, so that its work is not counted with the client's.
 *
 * @module
 */
import { fork } from "node:child_process"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { next } from "./measure.ts"
import type { Message } from "./upstream.ts"

/** The upstream, standing. */
export interface Service {
  readonly origin: string
  /** Waits until exactly so many exchanges are unfinished, and fails where that takes longer than ten seconds. */
  readonly holds: (count: number) => Promise<void>
}

/** Runs `use` while the upstream stands. */
export const withUpstream = async <A>(use: (service: Service) => Promise<A>): Promise<A> => {
  const child = fork(join(import.meta.dirname, "upstream.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const heard = (): Promise<Message> => next<Message>(child, "the upstream")
  const held = async (): Promise<number> => {
    const answer = heard()
    child.send("how many?")
    return (await answer).held
  }
  try {
    const { port } = await heard()
    return await use({
      origin: `http://127.0.0.1:${port}`,
      holds: async (count) => {
        for (let attempt = 0; attempt < 200; attempt++) {
          if (await held() === count) return
          await pause(50)
        }
        throw new Error(`the upstream holds ${await held()} exchanges, not ${count}`)
      }
    })
  } finally {
    child.kill()
  }
}
