/** What surrounds an answer: signs of life, ids, methods and paths, and pages of other origins. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { routes } from "../../src/server/routes.ts"
import { clients } from "./clients.ts"
import { after, ask, type Stage, stage } from "./harness.ts"
import { half, ways } from "./upstream.ts"

const chat = "/v1/chat/completions"

let at: Stage

beforeAll(async () => {
  at = await stage({ server: "keepAlive: 500\ncors: { origins: [\"https://app.example.com\"] }" })
})

afterAll(() => at.close())

describe("a stream without news", () => {
  it("says that it lives, where its format has a word for that, and ends as if it had not", async () => {
    at.upstream.answers.set("idle", async (asked) => {
      half(asked)
      await after(3_500)
      asked.response.end(asked.script.events.slice(asked.script.lead).join(""))
    })
    const signs: { readonly [client: string]: string } = {
      openai: ": keep-alive\n\n", responses: ": keep-alive\n\n", google: "\r\n",
      anthropic: "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }
    await Promise.all(clients.flatMap((client) => ["openai", "anthropic", "google"].map(async (service) => {
      const model = `${service}/idle`
      const { text } = await ask(at.address, client.path(model, true), { body: client.body(model, true) })
      const sign = signs[client.name]
      if (sign === undefined) {
        expect(client.streamed(client.events(text))).toBe("Fine, thanks. And you?")
        return
      }
      const [before, ...rest] = client.name === "google" ? text.split(/(?<=\n\r?\n)\r\n/) : text.split(sign)
      expect(rest.length, `${client.name}, ${service}`).toBeGreaterThan(0)
      const clean = [before, ...rest].join("")
      expect(client.streamed(client.events(clean))).toBe("Fine, thanks. And you?")
      expect(client.ends(client.events(clean), clean)).toBe(2)
      // Only between events.
      expect(() => client.events(before!)).not.toThrow()
    })))
  })

  it("says nothing before its first word, whose status is still open", async () => {
    at.upstream.answers.set("late", async (asked) => {
      await after(2_500)
      ways["503"]!(asked)
    })
    const { status, text } = await ask(at.address, chat, { body: clients[0]!.body("openai/late", true) })
    expect([status, text.startsWith("{")]).toEqual([503, true])
  })
})

describe("a stream of Google's", () => {
  const answerOf = async (model: string, query: string) => {
    const path = `/v1beta/models/${model}:streamGenerateContent${query}`
    const { headers, text } = await ask(at.address, path, { body: google.body("", true) })
    return { type: headers["content-type"], text }
  }
  const google = clients.find(({ name }) => name === "google")!

  it("is one list where events were not asked for, also where it breaks", async () => {
    for (const model of ["google/well", "openai/well"]) {
      for (const query of ["", "?alt=json", "?key=alt=sse"]) {
        const { text, type } = await answerOf(model, query)
        expect(type).toMatch(/^application\/json/)
        expect(google.streamed(JSON.parse(text))).toBe("Fine, thanks. And you?")
      }
      expect((await answerOf(model, "?x=1&alt=sse")).type).toMatch(/^text\/event-stream/)
    }
    const broken = JSON.parse((await answerOf("openai/malformed%20event", "")).text)
    expect(google.error(broken.at(-1))).toMatchObject({ code: "INTERNAL" })
  })
})

describe("every answer", () => {
  it("has an id of its own, and none of the client's", async () => {
    const seen = new Set<string>()
    for (const [path, body] of [["/health"], ["/nowhere"], ["/v1/chat/completions", "{"], ["/v1/models"]] as const) {
      const asks = { ...(body !== undefined && { body }), headers: { "x-request-id": "mine" } }
      const { headers } = await ask(at.address, path, asks)
      expect(headers["x-request-id"]).toMatch(/^req_[0-9a-z]{14}$/)
      seen.add(String(headers["x-request-id"]))
    }
    expect(seen.size).toBe(4)
  })

  it("of a stream may not be kept, nor held back by a proxy", async () => {
    const { headers } = await ask(at.address, "/v1/chat/completions", { body: clients[0]!.body("openai/well", true) })
    expect(headers).toMatchObject({
      "content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no",
      "x-plugline-provider": "openai"
    })
  })

  it("to HEAD is the head alone", async () => {
    const { bytes, headers, status } = await ask(at.address, "/health", { method: "HEAD" })
    expect([status, bytes.length, headers["content-length"]]).toEqual([200, 0, "15"])
  })
})

describe("a path", () => {
  it("that is not there is 404, also where it only looks like one that is", async () => {
    const others = [
      "/", "/v1", "/V1/chat/completions", "//v1/chat/completions", "/v1/chat/completions/", "/v1//chat/completions",
      "/v1/chat%2fcompletions", "/v1/../v1/chat/completions", "/v1beta/models/a/../b:generateContent"
    ]
    for (const path of others) {
      const { status, text } = await ask(at.address, path, { body: "{}" })
      const said = expect.stringContaining("there is no POST")
      expect([path, status, JSON.parse(text).error.message]).toEqual([path, 404, said])
    }
  })

  it("takes no other method than its own: 405, with those it takes", async () => {
    for (const { method, path } of routes) {
      const url = path.replace(/\{\w+\+?\}/, "model")
      const { headers, status } = await ask(at.address, url, { method: "DELETE" })
      expect([url, status]).toEqual([url, 405])
      expect(String(headers.allow).split(", ")).toContain(method)
    }
  })
})

describe("a page of another origin", () => {
  const asks = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" }

  it("may ask where the configuration names it", async () => {
    const origin = "https://app.example.com"
    const before = await ask(at.address, "/v1/chat/completions", { method: "OPTIONS", headers: { origin, ...asks } })
    expect(before.status).toBe(204)
    expect(before.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "origin" })
    expect(before.headers["access-control-allow-methods"]).toContain("POST")
    expect(before.headers["access-control-allow-headers"]).toContain("authorization")
    for (const model of ["openai/well", "openai/500"]) {
      const answer = await ask(at.address, chat, { headers: { origin }, body: clients[0]!.body(model, true) })
      expect(answer.headers["access-control-allow-origin"]).toBe(origin)
      expect(answer.headers["access-control-expose-headers"]).toContain("x-request-id")
    }
  })

  it("may not where it does not", async () => {
    const headers = { origin: "https://evil.example", ...asks }
    const before = await ask(at.address, chat, { method: "OPTIONS", headers })
    expect(before.headers["access-control-allow-origin"]).toBeUndefined()
    expect(before.headers["access-control-allow-methods"]).toBeUndefined()
    const answer = await ask(at.address, "/health", { headers: { origin: "https://app.example.com.evil.example" } })
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined()
  })
})
