/**
 * How requests are written: where they go, and how a conversation is told.
 *
 * @module
 */
import { Message, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/anthropic/index.ts"
import { bodyOf, failure, options, own, prepared, request, warnings, written } from "./support.ts"

const user = (...content: ReadonlyArray<unknown>): Message => ({ role: "user", content: content as never })
const assistant = (...content: ReadonlyArray<unknown>): Message => ({ role: "assistant", content: content as never })
const call = (id: string, more: object = {}) => ({ type: "tool-call", id, name: "f", params: { a: 1 }, ...more })
const used = (id: string, more: object = {}) => ({ type: "tool_use", id, name: "f", input: { a: 1 }, ...more })
const marked = { options: { anthropic: { cache_control: { type: "ephemeral" } }, openai: { x: 1 } } }
const mark = { cache_control: { type: "ephemeral" } }

describe("the request", () => {
  it("goes to the address of messages, with version, model and tokens", () => {
    expect(prepared({ options: { model: "claude-3-opus-20240229" } })).toEqual({
      request: {
        method: "POST",
        url: "https://api.anthropic.com/v1/messages",
        headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
        body: { model: "claude-3-opus-20240229", messages: [{ role: "user", content: "Hello" }], max_tokens: 4096 }
      },
      warnings: []
    })
    expect(prepared({
      config: { baseUrl: "http://proxy:1/v1/?a=b" }
    }).request.url).toBe("http://proxy:1/v1/messages?a=b")
    expect(bodyOf({ operation: "stream" }).stream).toBe(true)
    expect(bodyOf({ options: { providerOptions: { anthropic: { stream: true } } } }).stream).toBeUndefined()
  })

  it.each([
    ["claude-instant-1.2", 4096],
    ["claude-2.1", 4096],
    ["anthropic.claude-v2:1", 4096],
    ["us.anthropic.claude-3-haiku-20240307-v1:0", 4096],
    ["claude-3-5-haiku-latest", 8192],
    ["claude-3-5-sonnet@20240620", 8192],
    ["claude-3-7-sonnet-20250219", 32_000],
    ["claude-opus-4-20250514", 32_000],
    ["claude-opus-4-1", 32_000],
    ["claude-sonnet-5", 32_000],
    ["glm-5", 32_000]
  ])("asks of %s at most %i tokens where nobody says", (model, most) => {
    expect(bodyOf({ options: { model } }).max_tokens).toBe(most)
    expect(bodyOf({ options: { model, maxTokens: 7 } }).max_tokens).toBe(7)
  })

  it("names beta features in a header, never in the body", () => {
    const { body, headers } = prepared({
      config: { betas: ["a-1", "b-2"] },
      options: {
        providerOptions: { anthropic: { betas: ["b-2", "c-3"] } },
        tools: [{ type: "provider", id: "anthropic.computer_20250124" }]
      }
    }).request
    expect(headers["anthropic-beta"]).toBe("a-1,b-2,c-3,computer-use-2025-01-24")
    expect(body).not.toHaveProperty("betas")
    for (const betas of [["a\r\nx-evil: 1"], [1], {}, 7]) {
      expect(failure(() => prepared({ config: { betas } })).reason).toMatchObject({
        _tag: "Configuration",
        option: "betas"
      })
    }
  })

  it("can be written for a service that has version and model elsewhere", () => {
    const bedrock = wires({ bodyVersion: "bedrock-2023-05-31", maxTokens: () => 5 })
    const it = request({
      operation: "stream",
      options: { providerOptions: { anthropic: { betas: ["x"], model: "y" } } }
    })
    expect(bedrock.body(it)).toEqual({
      body: { anthropic_version: "bedrock-2023-05-31", messages: [{ role: "user", content: "Hello" }], max_tokens: 5 },
      warnings: [],
      betas: ["x"]
    })
    expect(wires({ bodyVersion: "v", streamField: true }).body(it).body.stream).toBe(true)
    expect(bedrock.asked({ ...bedrock.body(it).body }, "anthropic").options).toEqual({ maxTokens: 5 })
  })

  it("needs a model and something said", () => {
    expect(failure(() => prepared({ options: { model: undefined as never } })).reason).toMatchObject({
      _tag: "InvalidRequest",
      parameter: "model"
    })
    for (const messages of [[], [Message.system("x")], [user({ type: "text", text: " \n" })]] as const) {
      expect(failure(() => prepared({ messages })).reason).toMatchObject({
        _tag: "InvalidRequest",
        parameter: "messages"
      })
    }
  })
})

describe("a conversation", () => {
  it("has its rules apart, each with its own marks", () => {
    expect(bodyOf({ messages: [Message.system("a"), Message.user("b")] }).system).toBe("a")
    expect(bodyOf({
      messages: [
        Message.system("a"),
        Message.system(" "),
        { role: "system", content: "b", ...marked },
        Message.user("c")
      ]
    }).system)
      .toEqual([{ type: "text", text: "a" }, { type: "text", text: "b", ...mark }])
  })

  it("keeps later rules where they are, where the model knows such", () => {
    const messages = [
      Message.user("a"),
      Message.system("b"),
      { role: "system", content: "c", options: { anthropic: { clear_at: "never", ...mark } } } as const,
      Message.user("d")
    ]
    expect(written(messages)).toEqual([
      { role: "user", content: "a" },
      { role: "system", content: "b" },
      { role: "system", content: [{ type: "text", text: "c", ...mark }], clear_at: "never" },
      { role: "user", content: "d" }
    ])
    const older = { messages: messages.slice(0, 2), options: { model: "claude-sonnet-4-5" } }
    expect(bodyOf(older)).toMatchObject({ system: "b", messages: [{ role: "user", content: "a" }] })
    expect(warnings(older)).toEqual([["other", undefined]])
    expect(bodyOf({ ...older, options: { model: "claude-opus-4-7" } }).system).toBe("b")
    expect(bodyOf({ ...older, options: { model: "claude-opus-4-8" } }).system).toBeUndefined()
  })

  it("is made of turns that alternate, results first", () => {
    expect(written([
      Message.user("a"),
      Message.user("b"),
      assistant({ type: "text", text: "c" }),
      assistant(call("1"), call("2", marked)),
      Message.toolResult({ id: "1", name: "f" }, { ok: true }),
      Message.user("d"),
      Message.toolResult({ id: "2", name: "f" }, "no", true)
    ])).toEqual([
      { role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }] },
      { role: "assistant", content: [{ type: "text", text: "c" }, used("1"), used("2", mark)] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "1", content: `{"ok":true}` },
          { type: "tool_result", tool_use_id: "2", content: "no", is_error: true },
          { type: "text", text: "d" }
        ]
      }
    ])
  })

  it("puts the mark of a message on its last block, and keeps other fields on the message", () => {
    expect(written([
      { role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }], ...marked },
      {
        role: "assistant",
        content: [
          { type: "text", text: "c" },
          { type: "reasoning", text: "r", options: { anthropic: { signature: "s" } } }
        ],
        ...marked
      },
      { role: "user", content: [{ type: "text", text: "d" }], options: { anthropic: { new_field: 1 } } },
      Message.user("e")
    ])).toEqual([
      { role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b", ...mark }] },
      {
        role: "assistant",
        content: [{ type: "text", text: "c", ...mark }, { type: "thinking", thinking: "r", signature: "s" }]
      },
      { role: "user", content: "d", new_field: 1 },
      { role: "user", content: "e" }
    ])
  })

  it("may end with an answer that paused, to be gone on with", () => {
    const begun = { type: "server_tool_use", id: "1", name: "web_search", input: {} }
    const paused = own.chat.parse({
      status: 200,
      headers: {},
      body: JSON.stringify({
        content: [{ type: "text", text: "I look " }, begun],
        stop_reason: "pause_turn"
      })
    }, request())
    if (!Result.isChat(paused)) throw new Error("no answer")
    expect(paused.finishReason).toBe("pause")
    expect(written([Message.user("a"), Result.toMessage(paused)])).toEqual([
      { role: "user", content: "a" },
      {
        role: "assistant",
        content: [{ type: "text", text: "I look " }, begun]
      }
    ])
  })

  it("leaves out what the API refuses, and says so where it is a loss", () => {
    const messages = [
      user({ type: "text", text: "" }, { type: "text", text: "a" }),
      assistant({ type: "text", text: "" }, { type: "reasoning", text: "of another" }),
      user({ type: "text", text: " " }),
      assistant({ type: "text", text: "b" }, { type: "file", mediaType: "image/png", data: "AA==" }),
      user({ type: "text", text: "c" }),
      assistant({ type: "text", text: "Answer: \n" })
    ]
    expect(written(messages)).toEqual([
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
      { role: "assistant", content: "Answer:" }
    ])
    expect(warnings({ messages }).length).toBe(3)
  })

  it("gives back what the service said, and nothing another said", () => {
    const own = (provider: string, fields: object) => ({ options: { [provider]: fields } })
    expect(written([
      Message.user("a"),
      assistant(
        { type: "reasoning", text: "r", ...own("anthropic", { signature: "s" }) },
        { type: "reasoning", text: "x", ...own("openai", { signature: "t" }) },
        { type: "reasoning", text: "", ...own("anthropic", { type: "redacted_thinking", data: "d" }) },
        call("1", { name: "web_search", providerExecuted: true, ...own("anthropic", { type: "server_tool_use" }) }),
        {
          type: "tool-result",
          id: "1",
          name: "web_search",
          isFailure: false,
          result: [],
          providerExecuted: true,
          ...own("anthropic", { type: "web_search_tool_result" })
        },
        call("2", { providerExecuted: true }),
        {
          type: "tool-result",
          id: "2",
          name: "f",
          isFailure: false,
          result: [],
          providerExecuted: true,
          ...own("openai", {})
        },
        call("3", { params: "{broken", invalid: true }),
        call("4", { params: [1] }),
        call("5", { params: undefined }),
        { type: "raw", provider: "anthropic", value: { type: "compaction", content: "c" } },
        { type: "raw", provider: "openai", value: { type: "x" } },
        { type: "raw", provider: "anthropic", value: { type: "some_event" }, ...own("anthropic", { event: true }) },
        { type: "tool-result", id: "3", name: "f", isFailure: false, result: null }
      )
    ])).toEqual([
      { role: "user", content: "a" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "r", signature: "s" },
          { type: "redacted_thinking", data: "d" },
          { type: "server_tool_use", id: "1", name: "web_search", input: { a: 1 } },
          { type: "web_search_tool_result", tool_use_id: "1", content: [] },
          { type: "tool_use", id: "3", name: "f", input: { invalid_json: "{broken" } },
          { type: "tool_use", id: "4", name: "f", input: { invalid_json: "[1]" } },
          { type: "tool_use", id: "5", name: "f", input: {} },
          { type: "compaction", content: "c" }
        ]
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "3" }] }
    ])
  })
})

describe("a list of models", () => {
  it("is asked for in pages", () => {
    expect(prepared({ operation: "list_models", config: { betas: ["x"] } }).request).toEqual({
      method: "GET",
      url: "https://api.anthropic.com/v1/models?limit=1000",
      headers: { "anthropic-version": "2023-06-01", "anthropic-beta": "x" }
    })
    expect(prepared({
      operation: "list_models",
      options: { page: "a b" },
      config: { baseUrl: "http://p/v1?k=1" }
    }).request.url)
      .toBe("http://p/v1/models?k=1&limit=1000&after_id=a%20b")
    expect(prepared({ operation: "validate" }).request.url).toBe("https://api.anthropic.com/v1/models?limit=1")
    expect(own.stream).toBe(own.chat)
    expect(options({})).toEqual({})
  })
})
