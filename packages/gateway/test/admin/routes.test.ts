/** What admins are told, and what they do: status, configuration, pipelines, usage, caches, and the log of all that. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { version } from "../../src/version.ts"
import { after } from "../server/harness.ts"
import { half } from "../server/upstream.ts"
import { type Body, people, question, serviceKeys, type Site, site } from "./site.ts"

const limits = {
  models: { fast: { provider: "openai", model: "gpt-4o-mini", pipeline: "cached" } },
  pipelines: { default: ["metrics", "trackCost", "circuitBreaker"], cached: ["metrics", "trackCost", { plug: "cache", ttl: "1 hour" }] },
  routes: { embeddings: "cached" },
  tenants: {
    acme: { pipeline: "cached", providers: ["openai"], budgets: [{ per: "tenant", amount: "5", every: "month" }] },
    other: { limits: [{ per: "tenant", requestsPerMinute: 100 }] }
  },
  budgets: [{ per: "global", amount: "100", every: "month" }, { per: "key", amount: 10, every: "day", kind: "soft" }],
  accounting: { unpriced: "allow" }
}

let at: Site
beforeAll(async () => {
  at = await site({ config: limits })
})
afterAll(() => at.close())

const priced = (more: object = {}) => question({ model: "openai/gpt-4o-mini", max_tokens: 50, ...more })

describe("GET /admin/status", () => {
  it("tells how the gateway is", async () => {
    at.one.answers.set("held", half)
    const held = at.as("dev", "/v1/chat/completions", { body: question({ model: "openai/held", stream: true }) })
    const before = at.asked()
    while (at.asked() === before) await after(5)
    const { json } = await at.as("view", "/admin/status")
    expect(json).toMatchObject({
      version, draining: false, generation: 1, open: false, activeRequests: 2, lastReloadError: null, stores: "memory",
      providers: ["openai", "anthropic"], queue: null, cache: { savedCost: "0", stores: [{ entries: 0 }] }
    })
    expect(json.uptimeMs).toBeGreaterThan(0)
    at.one.asked.at(-1)!.response.end()
    await held
    at.one.answers.set("down", ({ response }) => void response.writeHead(500).end("{}"))
    for (let index = 0; index < 5; index++) await at.as("dev", "/v1/chat/completions", { body: question({ model: "openai/down" }) })
    const { circuits } = (await at.as("view", "/admin/status")).json
    expect(circuits.find(({ circuit }: { circuit: string }) => circuit === "openai/down")).toMatchObject({ state: "open", failures: 0 })
    expect(circuits.find(({ circuit }: { circuit: string }) => circuit === "openai/down").retryAfterMs).toBeGreaterThan(0)
  })

  it("has the version of the package", () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as { readonly version: string }
    expect(version).toBe(manifest.version)
  })

  it("names to a tenant the providers that it may ask, and nothing of what all share", async () => {
    expect((await at.as("acme", "/admin/status")).json.providers).toEqual(["openai"])
  })
})

describe("GET /admin/config", () => {
  it("prints what is in force, defaults filled in, without a secret", async () => {
    const { json, text } = await at.as("ops", "/admin/config")
    expect(json).toMatchObject({ generation: 1, path: at.path, warnings: [] })
    expect(json.config).toMatchObject({ server: { port: 4141 }, tenants: { acme: { pipeline: "cached" } }, stores: { kind: "memory" } })
    expect(json.config.providers.openai.apiKey).toBe("<redacted>")
    expect(json.config.auth.keys[0]).toMatchObject({ name: "root", hash: "<redacted>" })
    for (const key of Object.values(serviceKeys)) expect(text).not.toContain(key)
    expect((await at.as("dev", "/admin/config")).status).toBe(403)
  })
})

describe("POST /admin/config/reload", () => {
  it("puts another configuration in force; a broken one changes nothing and says why", async () => {
    const { json } = await at.as("ops", "/admin/config/reload", { method: "POST" })
    expect(json).toEqual({ generation: 2, warnings: [] })
    at.write({ budgts: [] })
    const broken = await at.as("ops", "/admin/config/reload", { body: {} })
    expect(broken.status).toBe(422)
    expect(broken.json.error.message).toMatch(/stays as it was: .*unknown field "budgts"; did you mean "budgets"\?/)
    const seen = (await at.as("ops", "/admin/status")).json
    expect(seen).toMatchObject({ generation: 2, lastReloadError: { message: expect.stringContaining("budgts") } })
    // What stands in the file is not for those who may only watch.
    expect((await at.as("view", "/admin/status")).json.lastReloadError).toEqual({ at: seen.lastReloadError.at })
    at.write({})
    expect((await at.as("root", "/admin/config/reload", { method: "POST" })).json.generation).toBe(3)
    expect((await at.as("ops", "/admin/status")).json.lastReloadError).toBeNull()
    expect((await at.as("root", "/admin/config/reload", { body: { force: true } })).status).toBe(400)
    const { entries } = (await at.as("root", "/admin/audit?action=config.reload")).json
    expect(entries.map(({ outcome, who }: { outcome: string; who: { id: string } }) => [who.id, outcome])).toEqual([
      ["root", "allowed"], ["ops", "failed"], ["ops", "allowed"], ["ops", "allowed"]
    ])
  })

  it("ends a key that is gone from the file, also on an open stream", async () => {
    at.one.answers.set("held", half)
    const before = at.asked()
    const stream = at.as("dev", "/v1/chat/completions", { body: question({ model: "openai/held", stream: true }) })
    while (at.asked() === before) await after(5)
    const file = JSON.parse(readFileSync(at.path, "utf8")) as { readonly auth: { readonly keys: ReadonlyArray<{ readonly name: string }> } }
    at.write({ auth: { keys: file.auth.keys.filter(({ name }) => name !== "dev") } })
    expect((await at.as("root", "/admin/config/reload", { method: "POST" })).status).toBe(200)
    expect((await at.as("dev", "/v1/models")).status).toBe(401)
    expect((await stream).text).toContain("no valid credential")
    at.write({})
    await at.as("root", "/admin/config/reload", { method: "POST" })
  })
})

describe("GET /admin/pipelines", () => {
  const routesOf = (json: Body, name: string): ReadonlyArray<string> =>
    json.pipelines.find((each: { readonly name: string }) => each.name === name).routes

  it("names every route's pipeline, and prints each as a tree", async () => {
    const { json } = await at.as("ops", "/admin/pipelines")
    expect(json.tenant).toBeNull()
    expect(json.models).toEqual({ fast: "cached" })
    expect(routesOf(json, "default")).toContain("POST /v1/messages (stream)")
    expect(routesOf(json, "cached")).toEqual(expect.arrayContaining(["POST /v1/embeddings (embeddings)", "POST /api/embed (embeddings)"]))
    const asking = at.gateway.routes.flatMap(({ operation, path }) => operation === undefined || path.startsWith("/inspector/") ? [] : [path])
    const told = json.pipelines.flatMap(({ routes }: { routes: ReadonlyArray<string> }) => routes).join("\n")
    for (const path of asking) expect(told).toContain(` ${path} (`)
    const { text, tree } = json.pipelines.find(({ name }: { name: string }) => name === "cached")
    const names = tree.map(({ name }: { name: string }) => name)
    expect(names).toEqual(["metrics", "trackCost", "cache", "budget", expect.any(String)])
    expect(text.split("\n")[2]).toMatch(/^cache .*1 hour/)
  })

  it("as it holds for a tenant, with its own limits", async () => {
    const { json } = await at.as("root", "/admin/pipelines?tenant=other")
    expect(json.pipelines[0].text).toContain("tenant:other:tenant")
    expect((await at.as("root", "/admin/pipelines?tenant=nobody")).status).toBe(404)
    const own = await at.as("acme", "/admin/pipelines")
    expect(own.json.tenant).toBe("acme")
    expect(own.json.pipelines.map(({ name }: { name: string }) => name)).toEqual(["cached"])
    expect(own.text).not.toContain("tenant:other")
  })
})

describe("GET /admin/usage", () => {
  it("adds up by key, model and tenant, and tells how budgets stand", async () => {
    for (const who of ["dev", "acmeDev", "root"]) {
      expect((await at.as(who, "/v1/chat/completions", { body: priced({ seed: who.length }) })).status).toBe(200)
    }
    const { json } = await at.as("view", "/admin/usage")
    expect(json.by).toEqual(["key", "model", "tenant"])
    const of = (key: string) => json.totals.find(({ group }: Body) => group.key === key && group.model === "gpt-4o-mini")
    expect(of("dev")).toMatchObject({ costUsd: "0.0000045", calls: 1, unknown: 0 })
    expect(of("acmeDev").group).toEqual({ key: "acmeDev", model: "gpt-4o-mini", tenant: "acme" })
    const standing = (limit: string, whose: string) => json.budgets.find((each: Body) => each.limit === limit && each.whose === whose)
    expect(standing("gateway:global-month", "all")).toMatchObject({ amount: "100", held: "0", kind: "hard" })
    expect(Number(standing("gateway:global-month", "all").spent)).toBeCloseTo(0.0000135, 9)
    expect(standing("tenant:acme:tenant-month", "tenant acme").spent).toBe("0.0000045")
    expect(standing("gateway:key-day", "key acmeDev")).toMatchObject({ spent: "0.0000045", tenant: "acme", kind: "soft" })
  })

  it("within a time, and for what is asked", async () => {
    const asked = async (query: string) => (await at.as("view", `/admin/usage?${query}`)).json.totals
    expect(await asked("by=model&keyId=dev&model=gpt-4o-mini")).toHaveLength(1)
    expect(await asked("until=2020-01-01")).toEqual([])
    expect(await asked("since=2020-01-01&by=tenant&tenant=acme")).toHaveLength(1)
    for (const query of ["by=colour", "since=yesterday", "tennant=acme"]) {
      expect((await at.as("view", `/admin/usage?${query}`)).status, query).toBe(400)
    }
  })

  it("to a tenant its own, to a developer his own, whatever they ask for", async () => {
    for (const query of ["", "?tenant=other", "?keyId=dev", "?by=key&tenant=acme&tenant=other", "?by=key,tenant&user=dev"]) {
      for (const who of ["acme", "acmeDev"]) {
        const { json, text } = await at.as(who, `/admin/usage${query}`)
        for (const { group } of json.totals ?? []) expect(group.tenant ?? "acme").toBe("acme")
        expect(text).not.toMatch(/"dev"|key root|gateway:global|tenant other/)
      }
    }
    expect((await at.as("acme", "/admin/usage")).json.budgets.map(({ whose }: Body) => whose)).toContain("key acmeDev")
    const { json } = await at.as("dev", "/admin/usage?by=key")
    expect(json.totals.map(({ group }: Body) => group.key)).toEqual(["dev"])
    expect(json.budgets.map(({ whose }: Body) => whose)).toEqual(["key dev"])
  })
})

describe("POST /admin/cache/clear", () => {
  it("forgets every answer", async () => {
    const ask = async () => (await at.as("dev", "/v1/chat/completions", { body: question({ model: "fast", max_tokens: 40 }) })).headers["x-plugline-cache"]
    expect([await ask(), await ask()]).toEqual(["miss", "hit"])
    expect((await at.as("view", "/admin/cache/clear", { method: "POST" })).status).toBe(403)
    expect(await ask()).toBe("hit")
    expect((await at.as("ops", "/admin/cache/clear", { method: "POST" })).json).toEqual({ cleared: true })
    expect(await ask()).toBe("miss")
    const { entries } = (await at.as("root", "/admin/audit?action=cache.clear")).json
    expect(entries.map(({ outcome, who }: Body) => `${who.id} ${outcome}`)).toEqual(["ops allowed", "view refused"])
  })
})

describe("GET /admin/audit", () => {
  it("has who, what, to what, by which request and how it ended, page by page", async () => {
    const { headers, json: { id } } = await at.as("root", "/admin/keys", { body: { name: "noted", role: "viewer" } })
    const { json } = await at.as("ops", `/admin/audit?target=${id}`)
    expect(json.entries).toHaveLength(1)
    expect(json.entries[0]).toMatchObject({
      who: { id: "root", role: "admin", kind: "key" }, action: "keys.create", target: id, outcome: "allowed",
      requestId: headers["x-request-id"], at: expect.stringMatching(/^20\d\d-.*Z$/), after: { name: "noted", grant: { role: "viewer" } }
    })
    const seen: Array<number> = []
    let before = ""
    for (let page = 0; page < 100; page++) {
      const { json } = await at.as("root", `/admin/audit?limit=3${before}`)
      seen.push(...json.entries.map(({ seq }: { seq: number }) => seq))
      if (json.next === undefined) break
      before = `&before=${json.next}`
    }
    expect(seen).toEqual(seen.map((_, index) => seen.length - index))
    expect((await at.as("view", "/admin/audit")).status).toBe(403)
    expect((await at.as("root", "/admin/audit", { method: "DELETE" })).status).toBe(405)
  })
})

it("roles may be narrowed to some routes", async () => {
  at.write({ auth: { keys: JSON.parse(readFileSync(at.path, "utf8")).auth.keys.map((key: Body) => key.name === "ops" ? { ...key, role: "watch" } : key), roles: { watch: { permissions: ["*"], routes: ["/admin/status", "/admin/keys/{id}*"] } } } })
  expect((await at.as("root", "/admin/config/reload", { method: "POST" })).status).toBe(200)
  expect((await at.as("ops", "/admin/status")).status).toBe(200)
  expect((await at.as("ops", "/admin/keys")).status).toBe(403)
  expect((await at.as("ops", "/admin/keys/key_1")).status).toBe(404)
  expect(Object.keys(people)).toContain("ops")
})
