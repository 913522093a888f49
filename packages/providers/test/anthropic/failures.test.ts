/**
 * What goes wrong with an answer, and what is read of lists of models.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { block, decoded, failure, message, own, parsed, request, response, sse, stream } from "./support.ts"

const errorOf = (events: ReadonlyArray<object>) => {
  const last = decoded([sse(events)]).at(-1)
  return last?.type === "error" ? Part.errorOf(last) : undefined
}

describe("what goes wrong", () => {
  it("is said by the service, before or in the middle of an answer", () => {
    const event = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "r" }
    expect(errorOf([event])?.reason).toMatchObject({
      _tag: "Overloaded",
      code: "overloaded_error",
      message: "Overloaded",
      raw: event,
      requestId: "r"
    })
    const late = decoded([sse([...stream(block(0, { type: "text", text: "Hel" })).slice(0, 3), event, ...stream([])])])
    expect(late.map(({ type }) => type)).toEqual(["response-metadata", "text-start", "text-delta", "error"])
    expect(errorOf([{ error: { type: "api_error", message: "x" } }])?.reason._tag).toBe("Server")
    expect(failure(() => parsed(event)).reason._tag).toBe("Overloaded")
    for (const [type, tag] of [
      ["billing_error", "Quota"],
      ["request_too_large", "ContextLength"],
      ["rate_limit_error", "RateLimit"],
      ["timeout_error", "Timeout"],
      ["permission_error", "Permission"]
    ]) {
      expect(errorOf([{ type: "error", error: { type, message: "x" } }])?.reason._tag).toBe(tag)
    }
    expect(Part.errorOf(decoded([
      "event: error\ndata: down\n\n"
    ]).at(-1) as never).reason).toMatchObject({ message: "down" })
  })

  it("is a stream without its end", () => {
    const begun = errorOf([{ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }])
    expect(begun?.reason.message).toBe("the stream ended before the answer did")
    expect(errorOf([{ type: "ping" }])?.reason.message).toBe("the stream ended before the answer began")
    const whole = stream(block(0, { type: "text", text: "Hel" }))
    for (let length = 0; length < whole.length; length++) {
      expect(errorOf(whole.slice(0, length))?.reason._tag).toBe("CutStream")
    }
    const bytes = sse(whole)
    expect(decoded([bytes.slice(0, bytes.length - 20)]).at(-1)).toMatchObject({
      type: "error",
      error: { reason: { _tag: "CutStream" } }
    })
    expect(errorOf(whole)).toBeUndefined()
  })

  it.each<[string, object]>([
    ["message_start", { type: "message_start" }],
    ["content_block_start", { type: "content_block_start", index: 0 }],
    ["content_block_start", { type: "content_block_start", index: 0, content_block: { text: "" } }],
    ["content_block_start", { type: "content_block_start", content_block: { type: "text" } }],
    ["content_block_delta", { type: "content_block_delta", index: 9, delta: { type: "text_delta", text: "a" } }],
    ["content_block_delta", { type: "content_block_delta", index: 7 }],
    ["content_block_delta", { type: "content_block_delta", index: 7, delta: {} }],
    ["content_block_delta", { type: "content_block_delta", index: 7, delta: { type: "text_delta" } }],
    [
      "content_block_delta",
      { type: "content_block_delta", index: 7, delta: { type: "thinking_delta", thinking: "a" } }
    ],
    [
      "content_block_delta",
      { type: "content_block_delta", index: 7, delta: { type: "signature_delta", signature: "a" } }
    ],
    [
      "content_block_delta",
      { type: "content_block_delta", index: 7, delta: { type: "input_json_delta", partial_json: "a" } }
    ],
    ["content_block_delta", { type: "content_block_delta", index: 7, delta: { type: "citations_delta", citation: 1 } }],
    [
      "content_block_delta",
      { type: "content_block_delta", index: 7, delta: { type: "compaction_delta", content: "c" } }
    ],
    ["content_block_start", { type: "content_block_start", index: 7, content_block: { type: "text" } }],
    ["content_block_stop", { type: "content_block_stop", index: 9 }],
    ["content_block_stop", { type: "content_block_stop" }],
    ["message_delta", { type: "message_delta" }]
  ])("is a broken %s: %j", (name, event) => {
    const error = errorOf([{ type: "content_block_start", index: 7, content_block: { type: "text", text: "" } }, event])
    expect(error?.reason).toMatchObject({ _tag: "MalformedResponse" })
    expect(error?.reason.message).toContain(name)
  })

  it("is something that is no answer", () => {
    expect(failure(() => parsed("<html></html>")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("")).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parsed("[]")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed({ choices: [] })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed({ type: "message" })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parsed(message([7 as never]))).reason._tag).toBe("MalformedResponse")
    expect(decoded(["data: {broken\n\n"]).at(-1)).toMatchObject({ error: { reason: { _tag: "MalformedResponse" } } })
    expect(decoded(["data: 7\n\n"]).at(-1)).toMatchObject({ error: { reason: { _tag: "MalformedResponse" } } })
    expect(decoded(["<html>"]).at(-1)).toMatchObject({ error: { reason: { _tag: "NotAnLlm" } } })
  })

  it("is no stream, but the whole answer", () => {
    const whole = JSON.stringify(message([{ type: "text", text: "Hi" }]))
    expect(Result.fold(decoded([whole.slice(0, 9), whole.slice(9)]))).toEqual(parsed(whole))
    expect(decoded([
      JSON.stringify({ type: "error", error: { type: "api_error", message: "x" } })
    ])).toMatchObject([{ type: "error" }])
  })

  it("says how long to wait", () => {
    const headers = {
      date: "Wed, 01 Jan 2025 00:00:00 GMT",
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": "2025-01-01T00:00:09Z",
      "anthropic-ratelimit-requests-remaining": "5",
      "anthropic-ratelimit-requests-reset": "2025-01-01T00:01:00Z",
      "request-id": "req_1"
    }
    const body = JSON.stringify({ type: "error", error: { type: "rate_limit_error", message: "slow" } })
    const error = own.chat.reason({ status: 429, headers, body }, request())
    expect(error.reason).toMatchObject({ _tag: "RateLimit", retryAfter: 9000, requestId: "req_1" })
    expect(own.chat.reason(
      { status: 429, headers: { ...headers, "retry-after": "3" }, body },
      request()
    ).retryAfter).toBe(3000)
    const limit = JSON.stringify({
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "You have reached your specified API usage limits. You will regain access later"
      }
    })
    expect(own.chat.reason({ status: 400, headers: {}, body: limit }, request()).reason._tag).toBe("Quota")
  })
})

describe("a list of models", () => {
  const list = (body: object) => own.list_models.parse(response(body), request({ operation: "list_models" }))

  it("comes in pages", () => {
    const entry = {
      type: "model",
      id: "m",
      display_name: "M",
      created_at: "2025-02-19T00:00:00Z",
      max_input_tokens: 200000
    }
    expect(list({
      data: [entry, { id: "n", created_at: "1970-01-01T00:00:00Z" }],
      has_more: true,
      last_id: "n"
    })).toEqual({
      type: "list_models",
      models: [
        { id: "m", name: "M", created: "2025-02-19T00:00:00.000Z", contextWindow: 200000, raw: entry },
        { id: "n", raw: { id: "n", created_at: "1970-01-01T00:00:00Z" } }
      ],
      next: "n"
    })
    expect(list({ data: [], has_more: false, last_id: null })).toEqual({ type: "list_models", models: [] })
  })

  it("or not at all", () => {
    expect(failure(() => list({
      type: "error",
      error: { type: "not_found_error", message: "x" }
    })).reason._tag).toBe("NotFound")
    expect(failure(() => list({ models: [] })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => list({ data: [{}] })).reason._tag).toBe("MalformedResponse")
    expect(own.validate.parse(
      response({ data: [] }),
      request({ operation: "validate" })
    )).toEqual({ type: "validate", usable: true })
    expect(failure(() => own.validate.parse(
      response({}),
      request({ operation: "validate" })
    )).reason._tag).toBe("NotAnLlm")
  })
})
