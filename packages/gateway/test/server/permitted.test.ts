/** A call that is sent on to another provider or model is held to those its caller may use. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { refusal } from "../config/support.ts"
import { type Stage, stage } from "./harness.ts"

const key = (name: string) => `${name}-0123456789abcdef0123456789abcdef`

let at: Stage
beforeAll(async () => {
  at = await stage({
    providers: "  local: {}\n  gone: { type: openai-compatible, baseUrl: \"http://127.0.0.1:1/v1\", needsKey: false, allowPrivate: true }",
    yaml: [
      "routes: { default: sent-on }",
      "models: { known: gone/x, helper: local/rules-1 }",
      "tenants:",
      "  school: { providers: [gone] }",
      "  one-model: { models: [known, gone/x] }",
      "  two-models: { models: [gone/x, \"local/*\"] }",
      "  two-names: { models: [known, gone/x, helper] }",
      "auth:",
      "  roles:",
      "    narrow: { permissions: [chat], providers: [\"go*\"] }",
      "    modest: { permissions: [chat], models: [\"gone/*\"] }",
      "  keys:",
      `    - { name: free, key: ${key("free")} }`,
      `    - { name: both, key: ${key("both")}, providers: [gone, local] }`,
      `    - { name: key, key: ${key("key")}, providers: [gone] }`,
      `    - { name: role, key: ${key("role")}, role: narrow }`,
      `    - { name: tenant, key: ${key("tenant")}, tenant: school }`,
      `    - { name: role-models, key: ${key("role-models")}, role: modest }`,
      `    - { name: key-model, key: ${key("key-model")}, models: [known, "gone/x"] }`,
      `    - { name: tenant-model, key: ${key("tenant-model")}, tenant: one-model }`,
      `    - { name: key-models, key: ${key("key-models")}, models: ["gone/x", "local/rules-*"] }`,
      `    - { name: key-names, key: ${key("key-names")}, models: ["gone/x", "help*"] }`,
      `    - { name: tenant-models, key: ${key("tenant-models")}, tenant: two-models }`,
      `    - { name: tenant-names, key: ${key("tenant-names")}, tenant: two-names }`
    ].join("\n"),
    pipelines: "  sent-on:\n    - plug: fallback\n      steps: [{ provider: local, model: rules-1 }]"
  })
})
afterAll(() => at.close())

const ask = (name: string, stream: boolean, model = "gone/x") =>
  fetch(`${at.address}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key(name)}` },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "What is 6 times 7?" }] })
  })

it.each([
  ["free", false], ["free", true], ["both", false], ["both", true], ["key-models", false], ["key-models", true], ["key-names", false],
  ["tenant-models", false], ["tenant-names", false]
])("%s may be answered by the other, streamed: %s", async (name, stream) => {
  const answer = await ask(name, stream)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain("42")
})

it.each([
  ["key", false], ["key", true], ["role", false], ["role", true], ["tenant", false], ["tenant", true],
  ["role-models", false], ["role-models", true], ["key-model", false], ["key-model", true], ["tenant-model", false], ["tenant-model", true]
])(
  "what the %s may not use is not used in its place, streamed: %s",
  async (name, stream) => {
    const answer = await ask(name, stream)
    const text = await answer.text()
    expect([answer.status >= 400, text.includes("42")]).toEqual([true, false])
  }
)

it("what is asked by a name that is permitted is not held to what the name means", async () => {
  const answer = await ask("key-names", false, "helper")
  expect([answer.status, (await answer.text()).includes("42")]).toEqual([200, true])
  expect(await (await ask("key-model", false, "known")).text()).toContain("whoever asks may not use the model \\\"local/rules-1\\\"")
  expect(await (await ask("key-model", false, "helper")).text()).toContain("the credential is known")
})

it.each(["fallback", "route", "cascade"])("no configuration has %s lead past what holds callers", async (plug) => {
  const list = plug === "fallback" || plug === "cascade" ? "steps" : "targets"
  const line = `{ plug: ${plug}, ${list}: [{ provider: local, model: rules-1 }], through: providers }`
  expect(await refusal(`providers: { local: {} }\npipelines:\n  default:\n    - ${line}\n`)).toMatch(/line 4: pipelines\.default.*through.*leave it out/)
})
