import { Json, Mask, Suggest } from "@plugline/core"
import { Redacted } from "effect"
import { describe, expect, it } from "vitest"

describe("masking", () => {
  it.each([
    "Authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "apiKey", "openai_api_key", "accessToken", "client_secret",
    "password", "Cookie", "set-cookie", "dbPassword"
  ])("takes %s for a secret's name", (name) => {
    expect(Mask.json({ [name]: "hunter2hunter2" })).toEqual({ [name]: "<redacted>" })
  })

  it.each(["maxTokens", "firstToken", "model", "key", "tokens", "nextPageToken", "monkey", "author"])("leaves %s alone", (name) => {
    expect(Mask.json({ [name]: "value" })).toEqual({ [name]: "value" })
  })

  it.each([
    ["Bearer abcdefgh12345678", "<redacted>"],
    ["Incorrect API key provided: sk-proj-abc*********xyz.", "Incorrect API key provided: <redacted>."],
    ["https://x.test/v1?key=AIzaSyA1234&alt=sse", "https://x.test/v1?key=<redacted>&alt=sse"],
    ["a token of thanks", "a token of thanks"]
  ])("cleans the text %j", (text, clean) => {
    expect(Mask.text(text)).toBe(clean)
  })

  it("keeps what people said, but no Redacted in it", () => {
    expect(Mask.content({ params: { token: "abc", key: Redacted.make("s3cret") } })).toEqual({ params: { token: "abc", key: "<redacted>" } })
  })

  it("survives cycles, getters that throw, odd numbers, functions and prototypes", () => {
    const odd: Record<string, unknown> = { nan: Number.NaN, f: () => 1, big: 10n, u: undefined, date: new Date(0), bytes: new Uint8Array(3) }
    odd.self = odd
    Object.defineProperty(odd, "bad", { enumerable: true, get: () => { throw new Error("no") } })
    const json = Mask.json(odd)
    expect(json).toMatchObject({ nan: "NaN", f: "[Function f]", big: "10", self: "[Circular]", bad: "[Unreadable]", bytes: "[3 bytes]" })
    expect(JSON.stringify(Mask.json(JSON.parse(`{"__proto__":{"a":1}}`)))).toBe(`{"__proto__":{"a":1}}`)
  })
})

describe("JSON from outside", () => {
  it("that nests too deep is refused before it is parsed", () => {
    expect(() => Json.parse("[".repeat(400_000) + "]".repeat(400_000))).toThrow(/deeper than 512/)
    expect(Json.parse(`{"a":"${"[".repeat(2000)}"}`)).toEqual({ a: "[".repeat(2000) })
  })

  it("is compared by value", () => {
    expect(Json.equals({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] })).toBe(true)
    expect(Json.equals({ a: 1 }, { a: 1, b: 2 })).toBe(false)
    expect(Json.equals([1], { 0: 1 })).toBe(false)
  })
})

it("a refusal of a name shows no control characters of it", () => {
  expect(Suggest.refusal("plug", "a\nb", ["x"])).not.toContain("\n")
})

it.each([
  "Bearer abcdefgh12345", "basic YWxhZGRpbjpvcGVu", ...["sk", "pk", "rk", "xai", "gsk", "hf", "r8", "pplx", "nvapi", "fw", "csk", "tgp"].map((kind) => `${kind}-abcdefgh1234`),
  "AIzaabcdefghijklmnopqrstuvwx", "AKIAABCDEFGHIJKL", "ASIAABCDEFGHIJKL", "ya29.abcdefghijkl", "eyJabcdefgh.abcdefgh.abcdefgh",
  ...["key", "api-key", "api_key", "apikey", "token", "access_token", "sig", "signature"].map((name) => `https://a.example/b?${name}=abcdefgh`)
])("a credential that stands alone in a text is found: %s", (credential) => {
  const shown = Mask.text(`it was ${credential} that failed`)
  expect(shown).toContain(Mask.masked)
  expect(shown).not.toMatch(/abcdefgh|ABCDEFGH|YWxh/)
})
