/** Requests and traces in a browser's debugger: readable, with their history, and without credentials. */
import { Plug, Request, Trace } from "@plugline/core"
import { formatter, installFormatters } from "@plugline/inspector"
import type { JsonMl } from "@plugline/inspector"
import { Effect, Redacted } from "effect"
import { expect, it } from "vitest"

/** What is drawn, as text; values that the debugger shows its own way as JSON. */
const drawn = (node: unknown): string => {
  if (typeof node === "string") return node
  if (!Array.isArray(node)) return ""
  const [tag, attributes, ...inside] = node as unknown as JsonMl
  return tag === "object" ? JSON.stringify(attributes.object) : inside.map(drawn).join("")
}

const request = Request.make({
  id: "call-1", provider: "openai", messages: "Why is the sky blue?", options: { model: "gpt-5-mini" }, config: { apiKey: Redacted.make("sk-canary-0123456789") }
})

it("a request is one line, and unfolds into its fields", () => {
  expect(drawn(formatter.header(request))).toBe("Request chat openai/gpt-5-mini pending Why is the sky blue?")
  expect(formatter.hasBody(request)).toBe(true)
  const body = drawn(formatter.body(request))
  expect(body).toContain("options: {\"model\":\"gpt-5-mini\"}")
  expect(body).not.toContain("canary")
  expect(body).not.toContain("How it came here")
})

it("at a breakpoint in a plug, a request shows how it came there", () => {
  const seen: Array<string> = []
  const calm = Plug.make("calm", Request.mergeOptions({ temperature: 0 }))
  const here = Plug.make("here", (request) => {
    seen.push(drawn(formatter.body(request)))
    return request
  })
  const trace = Effect.runSync(Trace.run([calm, here], request))
  expect(seen[0]).toMatch(/How it came herecalm [\d.]+ ms→ \+ options.temperature: 0in .*here not left yet/s)
  expect(drawn(formatter.header(trace))).toMatch(/^Trace 2 visits, [\d.]+ ms pending$/)
  expect(drawn(formatter.body(trace))).toMatch(/^calm [\d.]+ ms→ \+ options.temperature: 0in \{.*here/s)
  expect(drawn(formatter.body(trace))).not.toContain("canary")
  expect(Trace.of(request)).toBeUndefined()
})

it("anything else is left to the debugger", () => {
  for (const value of [undefined, null, 1, "x", {}, [], new Proxy({}, { getPrototypeOf: () => null })]) {
    expect([formatter.header(value), formatter.hasBody(value), formatter.body(value)]).toEqual([null, false, null])
  }
})

it("is installed once, beside others, and taken away again", () => {
  const other = {}
  const target: { devtoolsFormatters?: ReadonlyArray<unknown> } = { devtoolsFormatters: [other] }
  const undo = installFormatters(target)
  installFormatters(target)
  expect(target.devtoolsFormatters).toEqual([other, formatter])
  undo()
  expect(target.devtoolsFormatters).toEqual([other])
  const bare: { devtoolsFormatters?: ReadonlyArray<unknown> } = {}
  installFormatters(bare)()
  expect(bare).toEqual({})
})
