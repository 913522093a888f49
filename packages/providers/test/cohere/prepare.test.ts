/**
 * Requests in Cohere's words: exact bodies, and what is said of options that cannot be sent.
 *
 * @module
 */
import { Message, Options, type OptionName } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { failure, options, prepared, v1, written } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="
const tool = {
  name: "weather",
  description: "Tells it",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}

describe("a request", () => {
  it("is a POST of model and messages", () => {
    expect(prepared()).toStrictEqual({
      request: {
        method: "POST",
        url: "https://api.cohere.com/v2/chat",
        headers: { "content-type": "application/json" },
        body: { model: "m", messages: [{ role: "user", content: "Hello" }] }
      },
      warnings: []
    })
    expect(
      prepared({ operation: "stream", options: { providerOptions: { cohere: { stream: false } } } }).request.body
    ).toMatchObject({ stream: true })
    expect(
      prepared({ options: { providerOptions: { cohere: { stream: true } } } }).request.body
    ).not.toHaveProperty("stream")
  })

  it("of each operation goes to its own place", () => {
    const url = (init: Parameters<typeof prepared>[0]) => prepared(init).request.url
    expect(url({ config: v1 })).toBe("https://api.cohere.com/v1/chat")
    expect(url({ operation: "completion" })).toBe("https://api.cohere.com/v1/generate")
    expect(url({ operation: "embeddings", config: { baseUrl: "https://eu.test" } })).toBe("https://eu.test/v2/embed")
    expect(url({ operation: "embeddings", config: v1 })).toBe("https://api.cohere.com/v1/embed")
    expect(
      url({
        operation: "list_models",
        options: { page: "a b", providerOptions: { cohere: { endpoint: "chat", page_size: 5, x: null } } }
      })
    )
      .toBe("https://api.cohere.com/v1/models?endpoint=chat&page_size=5&page_token=a+b")
    expect(url({ operation: "list_models" })).toBe("https://api.cohere.com/v1/models")
    expect(url({ operation: "validate" })).toBe("https://api.cohere.com/v1/models?page_size=1")
    expect(failure(() => url({ config: { api: "v3" } })).reason).toMatchObject({ _tag: "Configuration", option: "api" })
  })

  it("needs a message", () => {
    for (const operation of ["chat", "completion", "embeddings"] as const) {
      expect(
        failure(() => prepared({ operation, messages: [] })).reason
      ).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
    }
    expect(failure(() => prepared({ config: v1, messages: [] })).reason).toMatchObject({ parameter: "messages" })
  })
})

describe("options", () => {
  it("have their names in the service's words", () => {
    expect(options({
      temperature: 0.5, maxTokens: 100, topP: 0.9, topK: 40, frequencyPenalty: 0.1, presencePenalty: 0.2, stop: "x", seed: 7, logprobs: true,
      reasoning: { budgetTokens: 500 }, responseFormat: {
        type: "json",
        schema: { type: "object" }
      }, tools: [tool], toolChoice: "required",
      providerOptions: { cohere: { safety_mode: "STRICT", documents: [{ data: { text: "x" } }] }, other: { x: 1 } }
    })).toStrictEqual({
      temperature: 0.5, max_tokens: 100, p: 0.9, k: 40, frequency_penalty: 0.1, presence_penalty: 0.2, stop_sequences: ["x"], seed: 7, logprobs: true,
      thinking: { type: "enabled", token_budget: 500 }, response_format: {
        type: "json_object",
        json_schema: { type: "object" }
      },
      tools: [{
        type: "function",
        function: tool
      }], tool_choice: "REQUIRED", safety_mode: "STRICT", documents: [{ data: { text: "x" } }]
    })
  })

  it.each<readonly [Options, object]>([
    [{ reasoning: {} }, { thinking: { type: "enabled" } }],
    [{ reasoning: { effort: "none" } }, { thinking: { type: "disabled" } }],
    [{ reasoning: { budgetTokens: 0 } }, { thinking: { type: "disabled" } }],
    [{ logprobs: false }, {}],
    [{ responseFormat: { type: "text" } }, { response_format: { type: "text" } }],
    [{ responseFormat: { type: "json" } }, { response_format: { type: "json_object" } }],
    [{ toolChoice: "none" }, {}],
    [
      { tools: [{ ...tool, strict: true }], toolChoice: "none" },
      { tools: [{ type: "function", function: tool }], strict_tools: true, tool_choice: "NONE" }
    ],
    [{ tools: [tool, { name: "now" }], toolChoice: { tool: "now" } }, {
      tools: [{
        type: "function",
        function: { name: "now", parameters: { type: "object", properties: {} } }
      }], tool_choice: "REQUIRED"
    }]
  ])("%j", (given, sent) => {
    expect(options(given)).toStrictEqual(sent)
  })

  it("are each sent, or answered with a warning, or refused", () => {
    const samples: { readonly [Name in OptionName]: NonNullable<Options[Name]> } = {
      model: "m", temperature: 0.5, maxTokens: 1, topP: 0.5, topK: 5, frequencyPenalty: 1, presencePenalty: 1, stop: "x", seed: 1, tools: [tool],
      toolChoice: "required", parallelToolCalls: false, responseFormat: { type: "json" }, reasoning: { effort: "low" }, n: 2, logprobs: true,
      logitBias: { 1: 1 }, user: "u", serviceTier: "flex", page: "p2", dimensions: 8, metadata: { a: "b" }, providerOptions: { cohere: { x: 1 } }
    }
    expect(Object.keys(samples).sort()).toEqual([...Options.names].sort())
    for (const operation of ["chat", "completion", "embeddings"] as const) {
      for (const config of [{}, v1]) {
        const base = operation === "chat" ? { tools: [{ name: "other" }] } : {}
        const bare = JSON.stringify(prepared({ operation, config, options: base }).request.body)
        for (const name of Options.names) {
          let sent
          try {
            sent = prepared({ operation, config, options: { ...base, [name]: samples[name] } })
          } catch {
            expect(["tools", "toolChoice", "responseFormat", "n", "dimensions"]).toContain(name)
            continue
          }
          const silent = JSON.stringify(sent.request.body) === bare && sent.warnings.length === 0
          expect(silent, `${operation} ${name}`).toBe(name === "model" || name === "metadata")
        }
      }
    }
  })

  it("that are sent otherwise than given are said", () => {
    const warned = (given: Options, config = {}) => prepared({ options: given, config }).warnings.map(
      ({ option, type }) => `${type} ${option}`
    )
    expect(warned({ reasoning: { effort: "high", summary: "auto" } })).toEqual([
      "changed-option reasoning",
      "unsupported-option reasoning"
    ])
    expect(warned({ logprobs: 3 })).toEqual(["changed-option logprobs"])
    expect(warned({ tools: [{ ...tool, strict: true }] })).toEqual([])
    expect(warned({ tools: [tool, { ...tool, name: "b", strict: true }] })).toEqual(["changed-option tools"])
    expect(warned({ tools: [tool, { name: "b" }], toolChoice: { tool: "b" } })).toEqual(["changed-option toolChoice"])
    expect(
      warned({ responseFormat: { type: "json", description: "d" } })
    ).toEqual(["unsupported-option responseFormat"])
    expect(
      warned(
        { tools: [{ name: "a", parameters: { type: "object", properties: { x: { type: "string", enum: ["a"] } } } }] },
        v1
      )
    ).toEqual(["changed-option tools"])
    expect(failure(() => options({ toolChoice: "required" })).reason._tag).toBe("InvalidRequest")
    expect(failure(() => options({ tools: [tool], toolChoice: { tool: "x" } })).reason._tag).toBe("InvalidRequest")
    expect(
      failure(() => options({ tools: [{ type: "provider", id: "openai.web_search" }] })).reason._tag
    ).toBe("Unsupported")
  })
})

describe("messages", () => {
  it("hold images, and give texts as documents", () => {
    const text = Buffer.from("Grüße").toString("base64")
    const sent = prepared({
      messages: [Message.system("Be"), { role: "user", options: { cohere: { x: 1 } }, content: [
        { type: "text", text: "What?" },
        { type: "file", mediaType: "image/*", data: image, options: { cohere: { imageDetail: "high" } } },
        { type: "file", mediaType: "image/*", data: { _tag: "URL", href: "https://x.test/a.png" } },
        { type: "file", mediaType: "text/plain", fileName: "a.txt", data: text, options: { cohere: { id: "doc:1" } } }
      ] }],
      options: { providerOptions: { cohere: { documents: ["first"] } } }
    }).request.body!
    expect(sent.messages).toStrictEqual([
      { role: "system", content: "Be" },
      { role: "user", x: 1, content: [
        { type: "text", text: "What?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${image}`, detail: "high" } },
        { type: "image_url", image_url: { url: "https://x.test/a.png" } }
      ] }
    ])
    expect(sent.documents).toStrictEqual(["first", { data: { title: "a.txt", text: "Grüße" }, id: "doc:1" }])
    const file = (mediaType: string, data: string) => () => written([{
      role: "user",
      content: [{ type: "file", mediaType, data }]
    }])
    expect(failure(file("application/pdf", image)).reason._tag).toBe("Unsupported")
    expect(failure(file("text/plain", "https://x.test/a.txt")).reason._tag).toBe("Unsupported")
  })

  it("give reasoning back where it came from, and text beside calls as the plan", () => {
    const call = { type: "tool-call" as const, id: "a", name: "f", params: { x: 1 } }
    const ours = (type: string, text: string) => ({ type: "reasoning" as const, text, options: { cohere: { type } } })
    const assistant = (...content: ReadonlyArray<object>) => (
      written([{ role: "assistant", content: content as never }]) as ReadonlyArray<object>
    )[0]
    const tool_calls = [{ id: "a", type: "function", function: { name: "f", arguments: "{\"x\":1}" } }]
    expect(assistant(ours("thinking", "Hm."), { type: "text", text: "Hi" })).toStrictEqual({
      role: "assistant", content: [{ type: "thinking", thinking: "Hm." }, { type: "text", text: "Hi" }]
    })
    expect(assistant(ours("tool_plan", "I will."), call)).toStrictEqual({
      role: "assistant",
      tool_plan: "I will.",
      tool_calls
    })
    expect(assistant(ours("thinking", "Hm."), call)).toStrictEqual({
      role: "assistant",
      content: [{ type: "thinking", thinking: "Hm." }],
      tool_calls
    })
    expect(assistant({ type: "text", text: "Wait." }, call)).toStrictEqual({
      role: "assistant",
      tool_plan: "Wait.",
      tool_calls
    })
    expect(assistant({ type: "text", text: "" }, call)).toStrictEqual({ role: "assistant", tool_calls })
    expect(
      assistant(
        { type: "reasoning", text: "Foreign.", options: { anthropic: { signature: "s" } } },
        { type: "text", text: "Hi" }
      )
    )
      .toStrictEqual({ role: "assistant", content: "Hi" })
    expect(assistant()).toStrictEqual({ role: "assistant", content: "" })
    expect(
      assistant({ type: "raw", provider: "cohere", value: { type: "x" } }, {
        type: "raw",
        provider: "openai",
        value: { type: "y" }
      })
    )
      .toStrictEqual({ role: "assistant", content: [{ type: "x" }] })
    expect(
      prepared({
        messages: [{ role: "assistant", content: [{ type: "file", mediaType: "image/png", data: image }] }]
      }).warnings.length
    ).toBe(1)
  })

  it("give results as texts or documents, and say what failed", () => {
    const result = (result: unknown, isFailure = false, more = {}) =>
      ({ type: "tool-result" as const, id: "a", name: "f", isFailure, result, ...more })
    const sent = written([
      { role: "tool", content: [
        result("15°C"), result({ t: 15 }), result([
          { a: 1 },
          { b: 2 }
        ]), result([1, 2]), result(null), result("boom", true), result({ why: 1 }, true),
        result(0, false, {
          modelOutput: [{ type: "text", text: "See" }, { type: "file", mediaType: "image/png", data: image }]
        })
      ] },
      Message.user("And?")
    ]) as ReadonlyArray<{ readonly role: string; readonly content: unknown }>
    const document = (data: object) => ({ type: "document", document: { data } })
    expect(sent.map(({ content }) => content)).toEqual([
      "15°C", [document({ t: 15 })], [
        document({ a: 1 }),
        document({ b: 2 })
      ], "[1,2]", "null", "Error: boom", [document({ error: { why: 1 } })], "See",
      [
        { type: "text", text: "Files from the tool f:" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } }
      ], "And?"
    ])
  })
})
