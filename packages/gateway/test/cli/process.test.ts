import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { read, traceOf } from "@plugline/inspector"
import { describe, expect, it } from "vitest"
import { folder } from "./support.ts"

const main = join(import.meta.dirname, "../../src/cli/main.ts")

const run = async (args: ReadonlyArray<string>, input = "") => {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, NO_COLOR: "1" }, stdio: "pipe" })
  child.stdin.end(input)
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  return { code: child.exitCode, out, error: error.trim() }
}

describe("plugline", () => {
  it("lists its commands, and completes them", async () => {
    const { code, out } = await run(["--help"])
    expect(code).toBe(0)
    const names = ["serve", "ask", "trace", "replay", "batch", "eval", "models", "providers", "pipelines", "keys", "config"]
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name} `, "m"))
    expect(out).not.toContain("\u001b")
    const script = (await run(["--completions", "bash"])).out
    for (const name of [...names, "--resume", "check", "hash", "replay", "--explain"]) expect(script).toContain(name)
  })

  it("ends with 1 and one sentence where it cannot do what it was asked", async () => {
    const { code, error, out } = await run(["config", "check", "/no/such.yaml"])
    expect([code, out]).toEqual([1, ""])
    expect(error).toMatch(/^"\/no\/such\.yaml" cannot be read: .*ENOENT.*$/)
  })

  it("hashes a key that is piped in, and none that is written beside it", async () => {
    const key = "0123456789abcdefghijklmnopqrstuvwxyz"
    const piped = await run(["keys", "hash"], `${key}\n`)
    expect([piped.code, piped.out]).toEqual([0, "sha256:74e7e5bb9d22d6db26bf76946d40fff3ea9f0346b884fd0694920fccfad15e33\n"])
    const written = await run(["keys", "hash", key])
    expect(written.code).toBe(1)
    expect(written.error).toContain("pipe it in")
    expect(written.error + written.out).not.toContain(key)
  })

  it("writes a trace that can be read back, and keys nowhere", async () => {
    const out = join(folder(), "trace.json")
    const { code } = await run(["trace", "ask", "--out", out, "my key is sk-abcdefghijklmnop123: what is 6 times 7?"])
    expect(code).toBe(0)
    const written = readFileSync(out, "utf8")
    expect(traceOf(read(JSON.parse(written))).steps.map(({ name }) => name)).toEqual(["validate", "respond"])
    expect(written).not.toContain("sk-abc")
    expect(statSync(out).mode & 0o077).toBe(0)
    const failed = await run(["trace", "ask", "-o", out, "--provider", "openai", "--model", "m", "x"])
    expect([failed.code, failed.error]).toEqual([1, expect.stringContaining("OPENAI_API_KEY")])
    expect(traceOf(read(JSON.parse(readFileSync(out, "utf8")))).final?.state).toBe("error")
  })

  it("runs a batch and an evaluation on the built-in responder", async () => {
    const dir = folder()
    const [requests, results, cases] = ["in.jsonl", "out.jsonl", "cases.yaml"].map((name) => join(dir, name)) as [string, string, string]
    writeFileSync(requests, '{"messages":[{"role":"user","content":"What is 6 times 7?"}]}\n')
    writeFileSync(cases, "cases:\n  - question: What is 6 times 7?\n    expect: { contains: '42' }\n")
    const [batch, evaluated] = await Promise.all([run(["batch", requests, "--out", results]), run(["eval", cases])])
    expect([batch.code, batch.out, batch.error]).toEqual([0, expect.stringContaining("1 of 1 answered"), ""])
    expect(readFileSync(results, "utf8")).toContain("42")
    expect([evaluated.code, evaluated.out]).toEqual([0, expect.stringContaining("1 of 1")])
  })

  it.each(["SIGTERM", "SIGINT"] as const)("serves until it is told to stop by %s, lets open calls finish, and ends with 0", async (signal) => {
    const config = join(folder(), "gateway.yaml")
    writeFileSync(config, "providers: { local: { tokenDelay: 40 } }\ninspector: { enabled: false }\n")
    const args = [main, "serve", "--port", "0", "--config", config]
    const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, NO_COLOR: "1" }, stdio: "pipe" })
    let out = ""
    child.stdout.on("data", (piece: Buffer) => out += piece.toString())
    await expect.poll(() => /listens on (http:\S+)/.exec(out)?.[1], { timeout: 10_000 }).toBeDefined()
    const answer = await fetch(`${/listens on (http:\S+)/.exec(out)![1]!}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "local/rules-1", stream: true, messages: [{ role: "user", content: "What is 6 times 7?" }] })
    })
    const ended = once(child, "close")
    child.kill(signal)
    expect(await answer.text()).toContain("[DONE]")
    await ended
    expect([child.exitCode, child.signalCode]).toEqual([0, null])
  })

  it("ends with another code where it could not start", async () => {
    const config = join(folder(), "gateway.yaml")
    writeFileSync(config, "providers: { locall: {} }\n")
    expect((await run(["serve", "--config", config])).code).toBe(1)
  })

  it("ends quietly when its reader has seen enough", async () => {
    const child = spawn(process.execPath, [main, "models", "--all"], { env: { PATH: process.env.PATH }, stdio: "pipe" })
    child.stdout.once("data", () => child.stdout.destroy())
    const [error] = await Promise.all([text(child.stderr), once(child, "close")])
    expect([error, child.exitCode]).toEqual(["", 0])
  })
})
