/**
 * The way back: a body that a client sent, in our words, and those words written again.
 *
 * @module
 */
import { describe, expect, it } from "vitest"
import { again, asked } from "./support.ts"

const base = { model: "claude-sonnet-5", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] }
const block = (content: unknown) => asked({ ...base, messages: [{ role: "user", content: [content] }] }).messages[0]

describe("a body, read", () => {
  it("takes the short forms", () => {
    expect(asked({ ...base, system: "Be brief", stream: true, stop_sequences: null, thinking: null })).toEqual({
      operation: "stream",
      messages: [{ role: "system", content: "Be brief" }, { role: "user", content: [{ type: "text", text: "Hi" }] }],
      options: { model: "claude-sonnet-5", maxTokens: 10 }
    })
  })

  it("makes a message of the tools out of results", () => {
    const { messages } = asked({
      ...base,
      messages: [
        { role: "user", content: "Hi" },
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "1", name: "f", input: { a: 1 }, caller: { type: "direct" } }]
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "1",
              content: [
                { type: "text", text: "a" },
                { type: "image", source: { type: "url", url: "https://e.com/i" } }
              ],
              is_error: true
            },
            {
              type: "tool_result",
              tool_use_id: "2",
              content: [{ type: "text", text: "x" }, { type: "tool_reference", tool_name: "g" }]
            },
            { type: "tool_result", tool_use_id: "3", content: [{ type: "text", text: "one" }], cache_control: null },
            { type: "text", text: "and" }
          ]
        }
      ]
    })
    expect(messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          {
            type: "tool-call",
            id: "1",
            name: "f",
            params: { a: 1 },
            options: { anthropic: { caller: { type: "direct" } } }
          }
        ]
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            id: "1",
            name: "f",
            isFailure: true,
            result: "a",
            modelOutput: [
              { type: "text", text: "a" },
              { type: "file", mediaType: "image/*", data: { _tag: "URL", href: "https://e.com/i" } }
            ]
          },
          {
            type: "tool-result",
            id: "2",
            name: "",
            isFailure: false,
            result: "x",
            modelOutput: [
              { type: "text", text: "x" },
              { type: "raw", provider: "anthropic", value: { type: "tool_reference", tool_name: "g" } }
            ]
          },
          {
            type: "tool-result",
            id: "3",
            name: "",
            isFailure: false,
            result: "one",
            options: { anthropic: { cache_control: null } }
          }
        ]
      },
      { role: "user", content: [{ type: "text", text: "and" }] }
    ])
  })

  it("tells an answer without content from one that is empty", () => {
    for (const more of [{}, { content: "" }, { content: [] }]) {
      const content = [{ type: "tool_result", tool_use_id: "1", ...more }]
      const body = { ...base, messages: [{ role: "user", content }] }
      expect(again(body)).toEqual(body)
    }
  })

  it("never makes an address of what is said to be data", () => {
    const source = { type: "base64", media_type: "image/png", data: "https://e.com/i" }
    const body = { ...base, messages: [{ role: "user", content: [{ type: "image", source }] }] }
    expect(again(body)).toEqual(body)
  })

  it("keeps fields of a turn with what the person says in it", () => {
    const answered = { type: "tool_result", tool_use_id: "1", content: "a" }
    const text = { type: "text", text: "b" }
    const fields = (content: ReadonlyArray<object>) =>
      asked({ ...base, messages: [{ role: "user", content, new: 1 }] }).messages
        .map(({ options, role }) => [role, options])
    expect(fields([answered])).toEqual([["tool", { anthropic: { new: 1 } }]])
    expect(fields([answered, text])).toEqual([["tool", undefined], ["user", { anthropic: { new: 1 } }]])
  })

  it("keeps raw what has no word here", () => {
    for (const content of [
      { type: "image", source: { type: "file", file_id: "f" } },
      { type: "image", source: { type: "base64", media_type: "image/*", data: "AA==" } },
      { type: "image", source: { type: "url", url: "data:image/png;base64,AA==" } },
      { type: "image", source: { type: "url", url: "https://e.com", new: 1 } },
      { type: "document", source: { type: "content", content: "x" }, title: "t" },
      { type: "document", source: { type: "base64", media_type: "application/zip", data: "AA==" } },
      { type: "document", source: { type: "text", media_type: "text/html", data: "x" } },
      { type: "search_result", source: "s", title: "t", content: [] },
      { type: "container_upload", file_id: "f" },
      { type: "new_block", x: 1 }
    ]) {
      expect(block(content)).toEqual({
        role: "user",
        content: [{ type: "raw", provider: "anthropic", value: content }]
      })
    }
    expect(block({
      type: "document",
      source: { type: "text", media_type: "text/plain", data: "ü" },
      title: null,
      citations: { enabled: true }
    })).toEqual({
      role: "user",
      content: [{
        type: "file",
        mediaType: "text/plain",
        data: Buffer.from("ü").toString("base64"),
        options: { anthropic: { title: null, citations: { enabled: true } } }
      }]
    })
  })

  it.each<[string, object]>([
    ["short forms", { system: "s" }],
    [
      "thinking apart from effort",
      { thinking: { type: "adaptive", display: "concise" }, output_config: { effort: "high" } }
    ],
    ["effort without thinking", { output_config: { effort: "high", format: null } }],
    ["thinking of an older model", { model: "claude-3-opus", thinking: { type: "enabled", budget_tokens: 2000 } }],
    ["adaptive thinking of one that knows none", { model: "claude-sonnet-4-5", thinking: { type: "adaptive" } }],
    ["thinking that is not shown", { thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" } }],
    ["thinking with more", { thinking: { type: "adaptive", block_binding: { x: 1 } } }],
    ["thinking of a new kind", { thinking: { type: "between_tools" } }],
    ["no thinking", { thinking: { type: "disabled" }, output_config: { effort: "low" } }],
    ["a least effort", { thinking: { type: "adaptive" }, output_config: { effort: "minimal" } }],
    ["an effort that is none", {
      thinking: { type: "enabled", budget_tokens: 2000 },
      output_config: { effort: "none" }
    }],
    ["a budget of nothing", { thinking: { type: "enabled", budget_tokens: 0 } }],
    ["thinking that is off and not shown", { thinking: { type: "disabled", display: "omitted" } }],
    ["no tokens", { max_tokens: 0 }],
    ["labels", { metadata: { user_id: "u", more: "x" } }],
    ["a long id", { metadata: { user_id: "u".repeat(600) } }],
    ["nobody", { metadata: { user_id: null } }],
    ["a form of its own", { output_config: { format: { type: "grammar", x: 1 } } }],
    [
      "fields of its own",
      {
        container: { id: "c", skills: [] },
        mcp_servers: [{ type: "url", url: "u", name: "n" }],
        context_management: { edits: [] },
        cache_control: { type: "ephemeral" }
      }
    ],
    ["tools of every kind", {
      tools: [
        {
          type: "custom",
          name: "f",
          input_schema: { type: "object" },
          input_examples: [{}],
          description: null,
          strict: null
        },
        { type: "web_search_20250305", name: "web_search", allowed_domains: ["a"], cache_control: null },
        { type: "computer_20250124", name: "computer", display_width_px: 1 },
        { type: "mcp_toolset", mcp_server_name: "n" },
        { type: "future_20990101", name: "future" }
      ],
      tool_choice: { type: "tool", name: "computer", disable_parallel_tool_use: true }
    }],
    ["a choice without tools", { tool_choice: { type: "any" } }],
    ["a new choice", { tools: [{ name: "f", input_schema: { type: "object" } }], tool_choice: { type: "new", x: 1 } }],
    [
      "a choice with more",
      {
        tools: [{ name: "f", input_schema: { type: "object" } }],
        tool_choice: { type: "none", disable_parallel_tool_use: false }
      }
    ],
    ["system messages within", {
      messages: [
        { role: "user", content: "a" },
        { role: "system", content: "s", clear_at: "next_user_message" },
        { role: "system", content: [{ type: "text", text: "s", cache_control: { type: "ephemeral" } }] },
        {
          role: "system",
          content: [{ type: "text", text: "s" }, { type: "tool_addition", tool: { type: "tool_reference", name: "f" } }]
        },
        { role: "system", content: [], output_config: { effort: "low" } },
        { role: "user", content: "b", extra: 1 }
      ]
    }],
    ["blocks of the model", {
      messages: [
        { role: "user", content: "a" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "s" },
            { type: "thinking", thinking: "unsigned" },
            { type: "redacted_thinking", data: "d" },
            { type: "text", text: "x", citations: [{ type: "char_location", cited_text: "c" }] },
            { type: "server_tool_use", id: "1", name: "web_search", input: {}, caller: { type: "direct" } },
            {
              type: "web_search_tool_result",
              tool_use_id: "1",
              content: { type: "web_search_tool_result_error", error_code: "x" }
            },
            { type: "mcp_tool_use", id: "2", name: "f", server_name: "s", input: {} },
            { type: "mcp_tool_result", tool_use_id: "2", content: "c", is_error: false },
            { type: "compaction", content: "c" }
          ]
        },
        { role: "user", content: "b" }
      ]
    }]
  ])("and written again is the same: %s", (_, more) => {
    const body = { ...base, ...more }
    const { output_config: given, ...rest } = body as { output_config?: { format?: unknown } }
    const expected = given?.format === null ? { ...rest, output_config: { ...given, format: null } } : body
    expect(JSON.parse(JSON.stringify(again(body)))).toEqual(expected)
  })

  it("writes the older place of a schema as the newer", () => {
    const format = { type: "json_schema", schema: { type: "object" } }
    expect(asked({ ...base, output_format: format }).options.responseFormat).toEqual({
      type: "json",
      schema: { type: "object" }
    })
    expect(again({ ...base, output_format: format })).toEqual({ ...base, output_config: { format } })
    const other = { ...base, output_format: { type: "grammar" } }
    expect(again(other)).toEqual(other)
  })
})
