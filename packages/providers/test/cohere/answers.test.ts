/**
 * Answers as Cohere documents them.
 *
 * @module
 */
import { type LlmError, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { answer, decoded, end, event, failure, parsed, sse } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>): LlmError | undefined => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last) : undefined
}

describe("a chat", () => {
  it("has thinking, text, a plan, calls, sources and usage", () => {
    const citations = [
      {
        start: 0,
        end: 2,
        text: "Hi",
        sources: [{ type: "document", id: "d1", document: { id: "d1", title: "Facts", text: "…" } }],
        type: "TEXT_CONTENT"
      },
      {
        start: 0,
        end: 2,
        text: "Hi",
        sources: [
          { type: "tool", id: "t:0", tool_output: { url: "https://x.test/a", title: "A" } },
          { type: "document", id: "d2" }
        ]
      },
      { start: 0, end: 2, text: "Hi" }
    ]
    expect(parsed(answer({
      content: [{ type: "thinking", thinking: "Hm." }, { type: "text", text: "Hi" }],
      tool_plan: "I will.",
      tool_calls: [
        { id: "f_1", type: "function", function: { name: "f", arguments: "{\"a\":1}" } },
        { id: "g_1", type: "function", function: { name: "g", arguments: "{a" } }
      ],
      citations
    }, {
      finish_reason: "TOOL_CALL",
      usage: {
        billed_units: { input_tokens: 5 },
        tokens: { input_tokens: 10, output_tokens: 8, reasoning_tokens: 3 },
        cached_tokens: 4
      },
      logprobs: [{ token_ids: [1], text: "Hi", logprobs: [-0.1] }],
      note: "new"
    }))).toStrictEqual({
      type: "chat",
      id: "r1",
      content: [
        { type: "reasoning", text: "Hm.", metadata: { cohere: { type: "thinking" } } },
        { type: "text", text: "Hi" },
        { type: "reasoning", text: "I will.", metadata: { cohere: { type: "tool_plan" } } },
        { type: "tool-call", id: "f_1", name: "f", params: { a: 1 } },
        { type: "tool-call", id: "g_1", name: "g", params: "{a", invalid: true },
        {
          type: "source",
          sourceType: "document",
          id: "source-0",
          title: "Facts",
          mediaType: "text/plain",
          metadata: { cohere: citations[0] }
        },
        {
          type: "source",
          sourceType: "url",
          id: "source-1",
          url: "https://x.test/a",
          title: "A",
          metadata: { cohere: citations[1] }
        },
        {
          type: "source",
          sourceType: "document",
          id: "source-2",
          title: "Hi",
          mediaType: "text/plain",
          metadata: { cohere: citations[2] }
        }
      ],
      finishReason: "tool-calls",
      rawFinishReason: "TOOL_CALL",
      usage: {
        inputTokens: { total: 10, cacheRead: 4, uncached: 6 },
        outputTokens: { total: 8, reasoning: 3, text: 5 },
        raw: {
          billed_units: { input_tokens: 5 },
          tokens: { input_tokens: 10, output_tokens: 8, reasoning_tokens: 3 },
          cached_tokens: 4
        }
      },
      metadata: { cohere: { note: "new", logprobs: [{ token_ids: [1], text: "Hi", logprobs: [-0.1] }] } }
    })
  })

  it.each([
    ["COMPLETE", "stop"], ["STOP_SEQUENCE", "stop"], ["MAX_TOKENS", "length"], [
      "TOOL_CALL",
      "tool-calls"
    ], ["USER_CANCEL", "other"],
    ["ERROR_LIMIT", "length"], ["ERROR_TOXIC", "content-filter"]
  ])("that ends with %s", (raw, reason) => {
    expect(
      parsed(answer({ content: "Hi" }, { finish_reason: raw }))
    ).toMatchObject({ finishReason: reason, rawFinishReason: raw })
  })

  it("that broke is an error, also in the middle of a stream", () => {
    expect(
      failure(() => parsed(answer({ content: "Hi" }, { finish_reason: "ERROR" }))).reason
    ).toMatchObject({ _tag: "Server", code: "ERROR" })
    const parts = decoded([
      sse([
        event("content-delta", { content: { text: "Hi" } }),
        { type: "message-end", delta: { finish_reason: "ERROR", error: "out of capacity: overloaded" } }
      ])
    ])
    expect(parts.map((part) => part.type)).toEqual(["text-start", "text-delta", "error"])
    expect(errorOf(parts)?.reason).toMatchObject({ _tag: "Overloaded", message: "out of capacity: overloaded" })
    expect(
      errorOf(decoded([sse([{ type: "message-end", delta: { finish_reason: "TIMEOUT" } }])]))?.reason
    ).toMatchObject({ _tag: "Timeout", phase: "upstream" })
  })

  it("may have blocks and events nobody knows", () => {
    expect(parsed(answer({ content: [{ type: "image", data: "x" }, { type: "text", text: "Hi" }] })).content).toEqual([
      { type: "raw", provider: "cohere", value: { type: "image", data: "x" } },
      { type: "text", text: "Hi" }
    ])
    const parts = decoded([
      sse([{ type: "debug", prompt: "p" }, event("content-delta", { content: { text: "Hi" } }), end({ note: 1 })])
    ])
    expect(parts[0]).toEqual({ type: "raw", provider: "cohere", value: { type: "debug", prompt: "p" } })
    expect(Result.fold(parts).metadata).toEqual({ cohere: { note: 1 } })
  })

  it("that is none is an error", () => {
    expect(
      failure(() => parsed({ id: "x", message: "too many tokens: size limit exceeded" })).reason._tag
    ).toBe("ContextLength")
    expect(failure(() => parsed({ choices: [] })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("[1]")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("<html></html>")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed(answer({ tool_calls: [{}] }))).reason).toMatchObject({ _tag: "MalformedResponse" })
  })

  it.each([
    ["that ends early", sse([event("content-delta", { content: { text: "Hi" } })], ""), "CutStream"],
    ["whose end is missing", sse([event("content-delta", { content: { text: "Hi" } })]), "CutStream"],
    ["that is empty", "", "CutStream"],
    ["that is cut within its end", sse([end()], "").slice(0, -30), "CutStream"],
    ["that is a web page", "<html><title>x</title></html>", "NotAnLlm"],
    ["that is an error", JSON.stringify({ message: "invalid api token" }), "Server"],
    ["with an event that is no JSON", "event: content-delta\ndata: {nope\n\n", "MalformedResponse"],
    ["with an event that is no object", "data: [1]\n\n", "MalformedResponse"],
    ["with an event named error", "event: error\ndata: overloaded\n\n", "Overloaded"],
    ["with an event without a type", sse([{ message: "you are overloaded" }]), "Overloaded"],
    ["with a delta without content", sse([event("content-delta", {})]), "MalformedResponse"],
    ["with a delta without a message", sse([event("content-delta")]), "MalformedResponse"],
    ["with a plan that is no text", sse([event("tool-plan-delta", { tool_plan: 1 })]), "MalformedResponse"],
    [
      "with arguments of no call",
      sse([event("tool-call-delta", { tool_calls: { function: { arguments: "{" } } }, { index: 0 })]),
      "MalformedResponse"
    ],
    ["with a call without a name", sse([event("tool-call-start", { tool_calls: { id: "a" } })]), "MalformedResponse"],
    ["with an end without a reason", sse([{ type: "message-end" }]), "MalformedResponse"]
  ])("stream %s is an error", (_, bytes, tag) => {
    const parts = decoded([bytes])
    expect(errorOf(parts)?.reason._tag).toBe(tag)
    expect(errorOf(parts)?.provider).toBe("cohere")
    expect(parts.filter(Part.isTerminal).length).toBe(1)
  })

  it("names the event that cannot be read", () => {
    expect(
      errorOf(decoded([sse([event("content-delta", {})])]))?.reason.message
    ).toMatch(/^content-delta of the answer cannot be read: /)
  })

  it("begins a new block where one begins, whether or not the last was ended", () => {
    const start = (index: number) => event("content-start", { content: { type: "text", text: "" } }, { index })
    const say = (text: string) => event("content-delta", { content: { text } })
    const parts = decoded([sse([start(0), say("a"), start(1), say("b"), end()])])
    expect(Result.fold(parts).content).toEqual([{ type: "text", text: "a" }, { type: "text", text: "b" }])
  })

  it("gives calls that have no id and never end an id and an end", () => {
    const start = (index: number) => event(
      "tool-call-start",
      { tool_calls: { type: "function", function: { name: "f" } } },
      { index }
    )
    const parts = decoded([
      sse([
        event("message-start", {}, { id: "r1" }),
        start(0),
        start(1),
        event("tool-call-delta", { tool_calls: { function: { arguments: "{\"a\":1}" } } }, { index: 0 }),
        end()
      ])
    ])
    expect(Result.toolCalls(Result.fold(parts))).toEqual([
      { type: "tool-call", id: "call_r1_0", name: "f", params: { a: 1 } },
      { type: "tool-call", id: "call_r1_1", name: "f", params: {} }
    ])
  })
})
