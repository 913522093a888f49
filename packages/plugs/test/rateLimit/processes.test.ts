import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, describe, expect, it } from "vitest"
import { postgresUrl, redisUrl } from "../stores/servers.ts"
import { limitTables, sweep, sweepRows } from "../stores/sweep.ts"

const child = join(import.meta.dirname, "child.ts")
const prefix = `plugline-test-processes-${process.pid}`

/** What two processes were given together, each asking 200 times at once. */
const two = async (kind: string, place: string): Promise<number> => {
  const scope = `${prefix}:${process.hrtime.bigint()}`
  const run = promisify(execFile)
  const said = await Promise.all([1, 2].map(() => run(process.execPath, ["--no-warnings", child, kind, place, scope, "200"])))
  return said.reduce((sum, { stdout }) => sum + Number(stdout), 0)
}

afterAll(async () => {
  if (redisUrl !== undefined) await sweep(redisUrl, prefix)
  if (postgresUrl !== undefined) await sweepRows(postgresUrl, limitTables, "key", prefix)
})

describe("of 400 calls at once in two processes exactly the limit is let through", () => {
  it.skipIf(redisUrl === undefined)("with Redis", async () => expect(await two("redis", redisUrl!)).toBe(50), 20_000)

  it.skipIf(postgresUrl === undefined)("with PostgreSQL", async () => expect(await two("postgres", postgresUrl!)).toBe(50), 20_000)

  it("with a file of SQLite", async () => {
    const folder = mkdtempSync(join(tmpdir(), "plugline-limits-"))
    try {
      expect(await two("sqlite", join(folder, "limits.db"))).toBe(50)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 20_000)
})
