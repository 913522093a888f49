/**
 * The provider `anthropic`: what it can be asked, and where its key goes.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Pipeline, Request, Result } from "@plugline/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { anthropic } from "../../src/anthropic.ts"
import { Credentials } from "../../src/Credentials.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"
import { message } from "./support.ts"

/** The headers of a call where the environment holds these variables. */
const headersWith = (env: Record<string, string>) =>
  Effect.gen(function*() {
    const sent: Array<Outgoing> = []
    const transport = Transport.memory((outgoing) => {
      sent.push(outgoing)
      return Effect.succeed({ body: JSON.stringify(message([{ type: "text", text: "Hi" }])) })
    })
    const credentials = Layer.provide(Credentials.fromEnv, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
    const request = Request.make({
      provider: "anthropic",
      messages: "Hello",
      options: { model: "claude-sonnet-5" },
      config: { betas: ["some-beta-2026-01-01"] }
    })
    const services = Layer.merge(transport, credentials)
    const final = yield* Effect.provide(Pipeline.run(anthropic.pipelines.chat, request), services)
    return { text: Result.text(final.result), ...Transport.headersOf(sent[0]!) } as { readonly [name: string]: string }
  })

describe("the provider", () => {
  it.effect("sends the key of the environment, or its token, with the version and the beta features", () =>
    Effect.gen(function*() {
      const both = { ANTHROPIC_API_KEY: "sk-ant-api03-x", ANTHROPIC_AUTH_TOKEN: "token-of-a-proxy" }
      const withKey = yield* headersWith(both)
      expect(withKey).toMatchObject({
        text: "Hi",
        "x-api-key": "sk-ant-api03-x",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "some-beta-2026-01-01"
      })
      expect(withKey.authorization).toBeUndefined()
      const withToken = yield* headersWith({ ANTHROPIC_AUTH_TOKEN: "token-of-a-proxy" })
      expect(withToken.authorization).toBe("Bearer token-of-a-proxy")
      expect(withToken["x-api-key"]).toBeUndefined()
    }))

  it("tells a key from a token", () => {
    expect(anthropic.authorize("sk-ant-api03-x")).toEqual({ "x-api-key": "sk-ant-api03-x" })
    expect(anthropic.authorize("of-a-proxy")).toEqual({ "x-api-key": "of-a-proxy" })
    expect(anthropic.authorize("sk-ant-oat01-x")).toEqual({ authorization: "Bearer sk-ant-oat01-x" })
    expect(anthropic.authorize(JSON.stringify({ authToken: "t" }))).toEqual({ authorization: "Bearer t" })
    expect(anthropic.authorize("{broken")).toEqual({ "x-api-key": "{broken" })
    expect(anthropic.authorize("{\"authToken\":1}")).toEqual({ "x-api-key": "{\"authToken\":1}" })
  })

  it("has the operations of the service", () => {
    expect(anthropic.name).toBe("anthropic")
    expect(anthropic.baseUrl).toBe("https://api.anthropic.com/v1")
    expect(Object.keys(anthropic.pipelines)).toEqual(["chat", "stream", "list_models", "validate"])
  })
})
