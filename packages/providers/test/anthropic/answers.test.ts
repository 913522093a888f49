/**
 * How answers are read: each kind of block, usage, and why the model stopped.
 *
 * @module
 */
import { type FinishReason, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { block, decoded, message, parsed, sse, stream } from "./support.ts"

const folded = (blocks: ReadonlyArray<object>, end: object = {}, usage?: object) => Result.fold(decoded([
  sse(stream(blocks, end, usage))
]))
describe("a block", () => {
  it("of thinking keeps its signature, shown or hidden", () => {
    const { content } = parsed(message([
      { type: "thinking", thinking: "Hm", signature: "s1" },
      { type: "thinking", thinking: "", signature: "s2" },
      { type: "redacted_thinking", data: "xyz" },
      { type: "thinking", thinking: "unsigned" }
    ]))
    expect(content).toEqual([
      { type: "reasoning", text: "Hm", metadata: { anthropic: { signature: "s1" } } },
      { type: "reasoning", text: "", metadata: { anthropic: { signature: "s2" } } },
      { type: "reasoning", text: "", metadata: { anthropic: { type: "redacted_thinking", data: "xyz" } } },
      { type: "reasoning", text: "unsigned" }
    ])
  })

  it("of text names what it is based on", () => {
    const cited = [
      { type: "web_search_result_location", url: "https://a.com/", title: "A", encrypted_index: "e", cited_text: "t" },
      {
        type: "page_location",
        document_index: 1,
        document_title: "report.pdf",
        start_page_number: 1,
        end_page_number: 2
      },
      { type: "char_location", document_index: 1, document_title: null },
      { type: "search_result_location", source: "https://b.com", title: "B", search_result_index: 0 },
      { type: "search_result_location", source: "shelf 3", title: null, search_result_index: 1 }
    ]
    const { content } = parsed(message([
      { type: "text", text: "t", citations: cited },
      { type: "text", text: "u", citations: null }
    ]))
    expect(content[0]).toEqual({ type: "text", text: "t", metadata: { anthropic: { citations: cited } } })
    expect(content.slice(1, 6)).toEqual([
      {
        type: "source",
        id: "source-0",
        sourceType: "url",
        url: "https://a.com/",
        title: "A",
        metadata: { anthropic: cited[0] }
      },
      {
        type: "source",
        id: "source-1",
        sourceType: "document",
        title: "report.pdf",
        fileName: "report.pdf",
        mediaType: "application/pdf",
        metadata: { anthropic: cited[1] }
      },
      {
        type: "source",
        id: "source-2",
        sourceType: "document",
        title: "document 2",
        mediaType: "text/plain",
        metadata: { anthropic: cited[2] }
      },
      {
        type: "source",
        id: "source-3",
        sourceType: "url",
        url: "https://b.com",
        title: "B",
        metadata: { anthropic: cited[3] }
      },
      {
        type: "source",
        id: "source-4",
        sourceType: "document",
        title: "shelf 3",
        mediaType: "text/plain",
        metadata: { anthropic: cited[4] }
      }
    ])
    expect(content[6]).toEqual({ type: "text", text: "u" })
  })

  it("of a tool's call brings its arguments in pieces, at once, or not at all", () => {
    const call = { type: "tool_use", id: "t1", name: "f", input: {} }
    const piece = (partial_json: string) => ({ type: "input_json_delta", partial_json })
    const result = folded([
      ...block(0, call, [piece(""), piece(`{"a"`), piece(`:1}`)]),
      ...block(1, { ...call, id: "t2", caller: { type: "direct" } }, [piece("")]),
      ...block(2, { ...call, id: "t3" }, [piece(`{"a":`)]),
      ...block(3, { ...call, id: "t4", input: { b: 2 } })
    ], { stop_reason: "tool_use" })
    expect(result.content).toEqual([
      { type: "tool-call", id: "t1", name: "f", params: { a: 1 } },
      { type: "tool-call", id: "t2", name: "f", params: {}, metadata: { anthropic: { caller: { type: "direct" } } } },
      { type: "tool-call", id: "t3", name: "f", params: `{"a":`, invalid: true },
      { type: "tool-call", id: "t4", name: "f", params: { b: 2 } }
    ])
    expect(result.finishReason).toBe("tool-calls")
    const pieces = decoded([sse(stream(block(0, call, [piece(""), piece("{}")])))])
    expect(pieces.flatMap((part) => part.type === "tool-params-delta" ? [part.delta] : [])).toEqual(["{}"])
    expect(parsed(message([{ type: "tool_use", name: "f" }])).content).toEqual([
      { type: "tool-call", id: "call_0", name: "f", params: {} }
    ])
  })

  it("of a tool that the service ran is its own affair", () => {
    const failed = { type: "web_fetch_tool_result_error", error_code: "unavailable" }
    const result = parsed(message([
      { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "q" } },
      {
        type: "web_search_tool_result",
        tool_use_id: "s1",
        content: [{ type: "web_search_result", url: "u" }],
        caller: { type: "direct" }
      },
      { type: "mcp_tool_use", id: "m1", name: "echo", server_name: "s", input: {} },
      { type: "mcp_tool_result", tool_use_id: "m1", is_error: true, content: [{ type: "text", text: "no" }] },
      { type: "web_fetch_tool_result", tool_use_id: "earlier", content: failed },
      { type: "container_upload", file_id: "f1" }
    ]))
    expect(result.content).toEqual([
      {
        type: "tool-call",
        id: "s1",
        name: "web_search",
        params: { query: "q" },
        providerExecuted: true,
        metadata: { anthropic: { type: "server_tool_use" } }
      },
      {
        type: "tool-result",
        id: "s1",
        name: "web_search",
        result: [{ type: "web_search_result", url: "u" }],
        isFailure: false,
        providerExecuted: true,
        metadata: { anthropic: { type: "web_search_tool_result", caller: { type: "direct" } } }
      },
      {
        type: "tool-call",
        id: "m1",
        name: "echo",
        params: {},
        providerExecuted: true,
        metadata: { anthropic: { type: "mcp_tool_use", server_name: "s" } }
      },
      {
        type: "tool-result",
        id: "m1",
        name: "echo",
        result: [{ type: "text", text: "no" }],
        isFailure: true,
        providerExecuted: true,
        metadata: { anthropic: { type: "mcp_tool_result", is_error: true } }
      },
      {
        type: "tool-result",
        id: "earlier",
        name: "web_fetch",
        result: failed,
        isFailure: true,
        providerExecuted: true,
        metadata: { anthropic: { type: "web_fetch_tool_result" } }
      },
      { type: "raw", provider: "anthropic", value: { type: "container_upload", file_id: "f1" } }
    ])
    expect(result.finishReason).toBe("stop")
    expect(Result.toolCalls(result)).toEqual([])
  })

  it("that nobody knows is handed on, and so is an event", () => {
    const news = { type: "content_block_delta", index: 0, delta: { type: "news_delta", x: 1 } }
    const parts = decoded([sse(stream([
      ...block(
        0,
        { type: "compaction", content: null },
        [{ type: "compaction_delta", content: "c", encrypted_content: "e" }, news.delta]
      ),
      { type: "new_event", y: 2 }
    ]))])
    expect(parts.filter(({ type }) => type === "raw")).toEqual([
      { type: "raw", provider: "anthropic", value: news, metadata: { anthropic: { event: true } } },
      { type: "raw", provider: "anthropic", value: { type: "compaction", content: "c", encrypted_content: "e" } },
      {
        type: "raw",
        provider: "anthropic",
        value: { type: "new_event", y: 2 },
        metadata: { anthropic: { event: true } }
      }
    ])
    expect(parts.at(-1)?.type).toBe("finish")
  })
})

describe("the end of an answer", () => {
  it.each<[string | null, FinishReason]>([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool-calls"],
    ["pause_turn", "pause"],
    ["compaction", "pause"],
    ["refusal", "content-filter"],
    ["something_new", "other"],
    [null, "unknown"]
  ])("for the reason %s is %s", (stop_reason, expected) => {
    const result = folded(block(0, { type: "text", text: "a" }), { stop_reason })
    expect(result.finishReason).toBe(expected)
    expect(result.rawFinishReason).toBe(stop_reason ?? undefined)
    expect(parsed(message([], { stop_reason })).finishReason).toBe(expected)
  })

  it("is a call for the caller's tools, whatever the service calls it", () => {
    const call = { type: "tool_use", id: "1", name: "f", input: {} }
    expect(parsed(message([call])).finishReason).toBe("tool-calls")
    expect(parsed(message([call], { stop_reason: "max_tokens" })).finishReason).toBe("length")
    expect(parsed(message([{ ...call, type: "server_tool_use" }])).finishReason).toBe("stop")
  })

  it("closes what is still open, and its reason stays said", () => {
    const [start, delta] = block(0, { type: "tool_use", id: "1", name: "f", input: {} }, [
      { type: "input_json_delta", partial_json: "{}" }
    ])
    const more = { type: "message_delta", delta: { stop_reason: null }, usage: {} }
    const events = stream([start!, delta!], { stop_reason: "max_tokens" })
    const result = Result.fold(decoded([sse([...events.slice(0, -1), more, events.at(-1)!])]))
    expect(result).toMatchObject({ finishReason: "length", content: [{ type: "tool-call", params: {} }] })
  })

  it("keeps whatever else was said of it", () => {
    const details = { type: "refusal", category: "cyber", explanation: "e" }
    const more = { stop_reason: "refusal", stop_sequence: "x", stop_details: details, container: { id: "c" } }
    const expected = {
      anthropic: {
        stop_sequence: "x",
        stop_details: details,
        container: { id: "c" },
        context_management: { applied_edits: [] }
      }
    }
    expect(parsed(message([], { ...more, context_management: { applied_edits: [] } })).metadata).toEqual(expected)
    const streamed = stream([], more).map((event) =>
      (event as { type: string }).type === "message_delta" ? {
        ...event,
        context_management: { applied_edits: [] }
      } : event
    )
    expect(Result.fold(decoded([sse(streamed)])).metadata).toEqual(expected)
    expect(Result.fold(decoded([sse(stream([]).map((event) => ({ ...event, "amazon-metrics": { a: 1 } })))])).metadata)
      .toEqual({ anthropic: { "amazon-metrics": { a: 1 } } })
  })

  it("counts tokens in the one meaning of usage", () => {
    const usage = {
      input_tokens: 4,
      cache_creation_input_tokens: 426,
      cache_read_input_tokens: 14210,
      cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 26 },
      output_tokens: 290,
      output_tokens_details: { thinking_tokens: 15 }
    }
    expect(parsed(message([], { usage })).usage).toEqual({
      inputTokens: { total: 14640, uncached: 4, cacheRead: 14210, cacheWrite: 426 },
      outputTokens: { total: 290, reasoning: 15, text: 275 },
      raw: usage
    })
    const { cache_creation_input_tokens: _, ...older } = usage
    expect(parsed(message([], { usage: older })).usage.inputTokens.cacheWrite).toBe(426)
    expect(parsed(message([], { usage: {} })).usage).toEqual({ inputTokens: {}, outputTokens: {}, raw: {} })
    expect(parsed(message([], { usage: null })).usage).toEqual({ inputTokens: {}, outputTokens: {} })
    // The last count of each kind holds; what the end does not count, the beginning did.
    expect(folded(
      [],
      {},
      { output_tokens: 7, cache_read_input_tokens: 3, server_tool_use: { web_search_requests: 1 }, input_tokens: null }
    ).usage).toEqual({
      inputTokens: { total: 13, uncached: 10, cacheRead: 3 },
      outputTokens: { total: 7 },
      raw: {
        input_tokens: 10,
        output_tokens: 7,
        cache_read_input_tokens: 3,
        server_tool_use: { web_search_requests: 1 }
      }
    })
  })
})
