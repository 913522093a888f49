import { LlmError, Pipeline, Request, Result } from "@plugline/core"
import { Credentials, type Outgoing, Provider, Transport, type Wire } from "@plugline/providers"
import { it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"

const canary = "canary0123456789abcdef"

/** Sends where `config.target` says, else to `config.baseUrl`. */
const wire: Wire = {
  prepare: ({ config }) => ({
    request: { method: "POST", url: typeof config.target === "string" ? config.target : `${config.baseUrl}/ask`, headers: {}, body: {} },
    warnings: []
  }),
  parse: ({ body }) => Result.fold([{ type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} }, metadata: { test: { body } } }]),
  reason: ({ status }) => LlmError.make({ _tag: "Server", status, message: "no" })
}

const keys = ["ACME_KEY"]
const region = { meaning: "the region", keys: ["ACME_REGION", "REGION"] }
const cloud = Provider.make({
  name: "acme",
  title: "Acme",
  baseUrl: "https://runtime.{region}.acme.test",
  origins: ["https://control.{region}.acme.test", "https://global.acme.test/v1/"],
  settings: { region },
  keys,
  wires: { chat: wire }
})
const own = Provider.make({
  name: "acme",
  title: "Acme",
  baseUrl: "{endpoint}/v1",
  settings: { endpoint: { meaning: "your endpoint", keys: ["ACME_ENDPOINT"], kind: "url", read: (said) => said.replace("ours:", "https://") } },
  keys,
  wires: { chat: wire }
})
const fixed = Provider.make({ name: "acme", title: "Acme", baseUrl: "https://api.acme.test/v1", keys, wires: { chat: wire } })

/** Its address has no path that would keep look-alikes apart. */
const bare = Provider.make({ name: "acme", title: "Acme", baseUrl: "https://api.acme.test", keys, wires: { chat: wire } })

type Config = { readonly [name: string]: unknown }

/** Asks with this `config` and environment: where the key went, or why nothing was sent. */
const ask = (provider: typeof fixed, config: Config, env: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const sent: Array<Outgoing> = []
    const transport = Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), { body: "{}" })))
    const request = Request.make({ provider: "acme", messages: "Hello", config })
    const layer = Layer.mergeAll(transport, Credentials.fromEnv).pipe(
      Layer.provideMerge(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ACME_KEY: canary, ...env } })))
    )
    const final = yield* Effect.provide(Pipeline.run(provider.pipelines.chat, request), layer)
    const went = sent.map((outgoing) => `${outgoing.url} ${Transport.headersOf(outgoing).authorization}`)
    const reason = Request.failure(final)?.reason
    expect(sent.length).toBe(reason === undefined ? 1 : 0)
    return { went: went[0], reason, config: final.config }
  })

const apiKey = Redacted.make("own-key-0123456789")
const theirs = `Bearer ${canary}`
const mine = "Bearer own-key-0123456789"

describe("an address with a label in it", () => {
  const fits: ReadonlyArray<[string, Config, Record<string, string>, string]> = [
    ["the environment's", {}, { ACME_REGION: "eu-1", REGION: "x" }, "https://runtime.eu-1.acme.test/ask"],
    ["the second variable's", {}, { REGION: " eu-2\n" }, "https://runtime.eu-2.acme.test/ask"],
    ["the call's, before the environment's", { region: "us-1" }, { REGION: "eu-1" }, "https://runtime.us-1.acme.test/ask"],
    ["the environment's where the call's is empty", { region: "" }, { REGION: "eu-1" }, "https://runtime.eu-1.acme.test/ask"],
    ["one with dots, which stays under the service's domain", { region: "a.evil.test" }, {}, "https://runtime.a.evil.test.acme.test/ask"],
    ["a further address of the service, in the same region", { region: "eu-1", target: "https://control.eu-1.acme.test/models" }, {}, "https://control.eu-1.acme.test/models"],
    ["a further address without a region", { region: "eu-1", target: "https://global.acme.test/other" }, {}, "https://global.acme.test/other"]
  ]
  for (const [title, config, env, url] of fits) {
    it.effect(title, () =>
      Effect.gen(function*() {
        expect((yield* ask(cloud, config, env)).went).toBe(`${url} ${theirs}`)
      }))
  }

  it.effect("is to be had by wires, as a setting in config", () =>
    Effect.gen(function*() {
      expect((yield* ask(cloud, {}, { REGION: "eu-1" })).config).toMatchObject({ region: "eu-1", baseUrl: "https://runtime.eu-1.acme.test" })
      expect((yield* ask(own, {}, { ACME_ENDPOINT: "https://mine.test/" })).config).toMatchObject({ baseUrl: "https://mine.test/v1" })
    }))

  it.effect("that is missing is an error that names the variables", () =>
    Effect.gen(function*() {
      expect((yield* ask(cloud, {})).reason).toMatchObject({
        _tag: "Configuration",
        option: "region",
        message: "Acme has to be told the region: set ACME_REGION or REGION in the environment, or give config.region"
      })
    }))

  const hostile = [
    "evil.test/", "evil.test/x", "evil.test#", "evil.test?", "evil.test:1", "a@evil.test", "evil.test\\", "..", ".", "-a", ".evil",
    "a/../b", "%2f", "a%00", "é", "a b", "a\r\nx: y", "a\n", "x".repeat(129), "{region}", "a\u202eb", "\u0000"
  ]
  for (const region of hostile) {
    it.effect(`${JSON.stringify(region.slice(0, 20))} is refused, from wherever it comes`, () =>
      Effect.gen(function*() {
        for (const target of [undefined, "https://control.eu-1.acme.test/models"]) {
          const { reason } = yield* ask(cloud, { region, ...(target !== undefined && { target }) })
          expect(reason).toMatchObject({ _tag: "Configuration", option: "region" })
          expect(JSON.stringify(reason)).not.toContain("evil")
        }
        if (region.trim() !== region) return
        expect((yield* ask(cloud, {}, { REGION: region })).reason).toMatchObject({ _tag: "Configuration", option: "region" })
      }))
  }
})

describe("a whole address as a setting", () => {
  const env = { ACME_ENDPOINT: "https://mine.test" }
  const cases: ReadonlyArray<[string, Config, Record<string, string>, string | object]> = [
    ["named by the environment gets the environment's key", {}, env, `https://mine.test/v1/ask ${theirs}`],
    ["named by both alike gets it too", { endpoint: "https://MINE.test:443/" }, env, `https://MINE.test:443/v1/ask ${theirs}`],
    ["named by the call alone does not", { endpoint: "https://evil.test" }, {}, { _tag: "Authentication", message: expect.stringContaining("an address that the environment does not name") }],
    ["named otherwise by the call does not", { endpoint: "https://evil.test" }, env, { _tag: "Authentication", message: expect.stringContaining("is for https://mine.test and was not sent to https://evil.test") }],
    ["gets the key the call brings", { endpoint: "https://evil.test", apiKey }, env, `https://evil.test/v1/ask ${mine}`],
    ["that is no address", {}, { ACME_ENDPOINT: "mine.test" }, { _tag: "Configuration" }],
    ["of another kind", {}, { ACME_ENDPOINT: "file:///etc" }, { _tag: "Configuration" }],
    ["with a password", {}, { ACME_ENDPOINT: "https://u:p@mine.test" }, { _tag: "Configuration" }],
    ["written as people do", {}, { ACME_ENDPOINT: "ours:mine.test" }, `https://mine.test/v1/ask ${theirs}`],
    ["written so by the call and otherwise by the environment", { endpoint: "ours:mine.test" }, env, `https://mine.test/v1/ask ${theirs}`],
    ["with a query", {}, { ACME_ENDPOINT: "https://mine.test?x=" }, { _tag: "Configuration" }]
  ]
  for (const [title, config, env, expected] of cases) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { reason, went } = yield* ask(own, config, env)
        if (typeof expected === "string") expect(went).toBe(expected)
        else expect(reason).toMatchObject(expected)
      }))
  }
})

describe("where a credential goes", () => {
  const stray = "https://evil.test/ask"
  const cases: ReadonlyArray<[string, Config, string | object]> = [
    ["the environment's to another path of the origin", { baseUrl: "HTTPS://API.acme.test:443/v9/" }, `HTTPS://API.acme.test:443/v9/ask ${theirs}`],
    ["the call's to the call's address", { baseUrl: "https://mine.test", apiKey }, `https://mine.test/ask ${mine}`],
    ["the call's to the service, whatever the call's address is", { baseUrl: "https://mine.test", target: "https://api.acme.test/x", apiKey }, `https://api.acme.test/x ${mine}`],
    ["the environment's nowhere else, wherever a wire sends", { target: stray }, { _tag: "Authentication", message: expect.stringContaining("was not sent to https://evil.test") }],
    ["the call's neither", { target: stray, apiKey }, { _tag: "Configuration", option: "origins" }],
    ["nor headers of the call, which may hold one", { target: stray, headers: { "x-mine": "secret" } }, { _tag: "Configuration", option: "origins" }],
    ...[
      "https://api.acme.test.evil.test/ask", "https://api.acme.test@evil.test/", "https://api.acme.test:8443/v1", "http://api.acme.test/v1",
      "https://api.acme.test:443@evil.test/v1/", "https://api.acme.test\\.evil.test/", "//api.acme.test/v1", "ask", "https://api.acme.test/v1@evil.test/"
    ].map((target): [string, Config, string | object] => [
      `a look-alike: ${target}`,
      { target },
      /^https:\/\/api\.acme\.test[/\\]/.test(target) ? `${target} ${theirs}` : { _tag: "Authentication" }
    ])
  ]
  for (const [title, config, expected] of cases) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { reason, went } = yield* ask(fixed, config)
        if (typeof expected === "string") expect([went, reason]).toEqual([expected, undefined])
        else expect(reason).toMatchObject(expected)
      }))
  }

  it.effect("nobody whose address merely begins like the service's or the call's", () =>
    Effect.gen(function*() {
      for (const rest of [".evil.test/ask", "@evil.test/", ":8443/", "-evil.test"]) {
        expect((yield* ask(bare, { target: `https://api.acme.test${rest}` })).reason).toMatchObject({ _tag: "Authentication" })
        const call = { baseUrl: "https://mine.test", target: `https://mine.test${rest}`, apiKey }
        expect((yield* ask(bare, call)).reason).toMatchObject({ _tag: "Configuration", option: "origins" })
      }
      expect((yield* ask(bare, { target: "https://api.acme.test?x=1" })).went).toBe(`https://api.acme.test?x=1 ${theirs}`)
    }))

  it.live("no redirect is followed, so nobody else sees it", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const listen = (server: ReturnType<typeof createServer>) =>
        Effect.promise(() => new Promise<number>((done) => server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port))))
      const thief = createServer(({ headers }, response) => (seen.push(headers), response.end("{}")))
      const thiefPort = yield* listen(thief)
      for (const status of [301, 302, 303, 307, 308]) {
        const server = createServer((_, response) => response.writeHead(status, { location: `http://127.0.0.1:${thiefPort}/` }).end())
        const port = yield* listen(server)
        const provider = Provider.make({ name: "acme", baseUrl: `http://127.0.0.1:${port}`, keys, wires: { chat: wire } })
        const final = yield* Effect.provide(
          Pipeline.run(provider.pipelines.chat, Request.make({ provider: "acme", messages: "Hello" })),
          Layer.merge(Transport.layer, Credentials.memory({ acme: Redacted.make(canary) }))
        )
        expect(Request.failure(final)?.reason).toMatchObject({ _tag: "Server", status })
        server.close()
      }
      thief.close()
      expect(seen).toEqual([])
    }))
})

describe("a definition", () => {
  const make = (baseUrl: string, origins: ReadonlyArray<string> = []) => () =>
    Provider.make({ name: "acme", baseUrl, origins, settings: { region, endpoint: { meaning: "it", keys: [], kind: "url" } }, wires: { chat: wire } })

  it("whose host a label could choose is refused", () => {
    for (const address of ["https://{region}", "https://{region}/v1", "https://api.{region}", "https://api.{region}:8080/v1", "https://acme.test:{region}/v1"]) {
      expect(make(address)).toThrow(expect.objectContaining({ _tag: "LlmError" }))
      expect(make("https://api.acme.test", [address])).toThrow(expect.objectContaining({ _tag: "LlmError" }))
    }
    for (const address of ["{endpoint}", "{endpoint}/v1", "https://{region}.acme.test/{region}", "https://acme.test/{region}"]) {
      expect(make(address)).not.toThrow()
    }
    expect(make("https://{unknown}.acme.test")).toThrow(/is no setting/)
  })
})
