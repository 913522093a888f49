/**
 * Answers that are failures: before, within and after what the model said, and in place of it.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { answer, decoded, failure, parsed, request, response, sse } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

describe("a failure", () => {
  it("is a prompt that was refused", () => {
    const body = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT", blockReasonMessage: "No." },
      usageMetadata: { promptTokenCount: 1 }
    }
    const reason = { _tag: "ContentPolicy", code: "PROHIBITED_CONTENT", message: "No.", raw: body }
    expect(failure(() => parsed(body)).reason).toEqual(reason)
    expect(errorOf(decoded([sse([body])]))).toEqual(reason)
    expect(failure(() => parsed({ promptFeedback: { blockReason: "OTHER" } })).reason.message).toContain("OTHER")
    expect(Result.text(parsed(answer([{ text: "x" }], undefined, { promptFeedback: { blockReason: "OTHER" } }))))
      .toBe("x")
    expect(parsed(answer([{ text: "x" }], undefined, { promptFeedback: { safetyRatings: [1] } })).metadata)
      .toEqual({ google: { promptFeedback: { safetyRatings: [1] } } })
  })

  it("inside a stream ends it", () => {
    const error = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }
    const parts = decoded([sse([answer([{ text: "Hi" }], {}), error, answer([{ text: "x" }])])])
    expect(Result.text(Result.fold(parts))).toBe("Hi")
    expect(errorOf(parts)).toMatchObject({ _tag: "Overloaded", status: 503 })
    expect(errorOf(decoded([JSON.stringify([answer([{ text: "Hi" }], {}), error])])))
      .toMatchObject({ _tag: "Overloaded" })
    expect(errorOf(decoded([JSON.stringify(error)]))).toMatchObject({ _tag: "Overloaded" })
    expect(errorOf(decoded([sse(["{broken"])]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(errorOf(decoded(["event: error\ndata: {\"message\":\"no\",\"code\":500}\n\n"])))
      .toMatchObject({ _tag: "Server" })
    expect(errorOf(decoded(["<html><title>Login</title>"]))?._tag).toBe("NotAnLlm")
  })

  it("is a stream that ends before its answer does", () => {
    const whole = sse([answer([{ text: "Hi" }], {}), answer([{ text: "x" }])])
    expect(errorOf(decoded([])))
      .toMatchObject({ _tag: "CutStream", message: "the stream ended before the answer began" })
    expect(errorOf(decoded([whole.slice(0, whole.indexOf("STOP"))])))
      .toMatchObject({ _tag: "CutStream", message: "the stream ended before the answer did" })
    expect(errorOf(decoded([`[${JSON.stringify(answer([{ text: "Hi" }], {}))},{"candidates":`])))
      .toMatchObject({ _tag: "CutStream" })
    expect(decoded([`${whole}data: [DONE]\n\n`]).at(-1)?.type).toBe("finish")
  })

  it("is an answer that is none", () => {
    const tag = (body: unknown) => failure(() => parsed(body)).reason._tag
    expect(tag({ choices: [] })).toBe("NotAnLlm")
    expect(tag("<html>")).toBe("NotAnLlm")
    expect(tag("")).toBe("MalformedResponse")
    expect(tag({})).toBe("MalformedResponse")
    expect(tag({ candidates: {} })).toBe("MalformedResponse")
    expect(tag({ usageMetadata: {} })).toBe("MalformedResponse")
    expect(tag({ candidates: [{ content: { parts: "x" } }] })).toBe("MalformedResponse")
    expect(decoded([sse([{ somethingNew: 1 }, answer([{ text: "x" }])])])[0])
      .toEqual({ type: "raw", provider: "google", value: { somethingNew: 1 } })
  })

  it.each<readonly [tag: string, status: number, error: object]>([
    [
      "Authentication",
      400,
      { message: "API key not valid.", status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] }
    ],
    ["Authentication", 400, { message: "API key expired. Please renew the API key.", status: "INVALID_ARGUMENT" }],
    ["Authentication", 403, { message: "Method doesn't allow unregistered callers.", status: "PERMISSION_DENIED" }],
    ["Authentication", 401, { message: "Request had invalid authentication credentials.", status: "UNAUTHENTICATED" }],
    ["Permission", 403, { message: "Permission denied on resource project x.", status: "PERMISSION_DENIED" }],
    ["Permission", 400, { message: "User location is not supported for the API use.", status: "FAILED_PRECONDITION" }],
    ["NotFound", 404, { message: "models/x is not found for API version v1beta", status: "NOT_FOUND" }],
    [
      "ContextLength",
      400,
      {
        message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        status: "INVALID_ARGUMENT"
      }
    ],
    [
      "ContextLength",
      400,
      {
        message: "Unable to submit request because the input token count is 9 but the model only supports up to 1.",
        status: "INVALID_ARGUMENT"
      }
    ],
    [
      "RateLimit",
      429,
      {
        message: "You exceeded your current quota, please check your plan",
        status: "RESOURCE_EXHAUSTED",
        details: [{ violations: [{ quotaId: "RequestsPerMinute" }] }]
      }
    ],
    [
      "Quota",
      429,
      {
        message: "You exceeded your current quota",
        status: "RESOURCE_EXHAUSTED",
        details: [{ violations: [{ quotaId: "GenerateRequestsPerDayPerProject-FreeTier" }] }]
      }
    ],
    ["Quota", 429, { message: "Quota exceeded for metric: x, limit: 0", status: "RESOURCE_EXHAUSTED" }],
    ["Overloaded", 503, { message: "The model is overloaded.", status: "UNAVAILABLE" }],
    ["Timeout", 504, { message: "Deadline expired", status: "DEADLINE_EXCEEDED" }],
    ["Server", 500, { message: "An internal error has occurred.", status: "INTERNAL" }],
    [
      "InvalidRequest",
      400,
      {
        message: "Invalid JSON payload received.",
        status: "INVALID_ARGUMENT",
        details: [{ fieldViolations: [{ field: "contents[0].parts" }] }]
      }
    ]
  ])("is %s at status %i: %j", (tag, status, error) => {
    const reason = (body: unknown) =>
      wires("gemini").chat.reason({ ...response(body), status }, request()).reason
    const found = reason({ error: { code: status, ...error } })
    expect(found).toMatchObject({ _tag: tag, status, code: String(status) })
    expect(reason([{ error: { code: status, ...error } }])._tag).toBe(tag)
    if (tag === "InvalidRequest") expect(found).toMatchObject({ parameter: "contents[0].parts" })
  })

  it("says how long to wait", () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3.5s" }]
    const error = wires("gemini").chat.reason(
      { ...response([{ error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "x", details } }]), status: 429 },
      request()
    )
    expect(error.retryAfter).toBe(3500)
  })
})
