/**
 * What this dialect makes of answers that another service gave, of errors, and of what is no chat.
 *
 * @module
 */
import { type ChatResult, type JsonObject, LlmError, Part, type Parts, Result, type Usage } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { anthropic, encodeCount, encodeModel } from "../../../src/dialects/anthropic/index.ts"
import { call, decoded, events, legal, streamed, written } from "./support.ts"

const usage: Usage = {
  inputTokens: { total: 100, uncached: 60, cacheRead: 30, cacheWrite: 10 },
  outputTokens: { total: 20, reasoning: 5, text: 15 },
  raw: { prompt_tokens: 100, completion_tokens: 20 }
}

const answer = (more: Partial<ChatResult> = {}): ChatResult => ({
  type: "chat",
  content: [{ type: "text", text: "Hi" }],
  finishReason: "stop",
  usage,
  ...more
})

const finish = { type: "finish", reason: "stop", usage } as const

/** What a client holds at the end. */
const gathered = (parts: Parts): ChatResult => {
  const out = streamed(parts, [1])
  legal(events(out))
  return Result.fold(decoded([out]))
}

describe("a whole answer of another service", () => {
  it("has everything a client looks for", () => {
    expect(written(answer({ rawFinishReason: "stop" }))).toEqual({
      id: "req_1",
      type: "message",
      role: "assistant",
      model: "asked-for",
      content: [{ type: "text", text: "Hi" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: {
        input_tokens: 60,
        cache_creation_input_tokens: 10,
        cache_read_input_tokens: 30,
        output_tokens: 20,
        output_tokens_details: { thinking_tokens: 5 }
      }
    })
  })

  it("says its id and model where it has them", () => {
    expect(written(answer({ id: "chatcmpl-1", model: "gpt-5" }))).toMatchObject({ id: "chatcmpl-1", model: "gpt-5" })
  })

  it.each([
    ["stop", "stop", "end_turn"],
    ["stop", "stop_sequence", "stop_sequence"],
    ["length", "length", "max_tokens"],
    ["length", "model_context_window_exceeded", "model_context_window_exceeded"],
    ["tool-calls", "tool_calls", "tool_use"],
    ["tool-calls", "end_turn", "tool_use"],
    ["content-filter", "SAFETY", "refusal"],
    ["pause", undefined, "pause_turn"],
    ["other", "eos", "end_turn"],
    ["error", "MALFORMED_FUNCTION_CALL", "end_turn"],
    ["unknown", undefined, "end_turn"]
  ] as const)("ends for %s (%s) as %s", (finishReason, rawFinishReason, expected) => {
    const ended = answer({ finishReason, ...(rawFinishReason !== undefined && { rawFinishReason }) })
    expect(written(ended).stop_reason).toBe(expected)
  })

  it.each([
    [{ inputTokens: {}, outputTokens: {} }, { input_tokens: 0, output_tokens: 0 }],
    [{ inputTokens: { total: 9 }, outputTokens: { total: 2 } }, { input_tokens: 9, output_tokens: 2 }],
    [
      { inputTokens: { total: 9, cacheRead: 4 }, outputTokens: {} },
      { input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 0 }
    ],
    // OpenAI's responses call the whole of the input by the same name.
    [
      {
        inputTokens: { total: 9, uncached: 9 },
        outputTokens: { total: 2 },
        raw: { input_tokens: 9, output_tokens: 2, total_tokens: 11 }
      },
      { input_tokens: 9, output_tokens: 2 }
    ],
    // Numbers that somebody has changed since.
    [
      {
        inputTokens: { total: 9, uncached: 9 },
        outputTokens: { total: 2 },
        raw: { input_tokens: 7, output_tokens: 2 }
      },
      { input_tokens: 9, output_tokens: 2 }
    ]
  ])("counts as Anthropic does: %j", (usage, expected) => {
    expect(written(answer({ usage })).usage).toEqual(expected)
  })

  it("leaves out what the format has no place for", () => {
    const content: ChatResult["content"] = [
      { type: "file", mediaType: "image/png", data: "AAAA" },
      {
        type: "tool-call",
        id: "x",
        name: "search",
        params: {},
        providerExecuted: true,
        metadata: { google: { part: "toolCall" } }
      },
      { type: "tool-result", id: "x", name: "search", result: {}, isFailure: false, providerExecuted: true },
      { type: "raw", provider: "openai", value: { type: "text", text: "no" } },
      { type: "raw", provider: "anthropic", value: "no block" },
      { type: "raw", provider: "anthropic", value: { type: "fallback" } }
    ]
    const choices = [{ index: 1, content: [{ type: "text" as const, text: "Other" }], finishReason: "stop" as const }]
    expect(written(answer({ content, choices })).content).toEqual([{ type: "fallback" }])
    expect(Result.fold(decoded([streamed(Result.parts(answer({ content, choices })))])).content)
      .toEqual([{ type: "raw", provider: "anthropic", value: { type: "fallback" } }])
  })

  it("names sources as citations of the text before them", () => {
    const content: ChatResult["content"] = [
      { type: "source", sourceType: "url", id: "0", url: "https://lost.example", title: "Lost" },
      { type: "text", text: "Hi" },
      { type: "source", sourceType: "url", id: "1", url: "https://a.example", title: "A" },
      { type: "source", sourceType: "document", id: "2", mediaType: "text/plain", title: "B" }
    ]
    const places = { search_result_index: 0, start_block_index: 0, end_block_index: 0 }
    const citation = { type: "search_result_location", cited_text: "", ...places }
    const citations = [
      { ...citation, source: "https://a.example", title: "A" },
      { ...citation, source: "B", title: "B" }
    ]
    expect(written(answer({ content })).content).toEqual([{ type: "text", text: "Hi", citations }])
    const read = gathered(Result.parts(answer({ content })))
    const said = read.content.map((part) => part.type === "source" ? part.title : part.metadata?.anthropic?.citations)
    expect(said).toEqual([citations, "A", "B"])
  })

  it("tells sources that Anthropic named from those that a plug found", () => {
    const own = { type: "char_location", document_title: "D" }
    const content: ChatResult["content"] = [
      { type: "text", text: "Hi", metadata: { anthropic: { citations: [own] } } },
      { type: "source", sourceType: "url", id: "1", url: "https://a.example", title: "A" },
      { type: "source", sourceType: "document", id: "2", mediaType: "x/y", title: "D", metadata: { anthropic: own } }
    ]
    const [block] = written(answer({ content })).content as ReadonlyArray<{ readonly citations: ReadonlyArray<object> }>
    expect(block!.citations).toMatchObject([own, { source: "https://a.example" }])
    expect(block!.citations.length).toBe(2)
    const read = gathered(Result.parts(answer({ content })))
    expect(read.content[0]!.metadata?.anthropic?.citations).toEqual(block!.citations)
  })

  it("shows arguments that are no object as they were", () => {
    const call = (more: object) => ({ type: "tool-call" as const, id: "1", name: "f", params: "{\"a", ...more })
    const content = [call({ invalid: true }), call({ params: [1] }), call({ params: null }), call({ params: { a: 1 } })]
    expect(written(answer({ content })).content).toMatchObject([
      { type: "tool_use", input: { invalid_json: "{\"a" } },
      { input: { invalid_json: "[1]" } },
      { input: {} },
      { input: { a: 1 } }
    ])
  })

  it("thinks with an empty signature, which every client reads", () => {
    expect(written(answer({ content: [{ type: "reasoning", text: "Hm" }] })).content)
      .toEqual([{ type: "thinking", thinking: "Hm", signature: "" }])
  })
})

describe("a streamed answer of another service", () => {
  it("is Anthropic's events, word by word", () => {
    const encoder = anthropic.encoder(call)
    expect(encoder.push([{ type: "warning", warning: { type: "other", message: "x" } }])).toBe("")
    expect(encoder.push([{ type: "response-metadata", id: "r1" }])).toBe("")
    expect(encoder.push([{ type: "text-start", id: "0" }])).toBe("")
    const head = { id: "r1", type: "message", role: "assistant", model: "asked-for" }
    const start = { ...head, content: [], stop_reason: null, stop_sequence: null }
    expect(events(encoder.push([{ type: "text-delta", id: "0", delta: "Hi" }]))).toEqual([
      { type: "message_start", message: { ...start, usage: { input_tokens: 0, output_tokens: 0 } } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } }
    ])
    expect(encoder.push([{ type: "text-delta", id: "0", delta: "" }])).toBe("")
    expect(encoder.push([{ type: "text-delta", id: "0", delta: "!\u2028\n" }])).toBe(
      "event: content_block_delta\n"
        + "data: {\"type\":\"content_block_delta\",\"index\":0,"
        + "\"delta\":{\"type\":\"text_delta\",\"text\":\"!\\u2028\\n\"}}\n\n"
    )
    expect(events(encoder.push([{ type: "text-end", id: "0" }, finish]))).toEqual([
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: written(answer()).usage
      },
      { type: "message_stop" }
    ])
    expect(encoder.push([finish, { type: "text-delta", id: "0", delta: "more" }])).toBe("")
  })

  it("begins with the model's name as soon as that is known", () => {
    const out = anthropic.encoder(call).push([{ type: "response-metadata", id: "r1", modelId: "m1" }])
    expect(events(out)).toMatchObject([
      { type: "message_start", message: { id: "r1", model: "m1" } }
    ])
  })

  it("writes a call that came without its arguments whole", () => {
    const read = gathered([
      { type: "text-start", id: "0" },
      { type: "text-delta", id: "0", delta: "Let me " },
      { type: "tool-call", id: "c1", name: "f", params: { a: [1] } },
      { type: "tool-call", id: "c2", name: "g", params: {} },
      { type: "tool-call", id: "c2", name: "g", params: { twice: true } },
      { type: "text-delta", id: "0", delta: "look" },
      { type: "text-end", id: "0" },
      { ...finish, reason: "tool-calls" }
    ])
    expect(read.content).toEqual([
      { type: "text", text: "Let me " },
      { type: "tool-call", id: "c1", name: "f", params: { a: [1] } },
      { type: "tool-call", id: "c2", name: "g", params: {} },
      { type: "tool-call", id: "c2", name: "g", params: { twice: true } },
      { type: "text", text: "look" }
    ])
  })

  it("writes calls that are woven into each other one after the other", () => {
    const start = (id: string): Part => ({ type: "tool-params-start", id, name: id })
    const delta = (id: string, delta: string): Part => ({ type: "tool-params-delta", id, delta })
    const end = (id: string): Parts => [{ type: "tool-params-end", id }]
    const called = (id: string): Part => ({ type: "tool-call", id, name: id, params: { v: id } })
    const read = gathered([
      start("a"), delta("a", "{\"v\""), start("b"), delta("b", "{\"v\":"), start("c"), delta("c", "{\"v\":\"c\"}"),
      { type: "text-delta", id: "t", delta: "meanwhile" },
      delta("a", ":\"a\"}"), delta("b", "\"b\"}"),
      ...end("a"), ...end("b"), ...end("c"), called("a"), called("b"), called("c"),
      { ...finish, reason: "tool-calls" }
    ])
    expect(read.content).toEqual([called("a"), called("b"), called("c"), { type: "text", text: "meanwhile" }])
  })

  it("cites in the text that was begun last, where none has said a word", () => {
    const start = (id: string): Part => ({ type: "text-start", id })
    const read = gathered([
      start("a"), start("b"),
      { type: "source", sourceType: "url", id: "s", url: "https://a.example", title: "A" },
      { type: "text-delta", id: "b", delta: "B" }, { type: "text-end", id: "b" },
      { type: "text-delta", id: "a", delta: "A" }, { type: "text-end", id: "a" }, { type: "text-end", id: "a" },
      finish
    ])
    expect(read.content.map((part) => part.type === "text" ? part.text : part.type)).toEqual(["B", "source", "A"])
  })

  it("hands on events that nobody knows, those about a block with that block's place", () => {
    const unknown = (value: JsonObject): Part =>
      ({ type: "raw", provider: "anthropic", value, metadata: { anthropic: { event: true } } })
    const delta = { type: "content_block_delta", index: 7, delta: { type: "unheard_of_delta" } }
    const all = events(streamed([
      unknown(delta),
      { type: "tool-call", id: "c", name: "f", params: {} },
      { type: "text-delta", id: "0", delta: "Hi" },
      unknown(delta),
      unknown({ type: "unheard_of" }),
      finish
    ]))
    legal(all)
    const found = all.filter((event) => JSON.stringify(event).includes("unheard_of"))
    expect(found).toEqual([{ ...delta, index: 1 }, { type: "unheard_of" }])
  })

  it("ends a call that was never completed", () => {
    const read = gathered([
      { type: "tool-params-start", id: "a", name: "f" },
      { type: "tool-params-delta", id: "a", delta: "{\"v\"" },
      { type: "text-delta", id: "t", delta: "meanwhile" },
      finish
    ])
    expect(read.content).toEqual([
      { type: "tool-call", id: "a", name: "f", params: "{\"v\"", invalid: true },
      { type: "text", text: "meanwhile" }
    ])
  })

  it("keeps a signature that comes when its thought was interrupted", () => {
    const read = gathered([
      { type: "reasoning-start", id: "r" },
      { type: "reasoning-delta", id: "r", delta: "Hm" },
      { type: "text-delta", id: "t", delta: "So" },
      { type: "reasoning-end", id: "r", metadata: { anthropic: { signature: "s" } } },
      finish
    ])
    expect(read.content).toEqual([
      { type: "reasoning", text: "Hm", metadata: { anthropic: { signature: "" } } },
      { type: "text", text: "So" },
      { type: "reasoning", text: "", metadata: { anthropic: { signature: "s" } } }
    ])
  })

  it("cannot be made to forge an event", () => {
    const forged = "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\r\n\r\n\u2028data: x"
    const all = events(streamed([
      { type: "response-metadata", id: forged, modelId: forged },
      { type: "text-delta", id: forged, delta: forged },
      { type: "tool-call", id: forged, name: forged, params: { [forged]: forged } },
      { type: "raw", provider: "anthropic", value: { type: "message_stop" }, metadata: { anthropic: { event: true } } },
      finish
    ]))
    legal(all)
    expect(all.filter(({ type }) => type === "message_stop").length).toBe(1)
  })
})

describe("an error", () => {
  const statuses = [
    [400, "invalid_request_error"], [401, "authentication_error"], [402, "billing_error"], [403, "permission_error"],
    [404, "not_found_error"], [408, "timeout_error"], [409, "invalid_request_error"], [413, "request_too_large"],
    [422, "invalid_request_error"], [429, "rate_limit_error"], [500, "api_error"], [502, "api_error"],
    [503, "overloaded_error"], [504, "timeout_error"], [529, "overloaded_error"]
  ] as const

  it.each(statuses)("with status %i is of type %s", (status, type) => {
    const error = LlmError.make({ _tag: "Server", message: "down with key sk-canary-0123456789" })
    expect(anthropic.encodeError(error, status, call)).toEqual({
      type: "error",
      error: { type, message: "down with key <redacted>" },
      request_id: "req_1"
    })
  })

  it.each([
    ["RateLimit", 429], ["Overloaded", 529], ["Permission", 403], ["NotFound", 404], ["InvalidRequest", 400],
    ["Timeout", 504]
  ] as const)("of kind %s is read back as one", (tag, status) => {
    const error = LlmError.make({ _tag: tag, message: "no" } as Parameters<typeof LlmError.make>[0])
    const body = JSON.stringify(anthropic.encodeError(error, status, call))
    const read = anthropic.wires.chat!.reason({ status, headers: {}, body }, { provider: "anthropic" } as never)
    expect(read.reason).toMatchObject({ _tag: tag, message: "no", status, requestId: "req_1" })
  })

  it("ends a stream, and nothing follows", () => {
    const error = LlmError.make({ _tag: "Overloaded", message: "busy" })
    for (const before of [[], [{ type: "text-delta", id: "0", delta: "Hi" }]] as ReadonlyArray<Parts>) {
      const encoder = anthropic.encoder(call)
      const out = encoder.push([...before, Part.error(error), finish])
      const all = events(out)
      legal(all)
      const said = { type: "overloaded_error", message: "busy" }
      expect(all.at(-1)).toEqual({ type: "error", error: said, request_id: "req_1" })
      expect(encoder.push([finish])).toBe("")
      const reason = { _tag: "Overloaded", message: "busy" }
      expect(decoded([out]).at(-1)).toMatchObject({ type: "error", error: { reason } })
    }
  })
})

describe("what is no chat", () => {
  const own = { type: "model", id: "claude-x", display_name: "Claude X", created_at: "2026-01-02T00:00:00Z", more: 1 }

  it("is a page of models", () => {
    const raw = { id: "gpt-5", object: "model" }
    const models = [{ id: "claude-x", raw: own }, { id: "gpt-5", name: "GPT", contextWindow: 9, raw }]
    const created = { created_at: "1970-01-01T00:00:00Z" }
    const data = [own, { type: "model", id: "gpt-5", display_name: "GPT", max_input_tokens: 9, ...created }]
    expect(anthropic.encode({ type: "list_models", models }, call))
      .toEqual({ data, has_more: false, first_id: "claude-x", last_id: "gpt-5" })
    expect(anthropic.encode({ type: "list_models", models, next: "page 2" }, call))
      .toEqual({ data, has_more: true, first_id: "claude-x", last_id: "page 2" })
    expect(anthropic.encode({ type: "list_models", models: [] }, call))
      .toEqual({ data: [], has_more: false, first_id: null, last_id: null })
    expect(encodeModel(models[0]!)).toEqual(own)
  })

  it("is a count of tokens", () => {
    expect(encodeCount(12)).toEqual({ input_tokens: 12 })
  })

  it("has no form for vectors", () => {
    const vectors = { type: "embeddings", embeddings: [], usage } as const
    expect(() => anthropic.encode(vectors, call)).toThrow(/no answer for embeddings/)
  })
})
