/**
 * The providers `google` and `vertex`: where they are, and how their credentials travel.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { type Config, Pipeline, Request } from "@plugline/core"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { google } from "../../src/google.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"
import { vertex } from "../../src/vertex.ts"

const body = JSON.stringify({ candidates: [{ content: { parts: [{ text: "Hi" }] }, finishReason: "STOP" }] })
const openAi = JSON.stringify({ choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] })

interface Setting {
  readonly config?: Config
  readonly env?: { readonly [name: string]: string }
  readonly model?: string
}

/** What is sent, and where. */
const sent = (provider: typeof google | typeof vertex, key: string, {
  config = {},
  env = {},
  model = "gemini-2.5-flash"
}: Setting = {}) =>
  Effect.gen(function*() {
    const out: Array<Outgoing> = []
    const layer = Layer.merge(
      Transport.memory((outgoing) => {
        out.push(outgoing)
        return Effect.succeed({ status: 200, headers: {}, body: config.api === "openai" ? openAi : body })
      }),
      Credentials.memory({ [provider.name]: Redacted.make(key) })
    )
    const request = Request.make({ provider: provider.name, messages: "Hi", options: { model }, config })
    const final = yield* Effect.provide(Pipeline.run(provider.pipelines.chat, request), layer)
      .pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
    return { final, url: out[0]?.url, headers: out[0] === undefined ? {} : Transport.headersOf(out[0]) }
  })

describe("google", () => {
  it.effect("sends a key in its own header, and a token in the usual one", () =>
    Effect.gen(function*() {
      const { final, headers, url } = yield* sent(google, "AIzaCanary0123456789abcdefghijklmno")
      expect(final.errors).toEqual([])
      expect(url).toBe("https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent")
      expect(headers["x-goog-api-key"]).toBe("AIzaCanary0123456789abcdefghijklmno")
      expect(headers.authorization).toBeUndefined()
      expect(JSON.stringify(final)).not.toContain("Canary")
      const token = yield* sent(google, "ya29.canary")
      expect(token.headers).toMatchObject({ authorization: "Bearer ya29.canary" })
      expect(token.headers["x-goog-api-key"]).toBeUndefined()
    }))

  it.effect("speaks OpenAI's wire where that is asked for", () =>
    Effect.gen(function*() {
      const { final, headers, url } = yield* sent(
        google,
        "AIzaCanary0123456789abcdefghijklmno",
        { config: { api: "openai" } }
      )
      expect(final.errors).toEqual([])
      expect(url).toBe("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions")
      expect(headers.authorization).toBe("Bearer AIzaCanary0123456789abcdefghijklmno")
      const wrong = yield* sent(google, "k", { config: { api: "other" } })
      expect(wrong.final.errors[0]?.reason).toMatchObject({ _tag: "Configuration", option: "api" })
    }))
})

describe("vertex", () => {
  const env = { GOOGLE_CLOUD_PROJECT: "p-1" }

  it.effect("is at the host of its location", () =>
    Effect.gen(function*() {
      const path = (location: string) =>
        `/v1beta1/projects/p-1/locations/${location}/publishers/google/models/gemini-2.5-flash:generateContent`
      const at = (location: string | undefined) =>
        Effect.map(sent(
          vertex,
          "ya29.canary",
          { env, config: location === undefined ? {} : { location } }
        ), ({ final, headers, url }) => {
          expect(final.errors).toEqual([])
          expect(headers.authorization).toBe("Bearer ya29.canary")
          return url
        })
      expect(yield* at("us-central1")).toBe(`https://us-central1-aiplatform.googleapis.com${path("us-central1")}`)
      expect(yield* at(undefined)).toBe(`https://aiplatform.googleapis.com${path("global")}`)
      expect(yield* at("us")).toBe(`https://aiplatform.us.rep.googleapis.com${path("us")}`)
      expect(yield* at("eu")).toBe(`https://aiplatform.eu.rep.googleapis.com${path("eu")}`)
      const chosen = yield* sent(vertex, "ya29.canary", { env, config: { project: "q", location: "x.test/" } })
      expect(chosen.final.errors[0]?.reason).toMatchObject({ _tag: "Configuration", option: "location" })
      const nowhere = yield* sent(vertex, "ya29.canary")
      expect(nowhere.final.errors[0]?.reason).toMatchObject({ _tag: "Configuration", option: "project" })
    }))

  it.effect("asks Claude in Anthropic's words", () =>
    Effect.gen(function*() {
      const place = "https://us-east5-aiplatform.googleapis.com/v1beta1/projects/p-1/locations/us-east5"
      const config = { location: "us-east5" }
      const { final, headers, url } = yield* sent(
        vertex,
        "ya29.canary",
        { env, config, model: "claude-sonnet-4-5@20250929" }
      )
      expect(url).toBe(`${place}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`)
      expect(headers.authorization).toBe("Bearer ya29.canary")
      expect(final.providerRequest?.body).toMatchObject({
        anthropic_version: "vertex-2023-10-16",
        messages: [{ role: "user" }]
      })
      expect(final.providerRequest?.body).not.toHaveProperty("model")
      // It is no answer of Anthropic's.
      expect(final.errors[0]?.reason._tag).toBe("NotAnLlm")
      const { wires } = vertex
      const asked = wires.chat!.decode!({ url: url!, body: final.providerRequest!.body! }, "vertex")
      expect(asked)
        .toMatchObject({
          operation: "chat",
          messages: final.messages,
          options: { model: "anthropic/claude-sonnet-4-5@20250929" }
        })
      const streamed = wires.stream!.prepare(Request.make({
        provider: "vertex",
        operation: "stream",
        messages: "Hi",
        options: { model: "anthropic/claude-opus-4-5" },
        config: { baseUrl: place }
      }))
      expect(streamed.request).toMatchObject({
        url: `${place}/publishers/anthropic/models/claude-opus-4-5:streamRawPredict`,
        body: { stream: true }
      })
      const answer = {
        type: "message",
        role: "assistant",
        content: [{ type: "text", text: "Hi" }],
        stop_reason: "end_turn",
        usage: { input_tokens: 1, output_tokens: 1 }
      }
      const request = Request.make({ provider: "vertex", messages: "Hi", options: { model: "claude-x" } })
      expect(wires.chat!.parse({ status: 200, headers: {}, body: JSON.stringify(answer) }, request))
        .toMatchObject({ content: [{ text: "Hi" }], finishReason: "stop" })
    }))

  it.effect("takes an API key of Google Cloud, and speaks OpenAI's wire where that is asked for", () =>
    Effect.gen(function*() {
      const { headers, url } = yield* sent(
        vertex,
        "AQ.canary",
        { env, config: { api: "openai" }, model: "google/gemini-2.5-flash" }
      )
      expect(headers["x-goog-api-key"]).toBe("AQ.canary")
      expect(headers.authorization).toBeUndefined()
      expect(url)
        .toBe(
          "https://aiplatform.googleapis.com/v1beta1/projects/p-1/locations/global/endpoints/openapi/chat/completions"
        )
    }))
})
