/**
 * The real servers that stores are tested against, where they run: `REDIS_URL` and `POSTGRES_URL`, or the usual places of this
 * machine. Where one is missing its tests are skipped, with a line that says so.
 *
 * @module
 */
import { spawnSync } from "node:child_process"
import { connect } from "node:net"

const answers = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const done = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.setTimeout(500, () => done(false)).once("connect", () => done(true)).once("error", () => done(false))
  })

const reachable = async (name: string, url: string): Promise<string | undefined> => {
  if (await answers(url)) return url
  console.log(`skipped: tests on ${name}, because nothing answers at ${new URL(url).host}`)
  return undefined
}

/** Where Redis is, if anywhere. */
export const redisUrl = await reachable("Redis", process.env.REDIS_URL ?? "redis://127.0.0.1:6379")

/** Whether a Redis of a test's own can be started, and killed. */
export const ownRedis = spawnSync("redis-server", ["--version"]).status === 0
if (!ownRedis) console.log("skipped: tests on a Redis that is killed, because redis-server is not installed")

/** Where PostgreSQL is, if anywhere. */
export const postgresUrl = await reachable("PostgreSQL", process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test")
