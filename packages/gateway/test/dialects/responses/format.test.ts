/**
 * What clients of the Responses API look at: how an answer ends, what it repeats, items of other services, and errors.
 *
 * @module
 */
import { type ChatResult, Part, type Parts, Result, type Usage } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { responses } from "../../../src/dialects/responses/index.ts"
import { call, decoded, failures, type Loose, objects, request, written } from "../exchange.ts"

const usage: Usage = { inputTokens: { total: 12, cacheRead: 5 }, outputTokens: { total: 9 } }
const answer = (init: Partial<ChatResult> = {}): ChatResult =>
  ({ type: "chat", content: [{ type: "text", text: "Hi" }], finishReason: "stop", usage, ...init })
const body = (init: Partial<ChatResult> = {}, asked = {}, more = {}): Loose => responses.encode(answer(init), call({ asked, ...more }))
const events = (parts: Parts, asked = {}) => objects(written(responses, parts, call({ asked }), [1]))
const finish: Part = { type: "finish", reason: "stop", usage }

describe("a whole answer", () => {
  it("has every field that clients expect, and repeats what was asked", () => {
    expect(body({}, { temperature: 0.5, instructions: "Be brief", tools: [{ type: "function", name: "f" }] })).toMatchObject({
      id: "gw-1", object: "response", created_at: 1_700_000_123, model: "asked", status: "completed", error: null, incomplete_details: null,
      temperature: 0.5, instructions: "Be brief", tools: [{ name: "f" }], top_p: null, metadata: {}, tool_choice: "auto",
      output: [{
        id: "msg_gw1_0", type: "message", role: "assistant", status: "completed",
        content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }]
      }],
      usage: {
        input_tokens: 12, input_tokens_details: { cached_tokens: 5 }, output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 21
      }
    })
    expect(body({ usage: Part.unknownUsage }).usage).toBeNull()
  })

  it.each([
    ["stop", "completed", null, "completed"], ["tool-calls", "completed", null, "completed"], ["pause", "completed", null, "completed"],
    ["length", "incomplete", { reason: "max_output_tokens" }, "incomplete"],
    ["content-filter", "incomplete", { reason: "content_filter" }, "incomplete"],
    ["error", "failed", null, "failed"]
  ] as const)("that ended by %s is %s", (finishReason, status, details, event) => {
    expect(body({ finishReason, rawFinishReason: "end_turn" })).toMatchObject({ status, incomplete_details: details })
    const last = events([{ ...finish, reason: finishReason }]).at(-1)!
    expect(last).toMatchObject({ type: `response.${event}`, response: { status, incomplete_details: details } })
    if (finishReason === "error") expect(last.response.error).toMatchObject({ code: "server_error" })
  })

  it("makes items of what other services say", () => {
    const { output } = body({
      content: [
        { type: "reasoning", text: "Hm", metadata: { anthropic: { signature: "s" } } },
        { type: "text", text: "A" },
        { type: "text", text: "B" },
        { type: "source", sourceType: "url", id: "s", url: "https://a.example/", title: "A" },
        { type: "tool-call", id: "x", name: "web_search", params: {}, providerExecuted: true },
        { type: "file", mediaType: "image/webp", data: "aGk=" },
        { type: "tool-call", id: "c1", name: "sql", params: "SELECT" },
        { type: "tool-call", id: "c2", name: "f", params: {} },
        { type: "raw", provider: "other", value: { type: "x" } }
      ]
    }, { tools: [{ type: "custom", name: "sql" }] })
    expect(output).toMatchObject([
      { type: "reasoning", summary: [{ type: "summary_text", text: "Hm" }] },
      {
        type: "message",
        content: [
          { text: "A", annotations: [] },
          { text: "B", annotations: [{ type: "url_citation", url: "https://a.example/", title: "A", start_index: 0, end_index: 0 }] }
        ]
      },
      { type: "image_generation_call", result: "aGk=", output_format: "webp" },
      { type: "custom_tool_call", call_id: "c1", name: "sql", input: "SELECT" },
      { type: "function_call", call_id: "c2", name: "f", arguments: "{}" }
    ])
    expect(new Set(output.map(({ id }: { id: string }) => id)).size).toBe(output.length)
  })

  it("takes what chat completions said of probabilities, and not their other words", () => {
    const said = body({
      content: [{ type: "text", text: "Hi", metadata: { openai: { logprobs: { content: [{ token: "Hi" }] } } } }],
      metadata: { openai: { service_tier: "flex", system_fingerprint: "fp", choice: { x: 1 } } }
    })
    expect(said).toMatchObject({ service_tier: "flex", output: [{ content: [{ logprobs: [{ token: "Hi" }] }] }] })
    expect(said).not.toHaveProperty("system_fingerprint")
    expect(said).not.toHaveProperty("choice")
  })
})

describe("a stream", () => {
  it("tells of one thing after the other", () => {
    const types = events([
      { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hi" },
      { type: "tool-params-start", id: "c", name: "f" }, { type: "tool-params-delta", id: "c", delta: "{}" },
      { type: "text-end", id: "0" }, { type: "tool-params-end", id: "c" }, { type: "tool-call", id: "c", name: "f", params: {} }, finish
    ]).map(({ type }) => type.replace("response.", ""))
    expect(types).toEqual([
      "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
      "output_item.done", "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"
    ])
  })

  it("never ends a call before it is whole", () => {
    const all = events([
      { type: "tool-params-start", id: "a", name: "f" }, { type: "tool-params-start", id: "b", name: "g" },
      { type: "tool-params-delta", id: "b", delta: "{}" }, { type: "tool-params-delta", id: "a", delta: "[]" },
      { type: "tool-call", id: "a", name: "f", params: [] }, { type: "tool-call", id: "b", name: "g", params: {} }, finish
    ])
    const done = all.filter(({ type }) => type === "response.output_item.done").map(({ item }) => [item.name, item.arguments])
    expect(done).toEqual([["f", "[]"], ["g", "{}"]])
    expect(all.at(-1)!.response.output.map(({ name }: { name: string }) => name)).toEqual(["f", "g"])
  })

  it("keeps two calls of one id apart", () => {
    const twice: Parts = [
      { type: "tool-params-start", id: "a", name: "f" }, { type: "tool-params-delta", id: "a", delta: "[1]" },
      { type: "tool-call", id: "a", name: "f", params: [1] }, { type: "tool-call", id: "a", name: "g", params: [2] }, finish
    ]
    const { output } = events(twice).at(-1)!.response
    expect(output.map((item: Loose) => [item.name, item.arguments])).toEqual([["f", "[1]"], ["g", "[2]"]])
  })

  it("breaks off with the error, for those who look for it and those who wait for the end", () => {
    for (const error of failures) {
      const encoder = responses.encoder(call())
      const text = encoder.push([{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hi" }, Part.error(error)])
      expect(objects(text).slice(-2)).toMatchObject([
        { type: "error", message: error.reason.message, error: { message: error.reason.message } },
        { type: "response.failed", response: { status: "failed", error: { message: error.reason.message } } }
      ])
      expect(encoder.push([finish])).toBe("")
      const read = decoded(responses.wires.stream!, text, request("openai", "stream"))
      expect(read.at(-1)!.type).toBe("error")
      expect(Result.text(Result.fold(read))).toBe("Hi")
    }
  })
})
