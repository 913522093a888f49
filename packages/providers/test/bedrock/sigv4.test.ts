/**
 * Signatures: against the examples that AWS published, and against the rules written out step by step.
 *
 * @module
 */
import { describe, expect, it } from "@effect/vitest"
import { LlmError, Request } from "@plugline/core"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { createHash, createHmac } from "node:crypto"
import { sigv4 } from "../../src/bedrock/sigv4.ts"
import type { Outgoing } from "../../src/Transport.ts"

const example = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }

interface Case {
  readonly service?: string
  readonly outgoing: Partial<Outgoing>
  readonly key?: string
  readonly region?: string
  readonly at?: string
}

const signed = ({ at = "2015-08-30T12:36:00Z", key = JSON.stringify(example), outgoing, region, service = "service" }: Case) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(Date.parse(at))
    return yield* sigv4(service)({
      key: Redacted.make(key),
      outgoing: { method: "POST", url: "https://example.amazonaws.com/", headers: {}, stream: false, ...outgoing },
      request: Request.make({ provider: "bedrock", config: region === undefined ? {} : { region } }),
      transport: { send: () => Effect.die("nothing is sent") },
      credentials: undefined as never
    })
  })

const signatureOf = (headers: { readonly [name: string]: string }) => /Signature=(\w+)$/.exec(headers.authorization ?? "")?.[1]

const sha = (text: string) => createHash("sha256").update(text).digest("hex")
const hmac = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest()

/** The rules, one after the other. */
const byHand = (
  { body, headers, method, path, query }: { method: string; path: string; query: string; headers: Record<string, string>; body: string },
  { accessKeyId, secretAccessKey }: typeof example,
  region: string,
  service: string
): string => {
  const names = Object.keys(headers).sort()
  const date = headers["x-amz-date"]!
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  // Each segment of the path as it is sent is escaped once more.
  const twice = path.split("/").map((segment) => encodeURIComponent(segment)).join("/")
  const canonical = [
    method, twice, query, ...names.map((name) => `${name}:${headers[name]!.trim()}`), "", names.join(";"), sha(body)
  ].join("\n")
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha(canonical)].join("\n")
  const keyOf = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date.slice(0, 8)), region), service), "aws4_request")
  const signature = hmac(keyOf, toSign).toString("hex")
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`
}

describe("AWS's own examples", () => {
  const examples: ReadonlyArray<readonly [name: string, it: Case, signature: string]> = [
    ["get-vanilla", { outgoing: { method: "GET" } }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    ["post-vanilla", { outgoing: {} }, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "get-vanilla-query-order-key-case",
      { outgoing: { method: "GET", url: "https://example.amazonaws.com/?Param2=value2&Param1=value1" } },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    ]
  ]
  it.effect.each(examples)("%s", ([, it, signature]) =>
    Effect.gen(function*() {
      const headers = yield* signed({ ...it, region: "us-east-1" })
      expect(signatureOf(headers)).toBe(signature)
      expect(headers["x-amz-date"]).toBe("20150830T123600Z")
    }))
})

describe("a request to Bedrock", () => {
  const host = "bedrock-runtime.eu-west-3.amazonaws.com"
  const path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
  const body = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Grüße 👋\"}]}]}"
  const headers = { "content-type": "application/json", accept: "application/json" }

  it.effect("is signed for the region of its address, with its body, its type and the token of temporary credentials", () =>
    Effect.gen(function*() {
      const key = JSON.stringify({ ...example, sessionToken: "AQoDYXdzEPT//////////wEXAMPLE" })
      const got = yield* signed({
        service: "bedrock", region: "us-east-1", key, at: "2026-11-21T07:08:09.999Z",
        outgoing: { url: `https://${host}${path}`, body, headers }
      })
      const sent = {
        host,
        "content-type": "application/json",
        "x-amz-date": "20261121T070809Z",
        "x-amz-security-token": "AQoDYXdzEPT//////////wEXAMPLE"
      }
      expect(got).toEqual({
        "x-amz-date": sent["x-amz-date"],
        "x-amz-security-token": sent["x-amz-security-token"],
        authorization: byHand({ method: "POST", path, query: "", headers: sent, body }, example, "eu-west-3", "bedrock")
      })
    }))

  it.effect("is signed with what Amazon's own headers say", () =>
    Effect.gen(function*() {
      const more = { "content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED", accept: "x" }
      const got = yield* signed({ service: "bedrock", outgoing: { url: `https://${host}${path}`, body, headers: more } })
      const sent = { host, "content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED", "x-amz-date": "20150830T123600Z" }
      expect(got).toEqual({
        "x-amz-date": sent["x-amz-date"],
        authorization: byHand({ method: "POST", path, query: "", headers: sent, body }, example, "eu-west-3", "bedrock")
      })
    }))

  it.effect("also where the path holds an ARN, and where a query asks for models", () =>
    Effect.gen(function*() {
      const arn = `/model/${encodeURIComponent("arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0")}/invoke`
      const one = yield* signed({ service: "bedrock", outgoing: { url: `https://${host}${arn}`, body: "{}" } })
      expect(one.authorization).toBe(
        byHand({ method: "POST", path: arn, query: "", headers: { host, "x-amz-date": "20150830T123600Z" }, body: "{}" }, example, "eu-west-3", "bedrock")
      )
      const plane = "bedrock.us-gov-west-1.amazonaws.com"
      const two = yield* signed({
        service: "bedrock",
        outgoing: { method: "GET", url: `https://${plane}/foundation-models?byProvider=mistral%20ai&byInferenceType=ON_DEMAND` }
      })
      const query = "byInferenceType=ON_DEMAND&byProvider=mistral%20ai"
      expect(two.authorization).toBe(byHand(
        { method: "GET", path: "/foundation-models", query, headers: { host: plane, "x-amz-date": "20150830T123600Z" }, body: "" },
        example, "us-gov-west-1", "bedrock"
      ))
    }))

  it.effect.each([
    ["bedrock-runtime-fips.us-east-2.amazonaws.com", "us-east-2"],
    ["bedrock-mantle.ap-southeast-2.api.aws", "ap-southeast-2"],
    ["vpce-0a1b-c2d3.bedrock-runtime.eu-central-1.vpce.amazonaws.com", "eu-central-1"],
    ["bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"],
    ["proxy.example", "sa-east-1"],
    ["bedrock-runtime.us-east-1.amazonaws.com.example", "sa-east-1"]
  ] as const)("to %s is signed for %s", ([name, region]) =>
    Effect.gen(function*() {
      const { authorization } = yield* signed({ region: "sa-east-1", outgoing: { url: `https://${name}/x` } })
      expect(authorization).toContain(`/20150830/${region}/service/aws4_request`)
    }))

  it.effect("goes out with a Bedrock API key as it is, and with nothing where there is no key", () =>
    Effect.gen(function*() {
      expect(yield* signed({ key: "bedrock-api-key-YWJj\n", outgoing: {} })).toEqual({ authorization: "Bearer bedrock-api-key-YWJj" })
      const none = yield* sigv4("bedrock")({ key: undefined } as never)
      expect(none).toEqual({})
    }))

  it.effect.each([
    ["{\"accessKeyId\":\"AKIDEXAMPLE\"}", "us-east-1", "apiKey"],
    ["{\"accessKeyId\":\"\",\"secretAccessKey\":\"x\"}", "us-east-1", "apiKey"],
    ["{broken", "us-east-1", "apiKey"],
    [JSON.stringify(example), undefined, "region"]
  ] as const)("is not sent with credentials that do not do: %s", ([key, region, option]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(signed({ key, outgoing: {}, ...(region !== undefined && { region }) }))
      expect(LlmError.isLlmError(error)).toBe(true)
      expect(error.reason).toMatchObject({ _tag: "Configuration", option })
      expect(JSON.stringify(error.toJSON())).not.toContain(example.secretAccessKey)
    }))
})
