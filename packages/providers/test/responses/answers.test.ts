/**
 * Answers as the Responses API documents them, and as services that follow it send them.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { responses } from "../../src/responses/index.ts"
import { answer, completed, created, decoded, failure, parsed, request, says, sse } from "./support.ts"

const content = (output: ReadonlyArray<object>, provider = "openai") => parsed(answer(output), provider).content
const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

describe("a whole answer", () => {
  it("tells who answered, what was said, why it ended and what it took", () => {
    const usage = {
      input_tokens: 10, input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
      output_tokens: 7, output_tokens_details: { reasoning_tokens: 3 }, total_tokens: 17
    }
    const more = { usage, service_tier: "flex", previous_response_id: "resp_0", system_fingerprint: "fp", moderation: null, metadata: { a: "b" } }
    expect(parsed(answer([says("Hi")], more))).toEqual({
      type: "chat",
      id: "resp_1",
      model: "m-1",
      timestamp: "2023-11-14T22:13:20.000Z",
      content: [{ type: "text", text: "Hi", metadata: { openai: { item: { id: "msg_1", status: "completed" } } } }],
      finishReason: "stop",
      rawFinishReason: "completed",
      usage: {
        inputTokens: { total: 10, uncached: 4, cacheRead: 4, cacheWrite: 2 },
        outputTokens: { total: 7, text: 4, reasoning: 3 },
        raw: usage
      },
      metadata: { openai: { service_tier: "flex", previous_response_id: "resp_0", system_fingerprint: "fp", metadata: { a: "b" } } }
    })
  })

  it("counts thinking beside the writing where a service does", () => {
    const { usage } = parsed(answer([says("Hi")], { usage: { input_tokens: 1, output_tokens: 2, output_tokens_details: { reasoning_tokens: 9 } } }))
    expect(usage.outputTokens).toEqual({ total: 11, text: 2, reasoning: 9 })
  })

  it.each<[object, string, string | undefined]>([
    [{ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }, "length", "incomplete"],
    [{ status: "incomplete", incomplete_details: { reason: "content_filter" } }, "content-filter", "incomplete"],
    [{ status: "incomplete", incomplete_details: null }, "other", "incomplete"],
    [{ status: "queued" }, "pause", "queued"],
    [{ status: "in_progress" }, "pause", "in_progress"],
    [{ status: "cancelled" }, "other", "cancelled"],
    [{ status: "complete" }, "stop", "complete"],
    [{ status: undefined }, "unknown", undefined]
  ])("that ended as %j", (more, reason, raw) => {
    const result = parsed(answer([says("Hi")], more))
    expect([result.finishReason, result.rawFinishReason]).toEqual([reason, raw])
  })

  it("with refusals, marks and log probabilities", () => {
    const annotations = [
      { type: "url_citation", url: "https://x.example", title: "X", start_index: 0, end_index: 2 },
      { type: "file_citation", file_id: "file_1", filename: "a.pdf", index: 1 },
      { type: "container_file_citation", container_id: "cntr_1", file_id: "cfile_1", filename: "b.csv", start_index: 0, end_index: 1 },
      { type: "file_path", file_id: "file_2", index: 0 },
      { type: "new", x: 1 }
    ]
    const logprobs = [{ token: "Hi", logprob: -1, bytes: [72, 105], top_logprobs: [] }]
    const [text, ...sources] = content([says("Hi", { annotations, logprobs })])
    expect(text).toEqual({
      type: "text", text: "Hi", metadata: { openai: { annotations, logprobs, item: { id: "msg_1", status: "completed" } } }
    })
    expect(sources).toEqual([
      { type: "source", sourceType: "url", id: "source-0", url: "https://x.example", title: "X", metadata: { openai: { start_index: 0, end_index: 2 } } },
      { type: "source", sourceType: "document", id: "source-1", title: "a.pdf", fileName: "a.pdf", mediaType: "application/pdf", metadata: { openai: { annotation: annotations[1] } } },
      { type: "source", sourceType: "document", id: "source-2", title: "b.csv", fileName: "b.csv", mediaType: "text/csv", metadata: { openai: { annotation: annotations[2] } } },
      { type: "source", sourceType: "document", id: "source-3", title: "file_2", mediaType: "application/octet-stream", metadata: { openai: { annotation: annotations[3] } } }
    ])
    const refused = { id: "m", type: "message", role: "assistant", content: [{ type: "refusal", refusal: "No." }, { type: "new", x: 1 }] }
    expect(content([refused])).toEqual([
      { type: "text", text: "No.", metadata: { openai: { refusal: true } } },
      { type: "raw", provider: "openai", value: { type: "new", x: 1 }, metadata: { openai: { block: true, item: { id: "m" } } } }
    ])
    expect(content([{ type: "message", role: "assistant", content: [] }])).toEqual([{ type: "text", text: "", metadata: { openai: { item: {} } } }])
    expect(content([{ type: "message", content: "Hi" }])).toMatchObject([{ type: "text", text: "Hi" }])
  })

  it("with reasoning, shown, summed up or encrypted", () => {
    const summary = [{ type: "summary_text", text: "a" }, { type: "summary_text", text: "b" }]
    expect(content([
      { id: "rs_1", type: "reasoning", summary, content: [{ type: "reasoning_text", text: "c" }], encrypted_content: "g", status: "completed" },
      { id: "rs_2", type: "reasoning", summary: [], encrypted_content: null }
    ])).toEqual([
      { type: "reasoning", text: "a" },
      { type: "reasoning", text: "b" },
      { type: "reasoning", text: "c", metadata: { openai: { content: true, item: { id: "rs_1", encrypted_content: "g", status: "completed" } } } },
      { type: "reasoning", text: "", metadata: { openai: { item: { id: "rs_2" } } } }
    ])
  })

  it("with calls for the caller", () => {
    const result = parsed(answer([
      { type: "function_call", id: "fc", call_id: "a", name: "f", arguments: "{\"x\":1}", status: "completed", namespace: "n" },
      { type: "function_call", call_id: "b", name: "g", arguments: "{}{" },
      { type: "function_call", call_id: "c", name: "g", arguments: "" },
      { type: "function_call", name: "g", arguments: "\"text\"" },
      { type: "custom_tool_call", id: "ct", call_id: "e", name: "sql", input: "{\"x\":1}" },
      { type: "computer_call", id: "cu", call_id: "h", action: { type: "wait" }, pending_safety_checks: [], status: "completed" },
      { type: "shell_call", id: "sh", call_id: "i", action: { commands: ["ls"] }, environment: { type: "local" } },
      { type: "tool_search_call", id: "ts", call_id: "j", execution: "client", arguments: { q: 1 } }
    ]))
    expect(result.finishReason).toBe("tool-calls")
    expect(Result.toolCalls(result)).toEqual([
      { type: "tool-call", id: "a", name: "f", params: { x: 1 }, metadata: { openai: { item: { id: "fc", status: "completed", namespace: "n" } } } },
      { type: "tool-call", id: "b", name: "g", params: "{}{", invalid: true },
      { type: "tool-call", id: "c", name: "g", params: {} },
      { type: "tool-call", id: "call_0", name: "g", params: "\"text\"", invalid: true },
      { type: "tool-call", id: "e", name: "sql", params: "{\"x\":1}", metadata: { openai: { item: { type: "custom_tool_call", id: "ct" } } } },
      { type: "tool-call", id: "h", name: "computer", params: { type: "wait" }, metadata: { openai: { item: { type: "computer_call", id: "cu", pending_safety_checks: [], status: "completed" } } } },
      { type: "tool-call", id: "i", name: "shell", params: { commands: ["ls"] }, metadata: { openai: { item: { type: "shell_call", id: "sh", environment: { type: "local" } } } } },
      { type: "tool-call", id: "j", name: "tool_search", params: { q: 1 }, metadata: { openai: { item: { type: "tool_search_call", id: "ts", execution: "client" } } } }
    ])
  })

  it("with tools that the service ran", () => {
    const items = [
      { type: "web_search_call", id: "ws", status: "completed", action: { type: "search", query: "q" } },
      { type: "file_search_call", id: "fs", status: "completed", queries: ["q"], results: [{ file_id: "f" }] },
      { type: "code_interpreter_call", id: "ci", status: "failed", code: "1", outputs: null },
      { type: "mcp_call", id: "mc", server_label: "s", name: "n", arguments: "{\"a\":1}", output: null, error: "it broke" },
      { type: "mcp_list_tools", id: "ml", server_label: "s", tools: [] },
      { type: "shell_call", id: "sh", call_id: "c", action: { commands: ["ls"] }, environment: { type: "container_reference" } },
      { type: "future_call", id: "fu", arguments: "{\"b\":2}" }
    ]
    const calls = content(items).filter((part) => part.type === "tool-call")
    expect(calls.map(({ id, name, params }) => [id, name, params])).toEqual([
      ["ws", "web_search_call", { type: "search", query: "q" }],
      ["fs", "file_search_call", { queries: ["q"] }],
      ["ci", "code_interpreter_call", { code: "1" }],
      ["mc", "mcp_call", { server_label: "s", name: "n", arguments: { a: 1 } }],
      ["ml", "mcp_list_tools", { server_label: "s" }],
      ["sh", "shell_call", { commands: ["ls"] }],
      ["fu", "future_call", { b: 2 }]
    ])
    const results = content(items).filter((part) => part.type === "tool-result")
    expect(results.map(({ isFailure }) => isFailure)).toEqual([false, false, true, true, false, false, false])
    expect(results.map(({ result }) => result)).toEqual(items)
    expect(parsed(answer(items)).finishReason).toBe("stop")
    // A custom call of xAI's answer is one that xAI ran.
    expect(content([{ type: "custom_tool_call", id: "x", call_id: "c", name: "x_keyword_search", input: "q" }], "xai"))
      .toMatchObject([{ type: "tool-call", name: "x_keyword_search", params: "q", providerExecuted: true }, { type: "tool-result" }])
  })

  it("with an image, and with what is new", () => {
    const image = { type: "image_generation_call", id: "ig", status: "completed", output_format: "webp", result: "AAAA", revised_prompt: "p" }
    const { result: _, ...about } = image
    expect(content([image, { type: "compaction", id: "c", encrypted_content: "x" }, { type: "mcp_approval_request", id: "a" }])).toEqual([
      { type: "tool-call", id: "ig", name: "image_generation_call", params: {}, providerExecuted: true },
      { type: "tool-result", id: "ig", name: "image_generation_call", isFailure: false, result: about, providerExecuted: true },
      { type: "file", mediaType: "image/webp", data: "AAAA", metadata: { openai: { item: about } } },
      { type: "raw", provider: "openai", value: { type: "compaction", id: "c", encrypted_content: "x" } },
      { type: "raw", provider: "openai", value: { type: "mcp_approval_request", id: "a" } }
    ])
  })

  it.each<[unknown, object]>([
    [answer([], { status: "failed", error: { code: "server_error", message: "It broke." } }), { _tag: "Server", message: "It broke.", code: "server_error" }],
    [answer([], { status: "failed", error: { code: "rate_limit_exceeded", message: "Try again in 2s" } }), { _tag: "RateLimit", retryAfter: 2000 }],
    [answer([], { status: "failed", error: { code: "invalid_prompt", message: "Bad." } }), { _tag: "InvalidRequest" }],
    [answer([], { status: "failed", error: { code: "image_too_large", message: "Big." } }), { _tag: "InvalidRequest" }],
    [answer([], { status: "failed", error: { code: "bio_policy", message: "No." } }), { _tag: "ContentPolicy" }],
    [answer([], { status: "failed", error: { code: "vector_store_timeout", message: "Late." } }), { _tag: "Timeout" }],
    [answer([], { status: "failed" }), { _tag: "Server", message: "the response failed" }],
    [{ error: { message: "No.", type: "invalid_request_error", code: "context_length_exceeded" } }, { _tag: "ContextLength" }],
    [{ object: "error", message: "No.", code: 429 }, { _tag: "RateLimit" }],
    [{ object: "chat.completion", choices: [] }, { _tag: "NotAnLlm" }],
    [{}, { _tag: "MalformedResponse" }],
    [{ output: [7] }, { _tag: "MalformedResponse", message: "the answer's output[0] is no item" }],
    [answer([null as never]), { _tag: "MalformedResponse" }],
    ["<html>", { _tag: "NotAnLlm" }],
    ["", { _tag: "MalformedResponse" }],
    ["[]", { _tag: "NotAnLlm" }]
  ])("that is none: %j", (body, reason) => {
    expect(failure(() => parsed(body)).reason).toMatchObject(reason)
  })
})

describe("a streamed answer", () => {
  const added = (item: object, output_index = 0) => ({ type: "response.output_item.added", output_index, item })
  const delta = (delta: string, output_index = 0) => ({ type: "response.output_text.delta", output_index, content_index: 0, delta })

  it("is handed on as it comes", () => {
    const decoder = responses().parts!(request({ operation: "stream" }))
    const push = (...events: ReadonlyArray<object>) => decoder.push(Buffer.from(sse(events)))
    expect(push(created)).toEqual([{ type: "response-metadata", id: "resp_1", modelId: "m-1", timestamp: "2023-11-14T22:13:20.000Z" }])
    expect(push(added({ type: "message", id: "m", role: "assistant", content: [] }))).toEqual([])
    expect(push(delta("Hi"))).toEqual([{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hi" }])
    expect(push(added({ type: "function_call", call_id: "c", name: "f", arguments: "" }, 1))).toEqual([])
    expect(push({ type: "response.function_call_arguments.delta", output_index: 1, delta: "{}" })).toEqual([])
    expect(push({ type: "response.output_item.done", output_index: 0, item: says("Hi") })).toEqual([
      { type: "text-end", id: "0", metadata: { openai: { item: { id: "msg_1", status: "completed" } } } },
      { type: "tool-params-start", id: "c", name: "f" },
      { type: "tool-params-delta", id: "c", delta: "{}" }
    ])
    expect(push(completed([]))).toMatchObject([
      { type: "tool-params-end", id: "c" }, { type: "tool-call", id: "c", name: "f", params: {} }, { type: "finish", reason: "tool-calls" }
    ])
    expect([...push(delta("more")), ...decoder.end()]).toEqual([])
  })

  it("lets text pass thinking that has begun", () => {
    const parts = decoded([sse([
      added({ type: "reasoning", id: "r", summary: [] }),
      { type: "response.reasoning_text.delta", output_index: 0, content_index: 0, delta: "Hm" },
      added({ type: "message", id: "m" }, 1),
      delta("Hi", 1)
    ])])
    expect(parts.map(({ type }) => type)).toEqual(["reasoning-start", "reasoning-delta", "text-start", "text-delta", "error"])
  })

  it("that stops is cut, also at [DONE]", () => {
    for (const end of ["", "data: [DONE]\n\n"]) {
      expect(errorOf(decoded([sse([created, delta("Hi")]) + end]))).toMatchObject({ _tag: "CutStream", message: "the stream ended before the answer did" })
    }
    expect(errorOf(decoded([""]))).toMatchObject({ _tag: "CutStream", message: "the stream ended before the answer began" })
    // Half an event is no news beside that, and what follows [DONE] is none at all.
    expect(errorOf(decoded([`${sse([created])}data: {"type":`]))?._tag).toBe("CutStream")
    expect(errorOf(decoded([sse([created, "[DONE]", completed([])])]))?._tag).toBe("CutStream")
    // What comes behind the end is no news.
    expect(decoded([sse([created, completed([]), "[DONE]"])]).at(-1)?.type).toBe("finish")
  })

  it.each<[object | string, object]>([
    [{ type: "error", code: "server_error", message: "It broke.", param: null }, { _tag: "Server", message: "It broke." }],
    [{ type: "error", error: { type: "too_many_requests", code: "too_many_requests", message: "Slow down." } }, { _tag: "RateLimit" }],
    [{ type: "response.failed", response: answer([], { status: "failed", error: { code: "rate_limit_exceeded", message: "No." } }) }, { _tag: "RateLimit", message: "No." }],
    [{ type: "response.failed", response: {} }, { _tag: "Server" }],
    [{ error: { message: "No credit.", code: 402 } }, { _tag: "Quota" }],
    [{ type: "response.completed" }, { _tag: "MalformedResponse", message: "the event response.completed holds no response" }],
    [{ type: "response.completed", response: answer([7 as never]) }, { _tag: "MalformedResponse", message: "the answer's output[0] is no item" }],
    [{ type: "response.output_item.added" }, { _tag: "MalformedResponse" }],
    [{ type: "response.output_text.delta", output_index: 0 }, { _tag: "MalformedResponse", message: "the event response.output_text.delta holds no text delta" }],
    ["{\"type\":", { _tag: "MalformedResponse" }],
    ["5", { _tag: "MalformedResponse" }]
  ])("that fails with %j", (event, reason) => {
    expect(errorOf(decoded([sse([created, delta("Hi"), event])]))).toMatchObject(reason)
  })

  it("tells which item an event does not fit", () => {
    expect(errorOf(decoded([sse([added({ type: "reasoning", id: "r" }), delta("Hi")])]))).toMatchObject({
      _tag: "MalformedResponse", message: "the event response.output_text.delta tells of an item that is of the kind reasoning"
    })
  })

  it("passes over what only tells of progress, and hands on what is new", () => {
    const parts = decoded([sse([
      created,
      { type: "response.web_search_call.searching", item_id: "x" },
      { type: "response.image_generation_call.partial_image", partial_image_b64: "AAAA" },
      { type: "response.mcp_call_arguments.delta", delta: "{" },
      { type: "keepalive" },
      { type: "response.something.new", x: 1 },
      completed([says("Hi")])
    ])])
    expect(parts.filter(({ type }) => type === "raw")).toEqual([
      { type: "raw", provider: "openai", value: { type: "response.something.new", x: 1 }, metadata: { openai: { event: true } } }
    ])
    expect(Result.text(Result.fold(parts))).toBe("Hi")
  })

  it("says its type in the frame alone, or comes as one document", () => {
    const { type: _, ...event } = completed([says("Hi")]) as { readonly type: string }
    expect(Result.text(Result.fold(decoded([`event: response.completed\ndata: ${JSON.stringify(event)}\n\n`])))).toBe("Hi")
    expect(Result.text(Result.fold(decoded([JSON.stringify(answer([says("Hi")]))])))).toBe("Hi")
    expect(errorOf(decoded(["<html><title>Login</title>"]))?._tag).toBe("NotAnLlm")
  })

  it("does not say twice what the end repeats under other names", () => {
    const item = says("Hi", {}, { id: "msg_tmp_1" })
    const parts = decoded([sse([
      created, added(says("", {}, { id: "msg_tmp_1" })), delta("Hi"),
      { type: "response.output_item.done", output_index: 0, item },
      completed([says("Hi", {}, { id: "msg_tmp_2" })])
    ])])
    expect(Result.text(Result.fold(parts))).toBe("Hi")
    // Nor where it stands in another place, or was told twice.
    const done = { type: "response.output_item.done", output_index: 5, item }
    const moved = decoded([sse([created, { ...delta("Hi"), output_index: 5 }, done, done, completed([says("Hi", {}, { id: "msg_tmp_2" })])])])
    expect(Result.text(Result.fold(moved))).toBe("Hi")
  })

  it("keeps what was said where the end says otherwise", () => {
    expect(Result.text(Result.fold(decoded([sse([created, delta("Ho"), completed([says("Hi there")])])])))).toBe("Ho")
  })

  it("gives log probabilities with the text they are of", () => {
    const logprobs = [{ token: "Hi", logprob: 0 }]
    const parts = decoded([sse([created, { ...delta("Hi"), logprobs }, completed([says("Hi", { logprobs })])])])
    expect(parts).toContainEqual({ type: "text-delta", id: "0", delta: "Hi", metadata: { openai: { logprobs } } })
    expect(Result.fold(parts)).toEqual(parsed(answer([says("Hi", { logprobs })])))
  })
})
