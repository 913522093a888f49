/** The inspector's page as files: what is served, with which headers, and that no path leads anywhere else. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brotliDecompressSync, gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openai } from "../../src/dialects/openai/index.ts"
import { pageRoutes } from "../../src/inspector/routes/page.ts"
import { Exchange } from "../../src/server/Exchange.ts"
import { table } from "../../src/server/router.ts"
import { ask, type Stage, stage } from "../server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-page-"))
const page = join(folder, "page")
const script = `console.log(${JSON.stringify("x".repeat(4_000))})`

/** The routes of a page on a server of their own. */
const serving = async (from: string, enabled = true) => {
  const routes = table(pageRoutes(enabled, from))
  const server = createServer((request, response) => {
    const exchange = new Exchange(request, response, "req_1", Date.now(), openai)
    const found = routes.find(request.method === "HEAD" ? "GET" : request.method ?? "GET", exchange.path)
    if (found === undefined || "allowed" in found) return void response.writeHead(404).end("none of ours")
    exchange.parameter = found.parameter
    found.route.handle({ exchange } as never)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void (server.closeAllConnections(), server.close()) }
}

let at: Awaited<ReturnType<typeof serving>>
let gateway: Stage
beforeAll(async () => {
  mkdirSync(join(page, "assets"), { recursive: true })
  writeFileSync(join(folder, "secret.txt"), "SECRET")
  writeFileSync(join(page, "index.html"), "<!doctype html><meta property=\"csp-nonce\" nonce=\"__CSP_NONCE__\"><style nonce=\"__CSP_NONCE__\"></style>")
  writeFileSync(join(page, "assets", "index-abc.js"), script)
  writeFileSync(join(page, "assets", "style-abc.css"), "a{}")
  writeFileSync(join(page, "assets", "style-abc.css.gz"), gzipSync("a{}"))
  writeFileSync(join(page, ".state"), "SECRET")
  writeFileSync(join(page, "notes.key"), "SECRET")
  symlinkSync(join(folder, "secret.txt"), join(page, "assets", "link.txt"))
  symlinkSync(folder, join(page, "up"))
  at = await serving(page)
  gateway = await stage({})
})
afterAll(async () => {
  at.close()
  await gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("the page", () => {
  it("comes with a policy that lets it run its own scripts and nothing else, and with a nonce of its own each time", async () => {
    const answers = [await ask(at.address, "/inspector/"), await ask(at.address, "/inspector/")]
    const nonces = answers.map(({ headers, status, text }) => {
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin", "x-frame-options": "DENY"
      })
      expect(headers["permissions-policy"]).toContain("camera=()")
      const nonce = /nonce-([A-Za-z0-9_-]{22})'/.exec(String(headers["content-security-policy"]))![1]!
      expect(headers["content-security-policy"]).toBe(
        `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; connect-src 'self'; img-src 'self' data:; font-src 'self'; `
          + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
      )
      expect(text.match(new RegExp(`nonce="${nonce}"`, "g"))).toHaveLength(2)
      expect(text).not.toContain("__CSP_NONCE__")
      return nonce
    })
    expect(nonces[0]).not.toBe(nonces[1])
  })

  it("is found without its slash, with what was asked behind it", async () => {
    expect(await ask(at.address, "/inspector")).toMatchObject({ status: 308, headers: { location: "/inspector/" } })
    expect(await ask(at.address, "/inspector?a=1")).toMatchObject({ status: 308, headers: { location: "/inspector/?a=1" } })
  })

  it("has files that are kept for good, packed where that is taken, and not sent twice", async () => {
    const plain = await ask(at.address, "/inspector/assets/index-abc.js")
    expect(plain).toMatchObject({ status: 200, text: script })
    expect(plain.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8", "cache-control": "public, max-age=31536000, immutable", vary: "accept-encoding",
      "x-content-type-options": "nosniff"
    })
    expect(plain.headers).not.toHaveProperty("content-encoding")
    const packed = await ask(at.address, "/inspector/assets/index-abc.js", { headers: { "accept-encoding": "gzip, br" } })
    expect(packed.headers["content-encoding"]).toBe("br")
    expect(brotliDecompressSync(packed.bytes).toString()).toBe(script)
    expect(packed.bytes.length).toBeLessThan(500)
    expect((await ask(at.address, "/inspector/assets/index-abc.js", { headers: { "accept-encoding": "br;q=0, gzip" } })).headers).not.toHaveProperty("content-encoding")
    const beside = await ask(at.address, "/inspector/assets/style-abc.css", { headers: { "accept-encoding": "gzip" } })
    expect(beside.headers).toMatchObject({ "content-encoding": "gzip", "content-type": "text/css; charset=utf-8" })
    const again = await ask(at.address, "/inspector/assets/index-abc.js", { headers: { "if-none-match": String(plain.headers.etag) } })
    expect([again.status, again.bytes.length, again.headers["content-length"]]).toEqual([304, 0, undefined])
    expect((await ask(at.address, "/inspector/assets/index-abc.js", { headers: { "if-none-match": "\"other\"" } })).status).toBe(200)
    const head = await ask(at.address, "/inspector/assets/index-abc.js", { method: "HEAD" })
    expect([head.status, head.bytes.length, head.headers["content-length"]]).toEqual([200, 0, String(Buffer.byteLength(script))])
  })

  it("that was built again is served as it is now", async () => {
    const before = await ask(at.address, "/inspector/")
    await new Promise((resolve) => setTimeout(resolve, 20))
    writeFileSync(join(page, "assets", "new-def.js"), "1")
    writeFileSync(join(page, "index.html"), "<!doctype html>new")
    expect((await ask(at.address, "/inspector/")).text).toBe("<!doctype html>new")
    expect((await ask(at.address, "/inspector/assets/new-def.js")).text).toBe("1")
    writeFileSync(join(page, "index.html"), before.text)
  })

  it("that is not built says how to build it, and the gateway goes on", async () => {
    const none = await serving(join(folder, "nowhere"))
    const { headers, status, text } = await ask(none.address, "/inspector/")
    expect([status, headers["content-type"]]).toEqual([503, "text/plain; charset=utf-8"])
    expect(text).toContain("npm run setup")
    none.close()
  })
})

/** A path as it is, without the tidying of clients. */
const raw = (address: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address)
    const socket = connect(Number(port), hostname)
    let text = ""
    socket.on("data", (piece) => (text += piece.toString("latin1")))
    socket.on("close", () => resolve(text))
    socket.on("error", reject)
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
  })

describe("no path leads out of it", () => {
  const escapes = [
    "/inspector/../secret.txt", "/inspector/..%2fsecret.txt", "/inspector/%2e%2e/secret.txt", "/inspector/%2e%2e%2fsecret.txt",
    "/inspector/assets/../../secret.txt", "/inspector/assets/..%5c..%5csecret.txt", "/inspector/assets/..\\..\\secret.txt", "/inspector//etc/passwd",
    "/inspector/%2fetc/passwd", "/inspector//../secret.txt", "/inspector/assets/link.txt", "/inspector/up/secret.txt", "/inspector/.state",
    "/inspector/notes.key", "/inspector/secret.txt%00.js", "/inspector/index.html%00", "/inspector/assets/%00", "/inspector/assets", "/inspector/assets/",
    "/inspector/__proto__", "/inspector/constructor", "/inspector/assets/index-abc.js/", "/inspector/ASSETS/index-abc.js", "/inspector/%252e%252e/secret.txt",
    "/inspector/assets/index-abc.js/../../../secret.txt", "/inspector/....//secret.txt", "/inspector/C:/secret.txt", "/inspector/file:///etc/passwd"
  ]
  it.each(escapes)("%s", async (path) => {
    for (const address of [at.address, gateway.address]) {
      const text = await raw(address, path)
      expect(text).toMatch(/^HTTP\/1\.1 (404|400|503) /)
      expect(text).not.toContain("SECRET")
      expect(text).not.toContain("root:")
    }
  })
})

describe("where no key is needed", () => {
  it("no page of another site gets hold of what is kept, also under a name that was made to lead here", async () => {
    const { port } = new URL(gateway.address)
    const api = "/inspector/api/traces"
    for (const headers of [{ origin: "https://evil.example" }, { host: "evil.example" }, { host: `evil.example:${port}`, origin: `http://evil.example:${port}` }, { host: "127.0.0.1.evil.example" }]) {
      const { headers: said, status, text } = await ask(gateway.address, api, { headers })
      expect(status, JSON.stringify(headers)).toBe(403)
      expect(text).not.toContain("traces")
      expect(said).not.toHaveProperty("access-control-allow-origin")
      expect((await ask(gateway.address, `${api}/x/replay`, { method: "POST", body: "{}", headers: { ...headers, "content-type": "text/plain" } })).status).toBe(403)
    }
    for (const host of ["localhost", `localhost:${port}`, "127.0.0.1", "[::1]:1", "inspector.localhost", "127.0.0.2"]) {
      expect((await ask(gateway.address, api, { headers: { host } })).status, host).toBe(200)
    }
  })

  it("a name may be let in", async () => {
    const named = await stage({ server: "cors: { origins: [\"https://tools.example\"] }" })
    expect((await ask(named.address, "/inspector/api/session", { headers: { host: "tools.example" } })).status).toBe(200)
    expect((await ask(named.address, "/inspector/api/session", { headers: { host: "other.example" } })).status).toBe(403)
    await named.close()
  })
})
