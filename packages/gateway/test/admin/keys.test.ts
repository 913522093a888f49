/** API keys made, listed, rotated, dated and revoked over HTTP; tenants stay apart. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { after, ask } from "../server/harness.ts"
import { half } from "../server/upstream.ts"
import { people, question, secrets, type Person, type Site, site, withJson } from "./site.ts"

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

const made = async (who: Person, body: object): Promise<{ readonly id: string; readonly key: string }> => {
  const { json, status } = await at.as(who, "/admin/keys", { body })
  expect(status, JSON.stringify(json)).toBe(201)
  return json
}

describe("a key that is made", () => {
  it("is shown once, and works", async () => {
    const answer = await at.as("root", "/admin/keys", { body: { name: "bot", tenant: "acme", models: ["model-*"], expires: "2099-01-01" } })
    expect(answer.status).toBe(201)
    expect(answer.headers["cache-control"]).toBe("no-store")
    const { id, key, ...rest } = answer.json
    expect(key).toMatch(/^pk-plugline-[0-9A-Za-z]{49}$/)
    expect(rest).toMatchObject({
      name: "bot", prefix: key.slice(0, 18), state: "active", tenant: "acme", models: ["model-*"], by: "root", account: id,
      expires: "2099-01-01T00:00:00.000Z"
    })
    expect((await at.as(key, "/v1/chat/completions", { body: question() })).status).toBe(200)
    for (const path of ["/admin/keys", `/admin/keys/${id}`, "/admin/audit", "/admin/config", "/admin/usage"]) {
      const { status, text } = await at.as("root", path)
      expect(status, path).toBe(200)
      expect(text, path).not.toContain(key.slice(18))
    }
    const { json } = await at.as("root", `/admin/keys/${id}`)
    expect(json).toEqual({ id, ...rest })
  })

  it("is listed page by page, those of the configuration beside the first", async () => {
    for (let index = 0; index < 5; index++) await made("other", { name: `page ${index}` })
    const names: Array<string> = []
    let after = ""
    for (let pages = 0; pages < 9; pages++) {
      const { json } = await at.as("other", `/admin/keys?limit=2${after}`)
      expect(json.keys.length).toBeLessThanOrEqual(2)
      expect(json.configured).toEqual(after === "" ? [{ name: "other", role: "admin", tenant: "other" }] : undefined)
      names.push(...json.keys.map(({ name }: { name: string }) => name))
      if (json.next === undefined) break
      after = `&after=${json.next}`
    }
    expect(names).toEqual([0, 1, 2, 3, 4].map((index) => `page ${index}`))
    const { json } = await at.as("root", "/admin/keys")
    expect(json.configured.map(({ name }: { name: string }) => name)).toEqual(Object.keys(people))
  })

  it("is rotated: both work for the overlap, the old one no longer", async () => {
    const old = await made("root", { name: "turn" })
    const next = await at.as("root", `/admin/keys/${old.id}/rotate`, { body: { overlap: "1 hour" } })
    expect(next.status).toBe(201)
    expect(next.json).toMatchObject({ name: "turn", replaces: old.id, account: old.id })
    for (const key of [old.key, next.json.key]) expect((await at.as(key, "/v1/models")).status).toBe(200)
    expect((await at.as("root", `/admin/keys/${old.id}/rotate`, { method: "POST" })).status).toBe(409)
    const last = await at.as("root", `/admin/keys/${next.json.id}/rotate`, { body: { overlap: 0 } })
    expect((await at.as(next.json.key, "/v1/models")).status).toBe(401)
    expect((await at.as(last.json.key, "/v1/models")).status).toBe(200)
  })

  it("is dated", async () => {
    const { id, key } = await made("root", { name: "dated" })
    expect((await at.as("root", `/admin/keys/${id}`, { method: "PATCH", body: { expires: "2020-01-01" } })).json.state).toBe("expired")
    expect((await at.as(key, "/v1/models")).status).toBe(401)
  })

  it("is refused at once when it is revoked, also on an open stream", async () => {
    at.one.answers.set("held", half)
    const { id, key } = await made("root", { name: "streams" })
    const before = at.asked()
    const stream = at.as(key, "/v1/chat/completions", { body: question({ model: "openai/held", stream: true }) })
    while (at.asked() === before) await after(10)
    const { socket } = at.one.asked.at(-1)!.request
    const revoked = await at.as("root", `/admin/keys/${id}`, { method: "DELETE" })
    expect(revoked.json).toMatchObject({ id, state: "revoked" })
    expect((await at.as(key, "/v1/models")).status).toBe(401)
    const begun = performance.now()
    const { status, text } = await stream
    expect(performance.now() - begun).toBeLessThan(2_500)
    expect(status).toBe(200)
    expect(text).toContain("\"error\"")
    expect(text).not.toContain("[DONE]")
    await after(150)
    expect(socket.destroyed).toBe(true)
    expect((await at.as("root", `/admin/keys/${id}`, { method: "DELETE" })).json.state).toBe("revoked")
  })

  it("has two budgets for the same time, if it is said so", async () => {
    const budgets = [{ amount: 1, every: "day", kind: "soft" }, { amount: 2, every: "day" }]
    const { key } = await made("root", { name: "two budgets", budgets })
    const { json, status } = await at.as(key, "/v1/chat/completions", { body: question({ model: "openai/gpt-4o-mini", max_tokens: 5 }) })
    expect(status, JSON.stringify(json)).toBe(200)
  })
})

describe("a body", () => {
  it.each([
    [{ name: "x", tennant: "acme" }, /unknown field \\"tennant\\"; did you mean \\"tenant\\"\?/],
    [{ name: "x", limits: { requestPerMinute: 5 } }, /did you mean \\"requestsPerMinute\\"\?/],
    [{ name: "x", budgets: [{ amount: 1, evry: "day" }] }, /\\"evry\\"|\\"budgets.0.every\\" is missing/],
    [{}, /\\"name\\" is missing/],
    [{ name: "x", expires: "tomorrow" }, /\\"expires\\" must be a day such as/],
    [{ name: "x", role: "boss" }, /role must be one of admin, operator, developer, viewer/],
    [{ name: "x", metadata: { budget: 5 } }, /unknown field \\"metadata\\"/]
  ])("%j is refused, with what would fit", async (body, expected) => {
    const { json, status, text } = await at.as("root", "/admin/keys", { body })
    expect(status).toBe(400)
    expect(text).toMatch(expected)
    expect(json.error).toMatchObject({ type: "invalid_request_error" })
  })

  it("that is a credential is not repeated", async () => {
    const { status, text } = await at.as("root", "/admin/keys", { body: { name: "x", role: 5, expires: secrets.root } })
    expect(status).toBe(400)
    expect(text).not.toContain(secrets.root.slice(18))
  })

  it.each(["limit=0", "limit=1001", "limit=x", "limt=5", "limit=1&limit=2"])("and so is the query %s", async (query) => {
    expect((await at.as("root", `/admin/keys?${query}`)).status).toBe(400)
  })
})

describe("an admin of a tenant", () => {
  it("sees and touches only what is its tenant's: another's is not there", async () => {
    const theirs = await made("root", { name: "theirs", tenant: "other" })
    const nobodys = await made("root", { name: "nobody's" })
    const missing = (await at.as("acme", "/admin/keys/key_000000000000000000")).json
    for (const { id, key } of [theirs, nobodys]) {
      for (const ask of [
        at.as("acme", `/admin/keys/${id}`),
        at.as("acme", `/admin/keys/${id}`, { method: "DELETE" }),
        at.as("acme", `/admin/keys/${id}`, { method: "PATCH", body: { expires: "2020-01-01" } }),
        at.as("acme", `/admin/keys/${id}/rotate`, { method: "POST" })
      ]) {
        const { json, status } = await ask
        expect(status).toBe(404)
        expect(json).toEqual(missing)
      }
      expect((await at.as(key, "/v1/models")).status).toBe(200)
    }
    const { json } = await at.as("acme", "/admin/keys")
    expect(json.keys.every(({ tenant }: { tenant: string }) => tenant === "acme")).toBe(true)
    expect(json.configured.map(({ name }: { name: string }) => name)).toEqual(["acme", "acmeDev"])
    expect((await at.as("acme", "/admin/keys?tenant=other")).json.keys).toEqual([])
  })

  it("makes keys of its own tenant alone", async () => {
    const { key } = await made("acme", { name: "ours" })
    expect((await at.as("acme", "/admin/keys")).json.keys.at(-1)).toMatchObject({ name: "ours", tenant: "acme", prefix: key.slice(0, 18) })
    expect((await at.as("acme", "/admin/keys", { body: { name: "x", tenant: "other" } })).status).toBe(403)
  })

  it("changes and reads nothing that all share", async () => {
    for (const path of ["/admin/config/reload", "/admin/cache/clear"]) {
      expect((await at.as("acme", path, { method: "POST" })).status, path).toBe(403)
    }
    expect((await at.as("acme", "/admin/cache/clear", { method: "POST" })).json.error.message).toContain("those of one tenant cannot be forgotten alone")
    expect((await at.as("acme", "/admin/config")).status).toBe(403)
    expect((await at.as("acme", "/metrics")).status).toBe(403)
    const status = (await at.as("acme", "/admin/status")).json
    expect(Object.keys(status).toSorted()).toEqual(["draining", "generation", "providers", "started", "uptimeMs", "version"])
    expect((await at.as("acme", "/admin/pipelines?tenant=other")).status).toBe(404)
  })

  it("reads of the audit log what its own did, refusals included", async () => {
    const { json } = await at.as("acme", "/admin/audit?limit=1000")
    expect(json.entries.length).toBeGreaterThan(5)
    for (const { who } of json.entries) expect(who.tenant).toBe("acme")
    expect((await at.as("acme", "/admin/audit?tenant=other")).json.entries).toEqual([])
    expect((await at.as("root", "/admin/audit?tenant=other&limit=1000")).json.entries.length).toBe(5)
  })
})

it("whoever has no key of ours hears nothing of all this", async () => {
  const answers = await Promise.all(["GET", "POST", "DELETE"].map((method) => ask(at.address, "/admin/keys/key_1", { method })))
  for (const answered of answers) expect(withJson(answered).status).toBe(401)
})
