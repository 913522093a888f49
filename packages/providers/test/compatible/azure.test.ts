/**
 * Azure's three interfaces, and its three kinds of credentials.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { type Config, type Operation, Pipeline, Request } from "@plugline/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { azure } from "../../src/azure.ts"
import { Credentials } from "../../src/Credentials.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"

const resource = "https://r.openai.azure.com"
const foundry = "https://r.services.ai.azure.com/models"

const url = (config: Config, operation: Operation = "chat", model?: string): string =>
  azure.wires[operation as "chat"]!.prepare(Request.make({
    provider: "azure",
    operation,
    messages: operation === "list_models" ? [] : "Hi",
    options: model === undefined ? {} : { model },
    config
  })).request.url

describe("azure is asked at", () => {
  it("its present interface", () => {
    expect(url({ baseUrl: resource }, "chat", "d 1")).toBe(`${resource}/openai/v1/chat/completions`)
    expect(url({ baseUrl: `${resource}/openai/v1` }, "chat", "d")).toBe(`${resource}/openai/v1/chat/completions`)
    expect(url(
      { baseUrl: resource, apiVersion: "preview" },
      "list_models"
    )).toBe(`${resource}/openai/v1/models?api-version=preview`)
    expect(url({ baseUrl: resource }, "embeddings", "d")).toBe(`${resource}/openai/v1/embeddings`)
    expect(url({ baseUrl: resource, api: "responses" }, "chat", "d")).toBe(`${resource}/openai/v1/responses`)
  })

  it("deployments, for a version that is a date", () => {
    const config = { baseUrl: resource, apiVersion: "2024-10-21" }
    expect(url(config, "chat", "d 1")).toBe(
      `${resource}/openai/deployments/d%201/chat/completions?api-version=2024-10-21`
    )
    expect(url(config, "completion", "d")).toBe(`${resource}/openai/deployments/d/completions?api-version=2024-10-21`)
    expect(url(config, "list_models")).toBe(`${resource}/openai/models?api-version=2024-10-21`)
    expect(url({ ...config, api: "responses" }, "chat", "d")).toBe(
      `${resource}/openai/responses?api-version=2024-10-21`
    )
    expect(() => url(config)).toThrow(/which model/)
  })

  it("the inference interface of Foundry, which has a version of its own", () => {
    expect(url({ baseUrl: foundry }, "chat", "d")).toBe(`${foundry}/chat/completions?api-version=2024-05-01-preview`)
    expect(url(
      { baseUrl: foundry, apiVersion: "2025-04-01" },
      "chat",
      "d"
    )).toBe(`${foundry}/chat/completions?api-version=2025-04-01`)
    expect(url({ baseUrl: foundry }, "list_models")).toBe("https://r.services.ai.azure.com/openai/v1/models")
    const limited = (baseUrl: string) =>
      azure.wires.chat!.prepare(Request.make(
        { provider: "azure", messages: "Hi", options: { model: "d", maxTokens: 5 }, config: { baseUrl } }
      )).request.body
    expect(limited(foundry)).toMatchObject({ max_tokens: 5 })
    expect(limited(resource)).toMatchObject({ max_completion_tokens: 5 })
  })

  it("and a deployment in the address is the model", () => {
    const decode = azure.wires.chat!.decode!
    const at = `${resource}/openai/deployments/gpt%2D4o/chat/completions?api-version=2024-10-21`
    const messages = [{ role: "user", content: "Hi" }]
    expect(decode({ url: at, body: { messages } }, "azure").options).toEqual({ model: "gpt-4o" })
    expect(decode({ url: at, body: { messages, model: "gpt-4o" } }, "azure").options).toEqual({ model: "gpt-4o" })
    expect(decode({ url: at, body: { messages, model: "other" } }, "azure").options)
      .toEqual({ model: "gpt-4o", providerOptions: { azure: { model: "other" } } })
    expect(
      decode({ url: `${resource}/openai/v1/chat/completions`, body: { messages, model: "m" } }, "azure").options
    ).toEqual({ model: "m" })
    expect(
      azure.wires.embeddings!.decode!({ url: at, body: { input: "a" } }, "azure").options
    ).toEqual({ model: "gpt-4o" })
    expect(
      azure.wires.completion!.decode!({ url: at, body: { prompt: "a" } }, "azure").options
    ).toEqual({ model: "gpt-4o" })
  })
})

describe("azure is shown", () => {
  const ask = (env: { readonly [key: string]: string }) => {
    const sent: Array<Outgoing> = []
    const transport = Transport.memory((outgoing) => {
      sent.push(outgoing)
      return Effect.succeed({
        body: outgoing.url.includes("login.microsoftonline.com")
          ? JSON.stringify({ token_type: "Bearer", expires_in: 3600, access_token: "entra-token" })
          : JSON.stringify({ choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] })
      })
    })
    const config = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { AZURE_OPENAI_ENDPOINT: resource, ...env } }))
    return Pipeline.run(azure.pipelines.chat, Request.make({ provider: "azure", messages: "Hi", options: { model: "d" } })).pipe(
      Effect.map((final) => (expect(final.errors).toEqual([]), sent)),
      Effect.provide(Layer.provideMerge(Layer.merge(transport, Credentials.fromEnv), config))
    )
  }

  it.effect("a key, under its name", () =>
    Effect.map(ask({ AZURE_API_KEY: "0123456789abcdef" }), ([sent]) => {
      expect(Transport.headersOf(sent!)).toMatchObject({ "api-key": "0123456789abcdef" })
      expect(Transport.headersOf(sent!)).not.toHaveProperty("authorization")
    }))

  it.effect("a token of Entra ID, as one", () =>
    Effect.map(ask({ AZURE_OPENAI_AD_TOKEN: "eyJhbGciOiJSUzI1NiJ9.e30.sig" }), ([sent]) => {
      expect(Transport.headersOf(sent!)).toMatchObject({ authorization: "Bearer eyJhbGciOiJSUzI1NiJ9.e30.sig" })
      expect(Transport.headersOf(sent!)).not.toHaveProperty("api-key")
    }))

  it.effect("a token that it buys with the application's secret", () =>
    Effect.map(ask({ AZURE_TENANT_ID: "tenant", AZURE_CLIENT_ID: "client", AZURE_CLIENT_SECRET: "secret" }), (sent) => {
      expect(sent.map(({ url }) => url)).toEqual([
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
        `${resource}/openai/v1/chat/completions`
      ])
      expect(Transport.headersOf(sent[1]!)).toMatchObject({ authorization: "Bearer entra-token" })
    }))
})
