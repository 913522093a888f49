/**
 * Answers of Cohere's first interface, as it documents them.
 *
 * @module
 */
import { type LlmError, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { decoded, end, event, failure, lines, parsed, response, v1 } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>): LlmError | undefined => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last) : undefined
}

describe("the first interface", () => {
  const whole = {
    generation_id: "g1", response_id: "r1", text: "Hi", finish_reason: "COMPLETE", chat_history: [{
      role: "USER",
      message: "x"
    }],
    citations: [{
      start: 0,
      end: 2,
      text: "Hi",
      document_ids: ["web_0"]
    }], documents: [{ id: "web_0", title: "T", url: "https://x.test" }],
    search_queries: [{ text: "q" }], meta: {
      warnings: ["deprecated"],
      billed_units: { input_tokens: 1 },
      tokens: { input_tokens: 2, output_tokens: 3 }
    }
  }

  it("answers with text, sources and warnings", () => {
    expect(parsed(whole, { config: v1 })).toStrictEqual({
      type: "chat", id: "g1", finishReason: "stop", rawFinishReason: "COMPLETE",
      content: [
        { type: "text", text: "Hi" },
        {
          type: "source",
          sourceType: "url",
          id: "source-0",
          url: "https://x.test",
          title: "T",
          metadata: { cohere: whole.citations[0] }
        }
      ],
      warnings: [{ type: "other", message: "deprecated" }],
      usage: { inputTokens: { total: 2 }, outputTokens: { total: 3 }, raw: whole.meta },
      metadata: { cohere: { response_id: "r1", search_queries: [{ text: "q" }], documents: whole.documents } }
    })
  })

  it("answers with calls, whose text is what was planned", () => {
    const calls = [{ name: "f", parameters: { a: 1 } }, { name: "g", parameters: {} }]
    const result = parsed(
      { generation_id: "g1", text: "I will.", tool_calls: calls, finish_reason: "COMPLETE" },
      { config: v1 }
    )
    expect(result).toMatchObject({
      finishReason: "tool-calls",
      content: [{ text: "I will." }, { id: "call_g1_0", name: "f", params: { a: 1 } }, { id: "call_g1_1" }]
    })
    const streamed = decoded([lines([
      { event_type: "stream-start", generation_id: "g1" },
      {
        event_type: "tool-calls-chunk",
        tool_call_delta: { text: "I " }
      }, { event_type: "tool-calls-chunk", text: "will." },
      { event_type: "tool-calls-chunk", tool_call_delta: { name: "f", index: 0 } }, {
        event_type: "tool-calls-chunk",
        tool_call_delta: { index: 0, parameters: "{\"a\":1}" }
      },
      { event_type: "tool-calls-chunk", tool_call_delta: { name: "g", index: 1 } },
      { event_type: "stream-end", finish_reason: "COMPLETE" }
    ])], { operation: "stream", config: v1 })
    expect(Result.fold(streamed)).toStrictEqual(result)
  })

  it.each([
    [
      "that broke",
      [{ event_type: "text-generation", text: "a" }, { event_type: "stream-end", finish_reason: "ERROR" }],
      "Server"
    ],
    [
      "held back whole",
      [{ event_type: "stream-end", finish_reason: "ERROR_TOXIC", response: { text: "" } }],
      "ContentPolicy"
    ],
    ["that ends early", [{ event_type: "text-generation", text: "a" }], "CutStream"],
    ["with a broken event", [{ event_type: "text-generation" }], "MalformedResponse"],
    [
      "with pieces of no call",
      [{ event_type: "tool-calls-chunk", tool_call_delta: { index: 0, parameters: "{" } }],
      "MalformedResponse"
    ],
    ["with a call without a name", [{ event_type: "tool-calls-generation", tool_calls: [{}] }], "MalformedResponse"],
    ["without an end's reason", [{ event_type: "stream-end" }], "MalformedResponse"],
    ["that is an error", [{ message: "too many tokens" }], "ContextLength"],
    ["of another service", [{ model: "m", response: "" }], "NotAnLlm"]
  ])("a stream %s is an error", (_, events, tag) => {
    const parts = decoded([lines(events)], { operation: "stream", config: v1 })
    expect(errorOf(parts)?.reason._tag).toBe(tag)
    expect(parts.filter(Part.isTerminal).length).toBe(1)
  })

  it("hands unknown events on, and reads a text held back in part as what it is", () => {
    const parts = decoded(
      [
        lines([
          { event_type: "debug", x: 1 },
          { event_type: "text-generation", text: "a" },
          { event_type: "stream-end", finish_reason: "ERROR_TOXIC" }
        ])
      ],
      { operation: "stream", config: v1 }
    )
    expect(parts[0]).toMatchObject({ type: "raw", value: { x: 1 } })
    expect(Result.fold(parts)).toMatchObject({ finishReason: "content-filter", content: [{}, { text: "a" }] })
  })

  it("of generate gives several answers, and the likelihoods", () => {
    const init = { operation: "completion" as const }
    const body = {
      id: "r1",
      generations: [
        { id: "a", text: "x", finish_reason: "COMPLETE", likelihood: -1 },
        { id: "b", text: "y", index: 1, finish_reason: "MAX_TOKENS" }
      ],
      prompt: "p"
    }
    expect(parsed(body, init)).toMatchObject({
      type: "completion", id: "r1", content: [{ text: "x" }], finishReason: "stop",
      choices: [{ index: 1, content: [{ text: "y" }], finishReason: "length", rawFinishReason: "MAX_TOKENS" }],
      metadata: { cohere: { generations: [{ id: "a", likelihood: -1 }, { id: "b" }] } }
    })
    expect(failure(() => parsed({ id: "r1", generations: [] }, init)).reason._tag).toBe("NotAnLlm")
    expect(
      failure(() => parsed({ generations: [{ text: "", finish_reason: "ERROR_TOXIC" }] }, init)).reason._tag
    ).toBe("ContentPolicy")
    expect(
      failure(() => parsed({ generations: [{ text: "", finish_reason: "ERROR" }] }, init)).reason._tag
    ).toBe("Server")
    expect(
      errorOf(
        decoded([lines([{ event_type: "stream-error", finish_reason: "ERROR", err: "overloaded" }])], init)
      )?.reason._tag
    ).toBe("Overloaded")
    expect(
      Result.fold(
        decoded(
          [
            lines([
              { text: "a", is_finished: false },
              { is_finished: true, event_type: "stream-end", finish_reason: "COMPLETE" }
            ])
          ],
          init
        )
      )
    )
      .toMatchObject({ content: [{ text: "a" }], rawFinishReason: "COMPLETE" })
  })
})
