/** What services send that is too large: read as fast as the client reads, and given up where it has no end. */
import { request as httpRequest, type IncomingMessage } from "node:http"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clients } from "./clients.ts"
import { after, ask, type Stage, stage } from "./harness.ts"
import { type Asked, head } from "./upstream.ts"

let at: Stage
const [openai] = clients

beforeAll(async () => {
  at = await stage()
})

afterAll(() => at.close())

const body = (model: string, stream: boolean) =>
  ({ model: `openai/${model}`, messages: [{ role: "user", content: "Go on" }], stream })

/** Writes as fast as it is read, and tells how many bytes were taken so far. */
const flood = ({ response }: Asked, piece: Buffer, most = Infinity, then = (): void => {}): { taken: number } => {
  const count = { taken: 0 }
  const more = (): void => {
    if (response.destroyed) return
    if (count.taken > most) return then()
    count.taken += piece.length
    if (response.write(piece)) setImmediate(more)
    else response.once("drain", more)
  }
  setImmediate(more)
  return count
}

describe("an endless answer", () => {
  it("is drawn no faster than its client reads, handed on or translated, and not held here", async () => {
    let flooded: { taken: number } | undefined
    at.upstream.answers.set("flood", (asked) => {
      head(asked)
      const { events, lead } = asked.script
      asked.response.write(events.slice(0, lead).join(""))
      flooded = flood(asked, Buffer.from(events[lead - 1]!.repeat(500)))
    })
    for (const client of clients.filter(({ name }) => name !== "google" && name !== "responses")) {
      const model = "openai/flood"
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const url = `${at.address}${client.path(model, true)}`
        const request = httpRequest(url, { method: "POST", agent: false }, resolve).on("error", reject)
        request.end(JSON.stringify(client.body(model, true)))
      })
      response.on("error", () => {}).pause()
      // Until the sockets between are full and nothing moves any more.
      let last = -1
      for (let tries = 0; tries < 100 && flooded!.taken !== last; tries++) {
        last = flooded!.taken
        await after(400)
      }
      expect(flooded!.taken, client.name).toBe(last)
      expect(last, client.name).toBeLessThan(32 * 1024 * 1024)
      // Reading on draws more.
      response.resume()
      await expect.poll(() => flooded!.taken, { timeout: 5_000 }).toBeGreaterThan(last)
      response.destroy()
      await expect.poll(() => at.gateway.server.active()).toBe(0)
    }
  })

  it("of one line is given up at 8 Mi, with an error event", async () => {
    let flooded: { taken: number } | undefined
    at.upstream.answers.set("line", (asked) => {
      head(asked)
      asked.response.write(asked.script.events.slice(0, 2).join(""))
      asked.response.write("data: {\"x\":\"")
      flooded = flood(asked, Buffer.alloc(64 * 1024, 120))
    })
    const answer = await ask(at.address, "/v1/chat/completions", { body: body("line", true) })
    const events = openai!.events(answer.text)
    expect(openai!.error(events.at(-1)!)).toMatchObject({ code: "malformed_response" })
    expect(openai!.ends(events, answer.text)).toBe(0)
    expect(answer.bytes.length).toBeLessThan(10_000)
    await expect.poll(() => at.upstream.open()).toBe(0)
    expect(flooded!.taken).toBeLessThan(40 * 1024 * 1024)
  })

  it("of one line before the first word is an answer with its status", async () => {
    at.upstream.answers.set("first line", (asked) => {
      head(asked)
      flood(asked, Buffer.alloc(64 * 1024, 120))
    })
    const answer = await ask(at.address, "/v1/chat/completions", { body: body("first line", true) })
    expect(answer.status).toBe(502)
    expect(openai!.error(JSON.parse(answer.text))).toMatchObject({ code: "malformed_response" })
  })

  it("of comments alone is not kept", async () => {
    at.upstream.answers.set("comments", (asked) => {
      const { events } = asked.script
      head(asked)
      asked.response.write(events.slice(0, 2).join(""))
      const flooded = flood(asked, Buffer.from(": nothing to say yet\n\n".repeat(10_000)), 20 * 1024 * 1024, () => {
        expect(flooded.taken).toBeGreaterThan(20 * 1024 * 1024)
        asked.response.end(events.slice(2).join(""))
      })
    })
    const answer = await ask(at.address, "/v1/chat/completions", { body: body("comments", true) })
    expect(answer.bytes.length).toBeLessThan(5 * 1024 * 1024)
    const events = openai!.events(answer.text.replaceAll(": nothing to say yet\n\n", ""))
    expect(openai!.streamed(events)).toBe("Fine, thanks. And you?")
    expect(openai!.ends(events, answer.text)).toBe(2)
  })

  it("that was asked for whole is given up at 64 MiB", async () => {
    at.upstream.answers.set("body", (asked) => {
      head(asked)
      flood(asked, Buffer.alloc(1024 * 1024, 32))
    })
    const answer = await ask(at.address, "/v1/chat/completions", { body: body("body", false) })
    expect([answer.status, openai!.error(JSON.parse(answer.text))?.code]).toEqual([502, "malformed_response"])
    await expect.poll(() => at.upstream.open()).toBe(0)
  })
})

it("a packed bomb from a service is refused, whole and streamed", async () => {
  const bomb = gzipSync(Buffer.alloc(72 * 1024 * 1024), { level: 1 })
  at.upstream.answers.set("bomb", ({ response, streams }) => {
    const type = streams ? "text/event-stream" : "application/json"
    response.writeHead(200, { "content-type": type, "content-encoding": "gzip" }).end(bomb)
  })
  for (const streams of [false, true]) {
    const answer = await ask(at.address, "/v1/chat/completions", { body: body("bomb", streams) })
    expect([answer.status, openai!.error(JSON.parse(answer.text))?.code]).toEqual([502, "malformed_response"])
  }
})
