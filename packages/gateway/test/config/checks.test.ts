/** What is refused though every field fits, with its reason. */
import { Plug } from "plugline"
import { describe, expect, it } from "vitest"
import { env, loaded, refusal } from "./support.ts"

const pass = (name: string) => (() => Plug.make(name, (request) => request)) as never
const plugs = { redact: pass("redact"), "guard.input": pass("guard.input") }

const line = (entries: string, more = "") => `providers:\n  openai: {}\n  local: {}\npipelines:\n  p:\n${entries}${more}`

describe("a line", () => {
  it.each([
    ["    - retry\n    - plug: cache\n      ttl: 1 hour\n", "g.yaml, line 7: pipelines.p: plug \"cache\" must stand in front of \"retry\", because an answer that is there needs no second try"],
    ["    - plug: cache\n      ttl: 1 hour\n    - plug: identity\n      tenant: acme\n", "g.yaml, line 6: pipelines.p: identity must stand in front of cache, because who asks must be known"],
    ["    - plug: log\n      content: true\n    - redact\n", "g.yaml, line 7: pipelines.p: redact must stand in front of log, because log would write what is to be removed"],
    ["    - plug: log\n      content: true\n", "g.yaml, line 7: pipelines.p: log may not write what was said while telemetry.logs.content is false"],
    ["    - cache\n    - redact\n", "g.yaml, line 6: pipelines.p: redact must stand in front of cache, because cache would keep what is to be removed"],
    ["    - cache\n    - guard.input\n", "g.yaml, line 6: pipelines.p: guard.input must stand in front of cache, because an answer could begin before it has looked"],
    ["    - retry\n    - guard.input\n", "guard.input must stand in front of retry"],
    ["    - plug: cache\n      version: env:OPENAI_API_KEY\n", "g.yaml, line 7: pipelines.p.0.version: what comes from the environment may be a credential"],
    ["    - plug: fallback\n      steps: [{provider: local}, {provider: local}]\n    - plug: retry\n      attempts: 11\n", "g.yaml, line 5: pipelines.p: one request could become 33 calls (fallback 3 × retry 11), more than 32"],
    ["    - plug: route\n      attempts: 9\n      targets: [{provider: local, name: a}, {provider: local, name: b}, {provider: local, name: c}, {provider: local, name: d}]\n    - plug: retry\n      attempts: 9\n", "36 calls (route 4 × retry 9)"],
    ["    - plug: hedge\n      delay: 1 second\n      max: 10\n    - plug: cascade\n      steps: [{provider: local}, {provider: openai}, {provider: local}]\n", "33 calls (hedge 11 × cascade 3)"],
    ["    - plug: fallback\n      steps:\n        - provider: local\n        - provider: opnai\n", "g.yaml, line 9: pipelines.p.0.steps.1: unknown provider \"opnai\"; did you mean \"openai\"?"],
    ["    - plug: fallback\n      steps:\n        - provider: openai\n          config:\n            apiKey: sk-x\n", "g.yaml, line 9: pipelines.p: config: how a provider is reached, and its key, belongs to the section providers"],
    ["    - plug: route\n      targets:\n        - provider: openai\n          plugs: [retry]\n", "g.yaml, line 9: pipelines.p: plugs: plugs of one step cannot be written down"],
    ["    - retry\n    - plug: retrie\n", "g.yaml, line 7: pipelines.p: unknown plug \"retrie\"; did you mean \"retry\"?"],
    ["    - plug: retry\n      base: 1 second\n      attempts: many\n", "g.yaml, line 8: pipelines.p: retry: option attempts must be"],
    ["    - plug: fallback\n      steps:\n        - provider: local\n          tmieout: 3\n", "g.yaml, line 9: pipelines.p: fallback: steps.0: unknown field \"tmieout\"; did you mean \"timeout\"?"],
    ["    - retry\n    - retry\n", "pipelines.p: plug \"retry\" must"],
    ["    - plug: rateLimit\n      limits:\n        - per: user\n", "g.yaml, line 8: pipelines.p: rateLimit: "],
    ["    preset: resilent\n", "g.yaml, line 6: pipelines.p: unknown preset \"resilent\"; did you mean \"resilient\"?"],
    ["    preset: resilient\n    attempt: 3\n", "g.yaml, line 7: pipelines.p: resilient: unknown option \"attempt\"; did you mean \"attempts\"?"],
    ["    preset: resilient\n    attempts: many\n", "g.yaml, line 7: pipelines.p: resilient: option attempts must be"],
    ["    preset: resilient\n    fallback:\n      - provider: opnai\n", "g.yaml, line 8: pipelines.p.fallback.0: unknown provider \"opnai\""],
    ["    preset: resilient\n    fallback:\n      - provider: openai\n        plugs: []\n", "g.yaml, line 9: pipelines.p: plugs: "],
    ["    presets: resilient\n", "a pipeline is a list of plugs, or a preset by its name as `preset`"]
  ])("%j is refused", async (entries, said) => {
    const answer = await refusal(line(entries), env, { plugs })
    expect(answer).toContain(said)
    expect(answer).not.toContain("Plug.anywhere")
  })

  it("that keeps tenants together is refused where there are some", async () => {
    const entries = "    - plug: cache\n      apart: [user]\n"
    expect(await refusal(line(entries, "tenants:\n  acme: {}\n"))).toContain("line 7: pipelines.p: cache must keep tenants apart")
    await loaded(line(entries))
  })

  it("that is meant is taken", async () => {
    const text = line("    - guard.input\n    - redact\n    - plug: identity\n      tenant: a\n    - plug: log\n      content: true\n    - cache\n    - plug: fallback\n      steps: [{provider: local}]\n    - plug: retry\n      attempts: 16\n", "telemetry: {logs: {content: true}}\n")
    expect((await loaded(text, env, { plugs })).warnings).toEqual([])
  })

  it("may come from any preset", async () => {
    for (const preset of ["resilient", "economical", "middleware"]) {
      expect((await loaded(line(`    preset: ${preset}\n`))).lines.get("p")?.length).toBeGreaterThan(3)
    }
    const steps = await loaded(line("    preset: resilient\n    fallback: [{provider: local}]\n"))
    expect(steps.lines.get("p")?.map((plug) => (plug as { readonly name: string }).name)).toEqual(["metrics", "trackCost", "fallback", "retry", "trackCost", "circuitBreaker", "timeout"])
  })
})

it("what may be meant otherwise is said, and taken", async () => {
  const { warnings } = await loaded("providers:\n  openai: {}\n  groq: {}\npipelines:\n  p:\n    - plug: fallback\n      steps:\n        - provider: openai\n          model: gpt-5-mnii\n")
  expect(warnings).toEqual([
    "g.yaml, line 3: providers.groq has no key: write apiKey, or set its environment variable",
    "g.yaml, line 9: pipelines.p.0.steps.0: the catalog does not know the model \"gpt-5-mnii\" of openai; did you mean \"gpt-5-mini\"?"
  ])
})

it("a model that a provider is not said to have is refused in a step", async () => {
  const lab = "providers:\n  lab: {type: openai-compatible, baseUrl: 'https://l.example/v1', needsKey: false, models: [big]}\n"
  expect(await refusal(`${lab}pipelines:\n  p:\n    - plug: fallback\n      steps:\n        - provider: lab\n          model: bigg\n`))
    .toContain("line 8: pipelines.p.0.steps.0: unknown model \"bigg\"; did you mean \"big\"?")
})
