/** What a configuration becomes: providers, models, pipelines, stores. */
import { Identity, TrackCost } from "@plugline/plugs"
import { Transport } from "@plugline/providers"
import { Effect, Layer } from "effect"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { LlmError, Pipeline, Plug, Request, Result, type Services } from "plugline"
import { describe, expect, it } from "vitest"
import { isPrivate, isPublic } from "../../src/config/guard.ts"
import { load, type Loaded } from "../../src/config/load.ts"
import type { Target } from "../../src/config/models.ts"
import { env, loaded, refusal } from "./support.ts"

interface Sent {
  readonly url: string
  readonly headers: { readonly [name: string]: string }
}

const answer = JSON.stringify({
  id: "x", model: "gpt-5", choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1_000_000, completion_tokens: 0, total_tokens: 1_000_000 }
})

/** Runs one request through a configuration, over a wire that answers everything, or with this status. */
const ask = async (current: Loaded, provider: string, given: Parameters<typeof Request.make>[0] | object = {}, status: (sent: Sent) => number = () => 200) => {
  const sent: Array<Sent> = []
  const transport = Transport.memory((outgoing) => {
    const one = { url: outgoing.url, headers: { ...Transport.headersOf(outgoing) } }
    sent.push(one)
    const code = status(one)
    return Effect.succeed({ status: code, headers: { "content-type": "application/json" }, body: code === 200 ? answer : "{\"error\":{\"message\":\"no\"}}" }) as never
  })
  const layer: Layer.Layer<Services, LlmError> = Layer.provide(current.services, Layer.mergeAll(current.stores, current.credentials, transport))
  const request = Request.make({ provider, messages: "Hi", options: { model: "gpt-5" }, ...given } as never)
  const final = await Effect.runPromise(Effect.provide(Pipeline.run(current.pipelineFor({ operation: "chat" }), request), layer))
  return { final, sent }
}

const target = (found: Target | LlmError): Target => {
  if (LlmError.isLlmError(found)) throw found
  return found
}

describe("the environment alone", () => {
  it("offers every built-in provider whose key is there, and local", async () => {
    const none = await Effect.runPromise(load(undefined, {}))
    expect(none.registry.names).toEqual(["local"])
    expect(target(none.resolve(undefined, "chat"))).toEqual({ provider: "local", model: undefined })
    expect(none.models.map(({ id }) => id)).toEqual(["local/rules-1", "local/ngrams-1"])
    const some = await Effect.runPromise(load(undefined, { OPENAI_API_KEY: "x", GROQ_API_KEY: " ", OLLAMA_HOST: "10.0.0.5", AWS_ACCESS_KEY_ID: "only half" }))
    expect(some.registry.names).toEqual(["local", "ollama", "openai"])
    expect(some.privateOrigins).toEqual(new Set(["http://10.0.0.5:11434"]))
  })

  it("answers", async () => {
    const current = await Effect.runPromise(load(undefined, {}))
    const { final } = await ask(current, "local", { messages: "What is 2 + 2?", options: {} })
    expect(Result.text(final.result)).toContain("4")
    expect(Pipeline.names(current.pipelineFor({ operation: "chat" })))
      .toEqual(["metrics", "trackCost", "retry", "trackCost", "circuitBreaker", "ask"])
  })

  it("sends the key of the environment it was given", async () => {
    const { final, sent } = await ask(await Effect.runPromise(load(undefined, { OPENAI_API_KEY: "sk-given" })), "openai")
    expect(final.state).toBe("completed")
    expect(sent[0]?.headers.authorization).toBe("Bearer sk-given")
  })
})

describe("a provider", () => {
  it("of one's own gets its own key, headers and address", async () => {
    const current = await loaded("providers:\n  lab:\n    type: openai-compatible\n    baseUrl: https://lab.example/v1/\n    apiKey: env:LAB\n    headers: {x-team: blue}\n", { ...env, LAB: "sk-lab" })
    const { sent } = await ask(current, "lab")
    expect(sent[0]).toMatchObject({ url: "https://lab.example/v1/chat/completions", headers: { authorization: "Bearer sk-lab", "x-team": "blue" } })
  })

  it("of a built-in kind has a name, a key and prices", async () => {
    const current = await loaded("providers:\n  second:\n    type: openai\n    apiKey: env:SECOND\n  openai: {}\n", { ...env, SECOND: "sk-second" })
    const { final, sent } = await ask(current, "second")
    expect(sent[0]).toMatchObject({ url: "https://api.openai.com/v1/chat/completions", headers: { authorization: "Bearer sk-second" } })
    expect(final.provider).toBe("second")
    expect(TrackCost.of(final)?.total).toBe("1.25")
  })

  it("at another address gets the key that the file names, and no other", async () => {
    expect(await refusal("providers:\n  openai:\n    baseUrl: https://proxy.example/v1\n")).toContain("line 2: the key of the environment is for OpenAI's own address")
    const current = await loaded("providers:\n  openai:\n    baseUrl: https://proxy.example/v1\n    apiKey: env:PROXY\n", { ...env, PROXY: "sk-proxy" })
    expect((await ask(current, "openai")).sent[0]).toMatchObject({ url: "https://proxy.example/v1/chat/completions", headers: { authorization: "Bearer sk-proxy" } })
    // A request that names an address of its own gets neither key nor headers of the file.
    const stray = await ask(current, "openai", { config: { baseUrl: "https://evil.example/v1" } })
    expect(JSON.stringify(stray.sent)).not.toContain("sk-proxy")
    expect(stray.final.state).toBe("error")
  })

  it("of one's own sends its headers to its own address alone", async () => {
    const current = await loaded("providers:\n  lab:\n    type: openai-compatible\n    baseUrl: https://lab.example/v1\n    needsKey: false\n    headers: {x-pass: canary}\n")
    const { sent } = await ask(current, "lab", { config: { baseUrl: "https://evil.example/v1" } })
    expect(sent.map(({ url }) => url)).toEqual(["https://evil.example/v1/chat/completions"])
    expect(JSON.stringify(sent)).not.toContain("canary")
  })

  it("takes its keys in turn, also at another address", async () => {
    const current = await loaded("providers:\n  openai:\n    baseUrl: https://proxy.example/v1\n    apiKey: [sk-one, sk-two]\npipelines:\n  default:\n    - plug: retry\n      attempts: 3\n      base: 1\n      when: env:NONE?\n")
    const { final, sent } = await ask(current, "openai", {}, ({ headers }) => headers.authorization === "Bearer sk-one" ? 429 : 200)
    expect(final.state).toBe("completed")
    expect(new Set(sent.map(({ headers }) => headers.authorization))).toContain("Bearer sk-two")
  })

  it("is told its settings, time limits and interface", async () => {
    const current = await loaded("providers:\n  bedrock:\n    region: eu-west-1\n    timeouts: {total: 3 seconds}\n", { AWS_BEARER_TOKEN_BEDROCK: "k" })
    const { sent } = await ask(current, "bedrock", { options: { model: "anthropic.claude-3-haiku-20240307-v1:0" } })
    expect(sent[0]?.url).toContain("bedrock-runtime.eu-west-1.amazonaws.com")
    const responses = await loaded("providers:\n  openai:\n    api: responses\n")
    expect((await ask(responses, "openai")).sent[0]?.url).toBe("https://api.openai.com/v1/responses")
  })

  it.each([
    "http://127.0.0.1:8000/v1", "http://2130706433/v1", "http://0x7f.1/v1", "http://017700000001/v1", "http://[::1]/v1", "http://[::ffff:10.0.0.1]/v1",
    "http://169.254.169.254/v1", "http://100.64.0.1/v1", "http://localhost/v1", "http://a.localhost./v1", "http://192.168.1.1/v1"
  ])("at %s is refused unless it may be private", async (address) => {
    const text = (extra: string) => `providers:\n  lab:\n    type: openai-compatible\n    needsKey: false\n    baseUrl: ${address}\n${extra}`
    expect(await refusal(text(""))).toContain("line 5: ")
    const current = await loaded(text("    allowPrivate: true\n"))
    expect(current.allowsPrivate("lab")).toBe(true)
    expect(current.privateOrigins).toEqual(new Set([new URL(address).origin]))
    expect(isPrivate(address)).toBe(true)
  })

  it("of the internet is no private one", () => {
    expect(["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"].map(isPublic)).toEqual([true, true, true])
    expect(["10.1.1.1", "::1", "fc00::1", "fe80::1", "0.0.0.0", "224.0.0.1", "64:ff9b::1", "x", ""].some(isPublic)).toBe(false)
    expect(isPrivate("https://api.openai.com/v1")).toBe(false)
  })
})

describe("a model", () => {
  const text = [
    "providers:", "  openai: {}", "  azure: {endpoint: 'https://x.openai.azure.com', apiKey: k}", "  anthropic: {apiKey: k}", "  lab:", "    type: openai-compatible",
    "    baseUrl: https://lab.example/v1", "    needsKey: false", "    models: [tiny, org/big]", "models:", "  default: openai/gpt-5-mini", "  fast: anthropic/claude-haiku-4-5",
    "  deep: {provider: openai, model: gpt-5, options: {reasoning: {effort: high}}, pipeline: p}", "pipelines:", "  p: [retry]", "tenants:", "  school:", "    models: [fast, lab/*]"
  ].join("\n")

  it.each([
    [undefined, { provider: "openai", model: "gpt-5-mini" }],
    ["fast", { provider: "anthropic", model: "claude-haiku-4-5" }],
    ["deep", { provider: "openai", model: "gpt-5", options: { reasoning: { effort: "high" } }, pipeline: "p" }],
    ["anthropic/anything", { provider: "anthropic", model: "anything" }],
    ["lab/org/big", { provider: "lab", model: "org/big" }],
    ["tiny", { provider: "lab", model: "tiny" }],
    ["org/big", { provider: "lab", model: "org/big" }],
    ["claude-3-7-sonnet-20250219", { provider: "anthropic", model: "claude-3-7-sonnet-20250219" }]
  ])("%j leads to its provider", async (name, wanted) => {
    expect((await loaded(text)).resolve(name, "chat")).toEqual(wanted)
  })

  it("that nobody knows goes to the default provider, with what may have been meant", async () => {
    const current = await loaded(text)
    expect(current.resolve("gpt-5-mnii", "chat")).toMatchObject({ provider: "openai", model: "gpt-5-mnii" })
    expect(target(current.resolve("fasst", "chat")).hint).toContain("did you mean \"fast\"?")
    expect(String(current.resolve("groq/x", "chat"))).toContain("the provider groq is not configured here")
    expect(String((await loaded("providers:\n  openai: {}\n  anthropic: {apiKey: k}\n")).resolve("nothing-known", "chat"))).toContain("NotFound")
    expect(String((await loaded("providers:\n  openai: {}\n  anthropic: {apiKey: k}\n")).resolve(undefined, "chat"))).toContain("names no model")
  })

  it("that judges is another than the one that chats", async () => {
    const judge = async (yaml: string) => target((await loaded(yaml)).resolve(undefined, "moderations"))
    const both = "providers:\n  openai: {}\n  mistral: {apiKey: k}\n  anthropic: {apiKey: k}\n"
    expect(await judge("providers:\n  openai: {}\n  anthropic: {apiKey: k}\nmodels: {default: anthropic/claude-sonnet-4-6}\n"))
      .toEqual({ provider: "openai", model: undefined })
    expect(await judge(`${both}models: {default: mistral/mistral-large-latest}\n`)).toEqual({ provider: "mistral", model: undefined })
    expect(await judge(both)).toEqual({ provider: "openai", model: undefined })
    expect(await judge(`${both}models: {omni-moderation-latest: mistral/mistral-moderation-latest}\n`))
      .toMatchObject({ provider: "mistral", model: "mistral-moderation-latest" })
    const several = await loaded("providers:\n  mistral: {apiKey: k}\n  litellm: {}\n")
    expect(String(several.resolve(undefined, "moderations"))).toContain("mistral, litellm could judge")
    const nobody = (await loaded("providers:\n  local: {}\n")).resolve(undefined, "moderations")
    expect(String(nobody)).toMatch(/has no operation "moderations".*could be configured: .*mistral.*openai/)
  })

  it("is refused where its provider has no such operation, or the tenant may not ask for it", async () => {
    const current = await loaded(text)
    expect(String(current.resolve("fast", "embeddings"))).toContain("Unsupported")
    expect(String(current.resolve("deep", "chat", "school"))).toContain("Permission")
    expect(current.resolve("fast", "chat", "school")).toMatchObject({ provider: "anthropic" })
    expect(current.resolve("tiny", "chat", "school")).toMatchObject({ provider: "lab" })
    expect(String(current.resolve(undefined, "chat", "school"))).toContain("Permission")
  })
})

describe("a pipeline", () => {
  const text = [
    "pipelines:", "  cheap: [metrics, {plug: cache, ttl: 1 hour}, retry, {plug: timeout, total: 5 seconds}]", "  other: [metrics]", "routes: {chat: cheap, /v1/messages: other}",
    "limits: [{per: global, requestsPerMinute: 100}]", "tenants:", "  acme: {pipeline: other, routes: {embeddings: cheap}, budgets: [{per: key, amount: 5, every: day}]}", "  plain: {}"
  ].join("\n")
  const names = (current: Loaded, call: object) => Pipeline.names(current.pipelineFor({ operation: "chat", ...call }))

  it("is that of tenant, alias, path, operation, in this order, with limits where they belong", async () => {
    const current = await loaded(text)
    expect(names(current, {})).toEqual(["metrics", "cache", "rateLimit", "retry", "timeout", "ask"])
    expect(names(current, { route: "/v1/messages" })).toEqual(["metrics", "rateLimit", "ask"])
    expect(names(current, { pipeline: "other" })).toEqual(["metrics", "rateLimit", "ask"])
    expect(names(current, { tenant: "acme", pipeline: "cheap" })).toEqual(["metrics", "rateLimit", "budget", "ask"])
    expect(names(current, { tenant: "acme", operation: "embeddings" })).toEqual(["metrics", "cache", "rateLimit", "retry", "budget", "timeout", "ask"])
    expect(names(current, { tenant: "nobody" })).toEqual(names(current, {}))
    expect(names(current, { operation: "embeddings" })[0]).toBe("metrics")
  })

  it("is one array for equal calls, and another for others", async () => {
    const current = await loaded(text)
    const limits = { requestsPerMinute: 5 }
    const one = current.pipelineFor({ operation: "chat", tenant: "acme", limits })
    expect(current.pipelineFor({ operation: "stream", tenant: "acme", limits: { requestsPerMinute: 5 } })).toBe(one)
    expect(current.pipelineFor({ operation: "chat", tenant: "acme", limits: { requestsPerMinute: 6 } })).not.toBe(one)
    expect(current.pipelineFor({ operation: "chat", tenant: "acme" })).not.toBe(one)
  })

  it("holds the limits of gateway and key for all, those of a tenant for it alone", async () => {
    const current = await loaded("tenants:\n  acme:\n    limits: [{per: tenant, requestsPerMinute: {rate: 1, burst: 1}}]\nproviders:\n  local: {}\n")
    const layer = Layer.provide(current.services, Layer.mergeAll(current.stores, current.credentials, Transport.layer))
    const call = (tenant: string | undefined) => Pipeline.run(
      current.pipelineFor({ operation: "chat", tenant }),
      Identity.as(Request.make({ provider: "local", messages: "Hi" }), tenant === undefined ? {} : { tenant })
    )
    const states = await Effect.runPromise(Effect.provide(Effect.forEach(["acme", "acme", undefined, undefined], call), layer))
    expect(states.map(({ state }) => state)).toEqual(["completed", "error", "completed", "completed"])
    expect(states[1]?.errors[0]?.reason._tag).toBe("RateLimit")
  })

  it("sends the requests of a fallback down the same line", async () => {
    const seen: Array<string> = []
    const plugs = { seen: (() => Plug.make("seen", (request) => {
      seen.push(request.provider)
      return request
    })) as never }
    const current = await loaded("pipelines:\n  default:\n    - plug: fallback\n      steps: [{provider: local}]\n    - plug: retry\n      attempts: 1\n    - seen\nproviders:\n  openai: {}\n  local: {}\nbudgets: [{per: global, amount: 5, kind: soft, every: day}]\n", env, { plugs })
    expect(Pipeline.names(current.pipelineFor({ operation: "chat" }))).toEqual(["fallback", "retry", "budget", "seen", "ask"])
    const { final, sent } = await ask(current, "openai", {}, () => 500)
    expect(sent.length).toBe(1)
    expect(final.provider).toBe("local")
    expect(seen).toEqual(["openai", "local"])
  })

  it("may be of plugs of one's own", async () => {
    const plugs = { shout: (() => Plug.make("shout", Request.mergeOptions({ temperature: 2 }))) as never }
    expect(await refusal("pipelines:\n  a: [shuot]\n", env, { plugs })).toContain("did you mean \"shout\"?")
    const current = await loaded("pipelines:\n  default: [shout]\n", env, { plugs })
    expect(Pipeline.names(current.pipelineFor({ operation: "chat" }))).toEqual(["shout", "ask"])
  })
})

describe("stores", () => {
  it("of SQLite outlive the process that wrote them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "plugline-stores-"))
    const text = "providers:\n  openai: {}\nstores:\n  kind: sqlite\n  path: a.db\npipelines:\n  default: [{plug: cache, ttl: 1 hour}]\n"
    expect((await ask(await loaded(text, env, { folder }), "openai")).sent.length).toBe(1)
    const again = await ask(await loaded(text, env, { folder }), "openai")
    expect(again.sent.length).toBe(0)
    expect(Result.text(again.final.result)).toBe("Hello")
  })

  it("that cannot be opened say so", async () => {
    const current = await loaded("stores:\n  kind: redis\n  url: redis://127.0.0.1:1\n")
    const error = await Effect.runPromise(Effect.flip(Effect.provide(Effect.void, current.stores)))
    expect(error.reason.message).toContain("the store cannot be opened")
  })
})

it("providers and settings come from the environment that was given, not from that of the process", async () => {
  const current = await Effect.runPromise(load(undefined, { OLLAMA_HOST: "http://ollama.example" }))
  const { sent } = await ask(current, "ollama", { options: { model: "x" } })
  expect(sent[0]?.url).toContain("http://ollama.example/")
})
