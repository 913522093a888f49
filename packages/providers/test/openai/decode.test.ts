/**
 * The way back: a body as clients send it, read into our words and written again.
 *
 * @module
 */
import { type JsonObject, type JsonValue, Request } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { type Quirks, wires } from "../../src/openai/index.ts"

const url = "https://api.openai.com/v1/chat/completions"

const decode = (body: unknown, provider = "openai", quirks?: Quirks) =>
  wires(quirks).chat.decode!({ url, body: body as JsonObject }, provider)

const again = (body: unknown, provider = "openai", quirks?: Quirks): JsonValue => {
  const request = Request.make({ provider, ...decode(body, provider, quirks) })
  return JSON.parse(JSON.stringify(wires(quirks).chat.prepare(request).request.body))
}

/** A body that comes back as it was. */
const same = (body: object, provider = "openai", quirks?: Quirks): void => {
  const whole = { model: "m", messages: [{ role: "user", content: "Hi" }], ...body }
  expect(again(whole, provider, quirks)).toEqual(whole)
}

describe("a body that is read and written again is the same", () => {
  it("with content of every kind", () => {
    const image = { type: "image_url", image_url: { url: "https://x.test/a.png", detail: "high" } }
    same({ messages: [{ role: "user", content: [{ type: "text", text: "a" }, image], name: "ada" }] })
    same({ messages: [{ role: "user", content: [{ type: "text", text: "a", cache_control: { type: "ephemeral" } }] }] })
    same({
      messages: [
        {
          role: "user",
          content: [{ type: "image_url", image_url: { url: "data:image/gif;base64,AAAA", format: "x" }, y: 1 }]
        }
      ]
    })
    same({
      messages: [{ role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }] }]
    })
    same({ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }] })
    same({
      messages: [
        {
          role: "user",
          content: [{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }]
        }
      ]
    })
    same({ messages: [{ role: "user", content: [{ type: "file", file: { filename: "a.pdf", file_data: "AAAA" } }] }] })
    same({ messages: [{ role: "user", content: [{ type: "hologram", hologram: { z: 1 } }] }] })
    same({ messages: [{ role: "user", content: "a", annotations: [1], content_filter: true }] })
    same(
      { messages: [{ role: "user", content: [{ type: "video_url", video_url: { url: "https://x.test/a.mp4" } }] }] },
      "x",
      { videos: true }
    )
    same({ messages: [{ role: "user", content: [{ type: "video_url", video_url: { url: "https://x.test/a.mp4" } }] }] })
    same(
      {
        messages: [
          { role: "user", content: [{ type: "file", file: { filename: "a.pdf", file_data: "https://x.test/a" } }] }
        ]
      },
      "x",
      { fileUrls: true }
    )
    const url = decode(
      { messages: [{ role: "user", content: [{ type: "file", file: { file_data: "https://x.test/a" } }] }] },
      "x",
      { fileUrls: true }
    )
    expect(url.messages[0]).toMatchObject({ content: [{ type: "file", data: { href: "https://x.test/a" } }] })
    const drawn = [{ type: "image_url", image_url: { url: "data:image/svg+xml,%3Csvg%2F%3E" } }]
    expect(again({ model: "m", messages: [{ role: "user", content: drawn }] })).toMatchObject({
      messages: [{ content: [{ image_url: { url: `data:image/svg+xml;base64,${btoa("<svg/>")}` } }] }]
    })
    expect(decode({ model: "m", messages: [{ role: "user", content: [image] }] }).messages[0]).toEqual({
      role: "user",
      content: [{
        type: "file",
        mediaType: "image/*",
        data: { _tag: "URL", href: "https://x.test/a.png" },
        options: { openai: { imageDetail: "high" } }
      }]
    })
  })

  it("with rules in parts, and by either name", () => {
    same({ messages: [{ role: "developer", content: "a" }, { role: "system", content: "b", name: "n" }] })
    same(
      { messages: [{ role: "developer", content: "a" }, { role: "system", content: "b" }] },
      "x",
      { systemRole: "developer" }
    )
    const parts = [{ type: "text", text: "a" }, { type: "text", text: "b", cache_control: { type: "ephemeral" } }]
    same({
      messages: [
        { role: "system", content: parts },
        { role: "system", content: [parts[1]] },
        { role: "user", content: "c" }
      ]
    })
    expect(
      decode({ messages: [{ role: "system", content: parts }] }).messages.map(({ content }) => content)
    ).toEqual(["a", "b"])
    expect(again({ model: "m", messages: [{ role: "system", content: [parts[0]] }] })).toMatchObject({
      messages: [{ role: "system", content: "a" }]
    })
  })

  it("with what a model said", () => {
    same({ messages: [{ role: "assistant", content: null, refusal: "no", annotations: [], name: "m" }] })
    same({ messages: [{ role: "assistant", content: "x", prefix: true }] })
    same({ messages: [{ role: "assistant", content: null, audio: { id: "audio_1" } }] })
    same({ messages: [{ role: "assistant", content: "x", reasoning_content: "hm", reasoning: "hm" }] })
    same({ messages: [{ role: "assistant", content: "x", reasoning_content: "hm", reasoning: "oh" }] })
    same(
      { messages: [{ role: "assistant", content: "x", reasoning_content: "" }] },
      "deepseek",
      { reasoningBack: "reasoning_content" }
    )
    same({
      messages: [
        { role: "assistant", content: "x", reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "s" }] }
      ]
    })
    same(
      { messages: [{ role: "assistant", content: "x", reasoning_details: [{ type: "reasoning.text", text: "hm" }] }] },
      "x",
      { reasoningBack: "reasoning" }
    )
    const thinking = { type: "thinking", thinking: [{ type: "text", text: "hm" }], signature: "s" }
    same(
      { messages: [{ role: "assistant", content: [thinking, { type: "text", text: "a" }] }] },
      "mistral",
      { reasoningBack: "thinking" }
    )
    same({ messages: [{ role: "assistant", content: [thinking, { type: "text", text: "a" }] }] })
    same(
      { messages: [{ role: "user", content: [thinking, { type: "text", text: "a" }] }] },
      "mistral",
      { reasoningBack: "thinking" }
    )
  })

  it("with calls and answers of tools", () => {
    const call = {
      id: "c1",
      type: "function",
      function: { name: "f", arguments: `{"a":1}` },
      extra_content: { google: { thought_signature: "s" } }
    }
    const answer = { role: "tool", tool_call_id: "c1", content: "1" }
    same({ messages: [{ role: "assistant", content: null, tool_calls: [call] }, answer] })
    same({
      messages: [{ role: "assistant", content: null, tool_calls: [{ ...call, index: 0 }] }, { ...answer, name: "f" }]
    })
    for (const text of ["{\"a\":", "", "\"x\"", "[1]"]) {
      const odd = { ...call, function: { name: "f", arguments: text } }
      expect(again({ model: "m", messages: [{ role: "assistant", content: null, tool_calls: [odd] }] })).toMatchObject({
        messages: [{ tool_calls: [{ function: { arguments: text === "" ? "{}" : text } }] }]
      })
    }
    same({
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c", type: "custom", custom: { name: "sql", input: "select" } }]
        }
      ]
    })
    same({
      messages: [
        { role: "assistant", content: null, tool_calls: [call] },
        { ...answer, content: [{ type: "text", text: "a", cache_control: {} }] }
      ]
    })
    same({
      messages: [
        { role: "assistant", content: null, tool_calls: [call] },
        {
          ...answer,
          content: [{ type: "text", text: "a" }, { type: "image_url", image_url: { url: "https://x.test/a.png" } }]
        }
      ]
    }, "x", { toolFiles: true })
    const read = decode({ messages: [{ role: "assistant", content: null, tool_calls: [call] }, answer] })
    expect(read.messages[1]).toMatchObject({ content: [{ name: "f", id: "c1", result: "1", isFailure: false }] })
    const two = {
      role: "assistant",
      content: null,
      tool_calls: [call, { id: "c2", type: "function", function: { name: "g", arguments: "{}" } }]
    }
    const named = (...answers: ReadonlyArray<object>) =>
      decode({ messages: [two, ...answers] }).messages.slice(1).map(({ content }) => content)
    expect(named(
      { role: "tool", tool_call_id: "c2", content: "2" },
      answer
    )).toMatchObject([[{ id: "c2", name: "g" }], [{ id: "c1", name: "f" }]])
    expect(named(
      { role: "tool", content: "1" },
      { role: "tool", content: "2" }
    )).toMatchObject([[{ name: "f" }], [{ name: "g" }]])
    expect(named(
      { role: "tool", tool_call_id: "other", content: "1", name: "h" }
    )).toMatchObject([[{ id: "other", name: "h" }]])
    // A client that leaves out the id of the only call is understood.
    expect(
      decode({
        messages: [{ role: "assistant", content: null, tool_calls: [call] }, { role: "tool", content: "1" }]
      }).messages[1]
    )
      .toMatchObject({ content: [{ name: "f", id: "c1" }] })
  })

  it("with the functions of old", () => {
    const functions = [{ name: "f", description: "d", parameters: { type: "object" } }, { name: "g", x: 1 }]
    same({ functions, function_call: "auto" })
    same({
      functions,
      function_call: { name: "f" },
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: null, function_call: { name: "f", arguments: `{"a":1}` } },
        { role: "function", name: "f", content: "1" }
      ]
    })
    const call = { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } }
    const answer = { role: "function", name: "f", content: "1" }
    const ids = decode({ messages: [call, answer, call, answer] }).messages.map(
      ({ content }) => (content[0] as { readonly id: string }).id
    )
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).toBe(ids[3])
    expect(ids[0]).not.toBe(ids[2])
    expect(decode({ messages: [], functions, function_call: { name: "f" } }).options).toMatchObject({
      tools: [{ name: "f" }, { name: "g" }],
      toolChoice: { tool: "f" }
    })
  })

  it("with tools and choices of every kind", () => {
    const tool = { type: "function", function: { name: "f", parameters: {} } }
    same({
      tools: [{ ...tool, cache_control: {} }, { type: "function", function: { name: "g", parameters: {}, x: 1 } }]
    })
    same({
      tools: [{ type: "custom", custom: { name: "sql", format: { type: "text" } } }],
      tool_choice: { type: "custom", custom: { name: "sql" } }
    })
    same({
      tools: [tool],
      tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } },
      parallel_tool_calls: false
    })
    same(
      { tools: [{ type: "browser_search" }, tool], tool_choice: "any" },
      "groq",
      { toolFields: {}, toolChoiceRequired: "any" }
    )
    same({ tools: [{ type: "builtin_function", function: { name: "$web_search" } }] }, "moonshot")
    same({ web_search_options: { search_context_size: "low" } })
    expect(
      decode({ messages: [], web_search_options: {} }).options.tools
    ).toEqual([{ type: "provider", id: "openai.web_search", args: {} }])
  })

  it("with all other fields", () => {
    same({
      audio: {
        voice: "alloy",
        format: "wav"
      }, frequency_penalty: 1, logit_bias: { 1: -1 }, logprobs: true, max_completion_tokens: 5,
      metadata: { a: "b" }, modalities: ["text", "audio"], n: 2, prediction: {
        type: "content",
        content: "x"
      }, presence_penalty: 1,
      prompt_cache_key: "k", reasoning_effort: "low", safety_identifier: "s", seed: 1, service_tier: "flex", stop: ["a"], store: true,
      temperature: 0, top_logprobs: 2, top_p: 1, user: "u", verbosity: "low"
    })
    same({ metadata: { a: "b" } })
    expect(decode({ messages: [], metadata: { a: "b" } }).options.metadata).toEqual({ a: "b" })
    same({ metadata: { a: 1 } })
    same({ user: "", max_completion_tokens: -1, top_k: 5, unknown: { deep: [null] }, top_logprobs: 3 })
    same({
      response_format: { type: "json_schema", json_schema: { name: "n", schema: {}, strict: true, description: "d" } }
    })
    same({ response_format: { type: "json_schema", json_schema: { name: "n", x: 1 } } })
    same({ response_format: { type: "json_object", schema: { type: "object" } } })
    same({ response_format: { type: "grammar", grammar: "g" } })
    same({ stream: true, stream_options: { include_usage: false } })
    same({ stream: true, stream_options: { include_usage: true, include_obfuscation: false } })
    same({ reasoning: { effort: "low", exclude: true } }, "openrouter", { reasoning: "object" })
    const budget: Quirks = {
      reasoning: { budget: { in: "thinking", field: "budget_tokens", with: { type: "enabled" } } }
    }
    same({ thinking: { type: "enabled", budget_tokens: 5 } }, "x", budget)
    same({ thinking: { type: "enabled", budget_tokens: 5, display: "omitted" } }, "x", budget)
    expect(
      decode({ messages: [], thinking: { type: "enabled", budget_tokens: 5 } }, "x", budget).options
    ).toEqual({ reasoning: { budgetTokens: 5 } })
    expect(decode({ messages: [], stream_options: { include_usage: false } }).options).toEqual({})
    same(
      { thinking: { type: "enabled" } },
      "zai",
      { reasoning: { switch: { field: "thinking", on: { type: "enabled" }, off: { type: "disabled" } } } }
    )
    expect(again({ model: "m", messages: [{ role: "user", content: "a" }], stream: true })).toMatchObject({
      stream_options: { include_usage: true }
    })
    expect(again(
      {
        model: "m",
        messages: [{ role: "user", content: "a" }],
        stop: null,
        tools: null,
        temperature: null,
        stream: false
      }
    ))
      .toEqual({ model: "m", messages: [{ role: "user", content: "a" }] })
  })
})
