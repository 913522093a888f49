/**
 * What is read of Converse's answers, whole and streamed, of failures, vectors and lists of models.
 *
 * @module
 */
import { LlmError, Part, Request, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/bedrock/index.ts"
import { answer, decoded, ending, event, failure, parsed, request, response, stream, thrown, frame } from "./support.ts"

const fold = (...events: ReadonlyArray<readonly [string, unknown]>) => Result.fold(decoded([stream([...events, ...ending()])]))
const last = (parts: ReadonlyArray<Part>) => {
  const part = parts.at(-1)
  return part?.type === "error" ? Part.errorOf(part).reason : part
}

describe("an answer", () => {
  it("holds text, reasoning, calls and files, with what must go back in their metadata", () => {
    const result = parsed(answer([
      { reasoningContent: { reasoningText: { text: "think", signature: "sig" } } },
      { reasoningContent: { redactedContent: "AAAA" } },
      { reasoningContent: { reasoningText: { text: "plain" } } },
      { text: "Hi" },
      { toolUse: { toolUseId: "t1", name: "f", input: { a: 1 } } },
      { toolUse: { name: "g", input: null } },
      { image: { format: "jpeg", source: { bytes: "AAAA" } } },
      { image: { format: "png", source: { s3Location: { uri: "s3://b/k" } } } },
      { later: { x: 1 } }
    ], { stopReason: "tool_use", serviceTier: { type: "flex" }, trace: {}, performanceConfig: null }))
    expect(result).toEqual({
      type: "chat",
      content: [
        { type: "reasoning", text: "think", metadata: { bedrock: { signature: "sig" } } },
        { type: "reasoning", text: "", metadata: { bedrock: { redactedContent: "AAAA" } } },
        { type: "reasoning", text: "plain", metadata: { bedrock: { unsigned: true } } },
        { type: "text", text: "Hi" },
        { type: "tool-call", id: "t1", name: "f", params: { a: 1 } },
        { type: "tool-call", id: "call_1", name: "g", params: {} },
        { type: "file", mediaType: "image/jpeg", data: "AAAA" },
        { type: "raw", provider: "bedrock", value: { image: { format: "png", source: { s3Location: { uri: "s3://b/k" } } } } },
        { type: "raw", provider: "bedrock", value: { later: { x: 1 } } }
      ],
      finishReason: "tool-calls",
      rawFinishReason: "tool_use",
      usage: {
        inputTokens: { total: 10, uncached: 10 }, outputTokens: { total: 5 }, raw: { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
      },
      metadata: { bedrock: { metrics: { latencyMs: 100 }, serviceTier: { type: "flex" }, trace: {} } }
    })
  })

  it("names its sources, which stand with the text they are of", () => {
    const web = { title: "Ruby", location: { web: { url: "https://www.ruby-lang.org", domain: "ruby-lang.org" } } }
    const page = { title: "sample", location: { documentPage: { documentIndex: 0, start: 1, end: 2 } }, sourceContent: [{ text: "x" }] }
    const bare = { location: { web: { url: "https://a.example/", domain: "a.example" } } }
    const { content } = parsed(answer([{ citationsContent: { content: [{ text: "a" }], citations: [web, page, bare, 5] } }, { text: "b" }]))
    expect(content).toEqual([
      { type: "text", text: "a", metadata: { bedrock: { citations: [web, page, bare, 5] } } },
      { type: "source", sourceType: "url", id: "source-0", url: "https://www.ruby-lang.org", title: "Ruby", metadata: { bedrock: { citation: web } } },
      {
        type: "source", sourceType: "document", id: "source-1", title: "sample", mediaType: "application/octet-stream",
        metadata: { bedrock: { citation: page } }
      },
      { type: "source", sourceType: "url", id: "source-2", url: "https://a.example/", title: "a.example", metadata: { bedrock: { citation: bare } } },
      {
        type: "source", sourceType: "document", id: "source-3", title: "document", mediaType: "application/octet-stream",
        metadata: { bedrock: { citation: 5 } }
      },
      { type: "text", text: "b" }
    ])
  })

  it.each([
    ["end_turn", "stop"], ["stop_sequence", "stop"], ["max_tokens", "length"], ["model_context_window_exceeded", "length"],
    ["content_filtered", "content-filter"], ["guardrail_intervened", "content-filter"], ["malformed_model_output", "error"],
    ["malformed_tool_use", "error"], ["brand_new", "other"]
  ])("that stopped for %s stopped for %s", (word, reason) => {
    expect(parsed(answer([], { stopReason: word }))).toMatchObject({ finishReason: reason, rawFinishReason: word })
  })

  it("counts what was cached into the prompt, and nothing that is not said", () => {
    const usage = (usage: unknown) => {
      const { raw: _, ...rest } = parsed(answer([], { usage })).usage
      return rest
    }
    expect(usage({ inputTokens: 3, outputTokens: 61, cacheReadInputTokens: 2074, cacheWriteInputTokens: 297 })).toEqual({
      inputTokens: { total: 2374, uncached: 3, cacheRead: 2074, cacheWrite: 297 }, outputTokens: { total: 61 }
    })
    expect(usage({ inputTokens: 3, outputTokens: 1, cacheReadInputTokenCount: 4 }).inputTokens).toEqual({ total: 7, uncached: 3, cacheRead: 4 })
    expect(usage(undefined)).toEqual({ inputTokens: {}, outputTokens: {} })
    expect(usage({ inputTokens: "3", outputTokens: -1 })).toEqual({ inputTokens: {}, outputTokens: {} })
  })

  it("that is none is an error", () => {
    expect(failure(() => parsed({ message: "no" })).reason).toMatchObject({ _tag: "Server", message: "no" })
    expect(failure(() => parsed({ output: {} })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parsed({ choices: [] })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("<html>")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("[]")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("")).reason._tag).toBe("MalformedResponse")
  })
})

describe("a stream", () => {
  it("brings arguments in pieces, none at all, or broken", () => {
    const call = (...pieces: ReadonlyArray<string>) =>
      Result.toolCalls(fold(
        ["contentBlockStart", { contentBlockIndex: 0, start: { toolUse: { toolUseId: "t", name: "f" } } }],
        ...pieces.map((input) => ["contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input } } }] as const)
      ))[0]
    expect(call("{\"a\"", ":1}")).toMatchObject({ params: { a: 1 } })
    expect(call()).toMatchObject({ params: {} })
    expect(call("", " ")).toMatchObject({ params: {} })
    expect(call("{\"a\"")).toMatchObject({ params: "{\"a\"", invalid: true })
  })

  it("shows tools that Bedrock ran as calls and results", () => {
    const { content, finishReason } = fold(
      ["contentBlockStart", { contentBlockIndex: 0, start: { toolUse: { toolUseId: "t", name: "nova_grounding", type: "server_tool_use" } } }],
      ["contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input: "{\"q\":1}" } } }],
      ["contentBlockStop", { contentBlockIndex: 0 }],
      ["contentBlockStart", { contentBlockIndex: 1, start: { toolResult: { toolUseId: "t", type: "nova_grounding_result", status: "error" } } }],
      ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolResult: [{ text: "[HID" }] } }],
      ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolResult: [{ text: "DEN]" }] } }]
    )
    expect(finishReason).toBe("stop")
    expect(content).toEqual([
      { type: "tool-call", id: "t", name: "nova_grounding", params: { q: 1 }, providerExecuted: true, metadata: { bedrock: { type: "server_tool_use" } } },
      {
        type: "tool-result", id: "t", name: "nova_grounding", result: [{ text: "[HIDDEN]" }], isFailure: true, providerExecuted: true,
        metadata: { bedrock: { type: "nova_grounding_result", status: "error" } }
      }
    ])
  })

  it("hands on what it does not know", () => {
    expect(fold(
      ["initial-response", {}],
      ["brandNew", { x: 1 }],
      ["contentBlockStart", { contentBlockIndex: 0, start: { hologram: {} } }],
      ["contentBlockDelta", { contentBlockIndex: 0, delta: { hologram: 1 }, p: "abc" }],
      ["contentBlockDelta", { contentBlockIndex: 1, delta: { text: "x" } }],
      ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: 1 } } }],
      ["contentBlockStop", { contentBlockIndex: 7 }]
    ).content).toEqual([
      { type: "raw", provider: "bedrock", value: { brandNew: { x: 1 } } },
      { type: "raw", provider: "bedrock", value: { contentBlockStart: { contentBlockIndex: 0, start: { hologram: {} } } } },
      { type: "raw", provider: "bedrock", value: { contentBlockDelta: { contentBlockIndex: 0, delta: { hologram: 1 } } } },
      { type: "text", text: "x" },
      { type: "raw", provider: "bedrock", value: { contentBlockDelta: { contentBlockIndex: 1, delta: { toolUse: { input: 1 } } } } }
    ])
  })

  it("ends with the usage, or at the end of the bytes once the model has stopped", () => {
    const said = event("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "x" } })
    const stop = event("messageStop", { stopReason: "end_turn" })
    const usage = event("metadata", { usage: { inputTokens: 1, outputTokens: 2 } })
    const decoder = wires().chat.parts!(request({ operation: "stream" }))
    expect(decoder.push(Buffer.concat([said, stop])).map(({ type }) => type)).toEqual(["text-start", "text-delta"])
    expect(decoder.push(usage).map(({ type }) => type)).toEqual(["text-end", "finish"])
    expect(decoder.push(said)).toEqual([])
    expect(decoder.end()).toEqual([])
    expect(last(decoded([said, usage, stop]))).toMatchObject({ type: "finish", reason: "stop", usage: { outputTokens: { total: 2 } } })
    expect(last(decoded([said, stop]))).toMatchObject({ type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } })
    expect(last(decoded([said, stop, usage.subarray(0, 20)]))).toMatchObject({ type: "finish" })
    expect(last(decoded([said]))).toMatchObject({ _tag: "CutStream", message: /the answer did/ })
    expect(last(decoded([said.subarray(0, 30)]))).toMatchObject({ _tag: "CutStream", message: /the answer began/ })
    expect(last(decoded([]))).toMatchObject({ _tag: "CutStream" })
  })

  it.each([
    ["throttlingException", { message: "Too many tokens, please wait before trying again." }, "RateLimit", 429],
    ["validationException", { message: "bad" }, "InvalidRequest", 400],
    ["validationException", { message: "Input is too long for requested model." }, "ContextLength", 400],
    ["internalServerException", { message: "bad" }, "Server", 500],
    ["serviceUnavailableException", { message: "bad" }, "Overloaded", 503],
    ["modelStreamErrorException", { message: "bad", originalStatusCode: 424, originalMessage: "deep" }, "Server", 424],
    ["modelStreamErrorException", { message: "bad" }, "Server", undefined],
    ["modelTimeoutException", { message: "bad" }, "Timeout", 408],
    ["brandNewException", { message: "bad" }, "Server", undefined],
    ["throttlingException", "", "RateLimit", 429]
  ])("that fails with %s %j is %s", (type, payload, tag, status) => {
    const parts = decoded([event("contentBlockDelta", { delta: { text: "x" } }), thrown(type, payload), event("messageStop", {})])
    expect(parts.filter(Part.isTerminal).length).toBe(1)
    const reason = last(parts)
    expect(reason).toMatchObject({ _tag: tag, code: type })
    expect((reason as { status?: number }).status).toBe(status)
    if (type === "modelStreamErrorException" && status !== undefined) expect(reason).toMatchObject({ message: "bad: deep" })
  })

  it("that fails outside of the service says so too", () => {
    const parts = decoded([frame({ ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "went away" }, "")])
    expect(last(parts)).toMatchObject({ _tag: "Server", code: "InternalFailure", message: "went away" })
  })

  it("that comes as one document is the answer in it", () => {
    const document = Buffer.from(JSON.stringify(answer([{ text: "Hi" }])))
    expect(Result.fold(decoded([document.subarray(0, 9), document.subarray(9)]))).toStrictEqual(parsed(answer([{ text: "Hi" }])))
    expect(last(decoded([Buffer.from("{\"message\":\"no\"}")]))).toMatchObject({ _tag: "Server", message: "no" })
    expect(last(decoded([Buffer.from("<html>")]))).toMatchObject({ _tag: "NotAnLlm" })
  })
})

describe("a failure", () => {
  const reason = (status: number, body: unknown, headers: { readonly [name: string]: string } = {}) =>
    wires().chat.reason({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) }, request()).reason
  const typed = (type: string) => ({ "x-amzn-errortype": `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/`, "x-amzn-requestid": "id-1" })
  it.each([
    [400, { message: "bad" }, "ValidationException", "InvalidRequest"],
    [400, { message: "Input Tokens Exceeded: Number of input tokens exceeds maximum length." }, "ValidationException", "ContextLength"],
    [400, { message: "Input is too long for requested model." }, "ValidationException", "ContextLength"],
    [400, { message: "The provided model identifier is invalid." }, "ValidationException", "NotFound"],
    [400, { message: "Output blocked by content filtering policy" }, "ValidationException", "ContentPolicy"],
    [400, { message: "quota" }, "ServiceQuotaExceededException", "Quota"],
    [403, { message: "no access" }, "AccessDeniedException", "Permission"],
    [403, { message: "The security token included in the request is invalid." }, "UnrecognizedClientException", "Authentication"],
    [403, { message: "expired" }, "ExpiredTokenException", "Authentication"],
    [403, { Message: "The request signature we calculated does not match" }, "InvalidSignatureException", "Authentication"],
    [404, { message: "none" }, "ResourceNotFoundException", "NotFound"],
    [408, { message: "slow" }, "ModelTimeoutException", "Timeout"],
    [424, { message: "failed" }, "ModelErrorException", "Server"],
    [429, { message: "Too many tokens, please wait before trying again." }, "ThrottlingException", "RateLimit"],
    [429, { message: "loading" }, "ModelNotReadyException", "RateLimit"],
    [500, { message: "oops" }, "InternalServerException", "Server"],
    [503, { message: "busy" }, "ServiceUnavailableException", "Overloaded"]
  ])("%i %j %s is %s", (status, body, type, tag) => {
    const said = "message" in body ? body.message : body.Message
    expect(reason(status, body, typed(type))).toMatchObject({ _tag: tag, status, code: type, message: said, requestId: "id-1", raw: body })
    expect(reason(status, { __type: `com.amazon.coral.service#${type}`, ...body })).toMatchObject({ _tag: tag, code: type, message: said })
  })

  it("says what it can where the body says nothing", () => {
    expect(reason(403, "")).toMatchObject({ _tag: "Permission" })
    expect(reason(502, "<html><title>Bad gateway</title>")).toMatchObject({ _tag: "Server", message: "a web page: Bad gateway" })
  })
})

describe("the list of models", () => {
  const ask = (init: { config?: object; options?: object } = {}) => {
    const it = Request.make({ provider: "bedrock", operation: "list_models", config: { baseUrl: "https://bedrock-runtime.eu-west-1.amazonaws.com", ...init.config }, options: { ...init.options } })
    return wires().list_models.prepare(it)
  }
  it("is asked of the control plane", () => {
    expect(ask().request).toEqual({ method: "GET", url: "https://bedrock.eu-west-1.amazonaws.com/foundation-models", headers: {} })
    expect(ask({ config: { baseUrl: "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com" } }).request.url).toBe("https://bedrock-fips.us-gov-west-1.amazonaws.com/foundation-models")
    expect(ask({ config: { baseUrl: "https://proxy.example/aws" } }).request.url).toBe("https://proxy.example/aws/foundation-models")
    expect(ask({ config: { controlUrl: "https://control.example/" } }).request.url).toBe("https://control.example/foundation-models")
    expect(ask({ options: { providerOptions: { bedrock: { byProvider: "mistral ai", other: 1 } }, page: "x" } })).toMatchObject({
      request: { url: "https://bedrock.eu-west-1.amazonaws.com/foundation-models?byProvider=mistral%20ai" },
      warnings: [{ option: "page" }]
    })
  })

  it("is read, and answers whether Bedrock can be used", () => {
    const it = request({ operation: "list_models" })
    const entry = { modelId: "amazon.nova-lite-v1:0", modelName: "Nova Lite", providerName: "Amazon" }
    expect(wires().list_models.parse(response({ modelSummaries: [entry, { modelId: "x" }] }), it)).toEqual({
      type: "list_models",
      models: [{ id: "amazon.nova-lite-v1:0", name: "Nova Lite", ownedBy: "Amazon", raw: entry }, { id: "x", raw: { modelId: "x" } }]
    })
    expect(wires().validate.parse(response({ modelSummaries: [] }), it)).toEqual({ type: "validate", usable: true })
    expect(wires().validate.prepare(it).request.url).toContain("/foundation-models")
    expect(failure(() => wires().validate.parse(response({ data: [] }), it)).reason._tag).toBe("NotAnLlm")
    const broken = failure(() => wires().list_models.parse(response({ modelSummaries: [{}] }), it))
    expect(LlmError.isLlmError(broken) && broken.reason._tag).toBe("MalformedResponse")
  })
})
