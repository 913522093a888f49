/** A call that is sent on to another provider is held to the providers its caller may use. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Stage, stage } from "./harness.ts"

const key = (name: string) => `${name}-0123456789abcdef0123456789abcdef`

let at: Stage
beforeAll(async () => {
  at = await stage({
    providers: "  local: {}\n  gone: { type: openai-compatible, baseUrl: \"http://127.0.0.1:1/v1\", needsKey: false, allowPrivate: true }",
    yaml: [
      "routes: { default: sent-on }",
      "tenants: { school: { providers: [gone] } }",
      "auth:",
      "  roles: { narrow: { permissions: [chat], providers: [\"go*\"] } }",
      "  keys:",
      `    - { name: free, key: ${key("free")} }`,
      `    - { name: both, key: ${key("both")}, providers: [gone, local] }`,
      `    - { name: key, key: ${key("key")}, providers: [gone] }`,
      `    - { name: role, key: ${key("role")}, role: narrow }`,
      `    - { name: tenant, key: ${key("tenant")}, tenant: school }`
    ].join("\n"),
    pipelines: "  sent-on:\n    - plug: fallback\n      steps: [{ provider: local, model: rules-1 }]"
  })
})
afterAll(() => at.close())

const ask = (name: string, stream: boolean) =>
  fetch(`${at.address}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key(name)}` },
    body: JSON.stringify({ model: "gone/x", stream, messages: [{ role: "user", content: "What is 6 times 7?" }] })
  })

it.each([["free", false], ["free", true], ["both", false], ["both", true]])("%s may be answered by the other, streamed: %s", async (name, stream) => {
  const answer = await ask(name, stream)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain("42")
})

it.each([["key", false], ["key", true], ["role", false], ["role", true], ["tenant", false], ["tenant", true]])(
  "what the %s may not use is not used in its place, streamed: %s",
  async (name, stream) => {
    const answer = await ask(name, stream)
    const text = await answer.text()
    expect([answer.status >= 400, text.includes("42")]).toEqual([true, false])
  }
)
