/**
 * Bodies that do not fit are refused with a word about where, in the service's spelling.
 *
 * @module
 */
import { describe, expect, it } from "vitest"
import { asked, failure } from "./support.ts"

const base = { model: "claude-sonnet-5", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] }

describe("a body that does not fit", () => {
  it.each<[string, object]>([
    ["messages", { messages: undefined }],
    ["messages", { messages: [] }],
    ["messages.0", { messages: [7] }],
    ["messages.0.role", { messages: [{ role: "tool", content: "x" }] }],
    ["messages.0.content", { messages: [{ role: "user" }] }],
    ["messages.0.content.1", { messages: [{ role: "user", content: [{ type: "text", text: "a" }, null] }] }],
    ["messages.0.content.0.type", { messages: [{ role: "user", content: [{}] }] }],
    ["messages.0.content.0.text", { messages: [{ role: "user", content: [{ type: "text" }] }] }],
    ["messages.0.content.0.source", { messages: [{ role: "user", content: [{ type: "image" }] }] }],
    [
      "messages.0.content.0.source.data",
      {
        messages: [
          { role: "user", content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: 1 } }] }
        ]
      }
    ],
    [
      "messages.0.content.0.source.url",
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: 1 } }] }] }
    ],
    ["messages.0.content.0.tool_use_id", { messages: [{ role: "user", content: [{ type: "tool_result" }] }] }],
    [
      "messages.0.content.0.is_error",
      { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "1", is_error: 1 }] }] }
    ],
    [
      "messages.0.content.0.content.0.text",
      {
        messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: [{ type: "text" }] }] }]
      }
    ],
    ["messages.0.content.0.thinking", { messages: [{ role: "assistant", content: [{ type: "thinking" }] }] }],
    ["messages.0.content.0.data", { messages: [{ role: "assistant", content: [{ type: "redacted_thinking" }] }] }],
    ["messages.0.content.0.id", { messages: [{ role: "assistant", content: [{ type: "tool_use" }] }] }],
    ["messages.0.content.0.name", { messages: [{ role: "assistant", content: [{ type: "tool_use", id: "1" }] }] }],
    ["system", { system: 7 }],
    ["system.0.type", { system: [{ type: "image" }] }],
    ["system.0.text", { system: [{ type: "text" }] }],
    ["model", { model: 7 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["temperature", { temperature: 2 }],
    ["top_p", { top_p: "x" }],
    ["top_k", { top_k: -1 }],
    ["stop_sequences", { stop_sequences: "x" }],
    ["stream", { stream: 1 }],
    ["metadata", { metadata: [] }],
    ["output_config.format", { output_config: { format: 1 } }],
    ["output_format", { output_format: 1 }],
    ["output_config", { output_config: [] }],
    ["thinking", { thinking: "much" }],
    ["tools", { tools: {} }],
    ["tools.0", { tools: [1] }],
    ["tools.0.type", { tools: [{ type: 1 }] }],
    ["tools.0.name", { tools: [{ input_schema: {} }] }],
    ["tools.0.input_schema", { tools: [{ name: "f" }] }],
    ["tools.0.description", { tools: [{ name: "f", input_schema: {}, description: 1 }] }],
    ["tools.0.strict", { tools: [{ name: "f", input_schema: {}, strict: 1 }] }],
    ["tool_choice", { tool_choice: "auto" }],
    ["tool_choice.type", { tool_choice: {} }],
    ["tool_choice.name", { tool_choice: { type: "tool" } }]
  ])("is refused, naming %s", (parameter, more) => {
    const error = failure(() => asked({ ...base, ...more }))
    expect(error.reason).toMatchObject({ _tag: "InvalidRequest", parameter })
    expect(error.reason.message.startsWith(`${parameter} must be `)).toBe(true)
    expect(error.provider).toBe("anthropic")
  })
})
