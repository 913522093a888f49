/** Services that fail in every way, behind clients of every dialect: each call ends as the table says, and in time. */
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { page, updated } from "../../../../scripts/fault-table.ts"
import { type Client, clients } from "./clients.ts"
import { type Fault, faults, type Refused } from "./faults.ts"
import { after, ask, type Answered, type Stage, stage } from "./harness.ts"

const services = ["openai", "anthropic", "google"] as const
const limits = "{ connect: 4000, firstToken: 1000, idle: 1000, total: 8000 }"
/** Longest that any of these calls may take, in ms: the limits above, and a busy machine. */
const longest = 7_000

let at: Stage

beforeAll(async () => {
  // An address that nobody listens at, one that there is not, and one where nobody speaks TLS.
  const plain = createServer((socket) => void socket.on("error", () => {}).resume().end("no TLS here\r\n"))
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve))
  const { port } = plain.address() as { readonly port: number }
  const places = {
    refused: "http://127.0.0.1:1",
    nowhere: `http://${"a".repeat(64)}.invalid`,
    tls: `https://127.0.0.1:${port}`
  }
  const rest = `apiKey: sk-test-0123456789, allowPrivate: true, timeouts: ${limits}`
  const providers = Object.entries(places).flatMap(([place, url]) =>
    services.map((type) => `  ${place}-${type}: { type: ${type}, baseUrl: "${url}/v1", ${rest} }`))
  at = await stage({ timeouts: limits, providers: providers.join("\n") })
  closePlain = () => new Promise((resolve) => plain.close(() => resolve()))
})

let closePlain: () => Promise<void>

afterAll(async () => {
  await at.close()
  await closePlain()
})

const entryOf = async ({ headers }: Answered) => {
  const id = headers["x-request-id"]
  expect(id).toMatch(/^req_/)
  for (let tries = 0; tries < 100; tries++) {
    const entry = at.log.find(({ requestId }) => requestId === id)
    if (entry !== undefined) return entry
    await after(20)
  }
  throw new Error(`the log says nothing of ${String(id)}`)
}

const run = async (client: Client, service: string, fault: Fault, streams: boolean): Promise<void> => {
  const { name, place, streamed, whole } = fault
  const model = place === undefined ? `${service}/${name}` : `${place}-${service}/model-1`
  const began = performance.now()
  const answer = await ask(at.address, encodeURI(client.path(model, streams)), { body: client.body(model, streams) })
  expect(performance.now() - began, "ms it took").toBeLessThan(longest)
  expect(answer.whole, "the answer has an end").toBe(true)
  const expected = streams ? streamed : whole
  const { error } = await entryOf(answer)
  if ("event" in expected) {
    expect(error?.reason).toBe(expected.event)
    const events = client.events(answer.text)
    expect(answer.status).toBe(200)
    expect(client.streamed(events)).toMatch(/^Fine, /)
    expect(client.ends(events, answer.text), "ends that look like success").toBe(0)
    const failed = events.filter((event) => client.error(event) !== undefined)
    expect(failed.length, "error events").toBe(client.name === "responses" ? 2 : 1)
    expect(events.at(-1)).toBe(failed.at(-1))
    const { code } = client.error(failed[0]!)!
    const byStatus: { readonly [reason: string]: number } = { Timeout: 504, CutStream: 502, MalformedResponse: 502 }
    expect(code).toBe(client.code(expected.event, byStatus[expected.event]!))
  } else refusedAs(client, answer, expected, error?.reason)
}

const refusedAs = (client: Client, answer: Answered, expected: Refused, logged: string | undefined): void => {
  const { reason, retryAfter, status } = expected
  const seen = { status: answer.status, reason: logged, retryAfter: answer.headers["retry-after"] }
  expect(seen).toEqual({ status, reason, retryAfter })
  expect(answer.headers["content-type"]).toMatch(/^application\/json/)
  const failed = client.error(JSON.parse(answer.text))
  expect(failed, answer.text).toBeDefined()
  expect(answer.text).not.toContain("sk-test")
  const code = client.code(reason, status)
  // A service's own code is repeated to clients that speak as it does.
  if (code !== undefined) expect(failed!.code).toBe(code)
}

for (const client of clients) {
  describe.concurrent(`a client that speaks ${client.name}`, () => {
    for (const fault of faults) {
      it(`is told of a service that ${fault.does}`, async () => {
        await Promise.all(services.flatMap((service) =>
          [false, true].map((streams) => run(client, service, fault, streams))))
      })
    }
  })
}

it("and nothing is left of them", async () => {
  expect(at.gateway.server.active()).toBe(0)
  // Connections that are kept for the next call are closed after four seconds.
  await expect.poll(() => at.upstream.open(), { timeout: 8_000 }).toBe(0)
})

it("the page shows this table", () => {
  const text = readFileSync(page, "utf8")
  expect(updated(text), "run: node scripts/fault-table.ts --write").toBe(text)
})
