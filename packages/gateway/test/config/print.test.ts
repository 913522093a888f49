/** What is printed, and the pages that are made from the Schema. */
import fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { page } from "../../../../scripts/config-reference.ts"
import { print } from "../../src/config/print.ts"
import { read, type Read } from "../../src/config/read.ts"
import { updated } from "../../src/config/reference.ts"
import { fieldsAt, isSecretAt, jsonSchema } from "../../src/config/schema.ts"

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/)
const odd = fc.oneof(word, fc.constantFrom("yes", "no", "null", "1.0", "~", "0x1", "a: b", "# c", "- d", "'e'", "\"f\"", "{g}", "*h", "&i", "!j", " k ", "l\nm", "é", "2024-01-01"))
const span = fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom("1 second", "5 minutes", "1 day"))
const rest = <A>(model: { readonly [K in keyof A]: fc.Arbitrary<A[K]> }) => fc.record(model as never, { requiredKeys: [] })

/** Configurations whose fields fit, whether or not they go together. */
const valid = rest({
  server: rest({
    host: word, port: fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constant("env:PORT")), bodyLimit: fc.constantFrom("10mb", 512, "1.5kb"), grace: span,
    trustedProxies: fc.array(fc.constantFrom("10.0.0.0/8", "::1")), cors: rest({ origins: fc.array(word), credentials: fc.boolean() }),
    tls: fc.record({ cert: word, key: word })
  }),
  providers: fc.dictionary(word, rest({
    type: word, apiKey: fc.oneof(fc.constant("env:KEY"), fc.array(fc.constantFrom("env:KEY", "env:PORT"), { minLength: 1 })), baseUrl: fc.constantFrom("https://a.example/v1", "env:URL"),
    headers: fc.dictionary(word, fc.constant("env:KEY")), timeouts: rest({ total: span, idle: span }), models: fc.array(word), region: odd
  })),
  models: fc.dictionary(word, fc.oneof(
    odd,
    fc.record({ provider: odd, model: odd, options: fc.constantFrom({}, { temperature: 0.5, stop: ["yes", "no"] }) }, { requiredKeys: ["provider", "model"] })
  )),
  pipelines: fc.dictionary(word, fc.oneof(
    fc.array(fc.oneof(word, fc.dictionary(word, fc.oneof(odd, fc.integer(), fc.boolean())))),
    fc.record({ preset: word })
  )),
  tenants: fc.dictionary(word, rest({
    pipeline: odd, limits: fc.array(fc.record({ per: fc.constantFrom("user", ["user", "model"]), requestsPerMinute: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant({ rate: 1, burst: 2 })) })),
    budgets: fc.array(fc.record({ per: fc.constant("key"), amount: fc.constantFrom(5, "5.00", "0005"), every: fc.constant("day") }))
  })),
  stores: rest({ kind: fc.constantFrom("memory", "sqlite", "redis"), url: fc.constant("env:URL"), prefix: word }),
  telemetry: rest({ logs: rest({ level: fc.constantFrom("info", "none") }), otlp: fc.record({ url: fc.constant("https://o.example") }) }),
  inspector: rest({ maxEntries: fc.integer({ min: 1, max: 9 }), sample: fc.constantFrom(0, 0.5, 1), maxAge: span })
})

const env = { PORT: "8080", KEY: "sk-canary-0000000000", URL: "https://canary.example/v1" }
const again = (one: Read) => read(print(one), "printed", env)

describe("what is printed", () => {
  it("is read again as the same configuration", () => {
    fc.assert(fc.property(valid, (value) => {
      const one = read(JSON.stringify(value), "g.json", env)
      const two = again(one)
      expect(two.config).toEqual(one.config)
      expect(print(two)).toBe(print(one))
    }), { numRuns: 60, endOnFailure: true })
  })

  it("holds every default", () => {
    const printed = print(read("", "g", {}))
    expect(printed).toContain("port: 4141")
    expect(printed).toContain("maxAge: 10 minutes")
    expect(read(printed, "g", {}).config).toEqual({ ...read("", "g", {}).config })
  })

  it("holds no secret, wherever one may stand", () => {
    const written = read([
      "providers:", "  openai:", "    apiKey: canary-1", "    headers: {x-a: canary-2}", "  groq:", "    apiKey: [canary-3, canary-4, env:KEY]", "stores:", "  kind: redis",
      "  url: redis://:canary-5@h", "telemetry:", "  otlp:", "    url: https://o.example", "    headers: {x-b: canary-6}", "auth:", "  keys:", "    - name: a",
      "      key: canary-7-00000000000000000000000000000000", "server:", "  host: env:KEY"
    ].join("\n"), "g", env)
    const printed = print(written)
    expect(printed).not.toContain("canary")
    expect(printed.match(/<redacted>/g)?.length).toBe(7)
    expect(printed).toContain("host: env:KEY")
    expect(printed).toContain("- env:KEY")
    // A host is no secret, wherever it came from.
    expect(JSON.stringify({ ...written.config, server: {} })).not.toContain("canary")
  })
})

describe("the Schema", () => {
  it("is a page that is current", () => {
    const text = readFileSync(page, "utf8")
    expect(updated(text) === text, "node scripts/config-reference.ts --write").toBe(true)
  })

  it("says what every field is for", () => {
    const bare: Array<string> = []
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return
      const { properties } = node as { readonly properties?: { readonly [name: string]: { readonly description?: string } } }
      for (const [name, field] of Object.entries(properties ?? {})) if (typeof field.description !== "string") bare.push(`${path}.${name}`)
      for (const [name, inner] of Object.entries(node)) if (name !== "default") walk(inner, `${path}.${name}`)
    }
    walk(jsonSchema(), "")
    expect(bare).toEqual([])
  })

  it("is closed, so that an editor marks what is misspelt", () => {
    expect(jsonSchema()).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema", type: "object", additionalProperties: false })
    expect(JSON.parse(JSON.stringify(jsonSchema()))).toEqual(jsonSchema())
  })

  it("knows fields and secrets by their place", () => {
    expect(fieldsAt(["tenants", "acme", "limits", 0, "tiers", "free"])).toContain("concurrency")
    expect(fieldsAt(["models", "a"])).toEqual(["provider", "model", "options", "pipeline"])
    expect([["providers", "a", "apiKey"], ["providers", "a", "apiKey", 1], ["providers", "a", "headers", "x"], ["stores", "url"], ["auth", "keys", 0, "key"]].map(isSecretAt))
      .toEqual([true, true, true, true, true])
    expect(isSecretAt(["server", "host"])).toBe(false)
  })
})
