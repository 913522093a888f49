/** What strangers send that is too large, too slow, broken or a trap: refused in the caller's dialect. */
import { createConnection, type Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clients } from "./clients.ts"
import { after, type Ask, ask, type Stage, stage } from "./harness.ts"

const limit = 256 * 1024

let at: Stage

beforeAll(async () => {
  at = await stage({ server: "bodyLimit: 256kb\nheadersTimeout: 1 second\nrequestTimeout: 2 seconds" })
})

afterAll(() => at.close())

/** Sends bytes as they are and gives what comes back until the end. */
const raw = (write: (socket: Socket) => void): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(at.address)
    const socket = createConnection(Number(port), hostname, () => write(socket))
    let text = ""
    socket.on("data", (piece) => text += piece.toString("latin1"))
    socket.on("error", () => {}).on("close", () => resolve(text))
  })

const head = (path: string, ...headers: ReadonlyArray<string>): string =>
  [`POST ${path} HTTP/1.1`, "host: localhost", "connection: close", ...headers, "", ""].join("\r\n")

const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)

for (const client of clients) {
  const path = client.path("openai/well", false)
  const body = client.body("openai/well", false)

  /** Sends a body and expects to be refused in the client's words. */
  const refused = async (sent: string | Buffer, status: number, words: RegExp, headers: Ask["headers"] = {}) => {
    const before = at.upstream.asked.length
    const answer = await ask(at.address, path, { body: sent, headers })
    expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(words)])
    const failed = client.error(JSON.parse(answer.text))
    expect(failed, answer.text).toBeDefined()
    const code = client.code("InvalidRequest", status)
    if (code !== undefined) expect(failed!.code).toBe(code)
    expect(at.upstream.asked.length, "the service was not asked").toBe(before)
  }
  const beside = (fields: string): string => `${JSON.stringify(body).slice(0, -1)},${fields}}`

  describe(`to a client that speaks ${client.name}`, () => {
    it("a body over the limit is 413, a packed one 415", async () => {
      await refused(Buffer.alloc(limit + 1, 32), 413, /larger than 262144 bytes/)
      await refused(gzipSync(JSON.stringify(body)), 415, /content-encoding/, { "content-encoding": "gzip" })
    })

    it("a body that is no JSON is 400, with the reason", async () => {
      await refused("", 400, /empty/)
      await refused("{\"model\": nope", 400, /not JSON/)
      await refused("[]", 400, /must be a JSON object/)
      await refused("\"text\"", 400, /must be a JSON object/)
      await refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, /not UTF-8/)
    })

    it("a body that is a trap is 400, and pollutes nothing", async () => {
      await refused(beside(`"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}`), 400, /nests deeper/)
      await refused(beside(`"__proto__":{"polluted":1}`), 400, /__proto__/)
      await refused(beside(`"metadata":{"__proto__":{"polluted":1}}`), 400, /__proto__/)
      await refused(beside(`"metadata":{"a":1,"a":2}`), 400, /twice/)
      await refused(beside(`"top_k":1e400`), 400, /too large/)
      await refused(beside(`"user":"\\ud800"`), 400, /half of a character/)
      await refused(beside(`"\\udc00":1`), 400, /half of a character/)
      expect(({} as { polluted?: number }).polluted).toBeUndefined()
    })
  })
}

it("JSON 400,000 deep and a million fields are 400 where the limit would let them in", async () => {
  const wide = await stage({ server: "bodyLimit: 64mb" })
  try {
    const send = (body: string) => ask(wide.address, "/v1/chat/completions", { body })
    const deep = await send(`{"model":"openai/well","messages":${"[".repeat(400_000)}${"]".repeat(400_000)}}`)
    expect([deep.status, deep.text]).toEqual([400, expect.stringContaining("nests deeper than 128 levels")])
    const open = await send("[".repeat(400_000))
    expect(open.status).toBe(400)
    const fields = Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":0`).join(",")
    const many = await send(`{"model":"openai/well","metadata":{${fields}}}`)
    expect([many.status, many.text]).toEqual([400, expect.stringContaining("more than 250000 values")])
    expect(wide.upstream.asked).toHaveLength(0)
  } finally {
    await wide.close()
  }
})

describe("a length", () => {
  it("that lies is not believed: too long is 413 before a byte of it, too short is cut off", async () => {
    const long = await raw((socket) => socket.write(head("/v1/chat/completions", `content-length: ${limit + 1}`)))
    expect(statusOf(long)).toBe(413)
    const text = "{\"model\":\"openai/well\",\"messages\":[]}"
    const short = await raw((socket) => socket.write(`${head("/v1/chat/completions", "content-length: 20")}${text}`))
    expect([400, 0]).toContain(statusOf(short))
    const both = head("/v1/chat/completions", "content-length: 20", "transfer-encoding: chunked")
    const twice = await raw((socket) => socket.write(both))
    expect(statusOf(twice)).toBe(400)
    const negative = await raw((socket) => socket.write(head("/v1/chat/completions", "content-length: -1")))
    expect(statusOf(negative)).toBe(400)
  })

  it("that is not told is counted: chunks over the limit are 413, and no more of them is taken", async () => {
    const piece = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 32), Buffer.from("\r\n")])
    let sent = 0
    const answer = await raw((socket) => {
      socket.write(head("/v1/chat/completions", "transfer-encoding: chunked"))
      const more = (): void => {
        if (socket.destroyed || sent > 64 * 1024 * 1024) return
        sent += piece.length
        socket.write(piece, () => setTimeout(more, 1))
      }
      more()
    })
    expect(statusOf(answer)).toBe(413)
    // What it does not take, it does not hold: beyond the limit only what the sockets buffer was read.
    expect(sent).toBeLessThan(16 * 1024 * 1024)
    expect(at.gateway.server.active()).toBe(0)
  })
})

describe("a slow client", () => {
  it("is 408 for its head and for its body, and the slot is free", async () => {
    const began = performance.now()
    const trickle = (text: string) => (socket: Socket): void => {
      socket.write(text)
      const timer = setInterval(() => socket.destroyed ? clearInterval(timer) : socket.write("x"), 200)
      socket.on("close", () => clearInterval(timer)).on("end", () => clearInterval(timer))
    }
    const slow = await Promise.all([
      raw(trickle("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: ")),
      raw(trickle(head("/v1/chat/completions", "content-length: 10000"))),
      raw(trickle(head("/v1/messages", "transfer-encoding: chunked") + "5000\r\n"))
    ])
    expect(slow.map(statusOf)).toEqual([408, 408, 408])
    const [early, openai, anthropic] = slow.map((text) => JSON.parse(text.slice(text.indexOf("\r\n\r\n"))) as object)
    const said = { message: "the request did not arrive whole within its time", code: "timeout" }
    expect([early, openai]).toMatchObject([{ error: said }, { error: said }])
    expect(anthropic).toMatchObject({ type: "error", error: { message: said.message } })
    for (const text of slow) expect(text.toLowerCase()).toContain("connection: close")
    expect(performance.now() - began).toBeLessThan(15_000)
    await expect.poll(() => at.gateway.server.active()).toBe(0)
    expect((await ask(at.address, "/health")).status).toBe(200)
  })
})

describe("what is no HTTP", () => {
  it.each([
    ["no request line", "hello\r\n\r\n", 400],
    ["a length that is no number", head("/v1/chat/completions", "content-length: x"), 400],
    ["a length said twice", head("/v1/chat/completions", "content-length: 5", "transfer-encoding: chunked"), 400],
    ["headers without end", head("/v1/chat/completions", `x-much: ${"x".repeat(40_000)}`), 431]
  ])("is answered in words: %s", async (_, text, status) => {
    const answer = await raw((socket) => void socket.write(text))
    expect(statusOf(answer)).toBe(status)
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toMatchObject({ error: { type: "invalid_request_error", message: expect.any(String) } })
  })

  it("in the middle of a body is 400 in the caller's words, and never said into an answer that has begun", async () => {
    const answer = await raw((socket) => void socket.write(`${head("/v1/messages", "transfer-encoding: chunked")}5\r\nhello\r\nnope\r\n`))
    expect([statusOf(answer), answer]).toEqual([400, expect.stringContaining("\"type\":\"error\"")])
    const begun = JSON.stringify({ model: "openai/stall", stream: true, messages: [{ role: "user", content: "Hello" }] })
    const cut = await raw((socket) => {
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${Buffer.byteLength(begun)}\r\n\r\n${begun}`)
      socket.once("data", () => socket.write("nonsense\r\n\r\n"))
    })
    expect(statusOf(cut)).toBe(200)
    expect(cut.match(/HTTP\/1\.1/g)).toHaveLength(1)
    await expect.poll(() => at.gateway.server.active()).toBe(0)
  })
})

describe("CR and LF", () => {
  it("in a model are refused or escaped, and add no header, no path and no line to the log", async () => {
    for (const name of ["openai/well\r\nx-evil: 1", "openai/\n", "well\r\n\r\nGET /"]) {
      for (const client of clients) {
        const path = client.path(encodeURIComponent(name), false)
        const answer = await ask(at.address, path, { body: client.body(name, false) })
        expect(answer.headers["x-evil"]).toBeUndefined()
        for (const value of Object.values(answer.headers)) expect(String(value)).not.toMatch(/[\r\n]/)
        expect([200, 400, 404]).toContain(answer.status)
      }
    }
    for (const { headers, path } of at.upstream.asked) {
      expect(path).not.toMatch(/[\r\n\s]/)
      expect(headers["x-evil"]).toBeUndefined()
    }
    await after(120)
    expect(at.log.every(({ requestId }) => /^req_\w+$/.test(requestId))).toBe(true)
  })

  it("in a header are 400", async () => {
    const begin = "GET /health HTTP/1.1\r\nhost: localhost"
    const split = await raw((socket) => socket.write(`${begin}\r\nx-request-id: a\rb\r\n\r\n`))
    expect(statusOf(split)).toBe(400)
    const bare = await raw((socket) => socket.write(`${begin}\nx-evil: 1\r\n b\r\n\r\n`))
    expect(statusOf(bare)).toBe(400)
  })
})
