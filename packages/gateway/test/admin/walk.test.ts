/** Who may do what, over the whole table of routes: nobody without a key, nobody beyond his role, whatever else a request says. */
import { request as httpRequest } from "node:http"
import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { allows } from "../../src/auth/Principal.ts"
import { make } from "../../src/auth/secret.ts"
import { ask, type Ask } from "../server/harness.ts"
import { people, type Person, question, secrets, type Site, site } from "./site.ts"

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

/** A path of a route, with something in its open place. */
const filled = (path: string): string => path.replace(/\{model\+\}/, "openai/model-1").replace(/\{\w+\+?\}/, "key_000000000000000000")

const question_ = question()

/** A path as it is, without the tidying of clients. */
const raw = (path: string, headers: Record<string, string>, method = "GET"): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(at.address)
    const socket = connect(Number(port), hostname)
    let text = ""
    socket.on("data", (piece) => (text += piece.toString("latin1")))
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)))
    socket.on("error", reject)
    const lines = Object.entries({ host: `${hostname}:${port}`, connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}`)
    socket.end(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\ncontent-length: 0\r\n\r\n`)
  })

describe("without a key", () => {
  it("every route answers 401 but /health, /ready and the inspector's page, and no service is asked", async () => {
    const before = at.asked()
    const open: Array<string> = []
    expect(at.gateway.routes.length).toBeGreaterThan(30)
    for (const { method, path } of at.gateway.routes) {
      const { headers, status, text } = await ask(at.address, filled(path), { method, ...(method !== "GET" && { body: question_ }) })
      if (path === "/inspector/" && status === 503) continue
      if (status === 200) open.push(`${method} ${path}`)
      // The page holds nothing: what it shows it has to ask for.
      else if (path === "/inspector" || path === "/inspector/{file+}") expect([308, 404, 503], path).toContain(status)
      else {
        expect(status, path).toBe(401)
        expect(headers["www-authenticate"]).toBe("Bearer")
        expect(text).toContain("no valid credential")
      }
    }
    expect(open.filter((each) => each !== "GET /inspector/")).toEqual(["GET /health", "GET /ready"])
    expect(at.asked()).toBe(before)
  })

  it.each(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("%s answers 401 also where there is no route", async (method) => {
    const before = at.asked()
    for (const path of [
      "/", "/admin", "/admin/", "/v1", "/v1/engines/x/completions", "/v1/edits", "/v2/chat/completions", "/inspectors", "/Inspector/", "/favicon.ico",
      "/health/", "/Health", "/health/x", "/ready/..", "/metrics/", "/debug", "/.env", "/api/pull", "/chat/completions", "/v1/files"
    ]) expect((await ask(at.address, path, { method })).status, path).toBe(401)
    expect((await ask(at.address, "/admin/keys", { method })).status).toBe(401)
    expect(at.asked()).toBe(before)
  })

  const wrong: ReadonlyArray<readonly [string, () => Ask["headers"]]> = [
    ["an empty bearer", () => ({ authorization: "Bearer " })],
    ["only the word", () => ({ authorization: "Bearer" })],
    ["a key that was never given", () => ({ authorization: `Bearer ${make()}` })],
    ["a key with more behind it", () => ({ authorization: `Bearer ${secrets.root} x` })],
    ["a password", () => ({ authorization: `Basic ${Buffer.from(`root:${secrets.root}`).toString("base64")}` })],
    ["two headers", () => ({ authorization: [`Bearer ${secrets.root}`, `Bearer ${secrets.root}`] })],
    ["two keys", () => ({ authorization: `Bearer ${secrets.root}`, "x-api-key": secrets.view })],
    ["a cookie", () => ({ cookie: `key=${secrets.root}; authorization=${secrets.root}` })],
    ["a token that nobody signed", () => ({ authorization: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9." })]
  ]
  it.each(wrong)("%s is none: one and the same answer", async (_what, headers) => {
    const before = at.asked()
    for (const path of ["/v1/chat/completions", "/admin/keys"]) {
      const { status, text } = await ask(at.address, path, { method: "POST", body: question_, headers: headers()! })
      expect(status).toBe(401)
      expect(text).toContain("no valid credential: send one API key as Authorization: Bearer, x-api-key or x-goog-api-key")
    }
    expect(at.asked()).toBe(before)
  })
})

describe("with a key", () => {
  it("a role reaches what it is permitted, route by route, and nothing else", async () => {
    const before = at.asked()
    for (const who of Object.keys(people) as ReadonlyArray<Person>) {
      const principal = at.gateway.configuration.current().auth.configured.find(({ name }) => name === who)!
      for (const { method, path, permission } of at.gateway.routes) {
        if (permission === "public" || allows(principal, { permission, route: path }) === undefined) continue
        const { status, text } = await at.as(who, filled(path), { method, ...(method !== "GET" && { body: question_ }) })
        expect(status, `${who} ${method} ${path}`).toBe(403)
        expect(text).toContain("lacks the permission")
      }
    }
    expect(at.asked()).toBe(before)
  })

  it("a viewer does no admin act, however the path is written", async () => {
    const { id } = (await at.as("root", "/admin/keys", { body: { name: "kept" } })).json
    const { generation } = at.gateway.configuration.current()
    const headers = { authorization: `Bearer ${secrets.view}` }
    const acts = [
      ["POST", "/admin/keys"], ["DELETE", `/admin/keys/${id}`], ["PATCH", `/admin/keys/${id}`], ["POST", `/admin/keys/${id}/rotate`],
      ["POST", "/admin/config/reload"], ["POST", "/admin/cache/clear"], ["GET", "/admin/config"], ["GET", "/admin/keys"], ["GET", "/admin/audit"]
    ] as const
    const spellings: ReadonlyArray<(path: string) => string> = [
      (path) => path, (path) => path.toUpperCase(), (path) => path.replace("/admin", "/Admin"), (path) => `/${path}`, (path) => `${path}/`,
      (path) => path.replaceAll("/", "//"), (path) => path.replaceAll("/", "%2f"), (path) => path.replace("/admin/", "/admin%2F"),
      (path) => `/v1/..${path}`, (path) => `/v1/models/..%2f..${path}`, (path) => `/health/..${path}`, (path) => `/health/%2e%2e${path}`,
      (path) => `/health;${path}`, (path) => `/.${path}`, (path) => path.replace("admin", "%61dmin"), (path) => `${path}?role=admin`,
      (path) => `${path}#`, (path) => `${path}%00`, (path) => path.replaceAll("/", "\\"), (path) => `${at.address}${path}`,
      (path) => `http://localhost${path}`
    ]
    for (const [method, path] of acts) {
      for (const spell of spellings) {
        for (const more of [{}, { "x-http-method-override": method }, { "x-original-url": path, "x-rewrite-url": path }]) {
          expect([400, 403, 404, 405], `${method} ${spell(path)}`).toContain(await raw(spell(path), { ...headers, ...more }, method))
        }
      }
    }
    expect((await at.as("root", `/admin/keys/${id}`)).json.state).toBe("active")
    expect(at.gateway.configuration.current().generation).toBe(generation)
    const { json } = await at.as("root", "/admin/audit?who=view&limit=1000")
    expect(json.entries.length).toBeGreaterThan(6)
    for (const { outcome } of json.entries) expect(outcome).toBe("refused")
  })

  it("nothing that a body or a header says of who asks is believed", async () => {
    const claims = {
      user: "root", role: "admin", tenant: "other", team: "x", key: "root", tier: "premium", identity: { tenant: "other" }, scopes: ["*"],
      metadata: { budget: "1000000", tenant: "other", role: "admin", user: "root" }
    }
    const headers = {
      "x-plugline-tenant": "other", "x-plugline-user": "root", "x-plugline-role": "admin", "x-plugline-key": "root", "x-tenant": "other",
      "x-tenant-id": "other", "x-user": "root", "x-role": "admin", "x-forwarded-user": "root", "x-forwarded-for": "127.0.0.1",
      "x-real-ip": "127.0.0.1", "openai-organization": "other", "openai-project": "other"
    }
    for (const path of ["/admin/keys?tenant=other", "/admin/audit"]) expect((await at.as("view", path, { headers })).status).toBe(403)
    for (const body of [question(), question(claims)]) {
      const { status } = await at.as("acmeDev", "/v1/chat/completions", { body, headers })
      expect([200, 400]).toContain(status)
    }
    // What was asked counts for whoever has the key, and for nobody else.
    const { json } = await at.as("root", "/admin/usage?by=tenant,key,user")
    const groups = json.totals.map(({ group }: { group: object }) => group)
    expect(groups).toContainEqual({ tenant: "acme", key: "acmeDev", user: "ada" })
    expect(JSON.stringify(groups)).not.toMatch(/other|root/)
    expect(at.log()).not.toContain("\"tenant\":\"other\"")
  })

  it("the host that a client names decides nothing", async () => {
    const hosts = ["localhost", "admin.internal", "api.openai.com", "127.0.0.1:1", "evil.example", "[::1]", "x".repeat(300)]
    const forwarded = (host: string) => ({ host, "x-forwarded-host": host, forwarded: `host=${host}`, "x-forwarded-proto": "https" })
    const statusOf = (path: string, headers: Record<string, string>, method: string, body?: object): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(`${at.address}${path}`, { method, agent: false, headers: { "content-type": "application/json", ...headers } }, (response) => {
          response.resume()
          response.on("end", () => resolve(response.statusCode!))
        })
        request.on("error", reject)
        request.end(body === undefined ? undefined : JSON.stringify(body))
      })
    for (const host of hosts) {
      const of = (who: Person) => ({ ...forwarded(host), authorization: `Bearer ${secrets[who]}` })
      expect(await statusOf("/admin/keys", forwarded(host), "GET")).toBe(401)
      expect(await statusOf("/admin/keys", of("view"), "GET")).toBe(403)
      expect(await statusOf("/admin/keys", of("root"), "GET")).toBe(200)
      expect(await statusOf("/v1/chat/completions", of("dev"), "POST", question())).toBe(200)
      expect(at.one.asked.at(-1)!.headers.host).toBe(new URL(at.one.url).host)
    }
  })
})

describe("where no key is needed", () => {
  it("pages of other sites cannot have a browser act: not by a form, nor after a name was turned to this machine", async () => {
    const open = await site({ config: { auth: { keys: [] } } })
    try {
      const acts = [["/admin/keys", { name: "x" }], ["/admin/config/reload", {}], ["/admin/cache/clear", {}], ["/v1/chat/completions", question()]] as const
      for (const origin of ["https://evil.example", "http://evil.example:4141", "null", "file://", "https://127.0.0.1.evil.example"]) {
        for (const [path, body] of acts) {
          const { status } = await ask(open.address, path, { body: JSON.stringify(body), headers: { origin, "content-type": "text/plain" } })
          expect(status, `${origin} ${path}`).toBe(403)
        }
      }
      expect(open.asked()).toBe(0)
      expect(open.gateway.configuration.current().generation).toBe(1)
      for (const headers of [{}, { origin: open.address }, { origin: "http://localhost:3000" }]) {
        expect((await ask(open.address, "/admin/keys", { headers })).status).toBe(200)
        expect((await ask(open.address, "/v1/chat/completions", { body: question(), headers })).status).toBe(200)
      }
    } finally {
      await open.close()
    }
  })
})
