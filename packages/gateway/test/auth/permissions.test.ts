import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { allows, type Principal } from "../../src/auth/Auth.ts"
import { matches, namesModel, namesRoute } from "../../src/auth/pattern.ts"
import { builtIn, permissions, rolesOf } from "../../src/auth/permissions.ts"
import { principalOf } from "../../src/auth/load.ts"
import type { Grant } from "../../src/auth/KeyStore.ts"
import { forbidden, setting } from "./support.ts"

const roles = rolesOf() as ReadonlyMap<string, (typeof builtIn)[number]>
const made = (grant: Grant, of = roles): Principal => principalOf({ id: "k", name: "k", account: "k", grant }, of)!

describe("the built-in roles", () => {
  it("may do this, and nothing else", () => {
    const table = permissions.map((permission) => [
      permission, ...["admin", "operator", "developer", "viewer"].map((role) => allows(made({ role }), { permission }) === undefined ? "yes" : "no")
    ].join(" "))
    expect(table).toEqual([
      "chat yes yes yes no",
      "completion yes yes yes no",
      "embeddings yes yes yes no",
      "moderations yes yes yes no",
      "models yes yes yes yes",
      "batches yes yes yes no",
      "sessions yes yes yes no",
      "usage yes yes yes yes",
      "metrics yes yes no yes",
      "inspect yes yes no no",
      "replay yes yes no no",
      "status yes yes no yes",
      "operate yes yes no no",
      "config:read yes yes no no",
      "config:write yes yes no no",
      "keys:read yes yes no no",
      "keys:write yes no no no",
      "budgets:write yes no no no",
      "audit:read yes yes no no"
    ])
  })

  it("may do nothing that has no name here", () => {
    for (const role of ["admin", "operator", "developer", "viewer"]) {
      for (const permission of ["", "*", "Chat", "chat ", "keys:", "__proto__", "constructor"]) {
        expect(allows(made({ role }), { permission }), permission).toMatchObject(forbidden)
      }
      expect(allows(made({ role }), { permission: "public" })).toBeUndefined()
    }
  })

  it("can be put otherwise, but for admin", async () => {
    const { auth, end } = await setting({ roles: { viewer: { permissions: ["audit:read"] }, all: { permissions: ["*"] } } })
    expect(auth.roles.get("viewer")!.permissions).toEqual(["audit:read"])
    expect(auth.roles.get("all")!.permissions).toEqual(permissions)
    await end()
    await expect(setting({ roles: { admin: { permissions: ["chat"] } } })).rejects.toMatchObject({ reason: { option: "auth.roles.admin" } })
  })
})

describe("scopes", () => {
  it("take away and never add", () => {
    const list = fc.array(fc.constantFrom(...permissions, "*" as const))
    fc.assert(fc.property(fc.constantFrom(...roles.keys()), list, (role, scopes) => {
      const { permissions: mine } = made({ role, scopes })
      const of = roles.get(role)!.permissions
      expect(mine).toEqual(of.filter((each) => scopes.includes("*") || scopes.includes(each)))
    }))
  })
})

describe("lists of models and providers", () => {
  it("hold for the role and for the key alike", () => {
    const both = rolesOf({ narrow: { permissions: ["chat"], models: ["gpt-*", "openai/o3"], providers: ["openai", "azure*"] } })
    const principal = made({ role: "narrow", models: ["*mini", "cheap"], providers: ["openai"] }, both as typeof roles)
    const doing = (provider: string, model: string | undefined, alias?: string) =>
      allows(principal, { permission: "chat", provider, ...(model !== undefined && { model }), ...(alias !== undefined && { alias }) }) === undefined
    expect(doing("openai", "gpt-5-mini")).toBe(true)
    expect(doing("openai", "gpt-5")).toBe(false)
    expect(doing("openai", "o3-mini")).toBe(false)
    expect(doing("azure", "gpt-5-mini")).toBe(false)
    expect(doing("anthropic", "gpt-5-mini")).toBe(false)
    expect(doing("openai", "gpt-5", "cheap")).toBe(true)
    expect(doing("openai", undefined)).toBe(false)
    expect(doing("openai", undefined, "gpt-x-mini")).toBe(true)
    expect(allows(principal, { permission: "chat" })).toBeUndefined()
    const wide = made({ role: "narrow" }, both as typeof roles)
    const ask = (provider: string) => allows(wide, { permission: "chat", provider, model: "gpt-5" })
    expect([ask("openai"), ask("azure-eu"), ask("groq")]).toMatchObject([undefined, undefined, forbidden])
  })

  it("with a slash mean a provider's models, and not a name that merely looks so", () => {
    expect(namesModel(["openai/*"], { provider: "openai", model: "gpt-5", alias: "gpt-5" })).toBe(true)
    expect(namesModel(["openai/*"], { provider: "groq", model: "openai/gpt-oss-120b", alias: "openai/gpt-oss-120b" })).toBe(false)
    expect(namesModel(["groq/openai/*"], { provider: "groq", model: "openai/gpt-oss-120b" })).toBe(true)
    expect(namesModel(["team/fast"], { provider: "groq", model: "x", alias: "team/fast" })).toBe(true)
    expect(namesModel(["GPT-5"], { provider: "openai", model: "gpt-5" })).toBe(false)
    expect(namesModel([], { alias: "x" })).toBe(false)
  })
})

describe("lists of routes", () => {
  const principal = made({ role: "narrow" }, rolesOf({ narrow: { permissions: ["*"], routes: ["/v1/*"] } }) as typeof roles)

  it("hold", () => {
    expect(allows(principal, { permission: "chat", route: "/v1/chat/completions" })).toBeUndefined()
    for (const route of [
      "/admin/keys", "/V1/chat", "/v1", "v1/chat", "/v1/../admin/keys", "/v1//admin", "/v1/%2e%2e/admin", "/v1/%2E./admin", "/v1/..%2fadmin",
      "/v1/%2fadmin", "/v1/..\\admin", "/v1/%5cadmin", "/v1/..;/admin", "/v1/a\n", "/v1/.", "//v1/chat", "", "/v1/%252e%252e/admin", "/v1/a?b", "/v1/a#b", "/v1/\0"
    ]) expect(allows(principal, { permission: "chat", route }), route).toMatchObject(forbidden)
  })

  it("lead out of themselves by no path", () => {
    const step = fc.constantFrom("/", "..", ".", "%2e", "%2f", "%5c", "\\", ";", "admin", "v1", "%25", "//", "é")
    fc.assert(fc.property(fc.array(step), (steps) => {
      const path = `/v1/${steps.join("")}`
      if (!namesRoute(["/v1/*"], path)) return
      expect(new URL(`http://a${path}`).pathname.startsWith("/v1/")).toBe(true)
      expect(decodeURIComponent(new URL(`http://a${decodeURIComponent(path)}`).pathname).startsWith("/v1/")).toBe(true)
    }))
  })
})

describe("a pattern", () => {
  it("means what a regular expression of it means", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "/"), maxLength: 8 })
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", "/", "*"), maxLength: 8 })
    fc.assert(fc.property(pattern, text, (pattern, text) => {
      const regex = new RegExp(`^${pattern.split("*").map((piece) => piece.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join(".*")}$`, "s")
      expect(matches(pattern, text)).toBe(regex.test(text))
    }), { numRuns: 2_000 })
  })

  it("needs as many characters as it has", () => {
    expect(matches("a*a", "a")).toBe(false)
    expect(matches("ab*ba", "aba")).toBe(false)
    expect(matches("ab*ba", "abba")).toBe(true)
    expect(matches("a*b*b", "ab")).toBe(false)
  })

  it("takes no time, however it is made", () => {
    const from = process.hrtime.bigint()
    expect(matches("*a".repeat(100), `${"a".repeat(50_000)}b`)).toBe(false)
    expect(matches(`${"a*".repeat(50_000)}b`, "a".repeat(50_000))).toBe(false)
    expect(Number(process.hrtime.bigint() - from) / 1e6).toBeLessThan(200)
  })
})
