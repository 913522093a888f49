/**
 * A gateway under steady load for a long time, with a share of faults that the client orders: memory must stay flat, nothing may be
 * left open, and no call may fail that was not to fail.
 *
 * `npm run soak -- --minutes 30 --rate 60 --faults 0.05`: the table is printed.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import { Agent, request } from "undici"
import { events, whole } from "../exchange.ts"
import { serving } from "./peers.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rate: { type: "string", default: "60" },
    faults: { type: "string", default: "0.05" }
  }
})
const minutes = Number(values.minutes)
const rate = Number(values.rate)
const share = Number(values.faults)

/** What a client may order to go wrong. */
const faults = ["status-500", "status-529", "reset", "cut", "garbage"] as const
type Fault = typeof faults[number]

// --- the service -----------------------------------------------------------------------------------------------------

const fail: { readonly [Each in Fault]: (response: ServerResponse, streams: boolean) => void } = {
  "status-500": (response) => response.writeHead(500, { "content-type": "application/json" }).end('{"error":{"message":"ordered"}}'),
  "status-529": (response) => response.writeHead(529, { "content-type": "application/json" }).end('{"error":{"message":"ordered"}}'),
  reset: (response) => void response.socket?.resetAndDestroy(),
  cut: (response, streams) => {
    response.writeHead(200, { "content-type": streams ? "text/event-stream" : "application/json" })
    response.end(streams ? events.slice(0, 5).join("") : whole.slice(0, 100))
  },
  garbage: (response) => response.writeHead(200, { "content-type": "application/json" }).end("<html>no</html>")
}

const service = createServer((asked, response) => {
  let text = ""
  asked.on("data", (piece) => text += piece)
  asked.on("end", () => {
    const streams = text.includes("\"stream\":true")
    const ordered = /fault:([\w-]+)/.exec(text)?.[1] as Fault | undefined
    if (ordered !== undefined) return fail[ordered](response, streams)
    if (!streams) return void response.writeHead(200, { "content-type": "application/json" }).end(whole)
    response.writeHead(200, { "content-type": "text/event-stream" })
    let sent = 0
    const timer = setInterval(() => {
      response.write(events[sent++])
      if (sent < events.length) return
      clearInterval(timer)
      response.end()
    }, 2)
    response.once("close", () => clearInterval(timer))
  })
})
await new Promise<void>((resolve) => void service.listen(0, "127.0.0.1", resolve))
const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`

// --- the gateway -----------------------------------------------------------------------------------------------------

const key = "pk-soak-0123456789abcdef0123456789abcdef"
const folder = mkdtempSync(join(tmpdir(), "plugline-soak-"))
const file = join(folder, "gateway.yaml")
writeFileSync(file, `
providers:
  service: { type: openai, api: chat-completions, baseUrl: "${origin}/v1", apiKey: env:SOAK_KEY, allowPrivate: true }
pipelines:
  default:
    - metrics
    - trackCost
    - { plug: cache, ttl: 1 minute }
    - { plug: retry, attempts: 2, base: 5, cap: 20 }
    - { plug: timeout, firstToken: 30 seconds, idle: 30 seconds }
auth:
  keys: [{ name: soak, key: env:SOAK_KEY, role: admin }]
limits:
  - { per: key, requestsPerMinute: 1000000000, tokensPerMinute: 100000000000 }
budgets:
  - { per: key, amount: "1000000", every: day }
telemetry: { logs: { level: none } }
`)
const { child, port } = await serving(file, { ...process.env, SOAK_KEY: key })
const memory = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1_024
const open = (): number => readdirSync(`/proc/${child.pid}/fd`).length

// --- the clients -----------------------------------------------------------------------------------------------------

const agent = new Agent({ headersTimeout: 60_000, bodyTimeout: 60_000 })
const routes = [
  ["/v1/chat/completions", (content: string, stream: boolean) => ({ model: "service/gpt-4o-mini", stream, messages: [{ role: "user", content }] })],
  ["/v1/messages", (content: string, stream: boolean) => ({ model: "service/gpt-4o-mini", stream, max_tokens: 300, messages: [{ role: "user", content }] })],
  ["/v1/responses", (content: string, stream: boolean) => ({ model: "service/gpt-4o-mini", stream, input: content })]
] as const

const counts = { calls: 0, good: 0, ordered: 0, left: 0 }
const strange: Array<string> = []
/** Calls under way. */
const going = new Set<number>()

const call = async (index: number): Promise<void> => {
  const [path, bodyOf] = routes[index % routes.length]!
  const streams = index % 2 === 0
  const ordered = Math.random() < share ? faults[index % faults.length]! : undefined
  const leaves = ordered === undefined && index % 50 === 0
  const content = `${ordered === undefined ? "" : `fault:${ordered} `}question ${index % 10 === 0 ? "again" : index}`
  counts.calls++
  going.add(index)
  try {
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      dispatcher: agent,
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(bodyOf(content, streams))
    })
    if (leaves) {
      answer.body.destroy()
      answer.body.on("error", () => {})
      counts.left++
      return
    }
    const text = await answer.body.text()
    const bad = answer.statusCode !== 200 || /"?error"?: ?\{|event: error|response\.failed/.test(text)
    if (ordered === undefined && bad) strange.push(`${path} ${answer.statusCode} ${text.slice(0, 200)}`)
    else if (ordered !== undefined && !bad) strange.push(`${path} answered ${ordered} as if it were good`)
    else if (ordered === undefined) counts.good++
    else counts.ordered++
  } catch (thrown) {
    strange.push(`${path} ${ordered ?? "good"}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  } finally {
    going.delete(index)
  }
}

const samples: Array<{ readonly minute: number; readonly memory: number; readonly open: number }> = []
const began = performance.now()
const minute = (): number => (performance.now() - began) / 60_000
let index = 0
let said = 0
while (minute() < minutes) {
  // As many as should have begun by now; never more than 500 at a time.
  const due = Math.floor(minute() * 60 * rate)
  while (index < due && going.size < 500) void call(index++)
  if (minute() - said >= Math.min(0.5, minutes / 10)) {
    said = minute()
    samples.push({ minute: said, memory: memory(), open: open() })
    process.stderr.write(`\r${said.toFixed(1)} of ${minutes} minutes, ${counts.calls} calls, ${memory().toFixed(0)} MiB, ${strange.length} strange `)
  }
  await pause(5)
}
for (let wait = 0; going.size > 0 && wait < 600; wait++) await pause(50)
await agent.close()
await pause(6_000)
const left = { memory: memory(), open: open() }
process.stderr.write("\n")

// --- the verdict -----------------------------------------------------------------------------------------------------

const late = samples.slice(Math.floor(samples.length / 3))
const mean = (list: ReadonlyArray<number>): number => list.reduce((sum, each) => sum + each, 0) / Math.max(1, list.length)
const half = Math.ceil(late.length / 2)
const first = mean(late.slice(0, half).map((sample) => sample.memory))
const second = mean(late.slice(half).map((sample) => sample.memory))
const growth = second / first - 1
const table = [
  "| What | |",
  "|---|---|",
  `| Minutes, calls a second, share of ordered faults | ${minutes}, ${rate}, ${share} |`,
  `| Calls | ${counts.calls} |`,
  `| answered well | ${counts.good} |`,
  `| failed as ordered | ${counts.ordered} |`,
  `| left by their client | ${counts.left} |`,
  `| failed without an order, or answered well against one | ${strange.length} |`,
  `| Memory of the process, mean of the second and of the last third | ${first.toFixed(0)} MiB, ${second.toFixed(0)} MiB (${growth >= 0 ? "+" : "−"}${Math.abs(growth * 100).toFixed(1)} %) |`,
  `| Open files and sockets: most under load, after it | ${Math.max(...samples.map((sample) => sample.open))}, ${left.open} |`
].join("\n")
console.log(table)
for (const each of strange.slice(0, 10)) console.log(each)
child.kill("SIGKILL")
service.closeAllConnections()
service.close()
rmSync(folder, { recursive: true, force: true })
process.exitCode = strange.length === 0 && growth < 0.1 ? 0 : 1
