/**
 * The way back of bodies that cannot be meant: each is refused by the name of its field, and nothing else is ever thrown.
 *
 * @module
 */
import { type JsonObject, LlmError } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { failure } from "./support.ts"

const decode = (body: unknown) =>
  wires().chat.decode!({ url: "https://api.openai.com/v1/chat/completions", body: body as JsonObject }, "openai")

describe("a body that cannot be meant is refused by the field", () => {
  const user = (part: unknown) => ({ messages: [{ role: "user", content: [part] }] })
  it.each<[string, unknown]>([
    ["body", []],
    ["messages", {}],
    ["messages", { messages: "Hi" }],
    ["messages[1]", { messages: [{ role: "user", content: "a" }, 1] }],
    ["messages[0].role", { messages: [{ role: "usr", content: "a" }] }],
    ["messages[0].role", { messages: [{ content: "a" }] }],
    ["messages[0].content", { messages: [{ role: "user", content: null }] }],
    ["messages[0].content[0]", user(1)],
    ["messages[0].content[0].type", user({ text: "a" })],
    ["messages[0].content[0].text", user({ type: "text", text: 1 })],
    ["messages[0].content[0].image_url", user({ type: "image_url" })],
    ["messages[0].content[0].image_url.url", user({ type: "image_url", image_url: { url: 1 } })],
    ["messages[0].content[0].input_audio.data", user({ type: "input_audio", input_audio: {} })],
    ["messages[0].content[0].file", user({ type: "file" })],
    ["messages[0].content", { messages: [{ role: "system", content: 1 }] }],
    ["messages[0].content[0].type", { messages: [{ role: "system", content: [{ type: "image_url" }] }] }],
    ["messages[0].refusal", { messages: [{ role: "assistant", refusal: 1 }] }],
    ["messages[0].audio.id", { messages: [{ role: "assistant", audio: {} }] }],
    ["messages[0].reasoning_content", { messages: [{ role: "assistant", reasoning_content: 1 }] }],
    ["messages[0].reasoning_details", { messages: [{ role: "assistant", reasoning_details: 1 }] }],
    ["messages[0].tool_calls", { messages: [{ role: "assistant", tool_calls: {} }] }],
    ["messages[0].tool_calls[0].id", { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f" } }] }] }],
    ["messages[0].tool_calls[0].function.name", { messages: [{ role: "assistant", tool_calls: [{ id: "c" }] }] }],
    [
      "messages[0].tool_calls[0].function.arguments",
      { messages: [{ role: "assistant", tool_calls: [{ id: "c", function: { name: "f", arguments: 1 } }] }] }
    ],
    [
      "messages[0].tool_calls[0].custom.input",
      { messages: [{ role: "assistant", tool_calls: [{ id: "c", type: "custom", custom: { name: "f" } }] }] }
    ],
    ["messages[0].function_call.name", { messages: [{ role: "assistant", function_call: {} }] }],
    ["messages[0].tool_call_id", { messages: [{ role: "tool", content: "a" }] }],
    ["messages[0].name", { messages: [{ role: "function", content: "a" }] }],
    ["model", { messages: [], model: 1 }],
    ["temperature", { messages: [], temperature: "hot" }],
    ["max_tokens", { messages: [], max_completion_tokens: 1, max_tokens: 2 }],
    ["stream", { messages: [], stream: "yes" }],
    ["stream_options", { messages: [], stream_options: 1 }],
    ["tools", { messages: [], tools: {} }],
    ["tools[0]", { messages: [], tools: [1] }],
    ["tools[0].type", { messages: [], tools: [{ type: 1 }] }],
    ["tools[0].type", { messages: [], tools: [{ type: "web_search" }] }],
    ["tools[0].function", { messages: [], tools: [{ type: "function" }] }],
    ["tools[0].function.name", { messages: [], tools: [{ type: "function", function: {} }] }],
    [
      "tools[0].function.parameters",
      { messages: [], tools: [{ type: "function", function: { name: "f", parameters: [] } }] }
    ],
    ["functions", { messages: [], functions: 1 }],
    ["function_call", { messages: [], function_call: 1 }],
    ["response_format.type", { messages: [], response_format: {} }],
    ["response_format.json_schema", { messages: [], response_format: { type: "json_schema" } }],
    [
      "response_format.json_schema.schema",
      { messages: [], response_format: { type: "json_schema", json_schema: { schema: 1 } } }
    ],
    ["logprobs", { messages: [], logprobs: "yes" }],
    ["reasoning_effort", { messages: [], reasoning_effort: {} }]
  ])("%s of %j", (parameter, body) => {
    const { reason } = failure(() => decode(body))
    expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter })
    expect(reason.message).toContain(parameter === "max_tokens" ? "max_tokens" : parameter)
  })

  it("and no JSON, however odd, makes it throw anything else", () => {
    const key = fc.constantFrom(
      "messages", "role", "content", "type", "text", "tool_calls", "function", "name", "arguments", "tools", "tool_choice", "stream", "model",
      "image_url", "url", "file", "file_data", "input_audio", "data", "reasoning_details", "__proto__", "constructor", "response_format", "id"
    )
    const leaf = fc.constantFrom<unknown>(
      "user",
      "system",
      "assistant",
      "tool",
      "function",
      "text",
      "image_url",
      "data:,",
      1,
      true,
      null,
      ""
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 5 })
      )
    }))
    fc.assert(fc.property(value, fc.array(value, { maxLength: 3 }), (body, messages) => {
      for (const given of [body, { messages }, { messages, ...(body as object) }]) {
        for (const wire of Object.values(wires({ modelInUrl: true }))) {
          try {
            wire.decode?.(
              {
                url: "https://x.test/openai/deployments/%E0%A4%A/chat",
                body: JSON.parse(JSON.stringify(given ?? null))
              },
              "openai"
            )
          } catch (error) {
            if (!LlmError.isLlmError(error)) throw error
            expect(error.reason._tag).toBe("InvalidRequest")
          }
        }
      }
    }), { numRuns: 1500 })
  })
})
