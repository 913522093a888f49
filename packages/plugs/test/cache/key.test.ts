import { type JsonObject, Options, Request } from "@plugline/core"
import { Arbitrary } from "@plugline/testing"
import { Redacted } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"
import { text as keyText } from "../../src/cache/key.ts"
import { Cache, Identity } from "../../src/index.ts"

const base = { provider: "openai", messages: "Hi", options: { model: "m", temperature: 0.5 } } as const
const key = (request: Request, options?: Cache.KeyOptions) => Cache.key(request, options)
const make = (changes: object) => Request.make({ ...base, ...changes })

it("equal questions have one key: whole or streamed, whatever the id, the labels and the order of fields", () => {
  const one = key(make({}))
  expect(one).toMatch(/^[0-9a-f]{64}$/)
  expect(key(make({ operation: "stream" }))).toBe(one)
  expect(key(make({ id: "other" }))).toBe(one)
  expect(key(make({ metadata: { trace: 1 } }))).toBe(one)
  expect(key(make({ options: { temperature: 0.5, model: "m", user: "ada", metadata: { a: "b" } } }))).toBe(one)
  expect(key(make({ config: { timeouts: { total: 1 }, headers: undefined, region: undefined } }))).toBe(one)
  expect(key(make({ messages: [{ content: [{ text: "Hi", type: "text" }], role: "user" }] }))).toBe(one)
})

const options: { readonly [Name in keyof Options]-?: Options[Name] } = {
  model: "other", temperature: 0.6, maxTokens: 5, topP: 0.5, topK: 3, frequencyPenalty: 1, presencePenalty: 1, stop: ["x"], seed: 1,
  tools: [{ name: "f" }], toolChoice: "none", parallelToolCalls: false, responseFormat: { type: "json" }, reasoning: { effort: "low" },
  n: 2, logprobs: true, logitBias: { a: 1 }, user: "ada", serviceTier: "flex", dimensions: 3, page: "2", metadata: { a: "b" },
  providerOptions: { openai: { store: true } }
}

it("every option changes the key but metadata and user, and those where one says so", () => {
  const one = key(make({}))
  expect(Object.keys(options).sort()).toEqual([...Options.names].sort())
  for (const [name, value] of Object.entries(options)) {
    const changed = make({ options: { ...base.options, [name]: value } })
    const counts = name !== "metadata" && name !== "user"
    expect(key(changed) !== one, name).toBe(counts)
    expect(key(changed, { ignore: [] }) !== one, name).toBe(true)
    expect(key(changed, { ignore: [name as keyof Options, "temperature"] }), name).toBe(key(make({}), { ignore: [name as keyof Options, "temperature"] }))
  }
})

it("everything else that can change the answer changes the key", () => {
  const secret = (text: string) => ({ apiKey: Redacted.make(text) })
  const different = [
    make({}),
    make({ provider: "azure" }),
    make({ operation: "completion" }),
    make({ messages: "Hi " }),
    make({ messages: [{ role: "system", content: "Hi" }] }),
    make({ messages: [{ role: "user", content: "Hi", options: { anthropic: { cacheControl: 1 } } }] }),
    make({ config: { baseUrl: "https://a" } }),
    make({ config: { api: "responses" } }),
    make({ config: { headers: { "x-beta": "1" } } }),
    make({ config: { headers: { "x-beta": "2" } } }),
    make({ config: secret("one") }),
    make({ config: secret("two") }),
    make({ config: { nested: { key: Redacted.make("one") } } }),
    make({ config: { nested: { key: Redacted.make("two") } } }),
    Identity.as(make({}), { tenant: "a" }),
    Identity.as(make({}), { tenant: "b" })
  ]
  expect(new Set(different.map((request) => key(request))).size).toBe(different.length)
  expect(key(make({}), { version: "2" })).not.toBe(key(make({})))
  expect(key(make({ config: secret("one") }))).toBe(key(make({ config: secret("one") })))
})

it("who shares no entries is what one says", () => {
  const ada = Identity.as(make({ config: { apiKey: Redacted.make("one") } }), { tenant: "a", team: "t", user: "ada", key: "k", tier: "free" })
  const bob = Identity.as(make({ config: { apiKey: Redacted.make("two") } }), { tenant: "b", team: "u", user: "bob", key: "l", tier: "paid" })
  expect(key(ada, { apart: [] })).toBe(key(bob, { apart: [] }))
  for (const divider of ["tenant", "team", "user", "key", "tier", "credential"] as const) {
    expect(key(ada, { apart: [divider] }), divider).not.toBe(key(bob, { apart: [divider] }))
  }
  expect(key(ada)).toBe(key(Identity.as(ada, { user: "carl", team: "x", key: "z" })))
})

it("a question of one's own replaces options and messages, and nothing else", () => {
  const question = (request: Request) => request.options.model
  expect(key(make({ messages: "other" }), { question })).toBe(key(make({}), { question }))
  expect(key(make({ provider: "azure" }), { question })).not.toBe(key(make({}), { question }))
  expect(key(Identity.as(make({}), { tenant: "a" }), { question })).not.toBe(key(make({}), { question }))
  expect(key(make({}), { question: () => [base.options, make({}).messages] })).not.toBe(key(make({})))
})

it("no text that a tenant, a model or a message holds makes two requests look like one", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("", "a", "\",\"", "a\",null,\"b", "],[", "\u0000", "\ud800", "null", "tenant", "{\"role\":\"user\"}", "a b", "__proto__")
  )
  const asked = fc.record({ tenant: fc.option(word, { nil: undefined }), user: fc.option(word, { nil: undefined }), text: word, version: word, url: word })
  fc.assert(fc.property(asked, asked, (a, b) => {
    const apart = ["tenant", "user"] as const
    const of = ({ tenant, text, url, user, version }: typeof a) =>
      keyText(
        Identity.as(make({ messages: text, config: { baseUrl: url } }), { ...(tenant !== undefined && { tenant }), ...(user !== undefined && { user }) }),
        { apart, version },
        make({ messages: text }).messages
      )
    expect(of(a) === of(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
  }), { numRuns: 400 })
})

it.each([
  [{ tenant: "a,user,b", user: "c" }, { tenant: "a", user: "b,user,c" }],
  [{ tenant: "a\",\"user\",\"b", user: "c" }, { tenant: "a", user: "b\",\"user\",\"c" }],
  [{ tenant: "null" }, {}],
  [{ tenant: "a" }, { tenant: "a", user: "null" }],
  [{ tenant: "\ud800" }, { tenant: "\ud801" }]
])("%j and %j have two keys", (a, b) => {
  const apart = ["tenant", "user"] as const
  expect(key(Identity.as(make({}), a), { apart })).not.toBe(key(Identity.as(make({}), b), { apart }))
})

it("no credential is in what a key is made from", () => {
  const request = make({ config: { apiKey: Redacted.make("sk-hidden-1"), other: Redacted.make("sk-hidden-2"), headers: { authorization: "Bearer sk-hidden-3" } } })
  expect(keyText(request, {}, request.messages)).not.toMatch(/hidden/)
})

it("odd requests have a key or throw, and the same one twice has the same", () => {
  fc.assert(fc.property(Arbitrary.request(), (request) => {
    const copy = Request.fromJson(JSON.parse(JSON.stringify(request)))
    expect(key(request)).toBe(key(request))
    expect(key(copy, { apart: [] })).toBe(key(Request.fromJson(JSON.parse(JSON.stringify(copy))), { apart: [] }))
  }), { numRuns: 50 })
  expect(() => key(make({ config: { hook: () => 1 } }))).toThrow(TypeError)
  let deep: JsonObject = {}
  for (let level = 0; level < 100_000; level++) deep = { deep }
  expect(() => key(make({ options: { providerOptions: { openai: deep } } }))).toThrow(RangeError)
})
