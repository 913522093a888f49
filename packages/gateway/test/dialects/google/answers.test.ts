/**
 * What this dialect makes of answers that another service gave, of errors, and of what is no chat.
 *
 * @module
 */
import {
  type ChatResult, type EmbeddingsResult, type JsonObject, LlmError, Part, type Parts, Request, Result, type Usage
} from "@plugline/core"
import { describe, expect, it } from "vitest"
import { encodeCount, encodeModel, google, googleList, refusal } from "../../../src/dialects/google/index.ts"
import { call, decoded, events, legal, parsed, streamed, written } from "./support.ts"

const usage: Usage = {
  inputTokens: { total: 100, uncached: 60, cacheRead: 40 },
  outputTokens: { total: 20, reasoning: 5, text: 15 },
  raw: { prompt_tokens: 100, completion_tokens: 20 }
}
const usageMetadata = {
  promptTokenCount: 100,
  candidatesTokenCount: 15,
  thoughtsTokenCount: 5,
  cachedContentTokenCount: 40,
  totalTokenCount: 120
}

const answer = (more: Partial<ChatResult> = {}): ChatResult => ({
  type: "chat",
  content: [{ type: "text", text: "Hi" }],
  finishReason: "stop",
  usage,
  ...more
})

const finish = { type: "finish", reason: "stop", usage } as const
const partsIn = (result: ChatResult): unknown =>
  (written(result).candidates as ReadonlyArray<{ content: { parts: unknown } }>)[0]!.content.parts

describe("a whole answer of another service", () => {
  it("has everything a client looks for", () => {
    expect(written(answer({ rawFinishReason: "stop" }))).toEqual({
      candidates: [{ content: { parts: [{ text: "Hi" }], role: "model" }, finishReason: "STOP", index: 0 }],
      usageMetadata,
      modelVersion: "asked-for",
      responseId: "req_1"
    })
  })

  it("says its id, model and time where it has them", () => {
    const timestamp = "2026-01-02T03:04:05.000Z"
    expect(written(answer({ id: "chatcmpl-1", model: "gpt-5", timestamp })))
      .toMatchObject({ responseId: "chatcmpl-1", modelVersion: "gpt-5", createTime: timestamp })
  })

  it.each([
    ["stop", "end_turn", "STOP"],
    ["length", "length", "MAX_TOKENS"],
    ["tool-calls", "tool_use", "STOP"],
    ["content-filter", "refusal", "SAFETY"],
    ["content-filter", "RECITATION", "RECITATION"],
    ["pause", "pause_turn", "OTHER"],
    ["other", "eos", "OTHER"],
    ["error", undefined, "OTHER"],
    ["unknown", undefined, "STOP"]
  ] as const)("ends for %s (%s) as %s", (finishReason, rawFinishReason, expected) => {
    const ended = answer({ finishReason, ...(rawFinishReason !== undefined && { rawFinishReason }) })
    expect(written(ended).candidates).toMatchObject([{ finishReason: expected }])
    const out = events(streamed(Result.parts(ended)))
    expect(out.at(-1)!.candidates).toMatchObject([{ finishReason: expected }])
  })

  it.each([
    [{ inputTokens: {}, outputTokens: {} }, undefined],
    [{ inputTokens: { total: 9 }, outputTokens: {} }, { promptTokenCount: 9, totalTokenCount: 9 }],
    [
      { inputTokens: { total: 9 }, outputTokens: {}, raw: { promptTokenCount: 7, totalTokenCount: 7 } },
      { promptTokenCount: 9, totalTokenCount: 9 }
    ],
    [
      {
        inputTokens: { total: 9 },
        outputTokens: { total: 1 },
        raw: { promptTokenCount: 7, toolUsePromptTokenCount: 2, more: 1 }
      },
      { promptTokenCount: 7, toolUsePromptTokenCount: 2, more: 1 }
    ]
  ])("counts as Google does: %j", (usage, expected) => {
    expect(written(answer({ usage })).usageMetadata).toEqual(expected)
    expect(events(streamed(Result.parts(answer({ usage })))).at(-1)!.usageMetadata).toEqual(expected)
  })

  it("leaves out what the format has no place for", () => {
    const content: ChatResult["content"] = [
      { type: "text", text: "" },
      { type: "reasoning", text: "", metadata: { anthropic: { signature: "s" } } },
      { type: "tool-call", id: "x", name: "search", params: {}, providerExecuted: true, metadata: { anthropic: {} } },
      { type: "tool-result", id: "x", name: "search", result: {}, isFailure: false, providerExecuted: true },
      { type: "raw", provider: "openai", value: { text: "no" } },
      { type: "raw", provider: "google", value: "no part" },
      { type: "raw", provider: "google", value: { videoMetadata: {} } }
    ]
    expect(partsIn(answer({ content }))).toEqual([{ videoMetadata: {} }])
    expect(Result.fold(decoded([streamed(Result.parts(answer({ content })))])).content)
      .toEqual([{ type: "raw", provider: "google", value: { videoMetadata: {} } }])
  })

  it("has thoughts, calls and files as parts", () => {
    const content: ChatResult["content"] = [
      { type: "reasoning", text: "Hm" },
      { type: "tool-call", id: "c1", name: "f", params: { a: 1 } },
      { type: "tool-call", id: "c2", name: "f", params: "{\"a", invalid: true },
      { type: "tool-call", id: "call_g_0", name: "f", params: null },
      { type: "file", mediaType: "image/png", data: "AAAA" }
    ]
    const expected = [
      { text: "Hm", thought: true },
      { functionCall: { id: "c1", name: "f", args: { a: 1 } } },
      { functionCall: { id: "c2", name: "f", args: { arguments: "{\"a" } } },
      { functionCall: { name: "f", args: {} } },
      { inlineData: { mimeType: "image/png", data: "AAAA" } }
    ]
    expect(partsIn(answer({ content }))).toEqual(expected)
    const all = events(streamed(Result.parts(answer({ content })), [1]))
    expect(all.flatMap(({ candidates }) => candidates![0]!.content!.parts)).toEqual([...expected, { text: "" }])
  })

  it("names sources as chunks of its grounding", () => {
    const content: ChatResult["content"] = [
      { type: "text", text: "Hi" },
      { type: "source", sourceType: "url", id: "1", url: "https://a.example", title: "A" },
      { type: "source", sourceType: "document", id: "2", mediaType: "text/plain", title: "B" }
    ]
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }, { retrievedContext: { title: "B" } }]
    }
    expect(written(answer({ content })).candidates).toMatchObject([{ groundingMetadata }])
    const out = streamed(Result.parts(answer({ content })), [1])
    expect(events(out).at(-1)!.candidates).toMatchObject([{ groundingMetadata }])
    const read = parsed(written(answer({ content }))).content.filter(({ type }) => type === "source")
    expect(read).toMatchObject([{ url: "https://a.example", title: "A" }, { sourceType: "document", title: "B" }])
  })

  it("adds sources that a plug found to those that Google named", () => {
    const groundingChunks = [{ web: { uri: "https://a.example" } }]
    const own = { groundingMetadata: { groundingChunks, webSearchQueries: ["q"] } }
    const content: ChatResult["content"] = [
      { type: "source", sourceType: "url", id: "1", url: "https://a.example", title: "A" },
      { type: "source", sourceType: "url", id: "2", url: "https://b.example", title: "B" }
    ]
    const { candidates } = written(answer({ content, metadata: { google: { candidate: own } } }))
    expect((candidates as ReadonlyArray<object>)[0]).toMatchObject({
      groundingMetadata: {
        groundingChunks: [{ web: { uri: "https://a.example" } }, { web: { uri: "https://b.example", title: "B" } }],
        webSearchQueries: ["q"]
      }
    })
  })

  it("holds every candidate", () => {
    const choices = [{ index: 1, content: [{ type: "text" as const, text: "Ho" }], finishReason: "length" as const }]
    const expected = [
      { index: 0, finishReason: "STOP", content: { parts: [{ text: "Hi" }] } },
      { index: 1, finishReason: "MAX_TOKENS", content: { parts: [{ text: "Ho" }] } }
    ]
    expect(written(answer({ choices })).candidates).toMatchObject(expected)
    expect(parsed(written(answer({ choices }))).choices).toMatchObject([{ index: 1, finishReason: "length" }])
  })
})

describe("a streamed answer of another service", () => {
  it("is Google's events, word by word", () => {
    const encoder = google.encoder(call)
    expect(encoder.push([{ type: "warning", warning: { type: "other", message: "x" } }])).toBe("")
    expect(encoder.push([{ type: "response-metadata", id: "r1" }, { type: "text-start", id: "0" }])).toBe("")
    expect(encoder.push([{ type: "text-delta", id: "0", delta: "Hi\u2028\n" }])).toBe(
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\\u2028\\n\"}],\"role\":\"model\"},\"index\":0}],"
        + "\"modelVersion\":\"asked-for\",\"responseId\":\"r1\"}\n\n"
    )
    expect(encoder.push([{ type: "text-delta", id: "0", delta: "" }, { type: "text-end", id: "0" }])).toBe("")
    expect(events(encoder.push([finish]))).toEqual([{
      candidates: [{ content: { parts: [{ text: "" }], role: "model" }, finishReason: "STOP", index: 0 }],
      usageMetadata,
      modelVersion: "asked-for",
      responseId: "r1"
    }])
    expect(encoder.push([finish, { type: "text-delta", id: "0", delta: "more" }])).toBe("")
  })

  it("tells of a model that is named late, and keeps the words of candidates apart", () => {
    const all = events(streamed([
      { type: "text-delta", id: "0", delta: "a" },
      { type: "text-delta", id: "0", delta: "b", choice: 1 },
      { type: "response-metadata", modelId: "m2", timestamp: "2026-01-02T03:04:05.000Z" },
      finish
    ], [2, 1]))
    legal(all, true)
    const said = (text: string) => ({ content: { parts: [{ text }], role: "model" } })
    expect(all).toMatchObject([
      { candidates: [{ index: 0, ...said("a") }, { index: 1, ...said("b") }], modelVersion: "asked-for" },
      { candidates: [{ index: 0, finishReason: "STOP" }, { index: 1, finishReason: "STOP" }], modelVersion: "m2" }
    ])
  })

  it("writes a call once, however it came", () => {
    const parts: Parts = [
      { type: "tool-params-start", id: "c1", name: "f" },
      { type: "tool-params-delta", id: "c1", delta: "{\"a\":1}" },
      { type: "tool-params-end", id: "c1" },
      { type: "tool-call", id: "c1", name: "f", params: { a: 1 } },
      { type: "tool-call", id: "c2", name: "g", params: {} },
      { ...finish, reason: "tool-calls" }
    ]
    for (const sizes of [[], [1]]) {
      const all = events(streamed(parts, sizes))
      legal(all, true)
      expect(all.flatMap(({ candidates }) => candidates![0]!.content!.parts).slice(0, 2))
        .toEqual([
          { functionCall: { id: "c1", name: "f", args: { a: 1 } } },
          { functionCall: { id: "c2", name: "g", args: {} } }
        ])
    }
  })

  it("keeps a signature with its words, or behind them where they were pushed before", () => {
    const parts: Parts = [
      { type: "reasoning-start", id: "0" },
      { type: "reasoning-delta", id: "0", delta: "Hm" },
      { type: "reasoning-end", id: "0", metadata: { google: { thought: true, thoughtSignature: "s" } } }
    ]
    const signed = { thought: true, thoughtSignature: "s" }
    const of = (sizes: ReadonlyArray<number>) =>
      events(streamed(parts, sizes)).map(({ candidates }) => candidates![0]!.content!.parts)
    expect(of([])).toEqual([[{ ...signed, text: "Hm" }]])
    expect(of([1])).toEqual([[{ text: "Hm", thought: true }], [{ ...signed, text: "" }]])
  })

  it("is one list where no events were asked for", () => {
    const delta = (delta: string): Part => ({ type: "text-delta", id: "0", delta })
    const parts: Parts = [delta("a"), delta("b]"), finish]
    const list = JSON.parse(streamed(parts, [1], googleList)) as ReadonlyArray<object>
    expect(list).toEqual(events(streamed(parts, [1])))
    expect(JSON.parse(streamed([finish], [], googleList))).toHaveLength(1)
    const error = Part.error(LlmError.make({ _tag: "Overloaded", message: "busy" }))
    expect(JSON.parse(streamed([parts[0]!, error], [], googleList))).toMatchObject([{}, { error: { code: 503 } }])
  })

  it("cannot be made to forge an event", () => {
    const forged = "\n\ndata: {\"error\":{}}\r\n\r\n\u2028data: x"
    legal(events(streamed([
      { type: "response-metadata", id: forged, modelId: forged },
      { type: "text-delta", id: forged, delta: forged },
      { type: "tool-call", id: forged, name: forged, params: { [forged]: forged } },
      { ...finish, metadata: { google: { candidates: {}, responseId: "other", [forged]: forged } } }
    ])), true)
  })
})

describe("an error", () => {
  it.each([
    [400, "INVALID_ARGUMENT"], [401, "UNAUTHENTICATED"], [402, "INVALID_ARGUMENT"], [403, "PERMISSION_DENIED"],
    [404, "NOT_FOUND"], [408, "DEADLINE_EXCEEDED"], [409, "ABORTED"], [429, "RESOURCE_EXHAUSTED"], [500, "INTERNAL"],
    [501, "UNIMPLEMENTED"], [502, "INTERNAL"], [503, "UNAVAILABLE"], [504, "DEADLINE_EXCEEDED"], [529, "UNAVAILABLE"]
  ] as const)("with status %i is %s", (code, status) => {
    const error = LlmError.make({ _tag: "Server", message: "down with key sk-canary-0123456789" })
    const message = "down with key <redacted>"
    const details = [{ "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId: "req_1" }]
    expect(google.encodeError(error, code, call)).toEqual({ error: { code, message, status, details } })
  })

  it("says how long to wait and which field is wrong, so that it can be read back", () => {
    const again = (error: LlmError, status: number) => {
      const body = JSON.stringify(google.encodeError(error, status, call))
      const request = Request.make({ provider: "google", messages: "Hi" })
      return google.wires.chat!.reason({ status, headers: {}, body }, request).reason
    }
    expect(again(LlmError.make({ _tag: "RateLimit", message: "slow", retryAfter: 1234.5 }), 429))
      .toMatchObject({ _tag: "RateLimit", message: "slow", retryAfter: 1235 })
    expect(again(LlmError.make({ _tag: "InvalidRequest", message: "no", parameter: "contents[0]" }), 400))
      .toMatchObject({ _tag: "InvalidRequest", message: "no", parameter: "contents[0]" })
    expect(again(LlmError.make({ _tag: "NotFound", message: "no" }), 404)._tag).toBe("NotFound")
    expect(again(LlmError.make({ _tag: "Permission", message: "no" }), 403)._tag).toBe("Permission")
    expect(again(LlmError.make({ _tag: "Overloaded", message: "no" }), 503)._tag).toBe("Overloaded")
  })

  it("ends a stream, and nothing follows", () => {
    const error = LlmError.make({ _tag: "Overloaded", message: "busy" })
    for (const before of [[], [{ type: "text-delta", id: "0", delta: "Hi" }]] as ReadonlyArray<Parts>) {
      const encoder = google.encoder(call)
      const out = encoder.push([...before, Part.error(error), finish])
      const all = events(out)
      legal(all, false)
      expect(all.length).toBe(before.length + 1)
      expect(all.at(-1)).toMatchObject({ error: { code: 503, status: "UNAVAILABLE", message: "busy" } })
      expect(encoder.push([finish])).toBe("")
      const reason = { _tag: "Overloaded", message: "busy" }
      expect(decoded([out]).at(-1)).toMatchObject({ type: "error", error: { reason } })
    }
  })

  it("is an answer without candidates where Google refused the prompt", () => {
    const sent = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: { promptTokenCount: 3 } }
    const [part] = decoded([`data: ${JSON.stringify(sent)}\n\n`])
    const error = Part.errorOf(part as Part & { type: "error" })
    expect(events(streamed([part!]))).toEqual([sent])
    expect(refusal(error)).toEqual(sent)
    const other = (_tag: "ContentPolicy" | "Server", raw: JsonObject) =>
      refusal(LlmError.make({ _tag, message: "no", raw }))
    expect(other("ContentPolicy", { promptFeedback: {} })).toBeUndefined()
    expect(other("Server", sent)).toBeUndefined()
  })
})

describe("what is no chat", () => {
  const embeddings: EmbeddingsResult = {
    type: "embeddings",
    embeddings: [[1, 2]],
    usage: { inputTokens: { total: 3 }, outputTokens: {} }
  }
  const counted = { usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 } }

  it("is vectors, in the form that was asked for", () => {
    const of = (asked: object, result = embeddings) => google.encode(result, { ...call, asked: asked as never })
    expect(of({ content: {} })).toEqual({ embedding: { values: [1, 2] }, ...counted })
    expect(of({ requests: [{}] })).toEqual({ embeddings: [{ values: [1, 2] }], ...counted })
    expect(of({ instances: [{}] })).toEqual({ predictions: [{ embeddings: { values: [1, 2] } }], ...counted })
    const two = { ...embeddings, embeddings: [[1], [2]] }
    expect(of({ requests: [{}, {}] }, two)).toEqual({ embeddings: [{ values: [1] }, { values: [2] }], ...counted })
  })

  it("is vectors that the wire reads as they were", () => {
    const wire = google.wires.embeddings!
    const request = Request.make({ provider: "google", operation: "embeddings", messages: "Hi" })
    const statistics = { token_count: 3, truncated: false }
    const predictions = [{ embeddings: { values: [1, 2], statistics } }]
    for (const [asked, body] of [
      [{ content: {} }, { embedding: { values: [1, 2] }, usageMetadata: { promptTokenCount: 3 } }],
      [{ requests: [{}] }, { embeddings: [{ values: [1, 2] }], more: 1 }],
      [{ instances: [{}] }, { predictions, metadata: { billableCharacterCount: 2 } }]
    ] as const) {
      const read = (body: unknown) => wire.parse({ status: 200, headers: {}, body: JSON.stringify(body) }, request)
      const again = google.encode(read(body), { ...call, asked })
      expect(again).toEqual(body)
      expect(read(again)).toEqual(read(body))
    }
  })

  it("is a page of models", () => {
    const own = { name: "models/gemini-9", displayName: "G", more: 1 }
    const models = [{ id: "models/gemini-9", raw: own }, { id: "gpt-5", contextWindow: 9, raw: { id: "gpt-5" } }]
    const other = {
      name: "models/gpt-5",
      displayName: "gpt-5",
      inputTokenLimit: 9,
      supportedGenerationMethods: ["generateContent", "countTokens"]
    }
    const page = google.encode({ type: "list_models", models, next: "p2" }, call)
    expect(page).toEqual({ models: [own, other], nextPageToken: "p2" })
    expect(google.encode({ type: "list_models", models: [] }, call)).toEqual({ models: [] })
    expect(encodeModel(models[1]!)).toEqual(other)
  })

  it("is a count of tokens", () => {
    expect(encodeCount(12)).toEqual({ totalTokens: 12 })
  })
})
