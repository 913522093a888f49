/**
 * Why a call failed, from the errors that services document.
 *
 * @module
 */
import type { LlmError } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { duration, longest, retryAfter } from "../../src/wire/retryAfter.ts"
import { request } from "./support.ts"

const reason = (status: number, body: unknown, headers: { readonly [name: string]: string } = {}): LlmError =>
  wires().chat.reason({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) }, request())

const openai = (message: string, more: object = {}): object => ({
  error: { message, type: "invalid_request_error", param: null, code: null, ...more }
})

describe("the reason", () => {
  it.each<readonly [string, number, unknown]>([
    // OpenAI
    ["Authentication", 401, openai("Incorrect API key provided: sk-1234", { code: "invalid_api_key" })],
    [
      "Permission",
      403,
      openai("Country, region, or territory not supported", { code: "unsupported_country_region_territory" })
    ],
    ["NotFound", 404, openai("The model `x` does not exist", { code: "model_not_found" })],
    [
      "InvalidRequest",
      400,
      openai("Unsupported parameter: 'max_tokens'", { param: "max_tokens", code: "unsupported_parameter" })
    ],
    [
      "ContextLength",
      400,
      openai(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        { code: "context_length_exceeded" }
      )
    ],
    [
      "ContextLength",
      400,
      openai("Input tokens exceed the configured limit of 272000 tokens. Your messages exceed the context window.")
    ],
    ["RateLimit", 429, openai("Rate limit reached for gpt-5", { type: "tokens", code: "rate_limit_exceeded" })],
    [
      "Quota",
      429,
      openai(
        "You exceeded your current quota, please check your plan and billing details.",
        { type: "insufficient_quota", code: "insufficient_quota" }
      )
    ],
    [
      "ContentPolicy",
      400,
      openai("Your request was rejected as a result of our safety system.", { code: "content_policy_violation" })
    ],
    ["Server", 500, openai("The server had an error", { type: "server_error" })],
    ["Overloaded", 503, openai("The engine is currently overloaded, please try again later")],
    ["RateLimit", 429, openai("Request too large: too many tokens for your limit per minute", { type: "tokens" })],
    // Azure
    [
      "ContentPolicy",
      400,
      {
        error: {
          message: "The response was filtered",
          code: "content_filter",
          innererror: { code: "ResponsibleAIPolicyViolation" }
        }
      }
    ],
    [
      "NotFound",
      404,
      { error: { code: "DeploymentNotFound", message: "The API deployment for this resource does not exist." } }
    ],
    [
      "RateLimit",
      429,
      {
        error: {
          code: "429",
          message: "exceeded token rate limit. Please retry after 60 seconds. See https://aka.ms/quotaincrease"
        }
      }
    ],
    ["Timeout", 408, "Request timed out"],
    ["ContextLength", 413, "Failed to buffer the request body: length limit exceeded"],
    // xAI and Google answer a bad key with 400
    [
      "Authentication",
      400,
      {
        code: "Client specified an invalid argument",
        error: "Incorrect API key provided: xa***ey. You can obtain an API key from https://console.x.ai."
      }
    ],
    [
      "Authentication",
      400,
      [{ error: { code: 400, message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" } }]
    ],
    // DeepSeek
    ["Quota", 402, openai("Insufficient Balance", { type: "unknown_error" })],
    [
      "InvalidRequest",
      422,
      "Failed to deserialize the JSON body into the target type: messages[0]: missing field `role`"
    ],
    // Mistral
    [
      "InvalidRequest",
      422,
      { detail: [{ type: "missing", loc: ["body", "messages", 0, "role"], msg: "Field required" }] }
    ],
    [
      "RateLimit",
      429,
      { object: "error", message: "Requests rate limit exceeded", type: "rate_limited", param: null, code: "1300" }
    ],
    // OpenRouter
    [
      "ContentPolicy",
      403,
      {
        error: {
          code: 403,
          message: "This model requires moderation. Your input was flagged for \"violence\".",
          metadata: { reasons: ["violence"] }
        }
      }
    ],
    ["Quota", 402, { error: { code: 402, message: "Insufficient credits" } }],
    [
      "ContextLength",
      400,
      {
        error: {
          code: 400,
          message: "Provider returned error",
          metadata: { raw: "{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}" }
        }
      }
    ],
    ["Overloaded", 502, { error: { code: 502, message: "The model is at capacity" } }],
    // Databricks, Voyage, Groq, Z.ai, Cloudflare, LM Studio
    ["Permission", 403, { error_code: "PERMISSION_DENIED", message: "no access" }],
    ["NotFound", 400, { detail: "Model nonexistent is not supported. Supported models are ['a']." }],
    ["NotFound", 400, openai("The model `x` has been decommissioned", { code: "model_decommissioned" })],
    ["Overloaded", 498, openai("flex tier capacity exceeded", { code: "capacity_exceeded" })],
    ["Quota", 429, { error: { code: "1113", message: "Your account is in arrears" } }],
    ["Overloaded", 529, ""],
    ["Timeout", 524, "<html><title>A timeout occurred</title></html>"],
    ["Server", 502, "<html><head><title>502 Bad Gateway</title></head></html>"],
    ["InvalidRequest", 400, { error: "Invalid 'messages'" }],
    ["InvalidRequest", 409, {}],
    ["NotFound", 405, ""],
    ["NotAnLlm", 302, ""],
    // An overlong answer of a server that failed is no statement about the prompt.
    ["Server", 500, openai("too many tokens in flight", { type: "server_error" })]
  ])("is %s for %i %j", (tag, status, body) => {
    const error = reason(status, body)
    expect(error.reason._tag).toBe(tag)
    expect(error.provider).toBe("openai")
    expect(error.status).toBe(status)
    expect(error.reason.message).not.toBe("")
  })

  it("carries what a handler and a person need", () => {
    const error = reason(
      400,
      openai("Unsupported parameter", { param: "seed", code: "unsupported_parameter" }),
      { "x-request-id": "req_1" }
    )
    expect(error.reason).toStrictEqual({
      _tag: "InvalidRequest",
      message: "Unsupported parameter",
      status: 400,
      code: "unsupported_parameter",
      raw: openai("Unsupported parameter", { param: "seed", code: "unsupported_parameter" }),
      requestId: "req_1",
      parameter: "seed"
    })
    expect(
      reason(
        422,
        { detail: [{ loc: ["body", "model"], msg: "Field required" }, { loc: ["body", "n"], msg: "Too big" }] }
      ).reason
    ).toMatchObject({
      message: "body.model: Field required; body.n: Too big",
      parameter: "body.model"
    })
    const behind = reason(
      403,
      { error: { code: 403, message: "Provider returned error", metadata: { raw: "upstream says no" } } }
    )
    expect(behind.reason.message).toBe("Provider returned error: upstream says no")
    expect(reason(502, "<html><title>502 Bad\n Gateway</title>").reason.message).toBe("a web page: 502 Bad Gateway")
    expect(reason(500, "").reason.message).toBe("the service answered with status 500 and said nothing more")
  })

  it("shows no credential that the service repeats, in no field", () => {
    const key = "sk-canary1234567890abcdef"
    for (
      const body of [
        openai(`Incorrect API key provided: ${key}`, { code: key }),
        { detail: [{ msg: key, input: { deep: [key] } }] },
        `bad key ${key}`
      ]
    ) {
      const error = reason(401, body)
      expect(JSON.stringify(error.reason)).not.toContain("canary")
      expect(JSON.stringify(error)).not.toContain("canary")
      expect(error.message).not.toContain("canary")
    }
  })

  it("survives bodies of any shape", () => {
    for (
      const body of [
        "null",
        "[]",
        "\"no\"",
        "1",
        "{\"error\":null}",
        "{\"error\":[]}",
        "{\"error\":{\"message\":{}}}",
        "{\"errors\":[\"a\"]}",
        "{",
        "\u0000",
        "{\"__proto__\":{\"a\":1}}",
        "[".repeat(10_000),
        "{\"error\":".repeat(600) + "1" + "}".repeat(600)
      ]
    ) {
      expect(reason(400, body).reason._tag).toBe("InvalidRequest")
    }
    expect(reason(500, "x".repeat(1_000_000)).reason.message.length).toBeLessThan(2100)
    expect(({} as { a?: number }).a).toBeUndefined()
  })
})

describe("how long to wait", () => {
  const wait = (headers: { readonly [name: string]: string }, message = "") => retryAfter(headers, undefined, message)

  it.each<readonly [string, number | undefined]>([
    ["6m0s", 360_000],
    ["1.2s", 1200],
    ["120ms", 120],
    ["1h2m3.5s", 3_723_500],
    ["60 seconds", 60_000],
    ["2 minutes", 120_000],
    ["1d", 86_400_000],
    ["17", undefined],
    ["soon", undefined],
    ["", undefined],
    ["5 parsecs", undefined]
  ])("reads %j", (text, ms) => {
    expect(duration(text)).toBe(ms)
  })

  it.each<readonly [object, number | undefined]>([
    [{ "retry-after": "6" }, 6000],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after-ms": "660", "retry-after": "1" }, 660],
    [{ "retry-after": "6m0s" }, 360_000],
    [{ "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 30_000],
    [{ "retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
    [{ "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "NaN" }, undefined],
    [{ "retry-after": "31536000" }, longest],
    [{ "retry-after": "9".repeat(400) }, longest],
    [
      {
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "1s",
        "x-ratelimit-remaining-tokens": "5"
      },
      360_000
    ],
    [{ "x-ratelimit-reset-requests": "120ms", "x-ratelimit-remaining-requests": "499" }, undefined],
    [{ "x-ratelimit-reset-tokens": "60" }, 60_000],
    [{ "x-ratelimit-reset": "1445412510000", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 30_000],
    [{ "x-ratelimit-reset": "1445412510", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 30_000],
    [{ "x-ratelimit-reset": "1445412510" }, undefined],
    [{}, undefined]
  ])("reads %j", (headers, ms) => {
    expect(wait(headers as { [name: string]: string })).toBe(ms)
  })

  it("reads the words and fields of the error", () => {
    expect(wait({}, "Rate limit reached. Please try again in 5.89s. Need more tokens?")).toBe(5890)
    expect(wait({}, "Please retry after 60 seconds.")).toBe(60_000)
    expect(wait({}, "Please try again in 6m0s.")).toBe(360_000)
    expect(wait({}, "Please try again later")).toBeUndefined()
    expect(retryAfter({}, { retry_after: 2 }, "")).toBe(2000)
    expect(retryAfter({}, { details: [{ "@type": "x" }, { retryDelay: "17s" }] }, "")).toBe(17_000)
    expect(retryAfter({}, { retry_after: -3 }, "")).toBe(0)
  })

  it("goes with the reasons that can pass, and no other", () => {
    const headers = { "retry-after": "2" }
    expect(reason(429, {}, headers).retryAfter).toBe(2000)
    expect(reason(503, {}, headers).retryAfter).toBe(2000)
    expect(reason(500, {}, headers).retryAfter).toBe(2000)
    expect(reason(400, {}, headers).reason).not.toHaveProperty("retryAfter")
    expect(reason(429, {}).reason).not.toHaveProperty("retryAfter")
  })
})
