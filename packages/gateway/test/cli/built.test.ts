/**
 * The gateway as it is built for users: it holds all it needs, wherever it is copied to.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { folder } from "./support.ts"

const root = join(import.meta.dirname, "../../../..")

describe("the built gateway", () => {
  it("starts from a folder that holds nothing else, answers, and ends in order", async () => {
    const built = spawnSync(process.execPath, [join(root, "scripts", "build.mjs")], { encoding: "utf8" })
    expect([built.status, built.stderr]).toEqual([0, expect.anything()])
    const place = join(folder(), "plugline")
    cpSync(join(root, "packages", "gateway", "bundle"), place, { recursive: true })
    const child = spawn(process.execPath, [join(place, "plugline.mjs"), "serve", "--port", "0"], {
      cwd: place, env: { PATH: process.env.PATH, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "inherit"]
    })
    try {
      const origin = await new Promise<string>((resolve) => {
        let said = ""
        child.stdout.on("data", (piece) => {
          said += piece
          const found = /listens on (\S+)\n/.exec(said)
          if (found !== null) resolve(found[1]!)
        })
      })
      const answer = await fetch(`${origin}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "local/rules-1", messages: [{ role: "user", content: "What is 6 times 7?" }] })
      })
      expect(await answer.json()).toMatchObject({ choices: [{ message: { content: expect.stringContaining("42") } }] })
      const page = await fetch(`${origin}/inspector/`)
      expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")])
    } finally {
      child.kill("SIGTERM")
    }
    await once(child, "close")
    expect(child.exitCode).toBe(0)
  }, 60_000)
})
