/**
 * The gateways that are measured, each in a process of its own.
 *
 * @module
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { next } from "../measure.ts"

/** A gateway that stands. */
export interface Peer {
  readonly name: "floor" | "plugline" | "portkey"
  readonly port: number
  /** The headers that a request for one way of answering needs. */
  readonly headers: (how: string) => { readonly [name: string]: string }
  /** Processor time since its start, all threads, in µs. */
  readonly cpu: () => number
  /** Memory of the process, in bytes. */
  readonly memory: () => number
  readonly stop: () => void
}

const key = "pk-bench-0123456789abcdef0123456789abcdef"

/** The ways of answering that are measured. */
const ways = ["whole", "steady", "hold", "hold-stream"]

const configuration = (origin: string): string => `
providers:
${ways.map((how) => `  ${how}: { type: openai, baseUrl: "${origin}/${how}/v1", apiKey: env:BENCH_KEY, allowPrivate: true }`).join("\n")}
auth:
  keys: [{ name: bench, key: env:BENCH_KEY, role: developer }]
limits:
  - { per: key, requestsPerMinute: 1000000000, tokensPerMinute: 100000000000 }
telemetry: { logs: { level: none } }
`

/** The gateway as users start it: built. */
export const gateway = join(import.meta.dirname, "..", "..", "..", "packages", "gateway", "bundle", "plugline.mjs")

/** Starts our gateway, and waits until it answers. */
export const serving = async (
  config: string,
  env: NodeJS.ProcessEnv
): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
  const port = await free()
  const child = spawn(process.execPath, [gateway, "serve", "--config", config, "--port", String(port)], {
    env, stdio: ["ignore", "ignore", "inherit"]
  })
  await up(`http://127.0.0.1:${port}/health`)
  return { child, port }
}

/** Starts one. */
export const peer = async (name: Peer["name"], origin: string): Promise<Peer> => {
  if (name === "portkey") return portkey(origin)
  const folder = mkdtempSync(join(tmpdir(), "plugline-bench-"))
  const file = join(folder, "gateway.yaml")
  writeFileSync(file, configuration(origin))
  const env = { ...process.env, BENCH_KEY: key, NODE_ENV: "production" }
  const headers = () => ({ authorization: `Bearer ${key}` })
  const clean = () => rmSync(folder, { recursive: true, force: true })
  if (name === "floor") {
    const child = fork(join(import.meta.dirname, "floor.ts"), [origin], { env, stdio: ["ignore", "inherit", "inherit", "ipc"] })
    return standing(name, child, await next<number>(child, name), headers, clean)
  }
  const { child, port } = await serving(file, env)
  return standing(name, child, port, headers, clean)
}

const portkey = async (origin: string): Promise<Peer> => {
  const port = await free()
  const entry = createRequire(import.meta.url).resolve("@portkey-ai/gateway/build/start-server.js")
  const child = spawn(process.execPath, [entry, `--port=${port}`, "--headless"], {
    env: { ...process.env, NODE_ENV: "production" },
    stdio: "ignore"
  })
  await up(`http://127.0.0.1:${port}/`)
  const headers = (how: string) => ({
    authorization: `Bearer ${key}`,
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `${origin}/${how}/v1`
  })
  return standing("portkey", child, port, headers, () => {})
}

/** Waits until an address answers. */
const up = async (url: string): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await fetch(url).then((answer) => answer.ok, () => false)) return
    await pause(50)
  }
  throw new Error(`${url} does not answer`)
}

/** A port that nobody has. */
export const free = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

const standing = (name: Peer["name"], child: ChildProcess, port: number, headers: Peer["headers"], clean: () => void): Peer => {
  const { pid } = child
  return {
    name,
    port,
    headers,
    // The kernel's own count, in ns, of each thread: the same for every process, whatever runs in it.
    cpu: () =>
      readdirSync(`/proc/${pid}/task`).reduce((sum, task) =>
        sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1_000, 0),
    memory: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024,
    stop: () => {
      child.kill("SIGKILL")
      clean()
    }
  }
}
