/** Where credentials go: to the one service each is for, and into nothing that anybody reads. */
import { Mock } from "@plugline/testing"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { hostname } from "node:os"
import { type LlmError, type Pipeline, Plug, Request } from "plugline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { make } from "../../src/auth/secret.ts"
import { after, ask } from "../server/harness.ts"
import { question, secrets, serviceKeys, type Site, site } from "./site.ts"

const collected: Array<string> = []
/** Stands for a collector of traces, and for every host that nobody should reach. */
const elsewhere = createServer((request, response) => {
  const pieces: Array<Buffer> = []
  request.on("data", (piece: Buffer) => pieces.push(piece))
  request.on("end", () => {
    collected.push(`${request.method} ${request.url}\n${JSON.stringify({ ...request.headers, "x-collector": "" })}\n${Buffer.concat(pieces).toString("latin1")}`)
    response.end("{}")
  })
})
const reached = (path: string): boolean => collected.some((text) => text.includes(path))

const collectorKey = "CanaryOfTheCollector83hQm2"
const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJzdWIiOiJjYW5hcnkiLCJpc3MiOiJjYW5hcnkifQ.Y2FuYXJ5LXNpZ25hdHVyZS1jYW5hcnk"
const headerKey = "CanaryInAHeader55xyz09"

let at: Site
let there: string
beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve))
  there = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
  at = await site({
    env: { COLLECTOR_KEY: collectorKey },
    config: {
      pipelines: {
        default: ["metrics", "trackCost"],
        fall: ["metrics", { plug: "fallback", steps: [{ provider: "anthropic", model: "model-2" }] }],
        watched: ["log", "receipt", "metrics", "trackCost", { plug: "cache", ttl: "1 hour" }]
      },
      models: {
        falls: { provider: "openai", model: "down", pipeline: "fall" },
        watched: { provider: "openai", model: "model-1", pipeline: "watched" },
        tells: { provider: "openai", model: "tells" }
      },
      telemetry: { otlp: { url: there, headers: { "x-collector": "env:COLLECTOR_KEY" }, interval: "100 millis", content: true } }
    }
  })
})
afterAll(async () => {
  await at.close()
  elsewhere.closeAllConnections()
  elsewhere.close()
})

/** What must be found nowhere. */
const canaries = (): ReadonlyArray<string> => [
  ...Object.values(serviceKeys), ...Object.values(secrets).map((key) => key.slice(18)), collectorKey, token, headerKey
]

const clean = (where: string, text: string): void => {
  for (const canary of canaries()) expect(text.includes(canary), `${where} holds ${canary.slice(0, 12)}…`).toBe(false)
}

describe("seeded keys", () => {
  it("appear in no answer, log line, metric, trace or audit entry, whatever a plug does", async () => {
    // A plug that says all it knows, one that throws it, and one that fails with it.
    const all = (request: Request): string => JSON.stringify(request) + String(request) + JSON.stringify({ ...request })
    const plugs: { readonly [model: string]: Plug } = {
      "says all": Mock.make((request) => Mock.text(all(request))).plug,
      "throws all": Plug.make("thrower", (request) => {
        throw new Error(all(request))
      }),
      "meta all": Plug.make("noter", (request) => Request.putMetadata(request, "all", JSON.parse(JSON.stringify(request))))
    }
    const { loaded } = at.gateway.configuration.current()
    const { pipelineFor } = loaded
    let plug: Plug | undefined
    Object.assign(loaded, { pipelineFor: (call: Parameters<typeof pipelineFor>[0]) =>
      plug === undefined ? pipelineFor(call) : [plug, ...pipelineFor(call) as Pipeline] })
    // Services that say what they were sent.
    for (const service of [at.one, at.two]) {
      service.answers.set("tells", ({ headers, response }) => {
        response.writeHead(401, { "content-type": "application/json", "x-echo": headers.authorization ?? "" })
        const sent = `${headers.authorization ?? ""} ${headers["x-api-key"] ?? ""}`
        response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${sent}`, type: sent, code: sent, param: sent }, echo: sent }))
      })
    }
    const texts: Array<readonly [string, string]> = []
    const take = async (where: string, asked: ReturnType<Site["as"]>) => {
      const { headers, text } = await asked
      texts.push([where, `${JSON.stringify(headers)}\n${text}`])
    }
    const headers = { "x-secret": headerKey, cookie: `session=${headerKey}`, "proxy-authorization": `Basic ${headerKey}` }
    for (const [name, each] of [["nothing", undefined], ...Object.entries(plugs)] as const) {
      plug = each
      for (const model of ["openai/model-1", "openai/tells", "anthropic/tells", "openai/500", "openai/malformed JSON", "watched", "falls", "nobody/x"]) {
        for (const stream of [false, true]) {
          await take(`${name}, ${model}`, at.as("dev", "/v1/chat/completions", { body: question({ model, stream }), headers }))
          await take(`${name}, ${model} as messages`, at.as("dev", "/v1/messages", { body: { ...question({ model, stream }), max_tokens: 9 }, headers }))
        }
      }
      await take(`${name}, google`, at.as("dev", "/v1beta/models/openai/tells:generateContent", { body: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] } }))
      await take(`${name}, ollama`, at.as("dev", "/api/chat", { body: question({ model: "openai/tells" }) }))
    }
    plug = undefined
    for (const who of [token, make(), secrets.root.slice(0, -1)]) await take("a stranger", at.as(who, "/v1/chat/completions", { body: question() }))
    await take("a key in the address", ask(at.address, `/v1/nowhere?key=${secrets.dev}`) as never)
    await take("a key as a name", at.as("root", "/admin/keys", { body: { name: secrets.root, [secrets.dev]: 1 } }))
    await take("a key as an id", at.as("root", `/admin/keys/${secrets.dev}`))
    await take("a key as a model", at.as("dev", "/v1/chat/completions", { body: question({ model: secrets.dev }) }))
    const { key } = (await at.as("root", "/admin/keys", { body: { name: "canary" } })).json
    for (const { method, path } of at.gateway.routes) {
      // What is told for as long as somebody listens has a test of its own.
      if (method === "GET" && !path.endsWith("/live")) await take(path, at.as("root", path.replace(/\{.*\}/, "x")))
    }
    await after(400)
    const told = texts.filter(([where]) => where.startsWith("says all, openai/model-1"))
    expect(told).toHaveLength(4)
    for (const [, text] of told) expect(text).toContain("How are you?")
    for (const [where, text] of texts) clean(where, text)
    clean("the log", at.log())
    expect(at.log()).toContain("\"requestId\"")
    expect(collected.length).toBeGreaterThan(0)
    clean("what was sent to the collector", collected.join("\n"))
    for (const [where, text] of [...texts, ["the log", at.log()]] as const) expect(text.includes(key.slice(18)), where).toBe(false)
  })

  it("reach the one service they are for, each in its own header", async () => {
    await at.as("dev", "/v1/chat/completions", { body: question() })
    await at.as("dev", "/v1/chat/completions", { body: question({ model: "anthropic/model-2", max_tokens: 9 }) })
    expect(at.one.asked.at(-1)!.headers.authorization).toBe(`Bearer ${serviceKeys.openai}`)
    expect(at.two.asked.at(-1)!.headers["x-api-key"]).toBe(serviceKeys.anthropic)
    for (const { headers, text } of at.one.asked) expect(JSON.stringify(headers) + text).not.toContain(serviceKeys.anthropic)
    for (const { headers, text } of at.two.asked) expect(JSON.stringify(headers) + text).not.toContain(serviceKeys.openai)
  })
})

/** The routes on which a service is asked, in each dialect. */
const askings = [
  ["/v1/chat/completions", question()],
  ["/v1/messages", question({ max_tokens: 9 })],
  ["/v1/responses", { model: "openai/model-1", input: "Hi" }],
  ["/api/chat", question({ stream: false })],
  ["/v1beta/models/openai/model-1:generateContent", { contents: [{ role: "user", parts: [{ text: "Hi" }] }] }]
] as const

it("a client's credentials and cookies never reach a service", async () => {
  const own = "sk-client-own-0123456789abcdef"
  for (const [path, body] of askings) {
    for (const name of ["authorization", "x-api-key", "x-goog-api-key"]) {
      const before = at.one.asked.length
      const credential = name === "authorization" ? `Bearer ${secrets.dev}` : secrets.dev
      const { status } = await ask(at.address, path, {
        body, headers: { [name]: credential, cookie: `own=${own}`, "api-key": own, "x-auth-token": own, "proxy-authorization": `Bearer ${own}`, "openai-organization": own }
      })
      expect(status, path).toBe(200)
      expect(at.one.asked.length).toBe(before + 1)
      const { headers, path: asked, text } = at.one.asked.at(-1)!
      const sent = JSON.stringify(headers) + asked + text
      expect(sent).not.toContain(own)
      expect(sent).not.toContain(secrets.dev)
      expect(headers.cookie).toBeUndefined()
    }
  }
  const { status } = await ask(at.address, `/v1/chat/completions?key=${secrets.dev}&api-key=${own}`, { body: question() })
  expect(status).toBe(200)
  expect(at.one.asked.at(-1)!.path).toBe("/v1/chat/completions")
})

it("who is asked next sees its own key alone, and no field of ours", async () => {
  at.one.answers.set("down", ({ response }) => void response.writeHead(503).end("{}"))
  for (const stream of [false, true]) {
    const before = at.two.asked.length
    const { status, text } = await at.as("dev", "/v1/chat/completions", { body: question({ model: "falls", max_tokens: 9, stream }) })
    expect(status, text).toBe(200)
    expect(at.two.asked.length).toBe(before + 1)
    const { headers, text: sent } = at.two.asked.at(-1)!
    expect(headers["x-api-key"]).toBe(serviceKeys.anthropic)
    expect(headers.authorization).toBeUndefined()
    expect(Object.keys(headers).filter((name) => name.startsWith("x-plugline"))).toEqual([])
    expect(sent).not.toMatch(/tenant|identity|assigns|private|providerOptions|dev"/)
    expect(JSON.parse(sent).model).toBe("model-2")
  }
})

it("no address that a caller gives is followed", async () => {
  const names = [
    "api_base", "apiBase", "base_url", "baseUrl", "baseURL", "api_url", "custom_host", "customHost", "endpoint", "proxy", "api_key", "apiKey",
    "extra_headers"
  ]
  const headers = Object.fromEntries(
    ["x-base-url", "x-api-base", "x-custom-host", "x-portkey-custom-host", "x-plugline-base-url", "x-upstream", "helicone-target-url", "x-target-url"]
      .map((name) => [name, `${there}/ssrf-${name}`])
  )
  for (const [path, body] of askings) {
    for (const name of names) {
      const value = `${there}/ssrf-${name}`
      for (const more of [{ [name]: value }, { metadata: { [name]: value } }, { extra_body: { [name]: value } }, { config: { [name]: value } }]) {
        const { status } = await at.as("dev", path, { body: { ...body, ...more }, headers })
        const isPlain = "metadata" in more || "config" in more
        expect(isPlain ? [200, 400] : [400], `${path} ${JSON.stringify(more)}`).toContain(status)
      }
    }
  }
  expect((await at.as("dev", "/v1/chat/completions", { body: question(), headers })).status).toBe(200)
  expect(reached("ssrf-")).toBe(false)
  expect(at.one.asked.every(({ headers }) => headers.authorization === `Bearer ${serviceKeys.openai}`)).toBe(true)
})

it("a service that sends elsewhere is not followed, and no key goes there", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    at.one.answers.set(`moved ${status}`, ({ response }) => void response.writeHead(status, { location: `${there}/moved-${status}` }).end())
    for (const stream of [false, true]) {
      const answer = await at.as("dev", "/v1/chat/completions", { body: question({ model: `openai/moved ${status}`, stream }) })
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(answer.headers.location).toBeUndefined()
    }
  }
  expect(reached("moved-")).toBe(false)
})

it("an image's address is read by nobody here, and one that leads inside is refused", async () => {
  const refused = [
    "file:///etc/passwd", "FILE:/etc/passwd", "gopher://example.com/x", "ftp://example.com/x", "javascript:alert(1)", "jar:http://example.com!/x",
    `${there}/image-internal`, "http://169.254.169.254/latest/meta-data/", "http://localhost/x", "http://[::1]/x", "http://[::ffff:10.0.0.1]/x",
    "http://2130706433/x", "http://0x7f.1/x", "http://017700000001/x", "http://100.64.0.1/x", "http://metadata.google.internal/x", "https://intranet/x"
  ]
  const urls = [...refused, "https://example.com/a.png"]
  for (const url of urls) {
    const openai = [{ role: "user", content: [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url } }] }]
    const anthropic = [{ role: "user", content: [{ type: "image", source: { type: "url", url } }] }]
    const google = [{ role: "user", parts: [{ fileData: { fileUri: url, mimeType: "image/png" } }] }]
    for (const model of ["openai/model-1", "anthropic/model-2"]) {
      for (const [path, body] of [
        ["/v1/chat/completions", { model, max_tokens: 9, messages: openai }], ["/v1/messages", { model, max_tokens: 9, messages: anthropic }],
        [`/v1beta/models/${model}:generateContent`, { contents: google }]
      ] as const) {
        const { status, text } = await at.as("dev", path, { body })
        if (refused.includes(url)) expect(status, `${path} ${model} ${url} ${text}`).toBe(400)
        else expect([200, 400], `${path} ${model} ${url}`).toContain(status)
        expect(text).not.toContain("root:")
      }
    }
  }
  expect(reached("image-internal")).toBe(false)
  // A service's own kinds of content are looked at, too.
  const film = { role: "user", content: [{ type: "video_url", video_url: { url: "file:///etc/passwd" } }] }
  expect((await at.as("dev", "/v1/chat/completions", { body: question({ messages: [film] }) })).status).toBe(400)
})

it("an error that repeats our key comes scrubbed, in the caller's dialect", async () => {
  for (const [path, body] of askings) {
    for (const model of ["openai/tells", "anthropic/tells"]) {
      const to = path.replace("openai/model-1", model)
      const answer = await at.as("dev", to, { body: { ...body, ...("model" in body && { model }) } })
      // Our key is not the caller's: that it was refused is no 401 of his.
      expect(answer.status, `${path} ${model} ${answer.text}`).toBe(502)
      expect(answer.headers["www-authenticate"]).toBeUndefined()
      expect(answer.json.error ?? answer.json.message).toBeDefined()
      clean(`${path} ${model}`, JSON.stringify(answer.headers) + answer.text)
    }
  }
})

it("a service without a key is not asked with none", async () => {
  const bare = await site({ config: { providers: {
    house: { type: "openai-compatible", baseUrl: `${there}/keyless/v1`, allowPrivate: true }, openai: {}, anthropic: {}
  } } })
  try {
    for (const model of ["house/x", "openai/x", "anthropic/x"]) {
      for (const stream of [false, true]) {
        const { status, text } = await bare.as("dev", "/v1/chat/completions", { body: question({ model, max_tokens: 9, stream }) })
        expect(status, text).toBeGreaterThanOrEqual(400)
        expect(text).not.toMatch(/undefined|\[object/)
        expect(text).toMatch(/key|credential/i)
      }
    }
    expect(reached("keyless")).toBe(false)
  } finally {
    await bare.close()
  }
})

it("a provider's address inside is refused, however it is spelled, unless that was allowed; a name by what it resolves to", async () => {
  const { port } = new URL(there)
  const hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST.", hostname()]
  let asked = 0
  for (const host of hosts) {
    const baseUrl = `http://${host}:${port}/inside/v1`
    const inside = await site({ config: { providers: { house: { type: "openai-compatible", baseUrl, apiKey: "sk-inside-0123456789" } } } })
      .catch((thrown: unknown) => thrown as LlmError)
    if (inside instanceof Error) {
      expect(inside).toMatchObject({ reason: { _tag: "Configuration" } })
      continue
    }
    asked++
    try {
      const { status, text } = await inside.as("dev", "/v1/chat/completions", { body: question({ model: "house/x" }) })
      expect(status, `${host} ${text}`).toBeGreaterThanOrEqual(500)
    } finally {
      await inside.close()
    }
  }
  // One that only resolves to it is known for that when it is connected to.
  expect(asked).toBeGreaterThan(0)
  expect(reached("inside")).toBe(false)
})
