/**
 * The providers `bedrock` and `bedrock-mantle`: where they are, and how their credentials travel.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { type Config, Pipeline, Request } from "@plugline/core"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { all } from "../../src/all.ts"
import { bedrock } from "../../src/bedrock.ts"
import { bedrockMantle } from "../../src/bedrock-mantle.ts"
import { Credentials } from "../../src/Credentials.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"
import { answer } from "./support.ts"

const keys = { AWS_ACCESS_KEY_ID: "AKIDCANARY", AWS_SECRET_ACCESS_KEY: "canary-secret" }
const openAi = { choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] }
const responses = { id: "r", object: "response", status: "completed", output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi" }] }] }

interface Setting {
  readonly provider?: typeof bedrock | typeof bedrockMantle
  readonly operation?: "chat" | "list_models" | "validate"
  readonly config?: Config
  readonly env?: { readonly [name: string]: string }
  readonly body?: object
}

/** What is sent, and where. */
const sent = ({ body = answer([{ text: "Hi" }]), config = {}, env = {}, operation = "chat", provider = bedrock }: Setting) =>
  Effect.gen(function*() {
    const out: Array<Outgoing> = []
    const transport = Transport.memory((outgoing) => {
      out.push(outgoing)
      return Effect.succeed({ status: 200, headers: {}, body: JSON.stringify(body) })
    })
    const request = Request.make({
      provider: provider.name, operation, messages: operation === "chat" ? "Hi" : [], options: operation === "chat" ? { model: "amazon.nova-lite-v1:0" } : {}, config
    })
    const final = yield* Effect.provide(Pipeline.run(provider.pipelines[operation], request), Layer.merge(transport, Credentials.fromEnv))
      .pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
    expect(JSON.stringify(final)).not.toMatch(/canary/i)
    return { final, url: out[0]?.url, headers: out[0] === undefined ? {} : Transport.headersOf(out[0]) }
  })

describe("bedrock", () => {
  it.effect("is in the region of the environment, or of the call, and signs with AWS credentials", () =>
    Effect.gen(function*() {
      const one = yield* sent({ env: { ...keys, AWS_REGION: "eu-west-1", AWS_SESSION_TOKEN: "canary-token" } })
      expect(one.final.errors).toEqual([])
      expect(one.url).toBe("https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse")
      expect(one.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDCANARY\/19700101\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, /)
      expect(one.headers["x-amz-security-token"]).toBe("canary-token")
      const two = yield* sent({ env: { ...keys, AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "x" }, config: { region: "us-west-2" } })
      expect(two.headers.authorization).toContain("/us-west-2/bedrock/aws4_request")
      const three = yield* sent({ env: { ...keys, AWS_DEFAULT_REGION: "us-east-2" } })
      expect(three.url).toContain("bedrock-runtime.us-east-2.amazonaws.com")
    }))

  it.effect("prefers a Bedrock API key, and takes one from the call", () =>
    Effect.gen(function*() {
      const env = { ...keys, AWS_REGION: "us-east-1", AWS_BEARER_TOKEN_BEDROCK: "canary-bearer" }
      expect((yield* sent({ env })).headers.authorization).toBe("Bearer canary-bearer")
      const given = yield* sent({ env, config: { apiKey: Redacted.make("canary-own") } })
      expect(given.headers.authorization).toBe("Bearer canary-own")
    }))

  it.effect("asks the control plane with the same credential", () =>
    Effect.gen(function*() {
      const env = { ...keys, AWS_REGION: "us-east-1" }
      for (const operation of ["list_models", "validate"] as const) {
        const { final, headers, url } = yield* sent({ operation, env, body: { modelSummaries: [] } })
        expect(final.errors).toEqual([])
        expect(url).toBe("https://bedrock.us-east-1.amazonaws.com/foundation-models")
        expect(headers.authorization).toContain("/us-east-1/bedrock/aws4_request")
      }
    }))

  it.effect("says what is missing, and sends no credential elsewhere", () =>
    Effect.gen(function*() {
      const reasonOf = (setting: Setting) => Effect.map(sent(setting), ({ final, url }) => [final.errors[0]?.reason, url] as const)
      expect(yield* reasonOf({ env: keys })).toMatchObject([{ _tag: "Configuration", option: "region" }, undefined])
      expect(yield* reasonOf({ env: { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "AKIDCANARY" } })).toMatchObject([{ _tag: "Authentication" }, undefined])
      expect(yield* reasonOf({ env: { ...keys, AWS_REGION: "us-east-1" }, config: { baseUrl: "https://evil.example" } })).toMatchObject([{ _tag: "Authentication" }, undefined])
      expect(yield* reasonOf({ env: { ...keys, AWS_REGION: "us-east-1" }, config: { region: "evil.example/" } })).toMatchObject([{ _tag: "Configuration" }, undefined])
    }))
})

describe("bedrock-mantle", () => {
  it.effect("speaks OpenAI's words, signed in its own name", () =>
    Effect.gen(function*() {
      const env = { ...keys, AWS_REGION: "us-east-1" }
      const chat = yield* sent({ provider: bedrockMantle, env, body: openAi })
      expect(chat.final.errors).toEqual([])
      expect(chat.url).toBe("https://bedrock-mantle.us-east-1.api.aws/v1/chat/completions")
      expect(chat.headers.authorization).toContain("/us-east-1/bedrock-mantle/aws4_request")
      const other = yield* sent({ provider: bedrockMantle, env, body: responses, config: { api: "responses" } })
      expect(other.final.errors).toEqual([])
      expect(other.url).toBe("https://bedrock-mantle.us-east-1.api.aws/v1/responses")
      const bearer = yield* sent({ provider: bedrockMantle, env: { AWS_REGION: "us-east-1", AWS_BEARER_TOKEN_BEDROCK: "canary" }, body: openAi })
      expect(bearer.headers.authorization).toBe("Bearer canary")
    }))

  it("is shipped beside bedrock", () => {
    expect(all).toEqual(expect.arrayContaining([bedrock, bedrockMantle]))
  })
})
