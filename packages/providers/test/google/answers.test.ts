/**
 * Answers, one feature each: what is read of them, and what is kept as it came.
 *
 * @module
 */
import { type ChatResult, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { answer, decoded, parsed, sse } from "./support.ts"

const own = (result: ChatResult) => result.metadata?.google as { readonly [name: string]: unknown } | undefined
describe("an answer", () => {
  it("says who answered, when, and with what service", () => {
    expect(parsed(answer([{ text: "Hi" }], undefined, {
      createTime: "2026-08-19T14:38:23.916396Z",
      modelStatus: { modelStage: "STABLE" },
      usageMetadata: { promptTokenCount: 1, serviceTier: "flex" }
    }))).toMatchObject({
      id: "r1",
      model: "gemini-2.5-flash",
      timestamp: "2026-08-19T14:38:23.916396Z",
      finishReason: "stop",
      rawFinishReason: "STOP",
      usage: { raw: { serviceTier: "flex" } },
      metadata: { google: { modelStatus: { modelStage: "STABLE" } } }
    })
  })

  it("keeps thinking apart, each signed part for itself", () => {
    const { content } = parsed(answer([
      { text: "Let me ", thought: true },
      { text: "see.", thought: true },
      { text: "A", thought: false },
      { text: "B" },
      { text: "C", thoughtSignature: "s" },
      { text: "D" },
      { text: "", thoughtSignature: "t" },
      { thoughtSignature: "u", thought: true }
    ]))
    expect(content).toEqual([
      { type: "reasoning", text: "Let me see.", metadata: { google: { thought: true } } },
      { type: "text", text: "AB" },
      { type: "text", text: "C", metadata: { google: { thoughtSignature: "s" } } },
      { type: "text", text: "D" },
      { type: "text", text: "", metadata: { google: { thoughtSignature: "t" } } },
      { type: "reasoning", text: "", metadata: { google: { thought: true, thoughtSignature: "u" } } }
    ])
  })

  it("calls tools at once, with names where Google gives none", () => {
    const result = parsed(answer([
      { functionCall: { name: "f", args: { a: 1 } }, thoughtSignature: "s" },
      { functionCall: { id: "x", name: "f" } },
      { functionCall: { name: "g", args: {}, somethingNew: 1 } },
      { functionCall: { args: {} } }
    ]))
    expect(result.content).toEqual([
      {
        type: "tool-call",
        id: "call_g_r1_0",
        name: "f",
        params: { a: 1 },
        metadata: { google: { thoughtSignature: "s" } }
      },
      { type: "tool-call", id: "x", name: "f", params: {} },
      {
        type: "tool-call",
        id: "call_g_r1_2",
        name: "g",
        params: {},
        metadata: { google: { functionCall: { somethingNew: 1 } } }
      },
      { type: "raw", provider: "google", value: { functionCall: { args: {} } } }
    ])
    expect(result.finishReason).toBe("tool-calls")
  })

  it("brings arguments in pieces of any kind, also out of order, and marks a call that was cut off", () => {
    const piece = (functionCall: object, more: object = {}) => answer([{ functionCall }], more)
    const events = (end: object) => [
      piece({
        name: "f",
        willContinue: true,
        partialArgs: [{ jsonPath: "$.a[0].b", stringValue: "x\"", willContinue: true }]
      }),
      piece({
        willContinue: true,
        partialArgs: [{ jsonPath: "$.a[0].b", stringValue: "y" }, { jsonPath: "$.c", boolValue: true }]
      }),
      piece(end, { finishReason: "STOP" })
    ]
    const call = (end: object) => Result.toolCalls(Result.fold(decoded([sse(events(end))])))[0]
    expect(call({})?.params).toEqual({ a: [{ b: "x\"y" }], c: true })
    expect(call({ partialArgs: [{ jsonPath: "$.a[1]", nullValue: "NULL_VALUE" }] })?.params)
      .toEqual({ a: [{ b: "x\"y" }, null], c: true })
    expect(call({ args: { whole: 1 } })?.params).toEqual({ whole: 1 })
    expect(call({ willContinue: true }))
      .toMatchObject({ invalid: true, params: "{\"a\":[{\"b\":\"x\\\"y\"}],\"c\":true" })
    const named = { id: "x", name: "f", willContinue: true }
    const repeated = decoded([
      sse([
        piece(named),
        piece({ ...named, partialArgs: [{ jsonPath: "$.a", numberValue: 1 }] }),
        ...events({}).slice(2)
      ])
    ])
    expect(Result.toolCalls(Result.fold(repeated)))
      .toEqual([{ type: "tool-call", id: "x", name: "f", params: { a: 1 } }])
    const two = decoded([sse([
      piece({ name: "f", willContinue: true }),
      piece({ name: "g", args: {} }, { finishReason: "STOP" })
    ])])
    expect(Result.toolCalls(Result.fold(two)))
      .toMatchObject([{ name: "f", invalid: true, params: "" }, { name: "g", params: {} }])
  })

  it("shows what Google ran itself as a call and its result", () => {
    const { content, finishReason } = parsed(answer([
      { executableCode: { language: "PYTHON", code: "1/0" } },
      { codeExecutionResult: { outcome: "OUTCOME_FAILED", output: "boom" } },
      { toolCall: { id: "t", toolType: "URL_CONTEXT", args: { urls: ["u"] } }, thoughtSignature: "s" },
      { toolResponse: { id: "t", toolType: "URL_CONTEXT", response: { x: 1 } } }
    ]))
    const ran = { providerExecuted: true }
    expect(content).toEqual([
      {
        type: "tool-call",
        id: "call_g_r1_x0",
        name: "code_execution",
        params: { language: "PYTHON", code: "1/0" },
        ...ran,
        metadata: { google: { part: "executableCode" } }
      },
      {
        type: "tool-result",
        id: "call_g_r1_x0",
        name: "code_execution",
        result: { outcome: "OUTCOME_FAILED", output: "boom" },
        isFailure: true,
        ...ran,
        metadata: { google: { part: "codeExecutionResult" } }
      },
      {
        type: "tool-call",
        id: "t",
        name: "URL_CONTEXT",
        params: { urls: ["u"] },
        ...ran,
        metadata: { google: { part: "toolCall", thoughtSignature: "s" } }
      },
      {
        type: "tool-result",
        id: "t",
        name: "URL_CONTEXT",
        result: { x: 1 },
        isFailure: false,
        ...ran,
        metadata: { google: { part: "toolResponse" } }
      }
    ])
    expect(finishReason).toBe("stop")
  })

  it("holds files the model made, and what nobody knows", () => {
    expect(parsed(answer([
      { inlineData: { mimeType: "image/png", data: "aGk=" }, thoughtSignature: "s" },
      { fileData: { mimeType: "video/mp4", fileUri: "gs://b/v" } },
      { somethingNew: 1 },
      {},
      "?"
    ])).content).toEqual([
      { type: "file", mediaType: "image/png", data: "aGk=", metadata: { google: { thoughtSignature: "s" } } },
      { type: "raw", provider: "google", value: { fileData: { mimeType: "video/mp4", fileUri: "gs://b/v" } } },
      { type: "raw", provider: "google", value: { somethingNew: 1 } },
      { type: "raw", provider: "google", value: "?" }
    ])
  })

  it("names its sources, and keeps the whole of what it says of them", () => {
    const grounding = {
      webSearchQueries: ["q"],
      groundingChunks: [
        { web: { uri: "https://a.test", title: "A", domain: "a.test" } },
        { retrievedContext: { uri: "gs://b/doc.pdf", title: "doc.pdf", text: "…" } },
        { retrievedContext: { uri: "https://c.test/x" } },
        { maps: { uri: "https://maps.test", title: "M", placeId: "p" } },
        { retrievedContext: { text: "t", fileSearchStore: "s" } },
        { image: { sourceUri: "https://i.test" } },
        { somethingNew: 1 }
      ]
    }
    const citations = { citationSources: [{ uri: "https://d.test", startIndex: 1, license: "mit" }, { startIndex: 2 }] }
    const result = parsed(answer(
      [{ text: "x" }],
      { finishReason: "STOP", groundingMetadata: grounding, citationMetadata: citations }
    ))
    const source = { type: "source", sourceType: "url" }
    expect(result.content.slice(1)).toEqual([
      { ...source, id: "source-0", url: "https://a.test", title: "A", metadata: { google: { domain: "a.test" } } },
      {
        type: "source",
        sourceType: "document",
        id: "source-1",
        title: "doc.pdf",
        mediaType: "application/pdf",
        fileName: "doc.pdf",
        metadata: { google: { uri: "gs://b/doc.pdf", text: "…" } }
      },
      { ...source, id: "source-2", url: "https://c.test/x", title: "https://c.test/x" },
      { ...source, id: "source-3", url: "https://maps.test", title: "M", metadata: { google: { placeId: "p" } } },
      {
        type: "source",
        sourceType: "document",
        id: "source-4",
        title: "document",
        mediaType: "application/octet-stream",
        metadata: { google: { text: "t", fileSearchStore: "s" } }
      },
      {
        ...source,
        id: "source-5",
        url: "https://i.test",
        title: "https://i.test",
        metadata: { google: { sourceUri: "https://i.test" } }
      },
      {
        ...source,
        id: "source-6",
        url: "https://d.test",
        title: "https://d.test",
        metadata: { google: { startIndex: 1, license: "mit" } }
      }
    ])
    expect(own(result)?.candidate).toEqual({ groundingMetadata: grounding, citationMetadata: citations })
    // Events that repeat or go on.
    const event = (chunks: ReadonlyArray<object>) => answer(
      [{ text: "x" }],
      { finishReason: "STOP", groundingMetadata: { groundingChunks: chunks } }
    )
    const [a, b] = grounding.groundingChunks
    const streamed = Result.fold(decoded([sse([event([a!]), event([a!, b!]), event([b!])])]))
    expect(streamed.content.filter(({ type }) => type === "source").length).toBe(2)
  })

  it("keeps scores, ratings and the service's words on its end", () => {
    const candidate = (token: string) => ({
      finishReason: "STOP",
      finishMessage: "Done.",
      avgLogprobs: -1,
      safetyRatings: [{ category: "x" }],
      logprobsResult: { chosenCandidates: [{ token }] },
      urlContextMetadata: { urlMetadata: [{ retrievedUrl: "u" }] }
    })
    const result = Result.fold(decoded(
      [sse([answer([{ text: "a" }], candidate("a")), answer([{ text: "b" }], candidate("b"))])]
    ))
    expect(own(result)?.candidate).toEqual({
      finishMessage: "Done.",
      avgLogprobs: -1,
      safetyRatings: [{ category: "x" }],
      logprobsResult: { chosenCandidates: [{ token: "a" }, { token: "b" }] },
      urlContextMetadata: { urlMetadata: [{ retrievedUrl: "u" }] }
    })
  })

  it("may hold several candidates", () => {
    const candidate = (index: number | undefined, text: string, finishReason: string) => ({
      ...(index !== undefined && { index }), content: { parts: [{ text }] }, finishReason, avgLogprobs: -1
    })
    const result = parsed({
      candidates: [
        candidate(undefined, "a", "STOP"),
        candidate(1, "b", "SAFETY"),
        candidate(undefined, "c", "MAX_TOKENS")
      ]
    })
    expect(result).toMatchObject({
      content: [{ text: "a" }],
      choices: [
        { index: 1, content: [{ text: "b" }], finishReason: "content-filter", rawFinishReason: "SAFETY" },
        { index: 2, content: [{ text: "c" }], finishReason: "length" }
      ]
    })
    expect(own(result))
      .toMatchObject({ candidate: { avgLogprobs: -1 }, candidates: { 1: { avgLogprobs: -1 }, 2: { avgLogprobs: -1 } } })
  })

  it.each([
    ["STOP", "stop"], ["MAX_TOKENS", "length"], ["SAFETY", "content-filter"], [
      "RECITATION",
      "content-filter"
    ], ["BLOCKLIST", "content-filter"],
    ["PROHIBITED_CONTENT", "content-filter"], ["SPII", "content-filter"], [
      "IMAGE_SAFETY",
      "content-filter"
    ], ["MODEL_ARMOR", "content-filter"],
    [
      "MALFORMED_FUNCTION_CALL",
      "error"
    ], ["UNEXPECTED_TOOL_CALL", "error"], ["TOO_MANY_TOOL_CALLS", "error"], ["LANGUAGE", "other"],
    ["OTHER", "other"], ["SOMETHING_NEW", "other"], ["FINISH_REASON_UNSPECIFIED", "unknown"]
  ])("that ended with %s ended for %s", (word, reason) => {
    expect(parsed(answer([], { finishReason: word })).finishReason).toBe(reason)
  })

  it("that asked for a tool nobody offered can be answered", () => {
    expect(parsed(answer([{ functionCall: { name: "f" } }], { finishReason: "UNEXPECTED_TOOL_CALL" })).finishReason)
      .toBe("tool-calls")
    expect(parsed(answer([{ functionCall: { name: "f" } }], { finishReason: "MAX_TOKENS" })).finishReason)
      .toBe("length")
  })
})

describe("usage", () => {
  const usage = (usageMetadata: object) => {
    const { raw: _, ...counted } = parsed(answer([{ text: "x" }], undefined, { usageMetadata })).usage
    return counted
  }

  it("counts thinking into the answer, and what tools were asked with into the prompt", () => {
    expect(usage(
      {
        promptTokenCount: 10,
        toolUsePromptTokenCount: 5,
        cachedContentTokenCount: 4,
        candidatesTokenCount: 3,
        thoughtsTokenCount: 2,
        totalTokenCount: 20
      }
    )).toEqual({
      inputTokens: { total: 15, uncached: 11, cacheRead: 4 },
      outputTokens: { total: 5, text: 3, reasoning: 2 }
    })
  })

  it("knows a count that was left out from the total, and says nothing where there is none", () => {
    expect(usage({ promptTokenCount: 10, thoughtsTokenCount: 9, totalTokenCount: 19 }))
      .toEqual({ inputTokens: { total: 10 }, outputTokens: { total: 9, text: 0, reasoning: 9 } })
    expect(usage({ promptTokenCount: 10, totalTokenCount: 10 }))
      .toEqual({ inputTokens: { total: 10 }, outputTokens: { total: 0 } })
    expect(usage({ promptTokenCount: 10 })).toEqual({ inputTokens: { total: 10 }, outputTokens: {} })
    expect(usage({ trafficType: "ON_DEMAND" })).toEqual({ inputTokens: {}, outputTokens: {} })
  })

  it("is the last of a stream, also where its end counts nothing", () => {
    const event = (usageMetadata: object, more: object = {}) => answer([{ text: "x" }], more, { usageMetadata })
    const result = Result.fold(decoded([sse([
      event({ trafficType: "A" }),
      event({ promptTokenCount: 1 }),
      event({ promptTokenCount: 2, candidatesTokenCount: 3 }, { finishReason: "STOP" }),
      event({ trafficType: "B" })
    ])]))
    expect(result.usage).toMatchObject({ inputTokens: { total: 2 }, outputTokens: { total: 3 } })
  })
})
