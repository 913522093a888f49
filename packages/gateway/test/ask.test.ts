import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { describe, expect, it } from "vitest"
import { layer, make } from "plugline"
import { Effect } from "effect"
import { compatible } from "@plugline/providers/compatible"
import { ask } from "../src/cli/ask.ts"
import type { Screen } from "../src/cli/Screen.ts"

const main = join(import.meta.dirname, "../src/cli/main.ts")

const run = async (args: ReadonlyArray<string>, input = "", env: Record<string, string> = {}) => {
  const { OPENAI_API_KEY: _, ...rest } = process.env
  const child = spawn(process.execPath, [main, "ask", ...args], { env: { ...rest, NO_COLOR: "1", ...env }, stdio: "pipe" })
  child.stdin.end(input)
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  return { code: child.exitCode, out, error }
}

describe("ask", () => {
  it("shows the pipeline, the answer and the trace", async () => {
    const { code, error, out } = await run(["What", "is 6 times 7?"])
    expect([code, error]).toEqual([0, ""])
    expect(out.split("\n").filter((line) => line !== "").map((line) => line.replace(/\d+(\.\d+)? ms/g, "0.00 ms").replace(/ +/g, " ").trimEnd())).toEqual([
      "Pipeline of local: rule-based responder (no language model)",
      ' validate {"provider":"local","operation":"stream"}',
      ' respond {"provider":"local","operation":"stream"}',
      "Answer",
      "6 * 7 = 42",
      "Trace",
      " validate 0.00 ms ·",
      ' respond 0.00 ms → state: "pending" ⇒ "streaming"',
      ' → + reply: {"arriving":true,"through":[]}',
      expect.stringMatching(/^ \d+ parts reached the reader from 0\.00 ms to 0\.00 ms$/),
      expect.stringMatching(/finished: stop · \d+ tokens in, \d+ out$/)
    ])
  })

  it("reads a question that is piped in, and says so when there is none", async () => {
    expect((await run([], "What is 1 plus 1?\n")).out).toContain("= 2")
    const none = await run([])
    expect([none.code, none.error.trim()]).toEqual([1, 'there is no question; try: npm run ask -- "What can you do?"'])
  })

  it("says what was meant where provider or flag are wrong", async () => {
    expect((await run(["--provider", "opnai", "x"])).error).toContain('did you mean "openai"?')
    const flag = await run(["--provder", "local", "x"])
    expect(flag.error).toContain("--provider")
    expect(flag.code).toBe(1)
  })

  it("shows the trace of a failure too, and no key", async () => {
    const missing = await run(["--provider", "openai", "--model", "m", "x"])
    expect(missing.code).toBe(1)
    expect(missing.out).toContain("Trace")
    expect(missing.error).toContain("OPENAI_API_KEY")
  })

  it("keeps control characters of a model away from the terminal", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      const chunk = (delta: object, finish: string | null) => `data: ${JSON.stringify({ model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
      response.end(`${chunk({ content: "\u001b]0;owned\u0007safe" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`)
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    let written = ""
    const screen: Screen = { write: (more) => { written += more }, columns: 100, color: false, interactive: false, piped: Effect.succeed("") }
    const face = make({ providers: [compatible({ name: "hostile", baseUrl, keys: [], needsKey: false })] })
    await Effect.runPromise(Effect.provide(ask({ question: "x", provider: "hostile", model: "m", system: undefined }, screen, face), layer))
    server.close()
    expect(written).toContain("]0;ownedsafe")
    expect(written).not.toMatch(/[\u0007\u001b]/)
  })
})
